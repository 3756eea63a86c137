"""WebSocket cases by the section of RFC 6455: what a client sends when the tunnel is open, or as its handshake."""

import collections
import struct

# `handshake`: lines beside Host; `sent`: bytes once the upgrade is answered with 101.
Case = collections.namedtuple("Case", "section name handshake sent")
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY)


def frame(opcode, payload=b"", fin=True, reserved=0, mask=b"\1\2\3\4", width=None):
    """`width`: how many bytes the length takes (1, 3 or 9), when that is not the least."""
    count = len(payload)
    width = width or (1 if count < 126 else 3 if count < 65536 else 9)
    length = {1: bytes([count & 127]), 3: b"\x7e" + struct.pack(">H", count & 0xFFFF), 9: b"\x7f" + struct.pack(">Q", count)}[width]
    if mask:
        length = bytes([length[0] | 0x80]) + length[1:]
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | reserved << 4 | opcode]) + length + (mask or b"") + payload


def close(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


def cases():
    found = []

    def case(section, name, *sent, handshake=HANDSHAKE):
        # Each ends with a close, so that each has an end.
        found.append(Case(section, name, handshake, b"".join(sent) + close()))

    case("4.1", "names and tokens in any case", handshake=("connection: keep-alive, UPGRADE", "UPGRADE: WebSocket", "sec-websocket-version: 13", KEY))
    case("4.1", "a subprotocol and an extension", frame(TEXT, b"x"), handshake=(
        *HANDSHAKE, "Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"))
    case("4.2.1", "no key", handshake=HANDSHAKE[:3])
    case("4.2.1", "a key of another length", handshake=(*HANDSHAKE[:3], "Sec-WebSocket-Key: c2hvcnQ="))
    case("4.2.2", "another version", handshake=(*HANDSHAKE[:2], "Sec-WebSocket-Version: 12", KEY))
    for count in (0, 1, 125, 126, 127, 65535, 65536, 200_000):
        case("5.2", f"a message of {count} bytes", frame(BINARY, bytes(i % 251 for i in range(count))))
    case("5.2", "a length in more bytes than it takes", frame(BINARY, b"abc", width=3))
    case("5.2", "a length in 8 bytes", frame(BINARY, b"abc", width=9))
    case("5.2", "a length with its highest bit", b"\x82\xff" + b"\xff" * 8 + bytes(4))
    for reserved in (1, 2, 4, 7):
        case("5.2", f"reserved bits {reserved}", frame(TEXT, b"x", reserved=reserved))
    for opcode in (3, 7, 11, 15):
        case("5.2", f"the reserved opcode {opcode}", frame(opcode, b"x"))
    case("5.3", "no mask", frame(TEXT, b"x", mask=None))
    case("5.3", "a mask of zeros", frame(TEXT, b"x", mask=bytes(4)))
    case("5.4", "a message in three frames", frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", fin=False), frame(CONTINUATION, b"c"))
    case("5.4", "empty frames", frame(TEXT, b"", fin=False), frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b""))
    case("5.4", "a ping between", frame(TEXT, b"a", fin=False), frame(PING, b"!"), frame(CONTINUATION, b"b"))
    case("5.4", "a continuation of nothing", frame(CONTINUATION, b"x"))
    case("5.4", "a message within a message", frame(TEXT, b"a", fin=False), frame(TEXT, b"b"))
    case("5.5", "a ping of 125 bytes", frame(PING, b"x" * 125))
    case("5.5", "a ping of 126 bytes", frame(PING, b"x" * 126))
    case("5.5", "a ping in pieces", frame(PING, b"x", fin=False))
    case("5.5.1", "a close without a code")
    case("5.5.1", "a close with half a code", frame(CLOSE, b"\x03"))
    case("5.5.1", "a message after the close", close(), frame(TEXT, b"late"))
    case("5.5.2", "ten pings", *[frame(PING, b"%d" % i) for i in range(10)])
    case("5.5.3", "a pong that nobody asked for", frame(PONG, b"x"), frame(TEXT, b"y"))
    case("5.6", "text", frame(TEXT, "ä€𝄞".encode()))
    for code in (1000, 1001, 1011, 3000, 4999, 999, 1004, 1005, 1006, 1015, 2999, 5000):
        case("7.4", f"close code {code}", close(code, b"why"))
    case("8.1", "text that is no UTF-8", frame(TEXT, b"\xff\xfe"))
    case("8.1", "a character in two frames", frame(TEXT, b"\xe2\x82", fin=False), frame(CONTINUATION, b"\xac"))
    case("8.1", "a reason that is no UTF-8", close(1000, b"\xff"))
    return found
