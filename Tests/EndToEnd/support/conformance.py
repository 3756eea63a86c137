"""The table of docs/reliability.md: how many cases there are for each section of which RFC."""

import collections

import http2_cases
import websocket_cases

SECTIONS = {
    "9113 4.1": "frame format", "9113 4.2": "frame size", "9113 4.3": "header blocks between frames", "9113 5.1": "stream states", "9113 5.1.1": "stream numbers",
    "9113 5.1.2": "concurrent streams", "9113 5.5": "extensions", "9113 6.1": "DATA", "9113 6.2": "HEADERS", "9113 6.3": "PRIORITY", "9113 6.4": "RST_STREAM",
    "9113 6.5": "SETTINGS", "9113 6.5.2": "settings", "9113 6.5.3": "acknowledgements", "9113 6.6": "PUSH_PROMISE", "9113 6.7": "PING", "9113 6.8": "GOAWAY",
    "9113 6.9": "WINDOW_UPDATE", "9113 6.9.1": "windows", "9113 6.9.2": "initial windows", "9113 6.10": "CONTINUATION", "9113 7": "error codes",
    "9113 8.1": "messages", "9113 8.1.1": "malformed messages, content-length", "9113 8.2.1": "names and values", "9113 8.2.2": "fields of connections",
    "9113 8.3": "pseudo-fields", "9113 8.3.1": "requests", "9113 8.3.2": "answers", "9113 8.5": "CONNECT", "9113 8.6": "upgrades",
    "9113 10.5": "floods", "9113 10.5.1": "header blocks that unpack to much", "7541 2.3.2": "dynamic table", "7541 2.3.3": "indices", "7541 4.2": "table sizes",
    "7541 4.4": "entries put out", "7541 5.1": "integers", "7541 5.2": "strings, Huffman", "7541 6.1": "indexed fields", "7541 6.2.1": "literals that are indexed",
    "7541 6.2.3": "literals that are never indexed", "6455 4.1": "a client's handshake", "6455 4.2.1": "what a server wants of it", "6455 4.2.2": "versions",
    "6455 5.2": "frames", "6455 5.3": "masks", "6455 5.4": "messages in pieces", "6455 5.5": "control frames", "6455 5.5.1": "Close", "6455 5.5.2": "Ping", "6455 5.5.3": "Pong",
    "6455 5.6": "data", "6455 7.4": "close codes", "6455 8.1": "UTF-8",
}


def table():
    """Markdown: a row a section."""
    counts = [collections.Counter(case.section for case in cases) for cases in (http2_cases.client_cases(), http2_cases.upstream_cases())]
    counts.append(collections.Counter(f"6455 {case.section}" for case in websocket_cases.cases()))
    rows = ["| RFC | section | subject | a client towards us | a server behind us | through the tunnel |", "| --- | --- | --- | --- | --- | --- |"]
    for section, subject in SECTIONS.items():
        rfc, number = section.split()
        rows.append(f"| {rfc} | {number} | {subject} | " + " | ".join(str(count[section] or "-") for count in counts) + " |")
    rows.append("| | | together | " + " | ".join(str(count.total()) for count in counts) + " |")
    assert set(SECTIONS) == set().union(*counts), set(SECTIONS) ^ set().union(*counts)
    return "\n".join(rows)
