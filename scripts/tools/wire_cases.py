"""Bytes for two readers to disagree on: the lists in Tests/Differential, and what a seed makes of them."""

import pathlib
import random
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/Differential"
LINE = re.compile(r"([\w-]+/\w+) = (.*)")
TEMPLATE = re.compile(r"template (\w+) = (.*)")
REPEAT = re.compile(rb"\{(?!\{)([^{}]+)\*(\d+)\}")

# What a mutation puts in: pieces that mean something to some reader.
PIECES = [
    b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b" ", b"\t", b"\0", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\x85", b"\xa0", b"\xff", b",", b";", b":", b"=", b'"',
    b"0", b"00", b"1", b"a", b"f", b"+", b"-", b"0x", b"0\r\n\r\n", b"1\r\na\r\n", b"\r\n\r\n", b"chunked", b"identity", b"close", b"keep-alive", b"HTTP/1.1",
    b"HTTP/1.0", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Content-Length: 0\r\n",
    b"Content-Length: 5\r\n", b"Content-Length:35\r\n", b"Connection: close\r\n", b"Connection: content-length\r\n", b"Host: b\r\n", b" \r\n", b"\r\n ",
    b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n",
]


def _bytes(text):
    data = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    return REPEAT.sub(lambda match: match[1] * int(match[2]), data)


def load(name):
    """The cases of a list, in its order: {"family/name": bytes}."""
    templates, cases = {}, {}
    for number, line in enumerate((FOLDER / name).read_text().splitlines(), 1):
        if match := TEMPLATE.fullmatch(line):
            templates[match[1]] = _bytes(match[2]).split(b"{}")
        elif match := LINE.fullmatch(line):
            data = _bytes(match[2])
            before, after = templates.get(match[1].split("/")[0], (b"", b""))
            if match[1] in cases:
                raise ValueError(f"{name}:{number}: {match[1]} stands twice")
            # Braces are doubled where they stand for themselves.
            cases[match[1]] = before + data.replace(b"{{", b"{").replace(b"}}", b"}") + after
        elif line and not line.startswith("#"):
            raise ValueError(f"{name}:{number}: not FAMILY/NAME = BYTES")
    return cases


def mutations(cases, count, seed):
    """As many cases more, each by a seed of its own: {"0xSEED": bytes}."""
    pool = [data for data in cases.values() if len(data) < 4000]
    return {f"0x{number:x}": _mutated(pool, random.Random(number)) for number in range(seed, seed + count)}


def _mutated(pool, chance):
    data = bytearray(chance.choice(pool))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(7)
        if what == 0:
            data[at:at] = chance.choice(PIECES)
        elif what == 1:
            data[at:at + chance.choice((1, 1, 2, 4, 16))] = b""
        elif what == 2:
            data[at:at + 1] = bytes([chance.randrange(256)])
        elif what == 3:
            # A line once more, or in another place.
            lines = bytes(data).split(b"\r\n")
            line = chance.choice(lines)
            lines.insert(chance.randrange(len(lines) + 1), line)
            data = bytearray(b"\r\n".join(lines))
        elif what == 4:
            # A piece where a line begins or ends: that is where readers differ.
            ends = [match.start() + chance.choice((0, 1, 2)) for match in re.finditer(rb"\r\n", bytes(data))] or [0]
            at = chance.choice(ends)
            data[at:at] = chance.choice(PIECES)
        elif what == 5:
            other = chance.choice(pool)
            data[at:] = other[chance.randrange(len(other) + 1):]
        else:
            data += chance.choice(pool)
    return bytes(data[:8192])
