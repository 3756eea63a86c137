"""Behind scripts/bench, which says what the arguments are.

The proxy has CPU 0 for itself, its upstream, the load and this program share CPU 1, in a network of their own where that may be had.
A round asks each proxy in turn, each with a fresh process and a warm-up; a ratio is taken to the proxies of the same round, so that
what slows the machine for a while slows both.

    CPU        run time of the proxy's processes as the scheduler counts it, in microseconds a request: what it does in the kernel included
    idle       memory of its own that connections take on which nothing happens, in bytes for each
    start      from the start of the process to its first answer, in milliseconds
    others     what other programs used of the two CPUs meanwhile, as a share of one
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import random
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import loads
import parts
import proxies

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/performance.md"
IDLE = {"plain": 4000, "tls": 2000, "h2c": 2000}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def enter_network():
    """A network of its own has its own ports and its own choice of congestion control; only root has it for the asking."""
    if os.environ.get("BENCH_NETWORK") or os.geteuid() != 0:
        return
    os.environ["BENCH_NETWORK"] = "own"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def prepare():
    if os.environ.get("BENCH_NETWORK"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # bbr, which some machines have, paces with timers also where there is no network.
        for name, value in (("tcp_congestion_control", "reno"), ("ip_local_port_range", "10000 65000"), ("tcp_max_syn_backlog", "8192")):
            try:
                pathlib.Path(f"/proc/sys/net/ipv4/{name}").write_text(value)
            except OSError:
                pass
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {1})


def certificate(folder):
    """A self-signed pair for P-256, which every proxy here takes."""
    pair = (f"{folder}/certificate.pem", f"{folder}/key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=localhost", "-keyout", pair[1], "-out", pair[0]], check=True, capture_output=True)
    return pair


def run_time(pids):
    """Nanoseconds that the threads have run."""
    total = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(path.read_text().split()[0])
    return total


def busy_time():
    """Seconds that the two CPUs were busy."""
    lines = [line.split() for line in pathlib.Path("/proc/stat").read_text().splitlines() if re.match(r"cpu[01] ", line)]
    return sum(int(value) for line in lines for value in line[1:4] + line[6:9]) / os.sysconf("SC_CLK_TCK")


def anonymous(pids):
    texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M)[1]) for text in texts) * 1024


def cell(kind, scenario, origins, pair, seconds, watch=lambda pids: contextlib.nullcontext()):
    """One proxy under one load, once; `watch` gives what looks on at its processes meanwhile."""
    proxy = kind(origins.addresses[scenario.origin], pair)
    try:
        subprocess.run([*loads.CPU, *scenario.load(proxy, 1)], capture_output=True, timeout=60)
        command = scenario.load(proxy, seconds)
        pids = proxy.pids()
        before, theirs, busy, began = run_time(pids), run_time(origins.pids()), busy_time(), time.perf_counter()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with watch(pids):
            done = subprocess.run([*loads.CPU, *command], capture_output=True, text=True, timeout=seconds + 60)
        took = time.perf_counter() - began
        ours = run_time(pids) - before
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        known = (ours + run_time(origins.pids()) - theirs) / 1e9 + after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        found = loads.read(command, done.stdout + done.stderr)
        if found["done"] == 0:
            raise RuntimeError(f"nothing was answered: {done.stdout[-300:]}{done.stderr[-300:]}")
        return found | {"cpu": ours / 1e3 / found["done"], "rate": found["done"] / took, "others": max(0, busy_time() - busy - known) / took}
    finally:
        proxy.stop()


def idle(kind, what, origins, pair):
    """Bytes for each connection on which nothing happens any more."""
    proxy = kind(origins.addresses["nginx"], pair)
    held = []
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        before = anonymous(proxy.pids())
        for _ in range(IDLE[what]):
            one = socket.create_connection(("127.0.0.1", {"plain": proxy.plain, "tls": proxy.tls, "h2c": proxy.h2c}[what]))
            if what == "tls":
                one = context.wrap_socket(one)
            if what == "h2c":
                one.sendall(PREFACE)
            else:
                one.sendall(b"GET /small HTTP/1.1\r\nHost: bench\r\n\r\n")
            one.recv(4096)
            held.append(one)
        time.sleep(1)
        return (anonymous(proxy.pids()) - before) / len(held)
    finally:
        for one in held:
            one.close()
        proxy.stop()


def start(kind, origins, pair):
    proxy = kind(origins.addresses["nginx"], pair)
    proxy.stop()
    return proxy.start_time * 1e3


def measure(names, scenarios, rounds, seconds, keep):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        pair = certificate(folder)
        origins = loads.Origins(folder, proxies.free_port)

        def note(scenario, name, round_, what):
            try:
                value = what()
            except (RuntimeError, OSError, subprocess.TimeoutExpired, AttributeError, TypeError) as error:
                print(f"{scenario:12} {name:16} failed: {str(error)[-200:]}", flush=True)
                return
            found.setdefault(scenario, {}).setdefault(name, {})[round_] = value
            shown = value if isinstance(value, float) else value["cpu"]
            print(f"{scenario:12} {name:16} {shown:10.2f}", flush=True)
        try:
            for round_ in range(rounds):
                for scenario in scenarios:
                    order = [name for name in names if scenario not in loads.SCENARIOS or loads.SCENARIOS[scenario].need in proxies.ALL[name].speaks]
                    random.shuffle(order)
                    for name in order:
                        kind = proxies.ALL[name]
                        if scenario == "start":
                            note(scenario, name, round_, lambda: start(kind, origins, pair))
                        elif scenario.startswith("idle_"):
                            note(scenario, name, round_, lambda: idle(kind, scenario[5:], origins, pair))
                        else:
                            note(scenario, name, round_, lambda: cell(kind, loads.SCENARIOS[scenario], origins, pair, seconds))
                if keep:
                    keep.write_text(json.dumps(found, indent=1) + "\n")
        finally:
            origins.stop()
    return found


def profile(names, scenarios, seconds):
    """{(scenario, proxy): (share of each part, microseconds a request)}."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        pair = certificate(folder)
        origins = loads.Origins(folder, proxies.free_port)
        try:
            for scenario in scenarios:
                for name in names:
                    kind, samples = proxies.ALL[name], []
                    # Sampling makes the proxy slower: what a request costs is measured without it.
                    cost = cell(kind, loads.SCENARIOS[scenario], origins, pair, seconds)["cpu"]

                    def watch(pids):
                        samples.append(parts.Samples(pids))
                        return samples[0]
                    cell(kind, loads.SCENARIOS[scenario], origins, pair, seconds, watch)
                    found[scenario, kind.name] = samples[0].shares, cost
        finally:
            origins.stop()
    return found


