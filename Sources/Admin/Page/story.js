// An incident as a row of moments: what went out, what came back, where it ended, and what came that was not due.
//
// A moment is {lane, kind, label, text, weight, start}: where it is drawn (`out`, `back`), as what, in short, as a sentence, how
// wide, and its place among the answer's bytes. The drawing and the list beside it are both made of these.

import { bytes, milliseconds } from "./text.js";
import { template } from "./records.js";

const CUT = new Set(["truncated_response", "stalled_response"]);

export function story(record) {
    if (record.kind === "application_double_send") return insideApplication(record);
    if (record.origin === "client") return ofClient(record);
    const facts = factsOf(record);
    return [request(record), ...answer(record, facts), ...offence(record, facts)];
}

function factsOf(record) {
    const response = record.response ?? {};
    const { offset, phase } = record.evidence ?? {};
    const isWhole = ["after_end", "idle", "next_exchange"].includes(phase) && !CUT.has(record.kind);
    const isCounted = response.framing === "content-length" && response.body_bytes !== undefined && offset >= response.body_bytes;
    return {
        ...response, phase, offset, isWhole,
        // With a Content-Length there is nothing but the header block and the body before the offending byte.
        headBytes: isCounted && !CUT.has(record.kind) ? offset - response.body_bytes : undefined,
    };
}

function name(request) {
    return `${request?.method ?? "a request"} ${request?.path ?? ""}`.trim();
}

function request(record) {
    const { connection, exchange } = record.upstream ?? {};
    const where = connection === undefined ? "" : `, exchange ${exchange} on connection ${connection}`;
    return { lane: "out", kind: "request", label: record.request?.method ?? "", weight: 0.9, text: `${name(record.request)} goes to the upstream${where}.` };
}

function answer(record, facts) {
    if (facts.phase === "in_head") return [];
    if (facts.status === undefined) return [];
    const size = facts.headBytes === undefined ? "" : `, ${bytes(facts.headBytes)}`;
    const moments = [{
        lane: "back", kind: "head", label: facts.status, weight: 1, start: 0, text: `The answer's header block: status ${facts.status}${size}.`,
    }];
    if (facts.body_bytes > 0 || facts.declared_bytes > 0 || facts.framing === "chunked") {
        const declared = facts.declared_bytes === undefined ? `delimited by ${framing(facts.framing)}` : `of ${bytes(facts.declared_bytes)} declared`;
        moments.push({
            lane: "back", kind: "body", label: bytes(facts.body_bytes ?? 0), weight: width(facts.body_bytes), start: facts.headBytes,
            text: `${bytes(facts.body_bytes ?? 0)} of body, ${declared}.`,
        });
    }
    if (facts.isWhole) moments.push({ lane: "back", kind: "end", label: "end", weight: 0, text: "The answer ends: it is complete, and nothing more is due." });
    return moments;
}

function offence(record, facts) {
    switch (record.kind) {
        case "truncated_response": return [closing("closed", "The connection ends before the promised end."), missing(facts)];
        case "stalled_response": return [pause(record, "silence", "Nothing comes any more."), missing(facts)];
        case "hangup_after_end":
            return [pause(record), closing("closed", "The upstream hangs up, although it had promised to keep the connection.")];
    }
    const moments = [];
    if (facts.phase === "next_exchange") moments.push(nextRequest(record));
    if (facts.phase !== "after_end" && facts.phase !== "in_head" || record.evidence?.delay_ms > 0) moments.push(pause(record));
    moments.push(surplus(record, facts));
    if (facts.phase === "in_body" && record.certainty === "proven") moments.push(missing(facts));
    if (record.victim && facts.phase !== "next_exchange") moments.push(nextRequest(record));
    return moments.filter(Boolean);
}

function pause(record, label, text) {
    const delay = record.evidence?.delay_ms;
    if (delay === undefined && !label) return undefined;
    const said = delay === undefined ? label : milliseconds(delay);
    return { lane: "back", kind: "gap", label: said, weight: 1.1, text: text ?? `${said} pass.` };
}

const closing = (label, text) => ({ lane: "back", kind: "close", label, weight: 0.35, text });

function missing(facts) {
    const rest = facts.declared_bytes > facts.body_bytes ? facts.declared_bytes - facts.body_bytes : undefined;
    const said = rest === undefined ? "the rest" : bytes(rest);
    return { lane: "back", kind: "missing", label: rest === undefined ? "never came" : said, weight: 1.1, text: `${said === "the rest" ? "The rest" : said} of the answer never came.` };
}

