#!/usr/bin/env python3
"""What the probe sees in other versions of Node, in Bun and in Deno: every marked program of the tests, under each runtime given.

    probe_versions.py RUNTIME...     paths of programs, as they come from Debian, PyPI or anywhere else

Prints a table; exits 1 where a version of Node misses a line.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import probed  # noqa: E402

PROGRAMS = ["probe_express.js", "probe_raw.js", "probe_shapes.js", "probe_h2.js"]
# Its first answer is written on the socket itself.
WITHOUT_ECHO = "/socket-before"


def link(name, apps, packages=pathlib.Path("/usr/share/nodejs")):
    """Debian's package beside the programs, with what it depends on: Deno looks nowhere else."""
    target = apps / "node_modules" / name
    if target.exists() or not (packages / name / "package.json").exists():
        return
    shutil.copytree(packages / name, target)
    for other in json.loads((packages / name / "package.json").read_text()).get("dependencies", {}):
        link(other, apps)


def echoes(one):
    """Whether the answer that comes has the request's id; of some programs nobody can read the answer."""
    try:
        return one.read_response().field("SendOnce-Id") == "e1"
    except Exception:
        return True


def ask(app, path, held):
    """The connection is held until the program has been looked at: one of these writes to it late."""
    one = held.enter_context(app.connect())
    one.request(path, fields=["SendOnce-Id: e1"])
    return echoes(one)


def ask_by_http2(app, path, held):
    echoes = probed.echoes_in(probed.ask_by_http2(app, path))
    return echoes == ["e1"] or "write-after" in path


def judge(runtime, program, mark, directory, apps):
    app = probed.Probed(program, directory, runtime=runtime, apps=apps)
    with contextlib.ExitStack() as held:
        held.callback(app.stop)
        echoed = (ask_by_http2 if program == "probe_h2.js" else ask)(app, mark.path, held)
        deadline = time.monotonic() + 3
        while not app.records() and time.monotonic() < deadline:
            time.sleep(0.01)
    records = app.records()
    app.file.unlink(missing_ok=True)
    if len(records) != 1:
        return f"{len(records)} records"
    application = records[0]["application"]
    found = [probed.lines(application[which], program)[:1] for which in ("first", "second")]
    if found != [[mark.first], [mark.second]]:
        return f"lines {found} instead of {mark.first}, {mark.second}"
    return "" if echoed or mark.path == WITHOUT_ECHO else "no echo"


def main(runtimes):
    if not runtimes:
        sys.exit(__doc__)
    failed = False
    for runtime in runtimes:
        version = subprocess.run([runtime, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
        with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
            # Deno takes a program for CommonJS where a package says so.
            apps = pathlib.Path(directory) / "apps"
            shutil.copytree(probed.APPS, apps)
            (apps / "package.json").write_text('{"type":"commonjs"}\n')
            for package in ("express", "connect"):
                link(package, apps)
            misses, count = [], 0
            for program in PROGRAMS:
                for mark in probed.marks(program):
                    try:
                        miss = judge(runtime, program, mark, directory, apps)
                    except RuntimeError as error:
                        miss = str(error).split("\n")[0][:100]
                    count += 1
                    if miss:
                        misses.append(f"{program} {mark.path}: {miss}")
        print(f"{version}: {count - len(misses)} of {count}", *misses, sep="\n    ", flush=True)
        failed |= bool(misses) and version.startswith("v") and int(version[1:].split(".")[0]) > 14
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
