// How numbers, times and names are said.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (number) => grouped.format(number);

/** 0.25, 3.1, 42, 1,204, 18.2k */
export function rate(number) {
    if (number === undefined) return "–";
    if (number >= 10_000) return `${(number / 1000).toFixed(1)}k`;
    if (number >= 100) return count(number);
    if (number >= 10) return number.toFixed(0);
    return number === 0 ? "0" : number.toFixed(number >= 1 ? 1 : 2);
}

export function bytes(number) {
    if (number === undefined) return "";
    if (number < 10_240) return `${count(number)} B`;
    return number < 10_485_760 ? `${(number / 1024).toFixed(1)} KiB` : `${(number / 1_048_576).toFixed(1)} MiB`;
}

/** Of a duration in seconds, for a table. */
export function duration(seconds) {
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 90) return `${Math.round(seconds)} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return seconds < 129_600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** 0.3 ms, 50.2 ms, 1.25 s */
export function milliseconds(number) {
    return number < 1000 ? `${+number.toFixed(number < 10 ? 2 : 1)} ms` : `${(number / 1000).toFixed(2)} s`;
}

export function ago(then, now) {
    const seconds = Math.max(0, (now - then) / 1000);
    return seconds < 5 ? "just now" : `${duration(seconds)} ago`;
}

const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** In the reader's own time zone; with the day when that is not today. */
export function clock(then) {
    const date = new Date(then);
    const isToday = date.toDateString() === new Date().toDateString();
    return `${isToday ? "" : `${dayFormat.format(date)} `}${clockFormat.format(date)}`;
}

export const IMPACTS = {
    none: "client unharmed",
    bad_gateway: "client got 502",
    aborted: "client cut off",
    misdelivered: "wrong client",
};

export const PHASES = {
    in_head: "in the header block",
    in_body: "inside the body",
    after_end: "right after the end",
    idle: "on the idle connection",
    next_exchange: "in front of the next answer",
};

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