function surplus(record, facts) {
    const { evidence } = record;
    const size = evidence.surplus_bytes === undefined ? "" : `, ${bytes(evidence.surplus_bytes)}`;
    const at = [
        evidence.offset === undefined ? "" : `byte ${evidence.offset} of the answer`,
        evidence.connection_offset === undefined ? "" : `byte ${evidence.connection_offset} of the connection`,
    ].filter(Boolean).join(", ");
    return {
        lane: "back", kind: "surplus", weight: Math.max(1.3, width(evidence.surplus_bytes)), start: evidence.offset,
        label: evidence.second_status ?? (evidence.surplus_bytes === undefined ? "!" : bytes(evidence.surplus_bytes)),
        text: `${what(record, facts)}${size}${at ? ` (at ${at})` : ""}.`,
    };
}

function what(record, facts) {
    const { start_line: line, second_fields: fields, reason } = record.evidence;
    const said = line ? `: ${line}` : "";
    switch (record.kind) {
        case "second_response": return `A second answer, where none is due${said}`;
        case "header_block_in_body": return `A second header block, where body is due${said}`;
        case "late_interim": return `An interim response, after the final header block${said}`;
        case "misdelivered_response": return `An answer that is not this request's own${said}`;
        case "duplicate_field": return `Fields that may stand once stand twice: ${(fields ?? []).join(", ")}`;
        case "conflicting_framing": return `Framing that contradicts itself: ${reason ?? (fields ?? []).join(", ")}`;
        case "malformed_message": return `Bytes that are not HTTP${reason ? `: ${reason}` : said}`;
        default: return facts.isWhole ? `Bytes after the end${said}` : `Bytes that are not due${said}`;
    }
}

function nextRequest(record) {
    const { victim } = record;
    return {
        lane: "out", kind: "victim", label: victim?.method ?? "next", weight: 0.9,
        text: victim ? `${name(victim)} is the next request on this connection${record.client_impact === "misdelivered" ? ": what follows may have reached its client" : ""}.`
            : "The next request is on its way on this connection.",
    };
}

function ofClient(record) {
    const { evidence } = record;
    return [
        { lane: "out", kind: "head", label: record.request?.method ?? "request", weight: 1, text: `A client sends ${name(record.request)}.` },
        {
            lane: "out", kind: "surplus", label: "!", weight: 1.4, start: evidence?.offset,
            text: `${what(record, { isWhole: evidence?.phase === "after_end" })}. The request is refused and goes no further.`,
        },
    ];
}

function insideApplication(record) {
    const told = record.application ?? {};
    const outcome = { thrown: "Node throws", emitted: "Node emits an error", swallowed: "Node swallows it" }[told.outcome] ?? "Node refuses it";
    return [
        { lane: "out", kind: "request", label: record.request?.method ?? "", weight: 0.9, text: `${name(record.request)} reaches the application${told.route ? `, route ${told.route}` : ""}.` },
        { lane: "back", kind: "head", label: record.response?.status ?? "first", weight: 1.4, text: `The first send${told.first?.[0] ? `: ${told.first[0]}` : ""}. The client gets this answer.` },
        told.between_ms === undefined ? undefined
            : { lane: "back", kind: "gap", label: milliseconds(told.between_ms), weight: 1.1, text: `${milliseconds(told.between_ms)} pass.` },
        {
            lane: "back", kind: "ghost", label: told.operation ?? "second", weight: 1.6,
            text: `The second send${told.operation ? `, by ${told.operation}` : ""}${told.second?.[0] ? `: ${told.second[0]}` : ""}. ${outcome}${told.code ? ` (${told.code})` : ""}; nothing of it reaches the wire.`,
        },
    ].filter(Boolean);
}

function framing(name) {
    return { chunked: "chunks", close: "the connection's end", h2: "its stream's end", "content-length": "its Content-Length" }[name] ?? "nothing";
}

function width(size) {
    return Math.min(2.4, 1 + Math.log10(1 + (size ?? 0)) / 3);
}

/** For the list's heading. */
export function place(record) {
    const upstream = record.upstream ? `${record.upstream.name} at ${record.upstream.address}` : "the client's own connection";
    return { upstream, template: template(record) };
}
