"""HTTP/2 by hand: frames as bytes, and a server that plays exact frames. Header blocks are literals without Huffman (RFC 7541)."""

import struct
import threading

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, prefix):
    """RFC 7541 section 5.1; the bits before the prefix are 0."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([value])
    value -= most
    rest = b""
    while value >= 128:
        rest += bytes([value % 128 + 128])
        value //= 128
    return bytes([most]) + rest + bytes([value])


def block(*fields):
    """A header block of literal fields, never indexed names, never a table entry."""
    def text(value):
        value = value.encode() if isinstance(value, str) else value
        return integer(len(value), 7) + value
    return b"".join(b"\x00" + text(name) + text(value) for name, value in fields)


def headers(stream, *fields, end=False, ends_block=True):
    return frame(HEADERS, (END_STREAM if end else 0) | (END_HEADERS if ends_block else 0), stream, block(*fields))


def data(stream, payload=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


class Peer:
    """One HTTP/2 connection over a socket: reads frames, acknowledges settings and pings by itself."""

    def __init__(self, socket):
        self.socket = socket
        self.lock = threading.Lock()

    def send(self, *frames):
        with self.lock:
            self.socket.sendall(b"".join(frames))

    def exactly(self, count):
        received = b""
        while len(received) < count:
            piece = self.socket.recv(count - len(received))
            if not piece:
                return None
            received += piece
        return received

    def read(self):
        """The next frame that is not housekeeping: (kind, flags, stream, payload); None at the end."""
        while (head := self.exactly(9)) is not None:
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
            payload = self.exactly(length) if length else b""
            if payload is None:
                return None
            if kind == SETTINGS:
                if not flags & ACK:
                    self.send(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self.send(frame(PING, ACK, 0, payload))
            elif kind != WINDOW_UPDATE:
                return kind, flags, stream, payload
        return None


def server(script, streams_max=None):
    """A script for `scripted`: `script(peer, stream)` for each request, when its header block has come."""
    def conversation(talk):
        peer = Peer(talk.socket)
        if peer.exactly(len(PREFACE)) != PREFACE:
            return
        peer.send(frame(SETTINGS, 0, 0, b"" if streams_max is None else (3).to_bytes(2, "big") + streams_max.to_bytes(4, "big")))
        while (seen := peer.read()) is not None:
            if seen[0] == HEADERS:
                script(peer, seen[2])
    return conversation


def client(socket):
    """A connection of a client, greeting done."""
    peer = Peer(socket)
    peer.send(PREFACE, frame(SETTINGS, 0, 0))
    return peer


def request(stream, path="/ok", method="GET", end=True, authority="shop.example", *more):
    return headers(
        stream, (":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *more, end=end)
