"""Programs under the probe, without a proxy: their marks, and what the probe writes of them."""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

import client

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROBE = ROOT / "Sources/NodeProbe/sendonce-probe.cjs"
APPS = ROOT / "Tests/EndToEnd/apps"

Mark = collections.namedtuple("Mark", "route path first second")


def marks(program):
    """The programs of a file, by the comments that say where the first and the second send stand."""
    lines = collections.defaultdict(dict)
    for number, line in enumerate((APPS / program).read_text().split("\n"), 1):
        if match := re.search(r"// (first|second) (\S+)$", line):
            lines[match[2]][match[1]] = number
    return [Mark(route, re.sub(r":\w+|\{id\}", "7", route), both["first"], both["second"]) for route, both in lines.items()]


def preload(runtime):
    """How a runtime is told to load the probe first."""
    name = pathlib.Path(runtime).name
    if name.startswith("bun"):
        return ["--preload", str(PROBE)]
    return ["run", "-A", "--require", str(PROBE)] if name.startswith("deno") else ["--require", str(PROBE)]


class Probed:
    """A program under the probe; `file` is where its reports go."""

    def __init__(self, program, directory, runtime="node", arguments=None, apps=APPS, **environment):
        if not shutil.which(runtime):
            raise RuntimeError(f"no {runtime} on PATH: scripts/setup --test installs Node")
        self.file = pathlib.Path(directory) / "reports.jsonl"
        defaults = {} if "SENDONCE_PROBE_SOCKET" in environment else {"SENDONCE_PROBE_FILE": str(self.file)}
        paths = [path for path in (os.environ.get("NODE_PATH"), "/usr/share/nodejs") if path]
        self.process = subprocess.Popen(
            [runtime, *(preload(runtime) if arguments is None else arguments), str(pathlib.Path(apps) / program)],
            env=os.environ | {"PORT": "0", "NODE_PATH": ":".join(paths)} | defaults | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not (match := re.match(r"LISTENING (\S+)", line)):
            raise RuntimeError(f"{program} did not start: {line}{self.process.communicate()[1]}")
        self.address = f"127.0.0.1:{match[1]}"

    def connect(self):
        return client.Client(self.address)

    def records(self):
        try:
            return [json.loads(line) for line in self.file.read_text().split("\n")[:-1]]
        except FileNotFoundError:
            return []

    def stop(self):
        self.process.kill()
        self.process.communicate()


def lines(frames, program):
    """The lines of the program that a stack names, the topmost first."""
    return [int(match[1]) for frame in frames if (match := re.search(re.escape(program) + r":(\d+)", frame))]


def ask_by_http2(app, path):
    """The fields of the answer, as text; of some programs no whole answer comes."""
    return subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-D", "-", "-o", "/dev/null", "-m", "20", "-H", "X-Request-Id: asked", "-H", "SendOnce-Id: e1",
         f"http://{app.address}{path}"], capture_output=True, text=True, timeout=30).stdout


def echoes_in(fields):
    return re.findall(r"(?im)^sendonce-id: (.*?)\r?$", fields)
