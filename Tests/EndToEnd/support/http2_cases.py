"""HTTP/2 cases by the section of their RFC: what a peer sends, and how we have to end it. `client`: a client towards us; `upstream`: a server behind us."""

import collections

import frames
from frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS,
                    WINDOW_UPDATE, block, data, frame, headers)

NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, TIMEOUT, CLOSED, FRAME_SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)
PADDED, PRIORITIZED = 8, 32

# What we do to a client: "goaway N", "reset STREAM N", "answer STREAM STATUS" (several with spaces between commas: all of them, in order).
Client = collections.namedtuple("Client", "section name sent expected")
# What our client gets, and how the upstream's connection or stream is ended: "none", "reset N", "goaway N".
Upstream = collections.namedtuple("Upstream", "section name sent status fate")


def number(value, count=4):
    return value.to_bytes(count, "big")


def setting(name, value):
    return frame(SETTINGS, 0, 0, number(name, 2) + number(value))


GET = (":method", "GET"), (":scheme", "http"), (":authority", "shop.example"), (":path", "/ok")
POST = (":method", "POST"), *GET[1:]


def get(stream, *more):
    return headers(stream, *GET, *more, end=True)


def post(stream, *more, end=False):
    return headers(stream, *POST, *more, end=end)


def unread(stream):
    """A request whose body nobody reads: what the kernels on its way do not take stays in our window."""
    return headers(stream, *POST[:3], (":path", "/unread"), end=False)


def packed(stream, fragment, end=True):
    """A request whose header block is these bytes."""
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, fragment)


def fields(*pairs):
    return headers(1, *pairs, end=True)


def ignored(*sent, stream=101):
    """What has to be passed over: a request after it is answered."""
    return [*sent, get(stream)]


def flood(one, count):
    return [get(1), one * count]


