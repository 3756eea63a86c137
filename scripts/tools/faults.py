#!/usr/bin/env python3
"""Faults on purpose, in the real binary, under the load of clients that do nothing wrong.

    faults.py [NAME]... [--list] [--scale N]

Two Node servers behind SendOnce, eight lanes of clients before it. Each fault is done to the running whole. Held for each: no answer is wrong, be it
another's or damaged; no more are lost than the fault may cost; what clients saw as 502, 503 and 504 is what SendOnce has counted; the lanes
come to rest again, and every server serves again. --scale: how many idle and hostile clients there are, each (default 2000).

SENDONCE is the binary. Ends with 1 when anything of this is not so.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import hostile
import upstream
from harness import wait_for
from innocents import LANES
from memory_group import MemoryGroup
from stage import Stage

HERE = pathlib.Path(__file__).resolve().parent
COUNTED = {"500", "502", "503", "504"}
# What may be lost where whoever is being served is cut off: what each lane has on its way, and once more for a server that looked well.
ON_THE_WAY = 2 * LANES


FAULTS = {}


def fault(may_lose, **options):
    """A fault by its function's name; `may_lose` answers at most."""
    def keep(function):
        FAULTS[function.__name__] = (function, may_lose, options)
        return function
    return keep


@fault(ON_THE_WAY)
def upstream_killed(stage):
    """One of two servers is killed, and comes back."""
    stage.nodes[0].process.kill()
    stage.nodes[0].process.wait()
    stage.run_for(200)
    stage.restart(0)


@fault(3 * LANES)
def upstream_stopped(stage):
    """One of two servers stops in the middle of everything (SIGSTOP), and goes on."""
    stage.nodes[0].process.send_signal(signal.SIGSTOP)
    stage.run_for(300)
    stage.nodes[0].process.send_signal(signal.SIGCONT)


@fault(0)
def upstream_slow(stage):
    """Both servers have pauses, below every limit."""
    for _ in range(10):
        for node in stage.nodes:
            node.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        for node in stage.nodes:
            node.process.send_signal(signal.SIGCONT)
        stage.run_for(5)


@fault(ON_THE_WAY)
def upstream_resetting(stage):
    """In the place of one server stands something that resets every connection, and then the server again."""
    port = int(stage.servers[0].rsplit(":", 1)[1])
    stage.nodes[0].stop()
    listener = wait_for(lambda: hostile.listen(port), "the port")

    def reset(conversation):
        conversation.read_head()
        conversation.reset()
    resetting = upstream.Scripted(reset, listener=listener)
    stage.run_for(300)
    resetting.stop()
    stage.restart(0)


@fault(ON_THE_WAY)
def rolling_deploy(stage):
    """Each server in its turn is ended and started anew."""
    for number in (0, 1):
        stage.nodes[number].process.terminate()
        stage.nodes[number].process.wait()
        stage.restart(number)
        wait_for(lambda: stage.served(number), "the server to be taken back")
        stage.run_for(100)


@fault(0, access_log={"path": "/dev/full"}, incidents={"path": "/dev/full"})
def disk_full(stage):
    """No line of any log can be written."""
    stage.run_for(300)
    wait_for(lambda: stage.proxy.metrics().sum("sendonce_access_log_dropped_total") > 0, "lines that are counted as dropped")


def dropped(stage):
    """Lines of the access log that are counted as dropped."""
    return stage.proxy.metrics().sum("sendonce_access_log_dropped_total")


@fault(0, logs_bytes=512 << 10)
def file_system_full(stage):
    """The file system of the logs has no room left, in the middle of a line, and then some again. Each line is whole, or counted as dropped."""
    rest = stage.logs / "rest"
    rest.write_bytes(bytes(448 << 10))
    wait_for(lambda: dropped(stage) > 0, "lines that are counted as dropped")
    stage.run_for(200)
    rest.unlink()
    access = stage.logs / "access.jsonl"
    size = access.stat().st_size
    wait_for(lambda: access.stat().st_size > size + 4096, "the access log to go on")
    with stage.load.paused():
        def books():
            return access.read_text().count("\n"), dropped(stage), stage.proxy.metrics().sum("sendonce_requests_total")
        wait_for(lambda: (now := books())[0] + now[1] == now[2], lambda: f"each request to be logged, or dropped: {books()}")
        lines = access.read_text().split("\n")
        assert not lines[-1], lines[-1]
        for line in lines[:-1]:
            json.loads(line)


