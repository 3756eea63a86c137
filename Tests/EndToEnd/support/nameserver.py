"""A nameserver that answers what a test tells it to."""

import socket
import struct
import threading

A, AAAA = 1, 28


class NameServer:
    def __init__(self):
        self.addresses = {}
        self.ttl = 1
        self.fails = False
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if query:
                self.socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        name, (kind,) = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])
        self.asked.append((name, kind))
        known = self.addresses.get(name)
        found = [address for address in known or [] if (":" in address) == (kind == AAAA)]
        code = 2 if self.fails else 3 if known is None else 0
        if code:
            found = []
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0)
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, 16 if kind == AAAA else 4)
            + socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address) for address in found)
        return head + question + records

    def stop(self):
        # A close alone would leave the thread in its system call.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
