"""Writes the manual pages: sendonce(1) from what swift-argument-parser's generate-manual makes of the commands, sendonce.yaml(5) from the
tables of docs/configuration.md.

    manuals.py GENERATED VERSION       GENERATED: the folder into which generate-manual has written
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config/man"


def command_page(text, version):
    """generate-manual's page, with what mandoc complains of mended: no empty paragraphs, a sentence a line, `--` before long options."""
    lines = []
    for line in text.split("\n"):
        if line == ".Os":
            line = f".Os sendonce {version}"
        if line.startswith(".Nd "):
            line = line.rstrip('."') + '"'
        line = re.sub(r"\bFl -", "Fl Fl ", line) if line.startswith((".It", ".Op")) else line
        if not line and lines:
            line = ".Pp"
        if line.startswith((".It", ".El", ".Sh")) and lines and lines[-1] == ".Pp":
            lines.pop()
        if line and not line.startswith("."):
            for sentence in re.split(r"(?<=[.;:]) (?=[A-Z])", line):
                lines += wrap(sentence)
            continue
        lines.append(line)
    while lines[-1] == ".Pp":
        lines.pop()
    return "\n".join(lines) + "\n"


def wrap(text, width=78):
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    # A line that begins with a dot or an apostrophe would be an instruction.
    return [("\\&" + line if line[:1] in (".", "'") else line) for line in lines]


def plain(cell):
    """A table's cell without Markdown."""
    cell = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").replace("\\|", "|").strip()
    return cell.replace("\\", "\\e")


def sections(text):
    """[(title, [(key, type, default, meaning)])] of the tables whose first column is `key`."""
    found, title = [], ""
    for line in text.split("\n"):
        if line.startswith("##"):
            title = plain(line.lstrip("#"))
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] if line.startswith("|") else []
        if len(cells) == 4 and cells[0] == "key":
            found.append((title, []))
        elif len(cells) == 4 and found and cells[0].startswith("`") and found[-1][0] == title:
            found[-1][1].append(tuple(map(plain, cells)))
    return found


def configuration_page(document, date, version):
    lines = [f".Dd {date}", ".Dt SENDONCE.YAML 5", f".Os sendonce {version}", ".Sh NAME", ".Nm sendonce.yaml", ".Nd configuration of SendOnce", ".Sh DESCRIPTION"]
    lines += wrap("One YAML file.") + wrap("Every key has a default but upstreams.") + [".Pp", ".Dl sendonce check --config FILE", ".Pp"]
    lines += wrap("prints every problem as FILE:LINE:COLUMN: message.")
    lines += wrap("Durations are written 250ms, 5s or 2m, sizes 16KiB or 10MiB; ${NAME} and ${NAME:-default} take environment variables.")
    for title, keys in sections(document):
        lines += [f".Ss {title}" if title != "Keys" else ".Ss The file", ".Bl -tag -width 6n"]
        for key, sort, default, meaning in keys:
            lines += [f".It Sy {key}"] + wrap((meaning[:1].upper() + meaning[1:]).rstrip(".") + ".")
            remark = "; ".join(filter(None, (sort, f"default: {default}" if default and default != "required" else default)))
            lines += [".br"] + wrap(f"({remark})")
        lines += [".El"]
    lines += [".Sh SEE ALSO", ".Xr sendonce 1"]
    return "\n".join(lines) + "\n"


def main(generated, version):
    page = command_page((pathlib.Path(generated) / "sendonce.1").read_text(), version)
    date = re.search(r"(?m)^\.Dd (.*)$", page)[1]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "sendonce.1").write_text(page)
    (FOLDER / "sendonce.yaml.5").write_text(configuration_page((ROOT / "docs/configuration.md").read_text(), date, version))


if __name__ == "__main__":
    main(*sys.argv[1:])
