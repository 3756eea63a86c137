// Puts the page together: what the proxy tells, what the reader asks to see, and the keys.

import { VIEWS, address, isFiltered, read } from "./address.js";
import { timeline } from "./charts.js";
import { detail } from "./detail.js";
import { el } from "./dom.js";
import { explanations, follow, poll } from "./feed.js";
import { GroupList, summary } from "./groups.js";
import { onKeys } from "./keys.js";
import { FIELDS, Records, admits, choices, grouped, spanOf } from "./records.js";
import { Rates } from "./rates.js";
import { routeTable, serverTable } from "./servers.js";
import { count, duration, rate } from "./text.js";
import { offerTheme } from "./theme.js";

const at = (id) => document.getElementById(id);

const records = new Records();
const rates = new Rates();
let state = read();
let upstreams = [];
let explained = new Map();
let isDrawing = false;
/** Until then what comes is what had happened before the page was opened. */
const settledAt = performance.now() + 2000;
/** What of the open group is drawn. */
let shown;

const list = new GroupList((group) => address({ ...state, view: VIEWS[0], group, record: null }));

/** Draws at most once a frame, however much has come. */
function draw() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
        isDrawing = false;
        drawNow();
    });
}

function drawNow() {
    const now = Math.max(Date.now(), records.list.at(-1)?.at ?? 0);
    const admitted = records.list.filter((record) => admits(state.filters, record));
    const groups = grouped(admitted);
    const span = spanOf(admitted, now);
    for (const view of document.querySelectorAll("main > .view")) view.hidden = view.dataset.view !== state.view;
    for (const link of document.querySelectorAll(".views a")) {
        if (link.dataset.view === state.view) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
        link.href = address({ ...state, view: link.dataset.view, group: null, record: null });
    }
    drawFigures(admitted, groups, span, now);
    if (state.view === "incidents") drawIncidents(groups, span, now);
    if (state.view === "upstreams") serverTable(upstreams, at("servers"));
    if (state.view === "routes") routeTable(rates.routes(), at("routes"), at("routes-only").value);
}

function drawFigures(admitted, groups, span, now) {
    at("figure-span").textContent = summary(admitted, groups, span);
    at("figure-timeline").replaceChildren(timeline(admitted, now, span));
    at("figure-start").textContent = `${duration(span / 1000)} ago`;
    const certain = { proven: 0, suspected: 0 };
    for (const record of admitted) certain[record.certainty] += 1 + (record.suppressed ?? 0);
    at("figure-proven").textContent = count(certain.proven);
    at("figure-suspected").textContent = `${count(certain.suspected)} suspected`;
    const routes = rates.routes();
    if (routes.some((route) => route.rate !== undefined)) {
        at("figure-rate").textContent = rate(routes.reduce((sum, route) => sum + (route.rate ?? 0), 0));
        at("figure-errors").textContent = `${rate(routes.reduce((sum, route) => sum + (route.errorRate ?? 0), 0))} of them 5xx`;
    }
    const servers = upstreams.flatMap((upstream) => upstream.servers);
    const up = servers.filter((server) => server.up).length;
    if (servers.length > 0) {
        at("figure-up").replaceChildren(String(up), el("span.of", {}, ` / ${servers.length}`));
        at("figure-up").classList.toggle("proven", up < servers.length);
        const quarantined = servers.filter((server) => server.quarantined).length;
        at("figure-quarantine").textContent = quarantined > 0 ? `${quarantined} in quarantine` : "none in quarantine";
    }
}

function drawIncidents(groups, span, now) {
    drawFilters();
    const chosen = groups.find((group) => group.name === state.group);
    list.show({ groups, now, span, chosen: chosen?.name, explained, isFiltered: isFiltered(state.filters), isEmpty: records.list.length === 0 });
    drawDetail(chosen);
}

