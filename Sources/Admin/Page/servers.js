// Upstream servers, routes and paths of the endpoint, as tables.

import { el } from "./dom.js";
import { count, duration, rate } from "./text.js";

/** What a server is like now, the gravest first. */
function standing(server) {
    if (!server.up) return ["proven", "down"];
    if (server.ejected_for_ms > 0) return ["suspected", `passed over, ${duration(server.ejected_for_ms / 1000)} more`];
    if (server.quarantined) return ["suspected", `quarantine, ${duration(server.quarantined_for_ms / 1000)} more`];
    return ["good", "up"];
}

export function serverTable(upstreams, place) {
    const rows = upstreams.flatMap((upstream) => upstream.servers.map((server, index) => {
        const [tone, text] = standing(server);
        return el("tr", {},
            el("th", { scope: "row" }, index === 0 ? upstream.name : el("span.same", {}, upstream.name)),
            el("td.address", { "data-name": "server" }, server.address, server.weight !== 1 && el("span.quiet", {}, ` ×${server.weight}`)),
            el("td", { "data-name": "state" }, el(`span.tag.${tone}`, {}, text)),
            cell("connections", count(server.connections)), cell("resting", count(server.idle)),
            cell("failures in a row", count(Math.max(server.failures_in_a_row, server.failed_checks_in_a_row))));
    }));
    place.replaceChildren(table(["upstream", "server", "state"], ["connections", "resting", "failures in a row"], rows, "No upstream is configured."));
}

export function routeTable(routes, place, only) {
    const shown = only ? routes.filter((route) => `${route.name} ${route.upstream}`.toLowerCase().includes(only.toLowerCase())) : routes;
    const most = Math.max(1e-9, ...shown.map((route) => route.rate ?? 0));
    const rows = shown.map((route) => el("tr", {},
        el("th", { scope: "row" }, route.name, route.upstream && el("span.quiet", {}, ` → ${route.upstream}`)),
        el("td.number.rate", { "data-name": "requests/s" }, meter((route.rate ?? 0) / most), rate(route.rate)),
        el(`td.number${route.errorRate > 0 ? ".bad" : ""}`, { "data-name": "5xx/s" }, rate(route.errorRate)),
        cell("p50", route.median === undefined ? "–" : duration(route.median)), cell("p99", route.tail === undefined ? "–" : duration(route.tail)),
        cell("requests", count(route.total)),
        el("td.number", { "data-name": "incidents" }, route.incidents > 0
            ? el("a.tag.proven", { href: `?route=${encodeURIComponent(route.name)}` }, count(route.incidents)) : "0")));
    place.replaceChildren(table(["route"], ["requests/s", "5xx/s", "p50", "p99", "requests", "incidents"], rows, "No route matches."));
}

const cell = (name, text) => el("td.number", { "data-name": name }, text);

function meter(share) {
    const bar = el("span.meter", { "aria-hidden": "true" });
    bar.style.setProperty("--share", Math.max(0, Math.min(1, share)).toFixed(3));
    return bar;
}

function table(names, numbers, rows, nothing) {
    if (rows.length === 0) return el("p.quiet", {}, nothing);
    return el("table", {}, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)), numbers.map((name) => el("th.number", { scope: "col" }, name)))), el("tbody", {}, rows));
}
