"""config/grafana/dashboards.jsonnet → the dashboards beside it, as Grafana imports them."""

import json
import pathlib
import sys

import _jsonnet

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "config/grafana"


def generated():
    """Name of the file → its text."""
    made = json.loads(_jsonnet.evaluate_file(str(FOLDER / "dashboards.jsonnet")))
    return {name: json.dumps(dashboard, indent=1, sort_keys=True, ensure_ascii=False) + "\n" for name, dashboard in made.items()}


def main(arguments):
    stale = [name for name, text in generated().items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    if arguments == ["--check"]:
        sys.exit(f"not what dashboards.jsonnet says: {' '.join(stale)}; scripts/dashboards writes them" if stale else 0)
    if arguments:
        sys.exit("usage: scripts/dashboards [--check]")
    for name, text in generated().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
