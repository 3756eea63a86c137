// The wire position, drawn: requests above, answers below, time from left to right, bytes as wide as their logarithm.

import { el, svg } from "./dom.js";
import { story } from "./story.js";

const HEIGHT = 140;
const OUT = { top: 26, height: 26 };
const BACK = { top: 80, height: 34 };
const MARGIN = 2;

export function wireFigure(record) {
    const moments = story(record);
    const holder = el("div.wire-drawing");
    const list = el("ol.moments", {}, moments.map((moment, index) => el("li", { class: `moment ${moment.kind}` },
        el("span.number", { "aria-hidden": "true" }, index + 1), el("span", {}, moment.text))));
    let drawn = 0;
    new ResizeObserver(([entry]) => {
        const width = Math.floor(entry.contentRect.width);
        if (width === drawn || width < 40) return;
        drawn = width;
        holder.replaceChildren(draw(moments, width, record));
    }).observe(holder);
    return el("figure.wire", {}, holder, list);
}

function draw(moments, width, record) {
    const total = moments.reduce((sum, moment) => sum + moment.weight, 0);
    const scale = (width - 2 * MARGIN) / total;
    let x = MARGIN;
    const parts = moments.map((moment, index) => {
        const part = { ...moment, x, width: moment.weight * scale, number: index + 1 };
        x += part.width;
        return part;
    });
    const captions = record.kind === "application_double_send" ? ["to the application", "by the application"] : ["to the upstream", "from the upstream"];
    return svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": moments.map((moment) => moment.text).join(" ") },
        svg("text.lane-name", { x: MARGIN, y: 14 }, captions[0]),
        svg("text.lane-name", { x: MARGIN, y: BACK.top - 11 }, captions[1]),
        svg("line.lane-line", { x1: MARGIN, x2: width - MARGIN, y1: BACK.top + BACK.height / 2, y2: BACK.top + BACK.height / 2 }),
        parts.map(drawPart), ruler(parts, width));
}

function drawPart(part) {
    const lane = part.lane === "out" ? OUT : BACK;
    const middle = lane.top + lane.height / 2;
    switch (part.kind) {
        case "end":
            return svg("g.part.end", {}, svg("line", { x1: part.x, x2: part.x, y1: lane.top - 5, y2: lane.top + lane.height + 5 }), number(part, part.x, lane.top - 13));
        case "gap":
            return svg("g.part.gap", {},
                svg("line", { x1: part.x + 3, x2: part.x + part.width - 3, y1: middle, y2: middle }),
                number(part, part.x + part.width / 2, lane.top + 6), label(part, part.x + part.width / 2, lane.top + lane.height + 1, "middle", part.width));
        case "close":
            return svg("g.part.close", {},
                svg("line", { x1: part.x + 4, x2: part.x + 4, y1: lane.top - 5, y2: lane.top + lane.height + 5 }),
                svg("path", { d: `M ${part.x + 9} ${middle - 5} l 10 10 m 0 -10 l -10 10` }), number(part, part.x + 4, lane.top - 13));
        case "request":
        case "victim":
            return svg(`g.part.${part.kind}`, {},
                svg("path", { d: arrow(part.x, lane.top, part.width - 3, lane.height) }), number(part, part.x + 13, middle), inner(part, middle));
        default:
            return svg(`g.part.${part.kind}`, {},
                svg("rect", { x: part.x + 1, y: lane.top, width: Math.max(2, part.width - 2), height: lane.height, rx: 3 }),
                number(part, part.x + 13, middle), inner(part, middle));
    }
}

function arrow(x, y, width, height) {
    const tip = Math.min(10, width / 3);
    return `M ${x + 1} ${y} H ${x + width - tip} L ${x + width} ${y + height / 2} L ${x + width - tip} ${y + height} H ${x + 1} Z`;
}

function number(part, x, y) {
    return svg("g.number", {}, svg("circle", { cx: x, cy: y, r: 8 }), svg("text", { x, y: y + 3.5, "text-anchor": "middle" }, part.number));
}

/** Inside the part where there is room for it beside the number. */
function inner(part, middle) {
    return label(part, part.x + 26, middle + 4, "start", part.width - 32);
}

function label(part, x, y, anchor, room) {
    const text = String(part.label);
    if (text.length * 7 > room) return null;
    return svg("text.label", { x, y, "text-anchor": anchor }, text);
}

/** Offsets within the answer below it, where they are known and do not run into each other. */
function ruler(parts, width) {
    let free = -Infinity;
    return parts.filter((part) => part.lane === "back" && part.start !== undefined).map((part) => {
        const text = part.start === 0 ? "byte 0" : part.start;
        const size = String(text).length * 6.5;
        const x = Math.min(part.x + 1, width - size);
        if (x < free) return null;
        free = x + size + 8;
        return svg("g.ruler", {},
            svg("line", { x1: part.x + 1, x2: part.x + 1, y1: BACK.top + BACK.height, y2: BACK.top + BACK.height + 6 }),
            svg("text", { x, y: HEIGHT - 6 }, text));
    });
}
