"""Sources/Admin/Page → Sources/Admin/PageFiles.swift: the page is carried by the program itself."""

import pathlib
import sys

ADMIN = pathlib.Path(__file__).resolve().parents[2] / "Sources/Admin"
SOURCE, TARGET = ADMIN / "Page", ADMIN / "PageFiles.swift"
TYPES = {".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
HEAD = """// swift-format-ignore-file
// Written by scripts/page from the files in Page: do not edit.

extension PageFile {
    static let all: [PageFile] = [
"""


def literal(text):
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def generated():
    lines = [
        f'        PageFile(name: "{path.name}", contentType: "{TYPES[path.suffix]}", text: {literal(path.read_text(encoding="utf-8"))}),\n'
        for path in sorted(SOURCE.iterdir())]
    return HEAD + "".join(lines) + "    ]\n}\n"


def main(arguments):
    if arguments == ["--check"]:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != generated()
        sys.exit("Sources/Admin/PageFiles.swift is not what Sources/Admin/Page says; scripts/page writes it" if stale else 0)
    if arguments:
        sys.exit("usage: scripts/page [--check]")
    TARGET.write_text(generated(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
