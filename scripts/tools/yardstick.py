"""Behind scripts/yardstick, which says what the arguments are.

    chronicles    hashes of all that peers see in simulated worlds: 2,000 innocent and 2,000 faulty ones
    replays       hashes of what `sendonce replay` prints for each recorded trace
    instructions  of user code a request, counted by callgrind between two marks; and with them calls of what counts
                  references or allocates, which a request must not need
    calls         system calls a request, counted by strace
    sizes         bytes of a connection and of an exchange before any buffer
    memory        anonymous memory of both processes at rest, in KiB
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import certificates  # noqa: E402
import upstream  # noqa: E402
from configuration import configuration, yaml  # noqa: E402

SENDONCE, WORLDS = os.environ["SENDONCE"], os.environ["RUN_WORLDS"]
BUDGETS = ROOT / "scripts/tools/budgets.json"
WORLDS_OF_A_SORT, CHUNK = 2000, 250
COUNTED = {
    "references": {"swift_retain", "swift_release", "swift_bridgeObjectRetain", "swift_bridgeObjectRelease", "swift_beginAccess"},
    "allocations": {"swift_allocObject", "swift_slowAlloc", "malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"},
}
FIELDS = [word for number in range(40) for word in ("-H", f"x-field-{number}: value-{number:04}-of-a-field")]
SCENARIOS = {
    "h1_small": ("http", ["--h1"], "/small"),
    "h1_64k": ("http", ["--h1"], "/64k"),
    "h1_40_fields": ("http", ["--h1", *FIELDS], "/small"),
    "h2c_small": ("http", [], "/small"),
    "tls_small": ("https", ["--h1"], "/small"),
}


def chronicles(_budgets):
    """By sort: the hash of all, and of each world, so that a comparison can name one."""
    found = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for sort in ("innocent", "faulty"):
            def run(base):
                return subprocess.run([WORLDS, "chronicles", str(CHUNK), sort, str(base)], capture_output=True, text=True, check=True).stdout
            lines = "".join(pool.map(run, range(1, 1 + WORLDS_OF_A_SORT // CHUNK))).splitlines()
            for line in lines:
                seed, value = line.split()
                found[f"{sort} {seed}"] = value
            found[sort] = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    return found


def replays(_budgets):
    traces = sorted((ROOT / "Tests/Traces").rglob("*.trace"))

    def run(trace):
        done = subprocess.run([SENDONCE, "replay", str(trace)], capture_output=True, text=True, cwd=ROOT)
        return hashlib.sha256(f"{done.returncode} {done.stdout}".encode()).hexdigest()[:16]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        values = list(pool.map(run, traces))
    found = {str(trace.relative_to(ROOT / "Tests/Traces")): value for trace, value in zip(traces, values)}
    found["all"] = hashlib.sha256("".join(values).encode()).hexdigest()[:16]
    return found


class Origin:
    """nginx, which sends each answer in as few pieces as can be."""

    def __init__(self, directory):
        kept, self.address = upstream.refusing_address()
        kept.close()
        pathlib.Path(directory, "64k").write_bytes(b"x" * (64 << 10))
        path = pathlib.Path(directory, "nginx.conf")
        path.write_text(
            f"daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log crit;\nevents {{}}\n"
            f"http {{ access_log off; keepalive_requests 1000000000; sendfile off; output_buffers 1 128k; server {{ listen {self.address} sndbuf=512k;\n"
            f"location /small {{ return 200 ok; }} location /64k {{ root {directory}; }} }} }}\n")
        self.process = subprocess.Popen(["nginx", "-p", directory, "-c", str(path)], stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Proxy:
    """One process and one worker, with a cleartext and a TLS listener."""

    def __init__(self, directory, origin, wrapper=(), program=SENDONCE, supervised=False):
        config = configuration(origin, directory)
        config["listeners"] = [{"address": "127.0.0.1:0", "protocols": ["http1", "http2"]},
                               {"address": "127.0.0.1:0", "tls": certificates.pair("shop")}]
        path = pathlib.Path(directory, "sendonce.yaml")
        path.write_text(yaml(config))
        environment = os.environ | ({} if supervised else {"SENDONCE_SUPERVISE": "off"})
        self.process = subprocess.Popen([*wrapper, program, "run", "--config", str(path)], env=environment, stderr=subprocess.PIPE, text=True)
        self.addresses = []
        for line in self.process.stderr:
            if match := re.search(r"listening address=(\S+) role=proxy", line):
                self.addresses.append(match[1])
            if "role=admin" in line:
                break
        else:
            raise RuntimeError("the proxy does not listen")

    def ask(self, scenario, count):
        """So many requests, one after the other on one connection."""
        scheme, options, path = SCENARIOS[scenario]
        url = f"{scheme}://{self.addresses[scheme == 'https']}{path}"
        out = subprocess.run(["h2load", "-n", str(count), "-c", "1", "-m", "1", "-t", "1", *options, url], capture_output=True, text=True).stdout
        if f"{count} succeeded" not in out:
            raise RuntimeError(f"{scenario}: {out}")

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.wait()


def counted(path):
    """Instructions in a callgrind dump, and how often each function was called."""
    names, calls, callee = {}, {}, None
    total = 0
    for line in path.open():
        if match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            if match[2]:
                names[match[1]] = match[2]
            if line[0] == "c":
                callee = match[1]
        elif line.startswith("calls="):
            calls[callee] = calls.get(callee, 0) + int(line[6:].split()[0])
        elif line.startswith(("totals:", "summary:")):
            total = int(line.split()[1])
    return total, {name: sum(count for number, count in calls.items() if names.get(number) == name) for name in set(names.values())}


def least(measure, part, budgets, at_least):
    """Of several measurements the one with the least of its first figure: what a busy machine does to them adds, and never takes away.
    More, up to five, while one is over a budget.
    """
    made = []
    while len(made) < at_least or (len(made) < 5 and over(part, best, budgets)):
        made.append(measure())
        best = min(made, key=lambda one: next(iter(one.values())))
    return best


def over(part, found, budgets):
    return [name for name, value in found.items() if value > budgets.get(f"{part}: {name}", value)]


def instructions(budgets, requests=200):
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        origin = Origin(directory)
        out = pathlib.Path(directory, "callgrind")
        # valgrind gives up on Swift's debugging information; the symbols stay.
        program = f"{directory}/sendonce"
        subprocess.run(["objcopy", "--strip-debug", SENDONCE, program], check=True)
        proxy = Proxy(directory, origin.address, ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-instr=no"],
                      program)

        def control(what):
            subprocess.run(["callgrind_control", what, str(proxy.process.pid)], capture_output=True, check=True, timeout=60)
        try:
            dumps = []

            def measure(scenario):
                # Connections to the origin, what each of some 64 remembers of its last exchanges, buffers and lazily bound calls
                # are there before what counts begins.
                proxy.ask(scenario, 5 * requests)
                # Two handshakes differ by some 100,000 instructions: among so many requests that is less than a hundredth of one.
                measured = 10 * requests if SCENARIOS[scenario][0] == "https" else requests
                totals = []
                for count in (requests // 4, measured + requests // 4):
                    control("-z")
                    proxy.ask(scenario, count)
                    control("-d")
                    dumps.append(pathlib.Path(f"{out}.{len(dumps) + 1}"))
                    totals.append(counted(dumps[-1]))
                (few, few_calls), (many, many_calls) = totals
                each = {name: (many_calls.get(name, 0) - few_calls.get(name, 0)) / measured for name in many_calls}
                return {f"{scenario} instructions": round((many - few) / measured)} | {
                    f"{scenario} {what}": round(max(sum(each.get(name, 0) for name in names), 0), 2) for what, names in COUNTED.items()}
            for scenario in SCENARIOS:
                found |= least(lambda: measure(scenario), "instructions", budgets, 2)
        finally:
            proxy.stop()
            origin.stop()
    return found


def system_calls(budgets, requests=1000):
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        origin = Origin(directory)
        proxy = Proxy(directory, origin.address)
        try:
            def measure(scenario):
                totals = []
                proxy.ask(scenario, requests // 4)
                for count in (requests // 4, requests + requests // 4):
                    table = pathlib.Path(directory, "strace")
                    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(table), "-p", str(proxy.process.pid)], stderr=subprocess.PIPE, text=True)
                    # It says so when it has each thread.
                    for line in tracer.stderr:
                        if "attached" in line:
                            break
                    proxy.ask(scenario, count)
                    tracer.send_signal(signal.SIGINT)
                    tracer.wait()
                    tracer.stderr.close()
                    rows = re.findall(r"(?m)^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", table.read_text())
                    totals.append({name: int(count) for count, name in rows if name != "total"})
                few, many = totals
                each = {name: (many[name] - few.get(name, 0)) / requests for name in many}
                return {f"{scenario} calls": round(sum(each.values()), 2)} | {
                    f"{scenario} {name}": round(count, 2) for name, count in sorted(each.items(), key=lambda one: -one[1]) if count >= 0.05}
            for scenario in SCENARIOS:
                found |= least(lambda: measure(scenario), "calls", budgets, 1)
        finally:
            proxy.stop()
            origin.stop()
    return found


def sizes(_budgets):
    lines = subprocess.run([WORLDS, "sizes"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: int(count) for name, count in map(str.split, lines)}


def memory(_budgets):
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        proxy = Proxy(directory, "127.0.0.1:1", supervised=True)
        try:
            before = None
            while before != (now := anonymous(proxy)):
                before = now
                time.sleep(0.2)
            found["supervisor KiB"], found["worker process KiB"] = now
        finally:
            proxy.stop()
    return found


def anonymous(proxy):
    texts = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in proxy.pids())
    return [int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M)[1]) for text in texts]


PARTS = {"chronicles": chronicles, "replays": replays, "instructions": instructions, "calls": system_calls, "sizes": sizes, "memory": memory}
# What a measurement may be off by, as a share and as a number.
TOLERANCE = {"chronicles": (0, 0), "replays": (0, 0), "instructions": (0.01, 0.05), "calls": (0.02, 0.06), "sizes": (0, 0), "memory": (0.1, 200)}


def is_shown(part, name):
    """Not the worlds and traces one by one."""
    return {"chronicles": " " not in name, "replays": name == "all"}.get(part, True)


def differs(part, before, now):
    if isinstance(before, str) or isinstance(now, str):
        return before != now
    share, number = TOLERANCE[part]
    return abs(now - before) > max(share * before, number)


def table(found, saved):
    width = max(len(name) for part in found.values() for name in part if len(name) < 50)
    different = 0
    for part, values in found.items():
        print(f"\n{part}")
        for name, value in values.items():
            before = saved.get(part, {}).get(name)
            is_different = before is not None and differs(part, before, value)
            different += is_different
            if is_shown(part, name) or is_different:
                remark = "" if before is None else "   DIFFERS from %s" % before if is_different else "   same" if before == value else f"   {before} before"
                print(f"  {name:{width}}  {value:>16}{remark}")
        for name in sorted(saved.get(part, {}).keys() - values.keys()):
            if part in ("chronicles", "replays"):
                different += 1
                print(f"  {name}: gone")
    return different


def over_budget(found, budgets):
    count = 0
    for name, budget in budgets.items():
        part, _, rest = name.partition(": ")
        if part not in found:
            continue
        value = found[part][rest]
        is_over = value > budget
        count += is_over
        print(f"  {name:40}  {value:>10}  of {budget}{'   OVER' if is_over else ''}")
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--save")
    parser.add_argument("--compare")
    parser.add_argument("--budgets", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    parts = arguments.only.split(",") if arguments.only else ["instructions", "calls", "sizes"] if arguments.budgets else list(PARTS)
    budgets = json.loads(BUDGETS.read_text()) if arguments.budgets else {}
    found = {part: PARTS[part](budgets) for part in parts}
    if arguments.budgets:
        count = over_budget(found, budgets)
        print(f"{count} over budget" if count else "all within their budgets")
        return count > 0
    saved = json.loads(pathlib.Path(arguments.compare).read_text()) if arguments.compare else {}
    different = table(found, saved)
    if arguments.save:
        pathlib.Path(arguments.save).write_text(json.dumps(found, indent=1) + "\n")
    if arguments.compare:
        print(f"\n{different} differ" if different else "\nnothing differs")
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
