"""Where a proxy's time goes under a load, as perf's samples say: its own code, and each system call with all that the kernel does in it."""

import collections
import pathlib
import re
import subprocess
import tempfile

HERTZ = 4999
# System calls by what they do for a proxy. A write to a loopback socket also does the receiving end's work, up to its wake-up.
PARTS = {
    "reading": "read readv recvfrom recvmsg",
    "writing": "write writev sendto sendmsg sendfile sendfile64",
    "moving": "splice tee vmsplice",
    "waiting": "epoll_wait epoll_pwait epoll_pwait2 epoll_ctl ppoll poll",
    "connections": "accept accept4 connect socket close shutdown setsockopt getsockopt ioctl fcntl",
}
PART_OF = {call: part for part, calls in PARTS.items() for call in calls.split()}


class Samples:
    """Samples of these processes, from the start of the `with` to its end."""

    def __init__(self, pids):
        self.pids = pids

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "samples"
        self.recording = subprocess.Popen(
            ["perf", "record", "-e", "cpu-clock", "-F", str(HERTZ), "-g", "-o", self.path, "-p", ",".join(map(str, self.pids))],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.recording.send_signal(2)
        self.recording.wait()
        done = subprocess.run(["perf", "script", "-i", self.path, "-F", "ip,sym,dso"], capture_output=True, text=True)
        self.folder.cleanup()
        self.shares = shares(done.stdout)


def part(frames):
    """Which part a sample belongs to; its frames have the innermost first."""
    in_call = False
    for name, _ in reversed(frames):
        # What follows the kernel's entry is named after its call, with one prefix or another.
        in_call = in_call or name in ("do_syscall_64", "invoke_syscall", "do_el0_svc")
        found = re.fullmatch(r"(?:__x64_sys|__arm64_sys|__se_sys|__do_sys|__sys|ksys|do)_(\w+)", name)
        if in_call and found and found[1] in PART_OF:
            return PART_OF[found[1]]
    return "entry, other" if "kernel" in frames[0][1] else "own code"


def shares(text):
    """Of all samples, what share each part has."""
    counts = collections.Counter()
    for sample in text.strip().split("\n\n"):
        frames = re.findall(r"(?m)^\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$", sample)
        if frames:
            counts[part(frames)] += 1
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}


ORDER = ("own code", *PARTS, "entry, other")


def table(found):
    """Rows of microseconds a request, from {(scenario, proxy): (shares, microseconds)}."""
    shown = [name for name in ORDER if any(shares.get(name, 0) >= 0.005 for shares, _ in found.values())]
    lines = ["| scenario, proxy | " + " | ".join(shown) + " | together |", "| --- |" + " --- |" * (len(shown) + 1)]
    for (scenario, proxy), (parts, cost) in found.items():
        cells = [f"{parts.get(name, 0) * cost:.1f}" for name in shown]
        lines.append(f"| `{scenario}`, {proxy} | " + " | ".join(cells) + f" | {cost:.1f} |")
    return lines
