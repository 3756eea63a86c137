"""Lines of an incident log, made for a test."""

import json


def record(number=1, minute=15, **changes):
    """A record of 2026-11-22; `changes` by dotted name with `__`, None takes a key away."""
    made = {
        "time": f"2026-11-22T09:{minute:02}:{number % 60:02}.123456Z", "id": f"01KAN8ZQ8K3N6T0VJ5E4R{minute:02}{number:03}", "schema": 1,
        "severity": "error", "kind": "second_response", "certainty": "proven", "origin": "upstream", "action": "contain",
        "client_impact": "none", "message": f"upstream legacy-shop sent a second answer to GET /orders/{number}", "route": "shop",
        "protocol": "http/1.1", "upstream": {"name": "legacy-shop", "address": "127.0.0.1:3000", "connection": 812, "exchange": 4},
        "client": {"address": "10.0.0.9:51234", "protocol": "h2"},
        "request": {"id": f"b{number}", "method": "GET", "path": f"/orders/{number}", "host": "shop.example"},
        "response": {"status": 200, "framing": "content-length", "declared_bytes": 11, "body_bytes": 11},
        "evidence": {"phase": "idle", "offset": 82, "surplus_bytes": 89, "delay_ms": 20.1, "second_status": 500,
                     "second_fields": ["content-type"], "start_line": "HTTP/1.1 500 Internal Server Error"},
        "suppressed": 0}
    for name, value in changes.items():
        *path, last = name.split("__")
        place = made
        for key in path:
            place = place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def line(number=1, **changes):
    return json.dumps(record(number, **changes), separators=(",", ":")) + "\n"


def lines(numbers, **changes):
    return "".join(line(number, **changes) for number in numbers)
