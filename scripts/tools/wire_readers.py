"""One strict reading of HTTP/1 (RFC 9112), to hold the readings of others against. What is not exactly as it should be ends the reading."""

import re

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/1\.[01]" % TOKEN)
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?")
FIELD = re.compile(rb"(%s):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*" % TOKEN)
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})")


class Unreadable(Exception):
    pass


class Reading:
    """Takes messages off bytes; a message that lacks bytes is an Unreadable("short")."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    @property
    def rest(self):
        return self.data[self.at:]

    def take(self, count):
        if self.at + count > len(self.data):
            raise Unreadable("short")
        self.at += count
        return self.data[self.at - count:self.at]

    def line(self):
        end = self.data.find(b"\r\n", self.at)
        if end < 0:
            raise Unreadable("short")
        line, self.at = self.data[self.at:end], end + 2
        return line

    def fields(self):
        found = []
        while line := self.line():
            if not (match := FIELD.fullmatch(line)):
                raise Unreadable(f"not a field: {line!r}")
            found.append((match[1].lower(), match[2]))
        return found

    def chunks(self):
        body = b""
        while True:
            if not (match := CHUNK_SIZE.fullmatch(self.line())):
                raise Unreadable("not a chunk size")
            if (size := int(match[1], 16)) == 0:
                self.fields()
                return body
            body += self.take(size)
            if self.take(2) != b"\r\n":
                raise Unreadable("not the end of a chunk")

    def body(self, fields):
        """By its framing; None when the fields say nothing."""
        codings = [value for name, value in fields if name == b"transfer-encoding"]
        lengths = [value for name, value in fields if name == b"content-length"]
        if codings:
            # An answer may have other codings under the chunks.
            if lengths or len(codings) > 1 or not re.fullmatch(rb"(?:(?!chunked *,)[^,]*[^, ] *, *)*chunked", codings[0]):
                raise Unreadable("framing with two readings")
            return self.chunks()
        if lengths:
            if len(lengths) > 1 or not re.fullmatch(rb"\d{1,18}", lengths[0]):
                raise Unreadable("framing with two readings")
            return self.take(int(lengths[0]))
        return None


def requests(data):
    """The whole requests at the beginning, as (method, target, fields, body), and why the reading ends: None, `short` or a fault."""
    reading, found = Reading(data), []
    while reading.at < len(data):
        start = reading.at
        try:
            if not (match := REQUEST_LINE.fullmatch(line := reading.line())):
                raise Unreadable(f"not a request line: {line!r}")
            fields = reading.fields()
            found.append((match[1].decode(), match[2].decode(), fields, reading.body(fields) or b""))
        except Unreadable as fault:
            reading.at = start
            return found, str(fault)
    return found, None


def answer(data, method):
    """(status, body, whether it is whole, what comes after it) of the answer that ends with the connection at the latest."""
    reading = Reading(data)
    status, body = None, b""
    try:
        while True:
            if not (match := STATUS_LINE.fullmatch(line := reading.line())):
                raise Unreadable(f"not a status line: {line!r}")
            status, fields = int(match[1]), reading.fields()
            if status >= 200 or status == 101:
                break
        if method == "HEAD" or status in (101, 204, 304):
            return status, b"", True, reading.rest
        start = reading.at
        body = reading.body(fields)
        if body is None:
            return status, data[start:], True, b""
        return status, body, True, reading.rest
    except Unreadable as fault:
        if str(fault) != "short":
            raise
        return status, body, False, b""