def client_cases():
    """In the order of the sections."""
    def case(section, name, sent, expected):
        cases.append(Client(section, name, b"".join(sent) if isinstance(sent, (list, tuple)) else sent, expected))

    cases = []
    ok, ok3, ok101 = "answer 1 200", "answer 3 200", "answer 101 200"
    malformed = "reset 1 1"
    block_of = block(*GET)

    case("9113 4.1", "an unknown type of frame", ignored(frame(0xBB, 0xFF, 0, b"what")), ok101)
    case("9113 4.1", "an unknown type of frame on a stream", ignored(frame(0xBB, 0xFF, 7, b"what")), ok101)
    case("9113 4.1", "unknown flags", ignored(frame(PING, 0xFE & ~ACK, 0, bytes(8))), ok101)
    case("9113 4.1", "the reserved bit of a stream", ignored(frame(PING, 0, 0x80000000, bytes(8))), ok101)
    case("9113 4.2", "DATA of the largest size", [post(1), data(1, bytes(16384), end=True)], ok)
    case("9113 4.2", "DATA above it", [post(1), data(1, bytes(16385), end=True)], "goaway 6")
    case("9113 4.2", "HEADERS above it", [frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes(16385))], "goaway 6")
    case("9113 4.3", "PRIORITY inside a header block", [headers(1, *GET, ends_block=False), frame(PRIORITY, 0, 1, bytes(5))], "goaway 1")
    case("9113 4.3", "HEADERS of another stream inside a header block", [headers(1, *GET, ends_block=False), get(3)], "goaway 1")
    case("9113 4.3", "DATA inside a header block", [headers(1, *GET, ends_block=False), data(1, b"x")], "goaway 1")
    case("9113 5.1", "idle: DATA", [data(1, b"x")], "goaway 1")
    case("9113 5.1", "idle: RST_STREAM", [frame(RST_STREAM, 0, 1, number(CANCEL))], "goaway 1")
    case("9113 5.1", "idle: WINDOW_UPDATE", [frame(WINDOW_UPDATE, 0, 1, number(1))], "goaway 1")
    case("9113 5.1", "idle: CONTINUATION", [frame(CONTINUATION, END_HEADERS, 1, block_of)], "goaway 1")
    case("9113 5.1", "idle: PRIORITY", ignored(frame(PRIORITY, 0, 9, bytes(5))), ok101)
    case("9113 5.1", "half-closed: DATA", [headers(1, *GET[:3], (":path", "/held"), end=True), data(1, b"x")], "reset 1 5")
    case("9113 5.1", "half-closed: HEADERS", [headers(1, *GET[:3], (":path", "/held"), end=True), get(1)], "reset 1 5")
    case("9113 5.1", "half-closed: CONTINUATION", [get(1), frame(CONTINUATION, END_HEADERS, 1, block_of)], "goaway 1")
    case("9113 5.1", "reset by the client: WINDOW_UPDATE and PRIORITY", ignored(
        post(1), frame(RST_STREAM, 0, 1, number(CANCEL)), frame(WINDOW_UPDATE, 0, 1, number(1)), frame(PRIORITY, 0, 1, bytes(5))), ok101)
    case("9113 5.1", "reset by the client: DATA", [post(1), frame(RST_STREAM, 0, 1, number(CANCEL)), data(1, b"x"), get(101)], "reset 1 5, " + ok101)
    case("9113 5.1.1", "a stream with an even number", [get(2)], "goaway 1")
    case("9113 5.1.1", "a stream below the last", [get(5), get(3)], "goaway 1")
    case("9113 5.1.2", "more streams than allowed", [headers(2 * i + 1, *GET[:3], (":path", "/held"), end=True) for i in range(129)], "reset 257 7")
    case("9113 5.5", "an unknown frame inside a header block", [headers(1, *GET, ends_block=False), frame(0xBB, 0, 0, b"")], "goaway 1")
    case("9113 6.1", "DATA of stream 0", [data(0, b"x")], "goaway 1")
    case("9113 6.1", "padding", [post(1), frame(DATA, PADDED | END_STREAM, 1, b"\x03xyz\0\0\0")], ok)
    case("9113 6.1", "padding alone", [post(1), frame(DATA, PADDED, 1, b"\x03\0\0\0"), data(1, b"x", end=True)], ok)
    case("9113 6.1", "padding longer than its frame", [post(1), frame(DATA, PADDED, 1, b"\x05xyz")], "goaway 1")
    case("9113 6.1", "padding without its length", [post(1), frame(DATA, PADDED, 1, b"")], "goaway 6")
    case("9113 6.2", "HEADERS of stream 0", [get(0)], "goaway 1")
    case("9113 6.2", "padding and priority", [frame(HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITIZED, 1, b"\x02" + bytes(5) + block_of + bytes(2))], ok)
    case("9113 6.2", "padding longer than its frame", [frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + block_of)], "goaway 1")
    case("9113 6.2", "priority in too few bytes", [frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, bytes(3))], "goaway 6")
    case("9113 6.3", "PRIORITY of stream 0", [frame(PRIORITY, 0, 0, bytes(5))], "goaway 1")
    case("9113 6.3", "PRIORITY of 4 bytes", [frame(PRIORITY, 0, 1, bytes(4))], "goaway 6")
    case("9113 6.4", "RST_STREAM of stream 0", [frame(RST_STREAM, 0, 0, bytes(4))], "goaway 1")
    case("9113 6.4", "RST_STREAM of 3 bytes", [post(1), frame(RST_STREAM, 0, 1, bytes(3))], "goaway 6")
    case("9113 6.5", "an acknowledgement with content", [frame(SETTINGS, ACK, 0, bytes(6))], "goaway 6")
    case("9113 6.5", "SETTINGS of a stream", [frame(SETTINGS, 0, 1)], "goaway 1")
    case("9113 6.5", "SETTINGS of 5 bytes", [frame(SETTINGS, 0, 0, bytes(5))], "goaway 6")
    case("9113 6.5.2", "ENABLE_PUSH of 2", [setting(2, 2)], "goaway 1")
    case("9113 6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1", [setting(4, 1 << 31)], "goaway 3")
    case("9113 6.5.2", "MAX_FRAME_SIZE below 16384", [setting(5, 16383)], "goaway 1")
    case("9113 6.5.2", "MAX_FRAME_SIZE above 2^24-1", [setting(5, 1 << 24)], "goaway 1")
    case("9113 6.5.2", "unknown settings", ignored(setting(0xABCD, 0xFFFFFFFF)), ok101)
    case("9113 6.5.2", "HEADER_TABLE_SIZE of 0 and of 2^32-1", ignored(setting(1, 0), get(99), setting(1, 0xFFFFFFFF)), "answer 99 200, " + ok101)
    case("9113 6.5.3", "each is acknowledged", [setting(3, 100), setting(3, 50)], "settings ack, settings ack, settings ack")
    case("9113 6.6", "PUSH_PROMISE of a client", [post(1), frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + block_of)], "goaway 1")
    case("9113 6.7", "PING is answered with its bytes", [frame(PING, 0, 0, b"12345678")], "ping 3132333435363738")
    case("9113 6.7", "an acknowledgement of nothing", ignored(frame(PING, ACK, 0, bytes(8))), ok101)
    case("9113 6.7", "PING of a stream", [frame(PING, 0, 1, bytes(8))], "goaway 1")
    case("9113 6.7", "PING of 6 bytes", [frame(PING, 0, 0, bytes(6))], "goaway 6")
    case("9113 6.8", "GOAWAY of a stream", [frame(GOAWAY, 0, 1, bytes(8))], "goaway 1")
    case("9113 6.8", "GOAWAY of 7 bytes", [frame(GOAWAY, 0, 0, bytes(7))], "goaway 6")
    case("9113 6.8", "open streams are served after GOAWAY", [post(1), frame(GOAWAY, 0, 0, bytes(8)), data(1, b"x", end=True)], ok)
    case("9113 6.9", "WINDOW_UPDATE of 0 for the connection", [frame(WINDOW_UPDATE, 0, 0, bytes(4))], "goaway 1")
    case("9113 6.9", "WINDOW_UPDATE of 0 for a stream", [post(1), frame(WINDOW_UPDATE, 0, 1, bytes(4))], "reset 1 1")
    case("9113 6.9", "WINDOW_UPDATE of 3 bytes", [frame(WINDOW_UPDATE, 0, 0, bytes(3))], "goaway 6")
    case("9113 6.9.1", "the connection's window above 2^31-1", [frame(WINDOW_UPDATE, 0, 0, number(0x7FFFFFFF))], "goaway 3")
    case("9113 6.9.1", "a stream's window above 2^31-1", [post(1), frame(WINDOW_UPDATE, 0, 1, number(0x7FFFFFFF))], "reset 1 3")
    case("9113 6.9.1", "no more DATA than the window", [setting(4, 1), get(1)], "answer 1 200, data 1 1")
    case("9113 6.9.2", "a window that opens later", [setting(4, 0), get(1), setting(4, 1)], "answer 1 200, data 1 1")
    case("9113 6.9.2", "a window that is closed and opened", [setting(4, 2), get(1), setting(4, 0), frame(WINDOW_UPDATE, 0, 1, number(3))], "answer 1 200, data 1 3")
    case("9113 6.9.2", "a setting that overflows a window", [post(1), frame(WINDOW_UPDATE, 0, 1, number(0x7FFF0000)), setting(4, 0x7FFFFFFF)], "goaway 3")
    case("9113 6.9", "more DATA than our window", [unread(1), *[data(1, bytes(16384))] * 1024], "reset 1 3")
    case("9113 6.10", "a header block in many pieces", [
        headers(1, *GET[:1], end=True, ends_block=False), frame(CONTINUATION, 0, 1, block(*GET[1:3])), frame(CONTINUATION, END_HEADERS, 1, block(GET[3]))], ok)
    case("9113 6.10", "CONTINUATION of another stream", [headers(1, *GET, ends_block=False), frame(CONTINUATION, END_HEADERS, 3, b"")], "goaway 1")
    case("9113 6.10", "CONTINUATION of stream 0", [headers(1, *GET, ends_block=False), frame(CONTINUATION, END_HEADERS, 0, b"")], "goaway 1")
    case("9113 6.10", "CONTINUATION after the block's end", [get(1), frame(CONTINUATION, END_HEADERS, 1, b"")], "goaway 1")
    case("9113 7", "an unknown error code", ignored(post(1), frame(RST_STREAM, 0, 1, number(0xFFFFFFFF))), ok101)
    case("9113 8.1", "a second header block that does not end the stream", [post(1), get(1)[:4] + bytes([END_HEADERS]) + get(1)[5:]], "reset 1 1")
    case("9113 8.1", "trailers", [post(1), data(1, b"x"), headers(1, ("x-trailer", "1"), end=True)], ok)
    case("9113 8.1.1", "less than content-length", [post(1, ("content-length", "5")), data(1, b"x", end=True)], "reset 1 1")
    case("9113 8.1.1", "more than content-length", [post(1, ("content-length", "1")), data(1, b"xyz", end=True)], "reset 1 1")
    case("9113 8.1.1", "more than content-length in several frames", [post(1, ("content-length", "1")), data(1, b"x"), data(1, b"y", end=True)], "reset 1 1")
    case("9113 8.1.1", "content-length without a body", [post(1, ("content-length", "5"), end=True)], malformed)
    for value in ("+1", "-1", "0x1", "1 ", "", "one", "1, 1", "18446744073709551616"):
        case("9113 8.1.1", f"content-length of `{value}`", [post(1, ("content-length", value)), data(1, b"x", end=True)], malformed)
    for name, what in ((b"X-Upper", "a capital"), (b"x y", "a space"), (b"x:y", "a colon"), (b"x\0", "NUL"), (b"x\r\ny", "a line end"), (b"", "nothing"),
                       (b"x\xe9", "no ASCII"), (b"x\x7f", "DEL"), (b"transfer-encoding: chunked\r\nx", "a field of HTTP/1")):
        case("9113 8.2.1", f"a name of {what}", [get(1, (name, "y"))], malformed)
    for value, what in ((b"a\0b", "NUL"), (b"a\rb", "a carriage return"), (b"a\nb", "a line feed"), (b"a\r\ntransfer-encoding: chunked", "a field of HTTP/1"),
                        (b"a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "a request of HTTP/1"), (b" a", "a space first"), (b"a\t", "a tab last")):
        case("9113 8.2.1", f"a value with {what}", [get(1, ("x", value))], malformed)
    for name, value in (("connection", "close"), ("keep-alive", "1"), ("proxy-connection", "close"), ("upgrade", "h2c"), ("transfer-encoding", "chunked"),
                        ("te", "gzip"), ("te", "trailers, gzip")):
        case("9113 8.2.2", f"`{name}: {value}`", [get(1, (name, value))], malformed)
    case("9113 8.2.2", "`te: trailers`", [get(1, ("te", "trailers"))], ok)
    case("9113 8.3", "an unknown pseudo-field", [get(1, (":what", "1"))], malformed)
    case("9113 8.3", "an answer's pseudo-field", [get(1, (":status", "200"))], malformed)
    case("9113 8.3", "a pseudo-field after others", [fields(("x", "y"), *GET)], malformed)
    case("9113 8.3", "pseudo-fields in trailers", [post(1), data(1, b"x"), headers(1, (":path", "/"), end=True)], malformed)
    for i, (name, _) in enumerate(GET):
        case("9113 8.3.1", f"`{name}` twice", [fields(*GET[:i + 1], *GET[i:])], malformed)
        if name != ":authority":
            case("9113 8.3.1", f"no `{name}`", [fields(*GET[:i], *GET[i + 1:])], malformed)
    for path, what in (("", "nothing"), ("ok", "no slash"), ("/a b", "a space"), (b"/a\r\nx: y", "a line end"), (b"/\xe9", "no ASCII"), ("/ HTTP/1.1\r\nx: y", "a version")):
        case("9113 8.3.1", f"`:path` of {what}", [fields(*GET[:3], (":path", path))], malformed)
    for method, what in (("GET /x HTTP/1.1\r\nx:", "a request line"), ("G T", "a space"), ("", "nothing")):
        case("9113 8.3.1", f"`:method` of {what}", [fields((":method", method), *GET[1:])], malformed)
    case("9113 8.3.1", "`:path` of `*`", [fields((":method", "OPTIONS"), *GET[1:3], (":path", "*"))], ok)
    case("9113 8.3.1", "`host` instead of `:authority`", [fields(*GET[:2], GET[3], ("host", "shop.example"))], ok)
    case("9113 8.3.1", "`host` that differs from `:authority`", [get(1, ("host", "other.example"))], malformed)
    case("9113 8.3.1", "`:authority` with a line end", [fields(*GET[:2], (":authority", "a\r\nx: y"), GET[3])], malformed)
    case("9113 8.5", "CONNECT with a path", [fields((":method", "CONNECT"), *GET[1:])], malformed)
    case("9113 10.5", "hostile: streams opened and reset", flood(b"", 0) + [
        b"".join(post(2 * i + 3) + frame(RST_STREAM, 0, 2 * i + 3, number(CANCEL)) for i in range(2000))], "goaway 11")
    case("9113 10.5", "hostile: PING", flood(frame(PING, 0, 0, bytes(8)), 3000), "goaway 11")
    case("9113 10.5", "hostile: SETTINGS", flood(setting(3, 100), 1000), "goaway 11")
    case("9113 10.5", "hostile: SETTINGS of many entries", [frame(SETTINGS, 0, 0, (number(0xABCD, 2) + bytes(4)) * 1000)], "goaway 11")
    case("9113 10.5", "hostile: PRIORITY", flood(frame(PRIORITY, 0, 9, bytes(5)), 5000), "goaway 11")
    case("9113 10.5", "hostile: unknown frames", flood(frame(0xBB, 0, 0), 5000), "goaway 11")
    case("9113 10.5", "hostile: empty DATA", [post(1), data(1) * 3000], "goaway 11")
    case("9113 10.5", "hostile: WINDOW_UPDATE", flood(frame(WINDOW_UPDATE, 0, 0, number(1)), 20000), "goaway 11")
    case("9113 10.5", "hostile: CONTINUATION without end", [headers(1, *GET, ends_block=False), frame(CONTINUATION, 0, 1) * 100], "goaway 11")
    case("9113 10.5.1", "hostile: a header block that unpacks to megabytes", [
        get(1, ("x", "y")), packed(3, b"\x40\x01b\x7e" + b"b" * 126 + b"\xbe" * 16000)], "goaway 11")

    case("7541 2.3.3", "index 0", [packed(1, b"\x80")], "goaway 9")
    case("7541 2.3.3", "an index beyond both tables", [packed(1, b"\xff\x80\x01")], "goaway 9")
    case("7541 2.3.2", "an entry of the dynamic table", [packed(1, block_of + b"\x40\x01x\x01y"), packed(3, block_of + b"\xbe")], f"{ok}, {ok3}")
    case("7541 4.2", "a table size above what we allow", [packed(1, b"\x3f\xe2\x1f" + block_of)], "goaway 9")
    case("7541 4.2", "a table size at the block's end", [packed(1, block_of + b"\x20")], "goaway 9")
    case("7541 4.2", "a smaller table", [packed(1, b"\x20\x3f\xe1\x1f" + block_of)], ok)
    case("7541 4.4", "an entry larger than the table empties it", [
        packed(1, block_of + b"\x40\x01x\x01y"), packed(3, b"\x3f\x01" + block_of + b"\x40\x01x\x7e" + b"y" * 126), packed(5, block_of + b"\xbe")],
        "goaway 9")
    case("7541 5.1", "an integer past 32 bits", [packed(1, b"\xff" + b"\xff" * 9 + b"\x0f")], "goaway 9")
    case("7541 5.1", "an integer without its end", [packed(1, block_of + b"\xff\x80")], "goaway 9")
    case("7541 5.2", "a string longer than its block", [packed(1, b"\x00\x7e" + b"x")], "goaway 9")
    case("7541 5.2", "Huffman's padding of 8 bits", [packed(1, block_of + b"\x00\x01x\x82\xf3\xff")], "goaway 9")
    case("7541 5.2", "Huffman's padding of zeros", [packed(1, block_of + b"\x00\x01x\x81\xf0")], "goaway 9")
    case("7541 5.2", "Huffman's end of string in a string", [packed(1, block_of + b"\x00\x01x\x84\xff\xff\xff\xff")], "goaway 9")
    case("7541 6.1", "the static table", [packed(1, b"\x82\x86\x84\x41\x01a")], ok)
    case("7541 6.2.1", "a literal with indexing, Huffman coded", [packed(1, b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff")], ok)
    case("7541 6.2.3", "a literal that is never indexed", [packed(1, b"\x82\x86\x84\x41\x01a\x1f\x08\x0bBasic eDp5eQ"[:-1])], ok)
    return cases


def upstream_cases():
    """What a server sends on the stream of a request of ours, which is the connection's first: stream 1."""
    def case(section, name, sent, status, fate):
        cases.append(Upstream(section, name, b"".join(sent), status, fate))

    cases = []
    ok = headers(1, (":status", "200"))
    whole = [ok, data(1, b"good", end=True)]
    block_of = block((":status", "200"))

    case("9113 4.1", "an unknown type of frame", [frame(0xBB, 0xFF, 0, b"what"), *whole], 200, "none")
    case("9113 4.1", "the reserved bit of a stream", [frame(PING, 0, 0x80000000, bytes(8)), *whole], 200, "none")
    case("9113 4.2", "DATA above the largest size", [ok, data(1, bytes(16385))], "cut", "goaway 6")
    case("9113 4.3", "DATA inside a header block", [headers(1, (":status", "200"), ends_block=False), data(1, b"x")], 502, "goaway 1")
    case("9113 5.1", "idle: RST_STREAM", [frame(RST_STREAM, 0, 99, number(CANCEL)), *whole], 502, "goaway 1")
    case("9113 5.1", "idle: WINDOW_UPDATE", [frame(WINDOW_UPDATE, 0, 99, number(1)), *whole], 502, "goaway 1")
    case("9113 5.1", "idle: PRIORITY", [frame(PRIORITY, 0, 99, bytes(5)), *whole], 200, "none")
    case("9113 6.1", "DATA of stream 0", [data(0, b"x")], 502, "goaway 1")
    case("9113 6.1", "padding", [ok, frame(DATA, PADDED | END_STREAM, 1, b"\x03good\0\0\0")], 200, "none")
    case("9113 6.1", "padding longer than its frame", [ok, frame(DATA, PADDED, 1, b"\x05xyz")], "cut", "goaway 1")
    case("9113 6.1", "DATA before HEADERS", [data(1, b"x")], 502, "reset 1")
    case("9113 6.2", "HEADERS of stream 0", [headers(0, (":status", "200"))], 502, "goaway 1")
    case("9113 6.2", "padding longer than its frame", [frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + block_of)], 502, "goaway 1")
    case("9113 6.3", "PRIORITY of stream 0", [frame(PRIORITY, 0, 0, bytes(5))], 502, "goaway 1")
    case("9113 6.4", "RST_STREAM of 3 bytes", [frame(RST_STREAM, 0, 1, bytes(3))], 502, "goaway 6")
    case("9113 6.4", "RST_STREAM of stream 0", [frame(RST_STREAM, 0, 0, bytes(4))], 502, "goaway 1")
    case("9113 6.4", "RST_STREAM in the body", [ok, data(1, b"x"), frame(RST_STREAM, 0, 1, number(INTERNAL))], "cut", "none")
    case("9113 6.5", "an acknowledgement with content", [frame(SETTINGS, ACK, 0, bytes(6))], 502, "goaway 6")
    case("9113 6.5", "SETTINGS of 5 bytes", [frame(SETTINGS, 0, 0, bytes(5))], 502, "goaway 6")
    case("9113 6.5.2", "ENABLE_PUSH of a server", [setting(2, 1)], 502, "goaway 1")
    case("9113 6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1", [setting(4, 1 << 31)], 502, "goaway 3")
    case("9113 6.5.2", "MAX_FRAME_SIZE below 16384", [setting(5, 1)], 502, "goaway 1")
    case("9113 6.5.2", "unknown settings", [setting(0xABCD, 7), *whole], 200, "none")
    case("9113 6.5.2", "MAX_CONCURRENT_STREAMS of 0", [setting(3, 0), *whole], 200, "none")
    case("9113 6.6", "PUSH_PROMISE, which we have forbidden", [frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + block(*GET))], 502, "goaway 1")
    case("9113 6.7", "PING of 6 bytes", [frame(PING, 0, 0, bytes(6))], 502, "goaway 6")
    case("9113 6.7", "PING of a stream", [frame(PING, 0, 1, bytes(8))], 502, "goaway 1")
    case("9113 6.8", "GOAWAY of a stream", [frame(GOAWAY, 0, 1, bytes(8))], 502, "goaway 1")
    case("9113 6.8", "GOAWAY that includes the stream", [frame(GOAWAY, 0, 0, number(1) + bytes(4)), *whole], 200, "none")
    case("9113 6.9", "WINDOW_UPDATE of 0 for the connection", [frame(WINDOW_UPDATE, 0, 0, bytes(4))], 502, "goaway 1")
    case("9113 6.9.1", "the connection's window above 2^31-1", [frame(WINDOW_UPDATE, 0, 0, number(0x7FFFFFFF))], 502, "goaway 3")
    case("9113 6.10", "CONTINUATION alone", [frame(CONTINUATION, END_HEADERS, 1, block_of)], 502, "goaway 1")
    case("9113 6.10", "a header block in many pieces", [
        headers(1, (":status", "200"), ends_block=False), frame(CONTINUATION, 0, 1, block(("x", "y"))), frame(CONTINUATION, END_HEADERS, 1),
        data(1, b"good", end=True)], 200, "none")
    case("9113 8.1", "an interim answer", [headers(1, (":status", "103")), *whole], 200, "none")
    case("9113 8.1", "an interim answer that ends the stream", [headers(1, (":status", "103"), end=True)], 502, "reset 1")
    case("9113 8.1", "trailers", [ok, data(1, b"good"), headers(1, ("x-trailer", "1"), end=True)], 200, "none")
    case("9113 8.1.1", "less than content-length", [headers(1, (":status", "200"), ("content-length", "9")), data(1, b"x", end=True)], "cut", "none")
    case("9113 8.1.1", "more than content-length", [headers(1, (":status", "200"), ("content-length", "4")), data(1, b"good, more", end=True)], 200, "none")
    for name, value, what in (("X-Upper", "y", "a capital in a name"), ("x y", "y", "a space in a name"), ("x", "a\r\nset-cookie: a=b", "a field of HTTP/1 in a value"),
                              ("x", "a\0", "NUL in a value")):
        case("9113 8.2.1", what, [headers(1, (":status", "200"), (name, value)), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.2.1", "a space around a value, which is taken off", [headers(1, (":status", "200"), ("x", " a ")), data(1, b"good", end=True)], 200, "none")
    for name in ("connection", "keep-alive", "transfer-encoding", "upgrade"):
        case("9113 8.2.2", f"`{name}`", [headers(1, (":status", "200"), (name, "chunked")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.3.2", "no `:status`", [headers(1, ("x", "y")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.3.2", "`:status` of letters", [headers(1, (":status", "abc")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.3.2", "`:status` of four digits", [headers(1, (":status", "2000")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.3.2", "a request's pseudo-field", [headers(1, (":status", "200"), (":path", "/")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.3.2", "`:status` after others", [headers(1, ("x", "y"), (":status", "200")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 8.6", "101", [headers(1, (":status", "101")), data(1, b"good", end=True)], 502, "reset 1")
    case("9113 10.5", "hostile: PING", [frame(PING, 0, 0, bytes(8)) * 3000], 502, "goaway 11")
    case("9113 10.5", "hostile: SETTINGS", [setting(3, 100) * 1000], 502, "goaway 11")
    case("9113 10.5", "hostile: empty DATA", [ok, data(1) * 3000], "cut", "goaway 11")
    case("9113 10.5", "hostile: CONTINUATION without end", [headers(1, (":status", "200"), ends_block=False), frame(CONTINUATION, 0, 1) * 100], 502, "goaway 11")
    case("9113 10.5", "hostile: interim answers", [headers(1, (":status", "103")) * 100, *whole], 502, "reset 8")
    case("7541 2.3.3", "an index beyond both tables", [frame(HEADERS, END_HEADERS, 1, b"\xff\x80\x01")], 502, "goaway 9")
    case("7541 4.2", "a table size above what we allow", [frame(HEADERS, END_HEADERS, 1, b"\x3f\xe2\x1f" + block_of)], 502, "goaway 9")
    case("7541 5.2", "Huffman's padding of zeros", [frame(HEADERS, END_HEADERS, 1, block_of + b"\x00\x01x\x81\xf0")], 502, "goaway 9")
    case("7541 5.2", "a string longer than its block", [frame(HEADERS, END_HEADERS, 1, b"\x00\x7ex")], 502, "goaway 9")
    case("7541 6.1", "the static table", [frame(HEADERS, END_HEADERS, 1, b"\x88"), data(1, b"good", end=True)], 200, "none")
    return cases
