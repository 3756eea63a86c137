// The keyboard.

import { VIEWS, address, isFiltered } from "./address.js";

export function onKeys({ list, go, state, search, help, records }) {
    const step = (by) => {
        const all = records();
        const place = all.findIndex((record) => record.id === (state().record ?? all.at(-1)?.id));
        const next = all[place + by];
        if (next) go(address({ ...state(), record: next.id }), { replace: true });
    };
    const leave = () => {
        const now = state();
        if (now.group) go(address({ ...now, group: null, record: null }));
        else if (isFiltered(now.filters)) go(address({ ...now, filters: { ...Object.fromEntries(Object.keys(now.filters).map((name) => [name, new Set()])), text: "" } }));
    };
    const actions = {
        "/": () => {
            if (state().view !== VIEWS[0]) go(address({ ...state(), view: VIEWS[0] }));
            search().focus();
            search().select();
        },
        "?": () => help.showModal(),
        j: () => list.move(1), ArrowDown: () => list.move(1), k: () => list.move(-1), ArrowUp: () => list.move(-1),
        n: () => step(1), p: () => step(-1), Escape: leave,
    };
    VIEWS.forEach((view, index) => { actions[index + 1] = () => go(address({ ...state(), view, group: null, record: null })); });

    document.addEventListener("keydown", (event) => {
        if (event.metaKey || event.ctrlKey || event.altKey || help.open) return;
        const isTyping = event.target.matches?.("input, select, textarea");
        if (isTyping && event.key === "Escape") {
            event.target.blur();
            return;
        }
        const isArrow = event.key.startsWith("Arrow");
        if (isTyping || isArrow && (state().view !== VIEWS[0] || !event.target.closest?.(".row"))) return;
        const action = Object.hasOwn(actions, event.key) && actions[event.key];
        if (!action) return;
        event.preventDefault();
        action();
    });
}
