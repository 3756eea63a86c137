"""Small writes leave at once: no connection, in or out, waits for the other end's acknowledgements (Nagle's algorithm)."""

import ctypes
import os
import pathlib
import socket

from harness import EndToEndTest
from upstream import ok

PIDFD_GETFD = 438


def sockets(pid):
    """Duplicates of a process's connected TCP sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for name in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if not os.readlink(name).startswith("socket:"):
                continue
            fd = libc.syscall(PIDFD_GETFD, process, int(name.name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=fd) as one:
                if one.family in (socket.AF_INET, socket.AF_INET6) and not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    yield one
    finally:
        os.close(process)


class SmallWrites(EndToEndTest):
    def test_no_connection_waits_for_acknowledgements(self):
        def serve(conversation):
            while conversation.read_request() is not None:
                conversation.send(ok(b"good"))
        proxy = self.proxy(self.scripted(serve).address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").status, 200)
            found = {(one.getsockname()[1], one.getpeername()[1]): one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                     for one in sockets(proxy.pids()[-1])}
            # The client's and the upstream's; the one that asked the admin endpoint may linger.
            self.assertGreaterEqual(len(found), 2)
            self.assertEqual(set(found.values()), {1}, found)
