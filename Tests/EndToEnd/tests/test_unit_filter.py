"""What the systemd unit forbids is nothing that the program does: its system calls are traced, from the start over a reload and an upgrade to the end."""

import os
import pathlib
import re
import signal
import subprocess

import upstream
from harness import BINARY, ROOT, EndToEndTest, wait_for
from judges import judge

UNIT = ROOT / "config/systemd/sendonce.service"
CALL = re.compile(r"(?:\d+ +)?(\w+)\(")


def calls_of(name):
    """The system calls of one of systemd's groups."""
    done = subprocess.run([judge("systemd-analyze"), "syscall-filter", name], capture_output=True, text=True, check=True)
    found = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls_of(word)
        elif re.fullmatch(r"\w+", word):
            found.add(word)
    return found


def allowed():
    found = set()
    for rule in re.findall(r"(?m)^SystemCallFilter=(.*)$", UNIT.read_text()):
        for name in rule.lstrip("~").split():
            found = found - calls_of(name) if rule.startswith("~") else found | calls_of(name)
    # What only begins a process is allowed in every case (systemd.exec).
    return found | calls_of("@default") | {"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn"}


class UnitFilter(EndToEndTest):
    def test_every_system_call_is_allowed(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        traced = pathlib.Path(self.directory, "traced")
        wrapper = pathlib.Path(self.directory, "sendonce-traced")
        wrapper.write_text(f"#!/bin/sh\nexec {judge('strace')} -D -f -qq -o {traced} {BINARY} \"$@\"\n")
        wrapper.chmod(0o755)
        proxy = self.proxy(origin.address, binary=str(wrapper), access_log={"path": f"{self.directory}/access.jsonl"}, health=None)
        self.assertEqual(proxy.get("/").body, b"OK")
        proxy.ask_admin("/metrics")
        proxy.reload(proxy.config)
        proxy.send_signal(signal.SIGUSR1)
        self.assertEqual(proxy.get("/").body, b"OK")
        proxy.log_grows(" upgraded", lambda: proxy.send_signal(signal.SIGUSR2), 60)
        self.assertEqual(proxy.get("/").body, b"OK")
        os.kill(proxy.pids()[-1], signal.SIGKILL)
        wait_for(lambda: "the worker process ended by itself" in proxy.log, "another worker process")
        self.assertEqual(proxy.get("/").body, b"OK")
        self.end(proxy)
        lines = traced.read_text(errors="replace").splitlines()
        used = {match[1] for line in lines if (match := CALL.match(line))}
        self.assertIn("epoll_wait", used | {"epoll_wait" if "epoll_pwait" in used else ""})
        self.assertEqual(used - allowed(), set())
        # MemoryDenyWriteExecute: no memory of ours may be both.
        self.assertEqual([line for line in lines if re.search(r"(mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC|pkey_mprotect", line)], [])
