// What is known of the incidents, and what of it the reader wants to see. Nothing here touches the page.

/** As many as the proxy itself keeps in memory. */
export const RECORDS_MAX = 1024;

const SEVERITIES = ["info", "warning", "error"];
const IMPACTS = ["none", "bad_gateway", "aborted", "misdelivered"];

/** Filters that are names of the record, and how each is found in it. */
export const FIELDS = {
    kind: (record) => record.kind,
    route: (record) => record.route,
    upstream: (record) => record.upstream?.name ?? "_none",
    certainty: (record) => record.certainty,
    impact: (record) => record.client_impact,
};

/** The request without what varies from one to the next. */
export function template(record) {
    const said = record.request?.template ?? record.application?.route;
    if (said) return said;
    if (!record.request) return "";
    return record.request.path.split("?")[0].split("/").map((part) => part.replace(/^\d+(?=$|\.)/, "{id}")).join("/");
}

export function groupOf(record) {
    return record.group ?? [
        record.kind, record.route, record.request?.method ?? "", template(record), record.evidence?.second_status ?? "",
    ].join("~");
}

export class Records {
    list = [];
    #ids = new Set();

    /** False when it is known already, or is no record. */
    add(record) {
        if (typeof record?.id !== "string" || typeof record.kind !== "string" || this.#ids.has(record.id)) return false;
        this.#ids.add(record.id);
        this.list.push({ ...record, at: Date.parse(record.time), groupName: groupOf(record) });
        if (this.list.length > RECORDS_MAX) this.#ids.delete(this.list.shift().id);
        return true;
    }

    get lastID() { return this.list.at(-1)?.id; }

    find(id) { return this.list.find((record) => record.id === id); }
}

/** Whether a record passes the reader's filters: `{kind: Set, …, text: "…"}`. */
export function admits(filters, record) {
    for (const [name, read] of Object.entries(FIELDS)) {
        if (filters[name]?.size > 0 && !filters[name].has(read(record))) return false;
    }
    if (!filters.text) return true;
    record.haystack ??= [
        record.id, record.kind, record.message, record.route, record.request?.path, record.request?.id, record.request?.host,
        record.request?.trace_id, record.upstream?.address, record.client?.address, template(record), record.groupName,
    ].join("\n").toLowerCase();
    return filters.text.toLowerCase().split(/\s+/).every((word) => record.haystack.includes(word));
}

/** One bug a group; the one that was seen last comes first. */
export function grouped(records) {
    const groups = new Map();
    for (const record of records) {
        let group = groups.get(record.groupName);
        if (!group) {
            group = { name: record.groupName, records: [], count: 0, held: 0, severity: 0, impact: 0, isProven: false, first: record.at };
            groups.set(record.groupName, group);
        }
        group.records.push(record);
        group.held += record.suppressed ?? 0;
        group.count += 1 + (record.suppressed ?? 0);
        group.severity = Math.max(group.severity, SEVERITIES.indexOf(record.severity));
        group.impact = Math.max(group.impact, IMPACTS.indexOf(record.client_impact));
        group.isProven ||= record.certainty === "proven";
        group.last = record.at;
        group.latest = record;
    }
    return [...groups.values()].map((group) => ({
        ...group, tone: tone(group.isProven, group.severity), worstImpact: IMPACTS[group.impact] ?? group.latest.client_impact,
    })).sort((left, right) => (left.latest.id < right.latest.id ? 1 : -1));
}

function tone(isProven, severity) {
    if (severity === 0) return "info";
    return isProven ? "proven" : "suspected";
}

export const toneOf = (record) => tone(record.certainty === "proven", SEVERITIES.indexOf(record.severity));

/** The values that each filter can have, with their numbers. */
export function choices(records) {
    const found = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, new Map()]));
    for (const record of records) {
        for (const [name, read] of Object.entries(FIELDS)) found[name].set(read(record), (found[name].get(read(record)) ?? 0) + 1);
    }
    return found;
}

const MINUTE = 60_000;
const SPANS = [5, 15, 30, 60, 180, 360, 720, 1440, 4320, 10_080].map((minutes) => minutes * MINUTE);

/** The span of time to look back on: the shortest that holds the oldest record. */
export function spanOf(records, now) {
    const oldest = records[0]?.at ?? now;
    return SPANS.find((span) => now - oldest <= span) ?? SPANS.at(-1);
}

/** How many fell into each of `size` equal parts of the span that ends now. */
export function buckets(records, now, span, size) {
    const found = Array.from({ length: size }, () => ({ proven: 0, suspected: 0, info: 0 }));
    for (const record of records) {
        const place = Math.floor((1 - (now - record.at) / span) * size);
        const bucket = found[Math.min(place, size - 1)];
        if (bucket) bucket[toneOf(record)] += 1 + (record.suppressed ?? 0);
    }
    return found;
}
