// One group in full: what happened on the wire, where in the application, whose answer it may have been, and how to mend it.

import { el, prose } from "./dom.js";
import { title } from "./groups.js";
import { template, toneOf } from "./records.js";
import { IMPACTS, PHASES, capital, clock, count, plural } from "./text.js";
import { wireFigure } from "./wire.js";

const RECORDS = 50;

/**
 * `href` gives the address of another record of the group, `list` is that of the list. `update` tells it of the group's news:
 * the rest stays as it is, for somebody may be reading it.
 */
export function detail({ group, record, explained, href, list }) {
    const explanation = explained.get(record.kind);
    const parts = (now) => [header(now, record, explained, list), records(now, record, href)];
    let [head, others] = parts(group);
    const element = el("article.detail", { "aria-label": `${record.kind} of ${template(record)}`, tabindex: "-1" },
        head,
        section("On the wire", el("p.message", {}, record.message), wireFigure(record), facts(record), sample(record)),
        stacks(record), candidates(record), explanation && remedy(explanation), others, raw(record));
    const update = (now) => {
        const scrolled = others.querySelector("ol").scrollTop;
        const fresh = parts(now);
        head.replaceWith(fresh[0]);
        others.replaceWith(fresh[1]);
        [head, others] = fresh;
        others.querySelector("ol").scrollTop = scrolled;
    };
    return { element, update };
}

const section = (heading, ...content) => el("section.card", {}, el("h3", {}, heading), ...content);

function header(group, record, explained, list) {
    return el(`header.detail-head.${group.tone}`, {},
        el("a.back", { href: list, title: "Escape" }, "← All groups"),
        el("h2", {}, el("b.method", {}, record.request?.method ?? "·"), " ", template(record) || record.protocol),
        el("p.lead", {}, capital(title(record, explained)), ". ", el("code", {}, record.kind)),
        explained.has(record.kind) && el("p.remedy", {}, prose(explained.get(record.kind).remedy)),
        el("dl.figures", {},
            figure("seen", plural(group.count, "time")),
            figure("first", clock(group.first)), figure("last", clock(group.last)),
            figure("certainty", group.isProven ? "proven" : "suspected"),
            figure("worst for a client", IMPACTS[group.worstImpact] ?? group.worstImpact),
            record.attribution && figure("attribution", record.attribution)));
}

const figure = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));

function facts(record) {
    const { evidence = {}, upstream, client, request } = record;
    const rows = [
        ["found", PHASES[evidence.phase] ?? evidence.phase], ["proof", evidence.proof?.replaceAll("_", " ")], ["rule", evidence.reason],
        ["second fields", evidence.second_fields?.join(", ")],
        ["upstream", upstream && `${upstream.name} at ${upstream.address}, connection ${upstream.connection}, exchange ${upstream.exchange}`],
        ["route", record.route], ["client", client && `${client.address}, ${client.protocol}`],
        ["request", request?.path], ["host", request?.host], ["request id", request?.id], ["trace", request?.trace_id],
        ["action", record.action], ["incident", record.id], ["held back before it", record.suppressed > 0 && count(record.suppressed)],
    ].filter(([, value]) => value);
    return el("dl.facts", {}, rows.map(([name, value]) => figure(name, value)));
}

function sample(record) {
    const text = record.evidence?.sample;
    if (!text && !record.capture) return null;
    return el("div.bytes", {},
        text && [el("h4", {}, "The first bytes that were not due"), el("pre", {}, text)],
        record.capture && el("p.capture", {},
            "The connection's last bytes were captured: ", el("a", { href: `captures/${encodeURIComponent(record.capture)}`, download: record.capture }, record.capture),
            ". ", el("code", {}, `sendonce replay ${record.capture}`), " tells this incident again."));
}

function stacks(record) {
    const told = record.application;
    if (!told) return record.origin === "upstream" ? withoutProbe() : null;
    return section("In the application",
        el("p", {}, [told.framework, told.route && `route ${told.route}`, told.node && `Node ${told.node}`, told.pid && `process ${told.pid}`].filter(Boolean).join(" · ")),
        el("div.pair", {}, stack("First send", told.first, "first"), stack(`Second send${told.operation ? `: ${told.operation}` : ""}`, told.second, "second")));
}

