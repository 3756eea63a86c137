// Counters that only grow, told as rates over the last half minute.

const WINDOW_MS = 30_000;

export class Rates {
    #samples = [];

    /** `report` is what `/routes` says. Rates begin anew when the proxy has been started again, or has other routes. */
    add(report) {
        const last = this.#samples.at(-1);
        if (last && last.started_ms !== report.started_ms) this.#samples = [];
        this.#samples.push(report);
        while (this.#samples.length > 2 && report.time_ms - this.#samples[1].time_ms >= WINDOW_MS) this.#samples.shift();
    }

    /** Each route with its rates; those that do the most first. */
    routes() {
        const now = this.#samples.at(-1);
        if (!now) return [];
        const then = this.#samples[0];
        const seconds = (now.time_ms - then.time_ms) / 1000;
        const before = new Map(then.routes.map((route) => [route.name, route]));
        return now.routes.map((route) => {
            const old = before.get(route.name);
            const isKnown = old && seconds > 0;
            // Unknown as long as there is only one report.
            const per = (read) => (isKnown ? Math.max(0, read(route) - read(old)) / seconds : undefined);
            const durations = isKnown ? route.durations.map((count, index) => count - (old.durations[index] ?? 0)) : route.durations;
            return {
                name: route.name, upstream: route.upstream, total: route.requests, incidents: route.incidents,
                rate: per((one) => one.requests), errorRate: per((one) => one.statuses["5"]),
                median: quantile(durations, now.duration_bounds, 0.5), tail: quantile(durations, now.duration_bounds, 0.99),
            };
        }).sort((left, right) => (right.rate ?? 0) - (left.rate ?? 0) || right.incidents - left.incidents || right.total - left.total
            || (left.name < right.name ? -1 : 1));
    }

    get now() { return this.#samples.at(-1); }
}

/** Seconds, by the same line within a bucket as Prometheus draws it; undefined without requests. */
export function quantile(counts, bounds, share) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total <= 0) return undefined;
    let rest = share * total;
    for (const [index, count] of counts.entries()) {
        if (rest <= count && count > 0) {
            const low = index === 0 ? 0 : bounds[index - 1];
            return bounds[index] === undefined ? low : low + (bounds[index] - low) * (rest / count);
        }
        rest -= count;
    }
    return bounds.at(-1);
}