/** The open group. The record that was the latest when it was opened stays, until the reader chooses another. */
function drawDetail(group) {
    const isPinned = group && shown?.group === group.name && performance.now() > settledAt;
    const id = state.record ?? (isPinned ? shown.record : undefined);
    const record = group && (group.records.find((one) => one.id === id) ?? group.latest);
    document.body.classList.toggle("has-detail", Boolean(record));
    if (!record) {
        shown = undefined;
        return at("detail").replaceChildren();
    }
    const isSame = shown?.record === record.id && shown.guide === explained;
    if (isSame) {
        if (shown.count !== group.count) shown.update(group);
        shown.count = group.count;
        return;
    }
    const isOther = shown?.record !== record.id;
    const { element, update } = detail({
        group, record, explained, list: address({ ...state, group: null, record: null }), href: (other) => address({ ...state, record: other }),
    });
    shown = { group: group.name, record: record.id, guide: explained, count: group.count, update };
    at("detail").replaceChildren(element);
    if (isOther) at("detail").scrollTop = 0;
}

function drawFilters() {
    const form = at("filters");
    const found = choices(records.list);
    for (const name of Object.keys(FIELDS)) {
        const select = form.elements[name];
        if (document.activeElement === select) continue;  // not under somebody's hand
        const wanted = state.filters[name];
        const values = [...new Set([...found[name].keys(), ...wanted])].sort();
        const mark = JSON.stringify([values.map((value) => [value, found[name].get(value)]), [...wanted]]);
        if (select.dataset.mark === mark) continue;
        select.dataset.mark = mark;
        const several = wanted.size > 1 ? [el("option", { value: "*", selected: true }, `${wanted.size} of them`)] : [];
        select.replaceChildren(el("option", { value: "" }, `any ${name}`), ...several, ...values.map((value) => (
            el("option", { value, selected: wanted.size === 1 && wanted.has(value) }, `${value} (${found[name].get(value) ?? 0})`))));
        select.classList.toggle("set", wanted.size > 0);
    }
    if (document.activeElement !== form.elements.q) form.elements.q.value = state.filters.text;
    form.querySelector(".clear").hidden = !isFiltered(state.filters);
}

function go(search, { replace = false } = {}) {
    history[replace ? "replaceState" : "pushState"](null, "", search);
    const was = state;
    state = read();
    drawNow();
    if (state.group && state.group !== was.group) {
        at("detail").querySelector(".detail")?.focus({ preventScroll: true });
        scrollTo(0, 0);
    } else if (was.group && !state.group) {
        list.focusOn(was.group);
    }
}

function readFilters(event) {
    const filters = { ...state.filters, text: at("filters").elements.q.value };
    const select = event.target;
    if (select.name in FIELDS && select.value !== "*") filters[select.name] = new Set(select.value ? [select.value] : []);
    // Typing is no history; choosing is.
    go(address({ ...state, filters, group: null, record: null }), { replace: select.name === "q" });
}

function status(text, name) {
    at("status-text").textContent = text;
    at("status").className = `status ${name}`;
}

function begin() {
    document.documentElement.classList.add("live");
    at("figures").hidden = false;
    at("groups").replaceChildren(list.element);
    at("detail").replaceChildren();
    offerTheme(at("theme"));
    at("filters").addEventListener("input", readFilters);
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("routes-only").addEventListener("input", draw);
    addEventListener("popstate", () => {
        state = read();
        drawNow();
    });
    // Addresses of this page change what is shown; they load nothing.
    document.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[href^='?'], a[href='./'], a[href='/']");
        if (!link || event.button > 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(link.getAttribute("href"));
    });
    onKeys({
        list, go, state: () => state, search: () => at("filters").elements.q, help: at("keys"),
        records: () => grouped(records.list.filter((record) => admits(state.filters, record))).find((group) => group.name === state.group)?.records ?? [],
    });
    status("connecting", "lost");
    follow({
        lastID: () => records.lastID,
        onRecord: (record) => { if (records.add(record)) draw(); },
        onState: (name) => status(name === "live" ? "live" : "no connection, trying again", name),
    });
    explanations().then((guide) => {
        explained = guide;
        draw();
    });
    poll((servers, routes) => {
        upstreams = servers;
        rates.add(routes);
        draw();
    });
    draw();
}

begin();
