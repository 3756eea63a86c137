"""Panels of a Grafana dashboard as one page of HTML: stats, time series, tables, logs and rows, where the dashboard's own grid has them."""

import html
import math
import time

COLUMNS = 24
HEAD = 46
COLOURS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#37872d", "#fa6400", "#8ab8ff", "#c4162a", "#a352cc", "#705da0"]
STATES = {"green": "#56a64b", "orange": "#ff780a", "yellow": "#e0b400", "red": "#e02f44"}
STYLE = """
body { margin: 0; background: #f4f5f5; color: #24292e; font: 12px/1.4 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 18px; font-weight: 500; margin: 0; padding: 11px 12px; height: 24px; }
h1 small { color: #6e7681; font-size: 12px; float: right; }
.panel { position: absolute; box-sizing: border-box; background: #fff; border: 1px solid #dcdfe3; border-radius: 2px; overflow: hidden; padding: 6px 8px; }
.panel h2 { font-size: 13px; font-weight: 500; margin: 0 0 4px; }
.row { position: absolute; font-size: 15px; padding: 9px 12px; }
.value { font-size: 44px; color: #fff; text-align: center; line-height: 80px; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 2px 8px 2px 0; border-bottom: 1px solid #eceff2; white-space: nowrap; }
th { color: #3b6fb5; font-weight: 500; } .number { text-align: right; }
.legend td { border: 0; padding: 0 8px 0 0; line-height: 15px; } .legend i { display: inline-block; width: 14px; height: 3px; margin: 0 6px 3px 0; }
.line { font-family: "DejaVu Sans Mono", monospace; font-size: 11px; white-space: nowrap; border-left: 3px solid; padding-left: 6px; margin: 1px 0; }
.line time { color: #6e7681; padding-right: 8px; }
"""


def height(dashboard, row_height):
    return HEAD + max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) * row_height + 8


def page(dashboard, data, lines, span, width, row_height):
    unit = (width - 16) / COLUMNS
    parts = []
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        box = place["w"] * unit - 8, place["h"] * row_height - 8
        style = f'left:{12 + place["x"] * unit:.0f}px;top:{HEAD + place["y"] * row_height}px;width:{box[0]:.0f}px;height:{box[1]}px'
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            parts.append(f'<div class="row" style="{style}">▾ {title}</div>')
            continue
        series = data.get(panel["title"], [])
        if panel["type"] == "stat":
            value = series[0][1][-1][1] if series else 0
            parts.append(f'<div class="panel" style="{style};background:{state(panel, value)};color:#fff"><h2>{title}</h2><div class="value">{round(value):,}</div></div>')
            continue
        draw = {"timeseries": lambda: curves(panel, series, span, box), "table": lambda: table(panel, series), "logs": lambda: logs(lines)}[panel["type"]]
        parts.append(f'<div class="panel" style="{style}"><h2>{title}</h2>{draw()}</div>')
    moments = " to ".join(time.strftime("%H:%M:%S", time.gmtime(moment)) for moment in span)
    return (f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><h1>{html.escape(dashboard["title"])}'
            f'<small>{time.strftime("%Y-%m-%d", time.gmtime(span[0]))} {moments} UTC</small></h1>' + "".join(parts))


