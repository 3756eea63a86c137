// Elements, made one by one: no text of a peer's is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === undefined || value === null || value === false) continue;
        if (name === "on") {
            for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
        } else {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
    append(element, children);
    return element;
}

function append(element, child) {
    if (child === undefined || child === null || child === false) return;
    if (Array.isArray(child)) child.forEach((one) => append(element, one));
    else element.append(child instanceof Node ? child : String(child));
}

/** An element with a class, `el("p.note", {}, "text")`; what is undefined, null or false is left out. */
export function el(name, attributes, ...children) {
    const [tag, ...classes] = name.split(".");
    const element = document.createElement(tag);
    if (classes.length > 0) element.className = classes.join(" ");
    return fill(element, attributes, children);
}

/** The same in a drawing. */
export function svg(name, attributes, ...children) {
    const [tag, ...classes] = name.split(".");
    const element = document.createElementNS(SVG, tag);
    if (classes.length > 0) element.setAttribute("class", classes.join(" "));
    return fill(element, attributes, children);
}

/** Prose with `code` in backticks. */
export function prose(text) {
    return text.split("`").map((part, index) => (index % 2 === 1 ? el("code", {}, part) : part));
}

/**
 * Brings the children of `parent` in line with `items`, one child for each key, in their order. A child whose mark has not
 * changed stays as it is, so that focus, selection and scrolling survive news.
 */
export function reconcile(parent, items, { key, mark, make }) {
    const present = new Map();
    for (const child of [...parent.children]) present.set(child.dataset.key, child);
    let place = parent.firstElementChild;
    for (const item of items) {
        const name = key(item);
        const state = mark(item);
        let child = present.get(name);
        present.delete(name);
        if (!child || child.dataset.mark !== state) {
            const fresh = make(item);
            fresh.dataset.key = name;
            fresh.dataset.mark = state;
            if (child) {
                const hadFocus = child.contains(document.activeElement);
                if (place === child) place = child.nextElementSibling;
                child.replaceWith(fresh);
                if (hadFocus) (fresh.matches("a,button") ? fresh : fresh.querySelector("a,button"))?.focus({ preventScroll: true });
            }
            child = fresh;
        }
        if (child === place) place = place.nextElementSibling;
        else parent.insertBefore(child, place);
    }
    for (const child of present.values()) child.remove();
}