/** The wire shows that it was sent twice; only the application knows where. */
function withoutProbe() {
    return el("p.hint", {}, "Which lines sent first and second? In a Node application the probe tells: ",
        el("code", {}, "NODE_OPTIONS=\"--require $(sendonce probe)\""));
}

/** The application's own frames stand first; below a few of its libraries' nobody looks, but who wants to can. */
const FRAMES_SHOWN = 5;

function stack(heading, frames = [], tone) {
    const rest = frames.length > FRAMES_SHOWN + 1 ? frames.slice(FRAMES_SHOWN) : [];
    return el(`div.stack.${tone}`, {}, el("h4", {}, heading),
        frames.length > 0 ? lines(frames.slice(0, frames.length - rest.length)) : el("p.quiet", {}, "No stack was taken."),
        rest.length > 0 && el("details", {}, el("summary", {}, `${rest.length} more frames`), lines(rest)));
}

const lines = (frames) => el("ol", {}, frames.map((frame) =>
    el(/node_modules|node:|\/share\/nodejs\//.test(frame) ? "li.foreign" : "li", {}, frame.replace(/^\s*at /, ""))));

function candidates(record) {
    if (!record.candidates?.length) return null;
    return section("Whose answer it may have been",
        el("p.quiet", {}, "The connection had served several requests. The likeliest comes first; none of them is proven guilty unless the attribution is certain."),
        el("ol.candidates", {}, record.candidates.map((one) => el("li", {},
            el("p", {}, el("b.method", {}, one.method), " ", one.path),
            el("p.quiet", {}, [`route ${one.route}`, one.status && `answered ${one.status}`,
                one.answered_ms_before !== undefined && `${one.answered_ms_before} ms before`].filter(Boolean).join(" · ")),
            one.reason && el("p", {}, one.reason)))));
}

function remedy(explanation) {
    const { example, practices, causes, client, wire, benign } = explanation;
    return section("How to mend it",
        el("ul.practices", {}, practices.map((text) => el("li", {}, prose(text)))),
        el("p.outcome", {}, prose(example.outcome)),
        el("div.pair", {},
            el("div.program.before", {}, el("h4", {}, "Before"), el("pre", { tabindex: "0" }, code(example.before))),
            el("div.program.after", {}, el("h4", {}, "After"), el("pre", { tabindex: "0" }, code(example.after)))),
        el("details", {}, el("summary", {}, "What it means, and what writes it"),
            wire.map((text) => el("p", {}, prose(text))), el("ul", {}, causes.map((text) => el("li", {}, prose(text)))),
            el("h4", {}, "What it did to the client"), el("p", {}, prose(client)),
            el("h4", {}, "Looks like it and is never recorded"), el("ul", {}, benign.map((text) => el("li", {}, prose(text))))),
        el("p.quiet", {}, "In a terminal: ", el("code", {}, `sendonce explain ${explanation.kind}`)));
}

/** JavaScript with its comments set back. */
function code(text) {
    return text.split("\n").flatMap((line) => {
        const start = line.search(/(^|\s)\/\/ /);
        return start < 0 ? [line, "\n"] : [line.slice(0, start), el("span.comment", {}, line.slice(start)), "\n"];
    });
}

function records(group, record, href) {
    const latest = group.records.slice(-RECORDS).reverse();
    return section(`Records (${count(group.records.length)})`,
        el("ol.records", {}, latest.map((one) => el("li", {},
            el(`a.${toneOf(one)}`, { href: href(one.id), "aria-current": one.id === record.id && "true" },
                el("time", { datetime: one.time }, clock(one.at)), el("span.path", {}, one.request?.path ?? one.message),
                el("span.quiet", {}, one.upstream?.address ?? one.client?.address ?? ""))))),
        group.records.length > RECORDS && el("p.quiet", {}, `The last ${RECORDS} of ${count(group.records.length)}.`));
}

function raw(record) {
    const { at, groupName, haystack, ...said } = record;
    const text = JSON.stringify(said, null, 2);
    const copy = el("button", {
        type: "button", on: {
            click: async () => {
                await navigator.clipboard?.writeText(text);
                copy.textContent = "Copied";
            },
        },
    }, "Copy");
    return section("The record", el("details", {}, el("summary", {}, "As it stands in the log"), copy, el("pre", { tabindex: "0" }, text)));
}