def state(panel, value):
    """The colour of the last threshold that the value has reached."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return STATES[[step["color"] for step in steps if step.get("value") is None or value >= step["value"]][-1]]


def said(value, unit):
    if not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
    factor, names = (1024, ["", "Ki", "Mi", "Gi"]) if unit == "bytes" else (1000, ["", "k", "M", "G"])
    power = min(3, int(math.log(abs(value), factor))) if abs(value) >= factor else 0
    tail = {"bytes": "B", "Bps": "B/s", "reqps": "req/s", "cps": "c/s"}.get(unit, "")
    return f"{value / factor ** power:.3g}" + (f" {names[power]}{tail}" if names[power] or tail else "")


def curves(panel, series, span, box):
    defaults = panel["fieldConfig"]["defaults"]
    unit, custom = defaults["unit"], defaults.get("custom", {})
    stacked, opacity = custom.get("stacking", {}).get("mode") == "normal", custom.get("fillOpacity", 0) / 100
    series = [(name, [(moment, value) for moment, value in points if math.isfinite(value)]) for name, points in series]
    # Names that say nothing all the time would hide those that do.
    busy = [one for one in series if any(value for _, value in one[1])] or series
    legend = sorted(busy, key=lambda one: -max((value for _, value in one[1]), default=0))[:4]
    width, tall = box[0] - 18, box[1] - 56 - 16 * (len(legend) + 1)
    left, low = 58, tall - 18
    bottoms, shapes = {}, []
    heights = {}
    for name, points in busy:
        heights[name] = []
        for moment, value in points:
            below = bottoms.get(moment, 0) if stacked else 0
            bottoms[moment] = below + value if stacked else max(bottoms.get(moment, 0), value)
            heights[name].append((moment, below, below + value))
    top = max(bottoms.values(), default=0) or 1
    step = 10 ** math.floor(math.log10(top))
    step = next(size for size in (step / 5, step / 2, step, step * 2, step * 5) if top / size <= 4.2)
    top = math.ceil(top * (1 if unit == "percentunit" else 1.02) / step) * step

    def x(moment):
        return left + (moment - span[0]) / (span[1] - span[0]) * (width - left)

    def y(value):
        return low - value / top * (low - 4)
    for mark in range(round(top / step) + 1):
        shapes.append(f'<line x1="{left}" x2="{width:.0f}" y1="{y(mark * step):.1f}" y2="{y(mark * step):.1f}" stroke="#e5e8eb"/>'
                      f'<text x="{left - 6}" y="{y(mark * step) + 4:.1f}" text-anchor="end">{said(mark * step, unit)}</text>')
    for mark in range(4):
        moment = span[0] + (span[1] - span[0]) * (mark + 0.5) / 4
        shapes.append(f'<text x="{x(moment):.0f}" y="{tall - 3}" text-anchor="middle">{time.strftime("%H:%M:%S", time.gmtime(moment))}</text>')
    for number, (name, _) in enumerate(busy):
        colour = COLOURS[number % len(COLOURS)]
        above = " ".join(f"{x(moment):.1f},{y(value):.1f}" for moment, _, value in heights[name])
        below = " ".join(f"{x(moment):.1f},{y(value):.1f}" for moment, value, _ in reversed(heights[name]))
        shapes.append(f'<polygon points="{above} {below}" fill="{colour}" fill-opacity="{opacity}"/><polyline points="{above}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    order = [name for name, _ in busy]
    rows = "".join(
        f'<tr><td><i style="background:{COLOURS[order.index(name) % len(COLOURS)]}"></i>{html.escape(name)}</td>'
        f'<td class="number">{said(points[-1][1], unit)}</td><td class="number">{said(max(value for _, value in points), unit)}</td></tr>'
        for name, points in legend if points)
    more = f" and {len(busy) - len(legend)} more" if len(busy) > len(legend) else ""
    return (f'<svg width="{width:.0f}" height="{tall:.0f}" style="font-size:10px" fill="#6e7681">{"".join(shapes)}</svg>'
            f'<table class="legend"><tr><th>Name{more}</th><th class="number">Last</th><th class="number">Max</th></tr>{rows}</table>')


def table(panel, series):
    columns = panel["transformations"][0]["options"]
    names = sorted(columns["indexByName"], key=columns["indexByName"].get)
    head = "".join(f'<th{" class=number" if name == "Value" else ""}>{columns["renameByName"].get(name, name)}</th>' for name in names)
    rows = "".join("<tr>" + "".join(
        f'<td class="number">{round(points[-1][1])}</td>' if name == "Value" else f"<td>{html.escape(labels.get(name, ''))}</td>" for name in names) + "</tr>"
        for labels, points in series)
    return f"<table><tr>{head}</tr>{rows}</table>"


def logs(lines):
    colours = {"error": "#e02f44", "warning": "#ff780a", "info": "#56a64b"}
    return "".join(f'<div class="line" style="border-color:{colours[severity]}"><time>{moment}</time>{html.escape(text)}</div>'
                   for moment, severity, text in lines[:18])
