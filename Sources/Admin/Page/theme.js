// Dark or light as the system has it, until the reader says otherwise.

const NAMES = ["auto", "light", "dark"];
const KEY = "sendonce-theme";

export function offerTheme(button) {
    let place = Math.max(0, NAMES.indexOf(stored()));
    const show = () => {
        const name = NAMES[place];
        if (name === "auto") delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = name;
        button.textContent = { auto: "◐", light: "○", dark: "●" }[name];
        button.title = `Colours: ${name}`;
        button.setAttribute("aria-label", `Colours: ${name}. Change.`);
    };
    button.hidden = false;
    button.addEventListener("click", () => {
        place = (place + 1) % NAMES.length;
        try { localStorage.setItem(KEY, NAMES[place]); } catch { /* Kept for this page only. */ }
        show();
    });
    show();
}

function stored() {
    try { return localStorage.getItem(KEY); } catch { return null; }
}
