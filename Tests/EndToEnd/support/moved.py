"""Long bodies, and a look at what the worker does with them: whether the kernel moves their bytes, or they are read."""

import pathlib
import random
import re
import socket
import subprocess

from harness import EndToEndTest

KIB = 1024
BIG = 3 << 20
BODY = random.Random(7).randbytes(BIG)


def head(length=BIG, *fields):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % length + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def narrow():
    """A listening socket whose connections have room for little: what is sent to them waits with the sender."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    return listener


class MovedBytes(EndToEndTest):
    def front(self, script, listener=None, **options):
        return self.proxy(self.scripted(script, listener=listener).address, **options)

    def traced(self, proxy, ask):
        """The bytes that the worker moved, out of sockets and into them, and those that it read while a request was served."""
        calls = pathlib.Path(self.directory, "strace")
        tracer = subprocess.Popen(["strace", "-f", "-e", "trace=splice,recvfrom", "-e", "signal=none", "-o", str(calls), *(
            word for pid in proxy.pids() for word in ("-p", str(pid)))], stderr=subprocess.PIPE, text=True)
        # The worker's process is one of them, and not the first.
        attached = 0
        while attached < len(proxy.pids()):
            line = tracer.stderr.readline()
            self.assertTrue(line, "strace has ended")
            attached += "attached" in line
        ask()
        tracer.terminate()
        tracer.communicate()
        found = re.findall(r"\b(splice|recvfrom)\b.*= (\d+)$", calls.read_text(), re.M)
        return tuple(sum(int(count) for name, count in found if name == call) for call in ("splice", "recvfrom"))

    def spliced(self, proxy, ask):
        """Whether the worker moved bytes while a request was served."""
        return self.traced(proxy, ask)[0] > 0
