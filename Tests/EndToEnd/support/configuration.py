"""Writes the proxy's configuration: a plain dictionary, as block YAML."""

import json
import re

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:+-]*")


def configuration(upstream, directory, *, listener="127.0.0.1:0", policy="contain", upstreams=None, routes=None,
                  connections=None, timeouts=None, retry=None, health=None, eject=None, balance=None, wait_queue=None,
                  incidents=None, **sections):
    """A whole configuration around one upstream `app` and one route `main`; the other arguments override parts of it."""
    app = {"servers": [upstream] if isinstance(upstream, str) else upstream}
    for name, value in (("connections", connections), ("timeouts", timeouts), ("retry", retry), ("health", health),
                        ("eject", eject), ("balance", balance), ("wait_queue", wait_queue)):
        if value is not None:
            app[name] = value
    return {
        "listeners": [{"address": listener}],
        "admin": {"address": "127.0.0.1:0"},
        "workers": 1,
        "upstreams": upstreams or {"app": app},
        "routes": routes or [{"name": "main", "path_prefix": "/", "upstream": "app", "on_violation": policy}],
        "incidents": {"path": f"{directory}/incidents.jsonl"} | (incidents or {}),
    } | {name.rstrip("_"): value for name, value in sections.items()}


def yaml(value, depth=0):
    """Block YAML for dictionaries, lists and scalars."""
    pad = "  " * depth
    if isinstance(value, dict):
        return "".join(
            f"{pad}{_scalar(key)}:" + (f"\n{yaml(item, depth + 1)}" if _nested(item) else f" {_scalar(item)}\n")
            for key, item in value.items())
    return "".join(
        # The first key of a mapping stands on the line of its dash.
        f"{pad}- " + (yaml(item, depth + 1).lstrip(" ") if _nested(item) else f"{_scalar(item)}\n") for item in value)


def _nested(value):
    return isinstance(value, (dict, list)) and bool(value)


def _scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value.endswith(":"):
        return value
    return json.dumps(value)
