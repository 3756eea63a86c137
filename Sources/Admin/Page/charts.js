// Small charts: a group's sparkline, and what happened when, over all of it.

import { svg } from "./dom.js";
import { buckets } from "./records.js";
import { clock, duration, plural } from "./text.js";

const TONES = ["proven", "suspected", "info"];

const sum = (bucket) => bucket.proven + bucket.suspected + bucket.info;

export function sparkline(group, now, span) {
    const [width, height, size] = [96, 24, 24];
    const found = buckets(group.records, now, span, size).map(sum);
    const most = Math.max(1, ...found);
    const step = width / size;
    return svg(`svg.spark.${group.tone}`, { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
        found.map((count, index) => svg(count > 0 ? "rect" : "rect.none", {
            x: index * step + 0.5, width: step - 1, rx: 0.5,
            ...(count > 0 ? bar(count / most, height) : { y: height - 1, height: 1 }),
        })));
}

function bar(share, height) {
    const size = Math.max(3, share * height);
    return { y: height - size, height: size };
}

/** One bar a sixtieth of the span, the gravest at the bottom. */
export function timeline(records, now, span) {
    const [width, height, size] = [600, 44, 60];
    const found = buckets(records, now, span, size);
    const most = Math.max(1, ...found.map(sum));
    const step = width / size;
    const total = found.reduce((all, bucket) => all + sum(bucket), 0);
    return svg("svg.timeline", {
        viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
        "aria-label": `${plural(total, "incident")} in the last ${duration(span / 1000)}`,
    }, found.map((bucket, index) => {
        const start = now - span + (index * span) / size;
        let top = height;
        const bars = TONES.filter((tone) => bucket[tone] > 0).map((tone) => {
            const size = Math.max(2, (bucket[tone] / most) * (height - 4));
            top -= size;
            return svg(`rect.${tone}`, { x: index * step + 1, y: Math.max(0, top), width: step - 2, height: size });
        });
        return svg("g", {}, svg("title", {}, `${clock(start)}: ${plural(sum(bucket), "incident")}`),
            bars.length > 0 ? bars : svg("rect.none", { x: index * step + 1, y: height - 1, width: step - 2, height: 1 }));
    }));
}
