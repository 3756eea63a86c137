// The address bar is the page's state: what is filtered, which group is open. A link shows somebody else the same.

import { FIELDS } from "./records.js";

export const VIEWS = ["incidents", "upstreams", "routes", "endpoints"];

export function read(search = location.search) {
    const query = new URLSearchParams(search);
    const filters = { text: query.get("q") ?? "" };
    for (const name of Object.keys(FIELDS)) filters[name] = new Set(query.getAll(name).filter(Boolean));
    const view = query.get("view");
    return { view: VIEWS.includes(view) ? view : VIEWS[0], group: query.get("group"), record: query.get("record"), filters };
}

export function address({ view, group, record, filters }) {
    const query = new URLSearchParams();
    if (view !== VIEWS[0]) query.set("view", view);
    for (const name of Object.keys(FIELDS)) for (const value of filters[name]) query.append(name, value);
    if (filters.text) query.set("q", filters.text);
    if (group) query.set("group", group);
    if (record) query.set("record", record);
    const text = query.toString();
    return text ? `?${text}` : location.pathname;
}

export const isFiltered = (filters) => Boolean(filters.text) || Object.keys(FIELDS).some((name) => filters[name].size > 0);