def figure(value):
    return value if isinstance(value, float) else value["cpu"]


def spread(values):
    middle = statistics.median(values)
    form = "{:,.0f}" if middle >= 100 else "{:.1f}"
    return f"{form.format(middle)} [{form.format(min(values))}-{form.format(max(values))}]"


def ratio(ours, theirs):
    """Medians of the rounds that both have."""
    shared = sorted(ours.keys() & theirs.keys())
    return statistics.median(figure(ours[one]) / figure(theirs[one]) for one in shared) if shared else float("nan")


UNITS = {"start": "start to first answer, ms", "idle_plain": "idle connection, plain, bytes", "idle_tls": "idle connection, TLS, bytes",
         "idle_h2c": "idle connection, h2c, bytes"}


def table(found, names):
    """Rows of the scenarios, columns of the proxies; the ratio to the best that is none of ours."""
    shown = [name for name in names if any(name in row for row in found.values())]
    lines = ["| scenario | " + " | ".join(proxies.ALL[name].name for name in shown) + " | of the best peer |",
             "| --- |" + " --- |" * (len(shown) + 1)]
    for scenario, row in found.items():
        what = UNITS.get(scenario) or f"`{scenario}`: {loads.SCENARIOS[scenario].what}"
        cells = [spread([figure(value) for value in row[name].values()]) if name in row else "-" for name in shown]
        peers = [name for name in row if not name.startswith("sendonce")]
        last = "-"
        if peers and "sendonce" in row:
            best = min(peers, key=lambda name: statistics.median(map(figure, row[name].values())))
            last = f"**{ratio(row['sendonce'], row[best]):.2f}** ({proxies.ALL[best].name})"
        lines.append(f"| {what} | " + " | ".join(cells) + f" | {last} |")
    return lines


