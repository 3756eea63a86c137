// Everything that comes from the proxy: the stream of incidents, and what is asked for again and again.

const RETRY_MS = [500, 1000, 2000, 4000];
const POLL_MS = 2000;

/**
 * Follows the incidents from the first that is in memory on, and after an interruption from where it broke off: the ids sort by
 * time, so a proxy that has been started again and knows none of them goes on all the same.
 */
export function follow({ lastID, onRecord, onState }) {
    let failures = 0;
    let source;
    const connect = () => {
        source = new EventSource(`incidents/stream?after=${encodeURIComponent(lastID() ?? "0")}`);
        source.addEventListener("open", () => {
            failures = 0;
            onState("live");
        });
        source.addEventListener("incident", (event) => {
            try {
                onRecord(JSON.parse(event.data));
            } catch {
                // A line that is no record is passed over.
            }
        });
        source.addEventListener("error", () => {
            source.close();
            onState("lost");
            const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
            failures += 1;
            setTimeout(connect, wait);
        });
    };
    connect();
}

async function ask(path) {
    const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
}

/** The guide to every kind; asked for until it has come. */
export async function explanations() {
    for (;;) {
        try {
            const { kinds } = await ask("explanations");
            return new Map(kinds.map((kind) => [kind.kind, kind]));
        } catch {
            await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
    }
}

/** Asks for servers and routes every two seconds while somebody looks. */
export function poll(onNews) {
    let timer;
    const turn = async () => {
        clearTimeout(timer);
        if (!document.hidden) {
            try {
                const [upstreams, routes] = await Promise.all([ask("upstreams"), ask("routes")]);
                onNews(upstreams.upstreams, routes);
            } catch {
                // The stream says that the proxy is gone; figures stay as they were.
            }
        }
        timer = setTimeout(turn, POLL_MS);
    };
    document.addEventListener("visibilitychange", () => { if (!document.hidden) turn(); });
    turn();
}