@fault(0)
def file_system_read_only(stage):
    """Where the logs are to be opened anew nothing can be written any more (EROFS); then it can."""
    stage.mount("ro")
    stage.proxy.log_grows("cannot", lambda: stage.proxy.send_signal(signal.SIGUSR1))
    stage.run_for(200)
    stage.unmount()
    stage.proxy.send_signal(signal.SIGUSR1)
    access = stage.logs / "access.jsonl"
    size = access.stat().st_size
    wait_for(lambda: access.stat().st_size > size + 4096, "the access log to go on")


@fault(0)
def log_directory_removed(stage):
    """The folder of the logs is removed, and they are to be opened anew; then it is there again."""
    logs = pathlib.Path(stage.directory, "logs")
    shutil.rmtree(logs)
    # A file in its place: not even root can write there.
    logs.touch()
    stage.proxy.send_signal(signal.SIGUSR1)
    stage.run_for(200)
    logs.unlink()
    logs.mkdir()
    stage.proxy.send_signal(signal.SIGUSR1)
    wait_for(lambda: (logs / "access.jsonl").exists() and (logs / "access.jsonl").stat().st_size > 0, "the access log to go on")


@fault(0, preload=True)
def clock_steps(stage):
    """The wall clock is an hour ahead, an hour behind, a year ahead, and right again."""
    for seconds in (3600, -3600, 365 * 86400, 0):
        fresh = pathlib.Path(stage.directory, "step.fresh")
        fresh.write_text(str(seconds))
        fresh.rename(pathlib.Path(stage.directory, "step"))
        stage.run_for(150)
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds))
        wait_for(lambda: f'"time":"{day}' in pathlib.Path(stage.directory, "logs/access.jsonl").read_text(), f"the access log to say {day}")


def _replaced(stage, before):
    wait_for(lambda: len(pids := stage.proxy.pids()) > 1 and pids[1] != before, "another worker process")
    stage.keeps_counting = False


def _signalled(number):
    def kill(stage):
        before = stage.worker
        os.kill(before, number)
        _replaced(stage, before)
    kill.__doc__ = f"The worker process gets {number.name}; the supervisor starts another."
    kill.__name__ = f"worker_{number.name.lower()}"
    fault(ON_THE_WAY)(kill)


for one in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP):
    _signalled(one)


@fault(0)
def worker_harmless_signals(stage):
    """The worker process gets the signals that end nothing."""
    for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT):
        os.kill(stage.worker, number)
    os.kill(stage.worker, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(stage.worker, signal.SIGCONT)


@fault(None)
def supervisor_killed(stage):
    """The supervisor is killed: the worker process serves whom it has, and ends. Who starts it again is the service manager's business."""
    worker = stage.worker
    stage.proxy.process.kill()
    stage.proxy.process.wait()
    wait_for(lambda: not pathlib.Path(f"/proc/{worker}").exists(), "the worker process to end", 40)
    stage.is_gone = True


@fault(0)
def upgrade_fails(stage):
    """An upgrade to a program that ends at once, to one that never serves and is killed, and to one that cannot be executed."""
    for program in ("#!/bin/sh\nexit 1\n", "#!/bin/sh\nkill -9 $$\n", "no program\n"):
        before = stage.proxy.pids()
        fresh = pathlib.Path(stage.directory, "fresh")
        fresh.write_text(program)
        fresh.chmod(0o755)
        fresh.rename(stage.binary)
        stage.proxy.log_grows("upgrade", lambda: stage.proxy.send_signal(signal.SIGUSR2))
        stage.run_for(100)
        wait_for(lambda: stage.proxy.pids() == before, "the earlier processes alone")


@fault(0)
def reloads(stage):
    """The configuration is read ten times, twice a bad one."""
    for number in range(10):
        if number in (3, 7):
            stage.proxy.reload("upstreams: nonsense\n", refused=True)
        else:
            stage.proxy.reload(stage.proxy.config)


@fault(0)
def descriptors_run_out(stage):
    """The worker process may open no more than it has and a few; many want in. Who is in is served."""
    pid = stage.worker
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    held = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 40, limits[1]))
    crowd = hostile.Idle(stage.proxy.address, 200)
    stage.run_for(300)
    crowd.end()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    with stage.proxy.connect() as another:
        assert another.get("/ok").status == 200


