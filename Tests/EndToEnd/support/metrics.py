"""Reads the Prometheus text format, strictly enough that a scraper would not complain either."""

import re

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Metrics:
    def __init__(self, text):
        self.series = {}
        self.types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                if name in self.types:
                    raise AssertionError(f"two TYPE lines for {name}")
                self.types[name] = kind
            elif line and not line.startswith("#"):
                match = _LINE.fullmatch(line)
                if not match:
                    raise AssertionError(f"not a sample: {line!r}")
                labels = frozenset(_LABEL.findall(match[2] or ""))
                if (key := (match[1], labels)) in self.series:
                    raise AssertionError(f"the same series twice: {line!r}")
                self.series[key] = float(match[3])

    def find(self, name, **labels):
        """The values of every series of that name with at least those labels."""
        wanted = set(labels.items())
        return [value for (series, has), value in self.series.items() if series == name and wanted <= has]

    def sum(self, name, **labels):
        return sum(self.find(name, **labels))
