"""docs/configuration.md's tables of keys → docs/reference/config.schema.json, for editors."""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE, TARGET = ROOT / "docs/configuration.md", ROOT / "docs/reference/config.schema.json"
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \| (.*) \|$")
# `${NAME}` may stand for any value.
VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
DURATION = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"}
SIZE = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(B|KiB|MiB|GiB|KB|MB|GB)?$"}]}
TEXT = {"type": "string"}
NULL = {"type": "null"}


def scalar(text):
    """The YAML value that stands in backticks."""
    return {"off": [False, "off"], "true": [True], "false": [False], "null": [None]}.get(text, [int(text)] if text.isdigit() else [text])


def schema(kind):
    """What a type of the tables accepts."""
    if kind.endswith(" or `null`"):
        return {"anyOf": [schema(kind.removesuffix(" or `null`")), NULL]}
    if match := re.fullmatch(r"\[section\]\(#(.+)\)", kind):
        return {"anyOf": [{"$ref": f"#/$defs/{match[1]}"}, NULL]}
    if match := re.fullmatch(r"list of \[sections\]\(#(.+)\)", kind):
        return {"anyOf": [{"type": "array", "items": {"anyOf": [{"$ref": f"#/$defs/{match[1]}"}, TEXT]}}, NULL]}
    if match := re.fullmatch(r"names with a \[section\]\(#(.+)\) each", kind):
        return {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{match[1]}"}, "minProperties": 1}
    if kind.startswith("list of "):
        return {"anyOf": [{"type": "array", "items": schema(kind.removeprefix("list of "))}, NULL]}
    if kind.startswith("mapping of "):
        return {"anyOf": [{"type": "object", "additionalProperties": TEXT}, NULL]}
    if match := re.fullmatch(r"integer (\d+)…(\d+)", kind):
        return {"type": "integer", "minimum": int(match[1]), "maximum": int(match[2])}
    if kind.startswith("size "):
        return SIZE
    if kind == "duration":
        return DURATION
    if kind == "duration or 0":
        return {"anyOf": [DURATION, {"const": 0}]}
    if re.fullmatch(r"`[^`]+`(, `[^`]+`)*", kind):
        return {"enum": [value for text in re.findall(r"`([^`]+)`", kind) for value in scalar(text)]}
    if match := re.fullmatch(r"(.+) or `([^`]+)`", kind):
        return {"anyOf": [schema(match[1]), {"enum": scalar(match[2])}]}
    if match := re.fullmatch(r"`([^`]+)` or (.+)", kind):
        return {"anyOf": [{"enum": scalar(match[1])}, schema(match[2])]}
    if kind in ("boolean", "true or false"):
        return {"type": "boolean"}
    return TEXT


def sections(text):
    """Anchor → rows of (key, type, default, meaning), in the document's order."""
    found, anchor = {}, None
    for line in text[text.index("<!-- keys: begin -->"):text.index("<!-- keys: end -->")].splitlines():
        if line.startswith("### "):
            # As GitHub makes anchors of headings.
            anchor = re.sub(r"[^\w\- ]", "", line[4:].lower()).strip().replace(" ", "-")
            found[anchor] = []
        elif match := ROW.match(line):
            found[anchor].append(match.groups())
    return found


def section(rows):
    properties = {key: {"description": meaning, "anyOf": [schema(kind), VARIABLE]} for key, kind, _, meaning in rows}
    required = [key for key, _, default, _ in rows if default == "required"]
    return {"type": "object", "properties": properties, "additionalProperties": False} | ({"required": required} if required else {})


def generated():
    definitions = {anchor: section(rows) for anchor, rows in sections(SOURCE.read_text(encoding="utf-8")).items()}
    top = definitions.pop("top-level")
    # `admin: off`.
    top["properties"]["admin"]["anyOf"].append({"enum": [False, "off"]})
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "SendOnce's configuration",
        "description": "Written by scripts/config-schema from docs/configuration.md. `sendonce check` knows more.",
    } | top | {"$defs": definitions}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def main(arguments):
    if arguments == ["--check"]:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != generated()
        sys.exit("docs/reference/config.schema.json is not what docs/configuration.md says; scripts/config-schema writes it" if stale else 0)
    if arguments:
        sys.exit("usage: scripts/config-schema [--check]")
    TARGET.write_text(generated(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