def latencies(found, names):
    """Percentiles where a load tells them, medians of the rounds."""
    lines = []
    for scenario, row in found.items():
        cells = [f"{proxies.ALL[name].name} {statistics.median(v['p50'] for v in row[name].values()):.0f} / "
                 f"{statistics.median(v['p99'] for v in row[name].values()):.0f}"
                 for name in names if name in row and all(isinstance(v, dict) and "p50" in v for v in row[name].values())]
        if cells:
            lines.append(f"- `{scenario}`: " + " · ".join(cells))
    return lines


def machine(found):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", info)
    others = [value["others"] for row in found.values() for rounds in row.values() for value in rounds.values() if isinstance(value, dict)]
    disturbed = f"; other programs used {statistics.median(others):.2f} of a CPU meanwhile ({max(others):.2f} at the most)" if others else ""
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release().split('-')[0]}{disturbed}"


def write(found, names, arguments):
    failed = {(scenario, name): sum(value.get("failed", 0) for value in rounds.values() if isinstance(value, dict))
              for scenario, row in found.items() for name, rounds in row.items()}
    text = [f"Measured on {time.strftime('%Y-%m-%d')} by `scripts/bench --rounds {arguments.rounds} --seconds {arguments.seconds:g}`: {machine(found)}.",
            f"Versions: {', '.join(dict.fromkeys(proxies.version(proxies.ALL[name]) for name in names))}; Node "
            + subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip() + ".", "",
            "CPU microseconds a request unless a row says otherwise: the median of the rounds, and from the least to the most.", ""]
    text += table(found, names)
    text += ["", "Time to an answer in microseconds, half of them and 99 % (at full speed the load sets it, not the proxy):", ""] + latencies(found, names)
    for (scenario, name), count in failed.items():
        if count:
            text.append(f"- {proxies.ALL[name].name} failed {count} requests of `{scenario}`.")
    put("bench", text)


def put(mark, text):
    """Puts the lines into the page, between the marks of that name."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
    head, rest = PAGE.read_text().split(begin, 1)
    PAGE.write_text(head + begin + "\n" + "\n".join(text) + "\n\n" + end + rest.split(end, 1)[1])
    print("\n".join(text))


def main():
    every = [*loads.SCENARIOS, "start", *(f"idle_{what}" for what in IDLE)]
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--proxies", default=",".join(proxies.ALL))
    parser.add_argument("--scenarios", default=",".join(every))
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--from", dest="source", type=pathlib.Path)
    arguments = parser.parse_args()
    names = [name for name in arguments.proxies.split(",") if proxies.ALL[name].installed()]
    if arguments.parts:
        enter_network()
        prepare()
        text = [f"Measured on {time.strftime('%Y-%m-%d')} by `scripts/bench --parts --scenarios {arguments.scenarios} --seconds {arguments.seconds:g}`, in "
                "microseconds a request.", "", *parts.table(profile(names, arguments.scenarios.split(","), arguments.seconds))]
        return put("parts", text) if arguments.write else print("\n".join(text))
    if arguments.source:
        found = json.loads(arguments.source.read_text())
    else:
        enter_network()
        prepare()
        found = measure(names, arguments.scenarios.split(","), arguments.rounds, arguments.seconds, arguments.keep)
    if arguments.write:
        write(found, names, arguments)
    else:
        print("\n".join(table(found, names)))


if __name__ == "__main__":
    main()