@fault(ON_THE_WAY, limited=True)
def memory_runs_out(stage):
    """A control group leaves it half a MiB more than it has, and a crowd comes: the kernel ends the worker process; the supervisor starts another."""
    before = stage.worker
    stage.group.limit(stage.group.usage + (512 << 10))
    crowd = hostile.Idle(stage.proxy.address, stage.scale)
    _replaced(stage, before)
    stage.group.limit(None)
    crowd.end()
    assert "signal 9" in stage.proxy.log, stage.proxy.log[-2000:]


# The servers are busy too: that some answers take longer is no loss.
@fault(0, timeouts={"response_header": "30s"})
def idle_and_hostile_clients(stage):
    """Thousands of clients that say nothing, and thousands that drip, flood, break rules and leave."""
    before = stage.proxy.resident_bytes()
    idle = hostile.Idle(stage.proxy.address, stage.scale)
    wait_for(lambda: stage.proxy.metrics().sum("sendonce_client_connections") >= stage.scale, "the idle to be in", 60)
    hostiles = hostile.Hostile(stage.proxy.address, stage.scale)
    stage.run_for(300)
    hostiles.end()
    grown = stage.proxy.resident_bytes() - before
    per_client = grown / (2 * stage.scale)
    assert per_client < 16384, f"{per_client:.0f} bytes a client"
    idle.end()
    wait_for(lambda: stage.proxy.metrics().sum("sendonce_client_connections") <= LANES + 1, "the crowd to be gone", 30)
    stage.note = f"{grown >> 20} MiB for {2 * stage.scale} clients"


def play(name, scale=2000):
    """One fault, from a quiet start to calm; the facts in words. AssertionError: a promise was broken."""
    function, may_lose, options = FAULTS[name]
    options = dict(options)
    environment = {}
    stage = None
    group = MemoryGroup() if options.pop("limited", False) else None
    folder = tempfile.mkdtemp(prefix="clock-")
    try:
        if options.pop("preload", False):
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", f"{folder}/steps.so", str(HERE / "clock_steps.c"), "-ldl"], check=True)
            environment = {"LD_PRELOAD": f"{folder}/steps.so"}
        stage = Stage(scale, environment | ({"CLOCK_STEP": "step"} if environment else {}), group=group, **options)
        stage.note = ""
        stage.run_for(100)
        assert not stage.load.lost, f"lost before anything: {dict(stage.load.losses)}"
        function(stage)
        load = stage.load
        if may_lose is not None:
            began = time.monotonic()
            load.wait_for_calm()
            for number in (0, 1):
                wait_for(lambda: stage.served(number) == 1, f"server {number} to be taken back", 30)
            calm = time.monotonic() - began
        load.end()
        assert not load.wrong, load.wrong
        if may_lose is not None:
            assert load.lost <= may_lose, f"{dict(load.losses)} lost, {may_lose} at most"
            assert not load.losses["late"], f"{load.losses['late']} waited for ever"
            if stage.keeps_counting:
                seen = sum(count for word, count in load.losses.items() if word in COUNTED)
                counted = sum(stage.proxy.metrics().sum("sendonce_requests_total", code=code) for code in COUNTED)
                assert seen == counted, f"clients saw {dict(load.losses)}, {counted} are counted"
        losses = ", ".join(f"{count} {word}" for word, count in sorted(load.losses.items())) or "none"
        return f"{load.exact} exact, lost: {losses}" + (f", calm after {calm:.1f} s" if may_lose is not None else "") + (f", {stage.note}" if stage.note else "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if stage:
            stage.end()
        if group:
            group.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these faults")
    parser.add_argument("--list", action="store_true", help="only print their names")
    parser.add_argument("--scale", type=int, default=2000, help="idle clients, and hostile ones (2000)")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (function, _, _) in FAULTS.items():
            print(f"{name:<26} {function.__doc__.splitlines()[0]}")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    failed = 0
    for name in arguments.names or FAULTS:
        began = time.monotonic()
        try:
            print(f"ok     {name:<26} {play(name, arguments.scale)}  ({time.monotonic() - began:.1f} s)", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"FAILED {name:<26} {error}", flush=True)
    print(f"\n{failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
