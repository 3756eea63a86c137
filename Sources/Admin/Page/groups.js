// The list of groups: one row a bug.

import { sparkline } from "./charts.js";
import { el, reconcile } from "./dom.js";
import { template } from "./records.js";
import { IMPACTS, ago, clock, count, duration, plural } from "./text.js";

/** Rows that are drawn before somebody asks for more. */
const ROWS = 200;

export class GroupList {
    #rows = el("div.rows");
    #more = el("button.more", { type: "button", hidden: true, on: { click: () => this.#showAll() } });
    #nothing = el("div.nothing");
    #limit = ROWS;
    #shown;
    element = el("section.groups", { "aria-label": "Groups of incidents" }, this.#nothing, this.#rows, this.#more);

    /** `href` gives the address of a group. */
    constructor(href) { this.href = href; }

    /** `view` has groups, now, span, chosen, explained, isFiltered and isEmpty. */
    show(view) {
        this.#shown = view;
        const groups = view.groups.slice(0, this.#limit);
        reconcile(this.#rows, groups, {
            key: (group) => group.name,
            // A row is made again when it has news, is chosen or left, or its bars have moved on.
            mark: (group) => [group.count, group.name === view.chosen, view.span, Math.floor(view.now / (view.span / 24)), view.explained.size,
                ago(group.last, view.now)].join(" "),
            make: (group) => this.#row(group, view),
        });
        this.#more.hidden = groups.length === view.groups.length;
        this.#more.textContent = `Show all ${count(view.groups.length)} groups`;
        this.#nothing.hidden = groups.length > 0;
        if (groups.length === 0) this.#nothing.replaceChildren(...nothing(view));
    }

    /** Moves the focus by so many rows. */
    move(step) {
        const rows = [...this.#rows.children];
        const place = rows.findIndex((row) => row.contains(document.activeElement));
        const chosen = rows.findIndex((row) => row.classList.contains("chosen"));
        const from = place >= 0 ? place : chosen;
        rows[Math.max(0, Math.min(rows.length - 1, from < 0 ? 0 : from + step))]?.focus();
    }

    focusOn(name) { [...this.#rows.children].find((row) => row.dataset.key === name)?.focus(); }

    #showAll() {
        this.#limit = Infinity;
        this.show(this.#shown);
    }

    #row(group, view) {
        const record = group.latest;
        const isChosen = group.name === view.chosen;
        return el(`a.row.${group.tone}${isChosen ? ".chosen" : ""}`,
            { href: this.href(group.name), "aria-current": isChosen && "true" },
            el("span.what", {},
                el("span.request", {}, el("b.method", {}, record.request?.method ?? "·"), " ", template(record) || record.protocol),
                el("span.kind", {}, title(record, view.explained))),
            el("span.tags", {},
                el("span.tag", { title: "route" }, record.route),
                el(`span.tag.${group.isProven ? "proven" : "suspected"}`, {}, group.isProven ? "proven" : "suspected"),
                el(`span.tag.impact-${group.worstImpact}`, { title: "the worst that a client got" }, IMPACTS[group.worstImpact] ?? group.worstImpact)),
            sparkline(group, view.now, view.span),
            el("span.count", { title: group.held > 0 ? `of them ${count(group.held)} held back by incidents.limit` : undefined },
                count(group.count), el("span.unit", {}, group.count === 1 ? " time" : " times")),
            el("time.last", { datetime: record.time, title: clock(group.last) }, ago(group.last, view.now)));
    }
}

/** The kind in words, as soon as the guide is there. */
export function title(record, explained) {
    return explained.get(record.kind)?.title ?? record.kind.replaceAll("_", " ");
}

function nothing(view) {
    if (view.isFiltered && !view.isEmpty) {
        return [el("p.headline", {}, "Nothing matches these filters."), el("p", {}, "Press Escape in the search field, or clear the filters.")];
    }
    return [
        el("p.headline", {}, "Every answer was sent once."),
        el("p", {}, "SendOnce watches each connection to an upstream. What is sent twice shows up here the moment it happens, with the request and the bytes."),
    ];
}

export function summary(records, groups, span) {
    const total = groups.reduce((sum, group) => sum + group.count, 0);
    return `${plural(total, "incident")} in ${plural(groups.length, "group")}, last ${duration(span / 1000)}`;
}
