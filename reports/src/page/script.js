"use strict";
// The page works without this. It adds: filter boxes, sorting by a click on a column's heading, copy buttons, a switch
// of the theme, keys, and it opens what a link points into. Nothing of the data is ever made into markup here.
(() => {
    const make = (tag, text, kind) => {
        const node = document.createElement(tag);
        node.textContent = text;
        if (kind) node.className = kind;
        return node;
    };
    const button = (text, kind) => {
        const node = make("button", text, kind);
        node.type = "button";
        return node;
    };

    // Links into folded parts.
    const byId = (name) => document.getElementById(name);
    const open = () => {
        let name = location.hash.slice(1);
        try { name = decodeURIComponent(name); } catch { return; }
        if (!name) return;
        const inJob = name.startsWith("finding-") ? byId("in-job-" + name.slice(8)) : null;
        const target = byId(name) || inJob;
        if (!target) {
            const told = byId("not-here");
            if (told) told.hidden = false;
            return;
        }
        for (let node = target; node; node = node.parentElement) {
            if (node.tagName === "DETAILS") node.open = true;
        }
        document.querySelectorAll(".meant").forEach((node) => node.classList.remove("meant"));
        target.classList.add("meant");
        target.scrollIntoView();
    };
    addEventListener("hashchange", open);

    // Print shows everything.
    let closed = [];
    addEventListener("beforeprint", () => {
        closed = [...document.querySelectorAll("details:not([open])")];
        closed.forEach((node) => { node.open = true; });
    });
    addEventListener("afterprint", () => closed.forEach((node) => { node.open = false; }));

    // Filter boxes: every word must be found somewhere in the item.
    const boxes = [];
    for (const list of document.querySelectorAll("[data-filter]")) {
        const items = [...list.children].filter((node) => node.matches("li, tr, details"));
        if (items.length < 4) continue;
        let texts = null;
        const label = make("label", "Filter " + list.dataset.filter + " ", "filter");
        const box = document.createElement("input");
        box.type = "search";
        box.placeholder = "words to look for";
        const told = make("span", "");
        told.setAttribute("role", "status");
        label.append(box, " ", told);
        (list.tagName === "TBODY" ? list.closest(".scroll") : list).before(label);
        const apply = () => {
            texts = texts || items.map((node) => node.textContent.toLowerCase());
            const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
            let shown = 0;
            items.forEach((node, index) => {
                node.hidden = !words.every((word) => texts[index].includes(word));
                if (!node.hidden) shown += 1;
            });
            told.textContent = words.length ? `${shown} of the ${items.length} shown here` : "";
        };
        box.addEventListener("input", apply);
        box.addEventListener("keydown", (event) => {
            if (event.key !== "Escape") return;
            box.value = "";
            apply();
            box.blur();
        });
        boxes.push(box);
    }

    // Sorting. Figures with a unit are put in order by what they mean.
    const units = {
        KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, PiB: 2 ** 50, EiB: 2 ** 60,
        ms: 1, s: 1e3, min: 6e4, h: 36e5,
    };
    const figure = (text) => {
        const found = /^\s*[+≤]?\s*([-−]?)([\d,]+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([A-Za-z]*)/.exec(text);
        if (!found) return NaN;
        const value = Number(found[2].replaceAll(",", "")) * (units[found[3]] || 1);
        const more = found[3] === "min" ? Number((/min (\d+) s/.exec(text) || [0, 0])[1]) * 1e3 : 0;
        return (found[1] ? -1 : 1) * (value + more);
    };
    const sortable = (table) => {
        const [head, body] = [table.tHead, table.tBodies[0]];
        if (table.closest(".figures, .guide")) return;
        if (!head || !body || table.tBodies.length !== 1 || head.rows.length !== 1) return;
        const titles = [...head.rows[0].cells];
        const whole = (row) => row.cells.length === titles.length;
        if (head.classList.contains("hidden") || [...body.rows].filter(whole).length < 3) return;
        titles.forEach((title, column) => {
            if (!title.textContent.trim()) return;
            const press = button("", "sort");
            press.append(...title.childNodes);
            title.append(press);
            press.addEventListener("click", () => {
                const up = title.getAttribute("aria-sort") !== "ascending";
                titles.forEach((other) => other.removeAttribute("aria-sort"));
                title.setAttribute("aria-sort", up ? "ascending" : "descending");
                const keyed = [...body.rows].map((row) => {
                    const text = whole(row) ? row.cells[column].textContent.trim() : "";
                    return { row, text, number: figure(text), last: !whole(row) };
                });
                const numbers = title.classList.contains("n");
                keyed.sort((one, two) => {
                    if (one.last !== two.last) return one.last ? 1 : -1;
                    if (numbers && isNaN(one.number) !== isNaN(two.number)) return isNaN(one.number) ? 1 : -1;
                    const order = numbers && !isNaN(one.number)
                        ? one.number - two.number
                        : one.text < two.text ? -1 : Number(one.text > two.text);
                    return up ? order : -order;
                });
                body.append(...keyed.map(({ row }) => row));
            });
        });
    };
    // Only when a table comes near: a full page has thousands of headings.
    const near = new IntersectionObserver((seen) => {
        for (const { target, isIntersecting } of seen) {
            if (!isIntersecting) continue;
            near.unobserve(target);
            sortable(target);
        }
    }, { rootMargin: "800px" });
    document.querySelectorAll("table").forEach((table) => near.observe(table));

    // Copy buttons, for commands that are shown whole.
    const copy = async (text) => {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch {
            const area = make("textarea", text, "hidden");
            document.body.append(area);
            area.select();
            const done = document.execCommand("copy");
            area.remove();
            return done;
        }
    };
    document.querySelectorAll("pre[data-copy]").forEach((node) => {
        const press = button("Copy", "copy");
        press.addEventListener("click", async () => {
            press.textContent = await copy(node.textContent) ? "Copied" : "Select the text and copy it";
            setTimeout(() => { press.textContent = "Copy"; }, 2000);
        });
        node.before(press);
    });

    // The theme: the reader's own setting, or the one chosen here.
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const store = (value) => { try { localStorage.setItem("parallax-theme", value); } catch { /* not kept, then */ } };
    try {
        const kept = localStorage.getItem("parallax-theme");
        if (kept === "light" || kept === "dark") root.dataset.theme = kept;
    } catch { /* nothing was kept */ }
    const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const theme = button("", "theme");
    const name = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
    const swap = () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        store(root.dataset.theme);
        name();
    };
    theme.addEventListener("click", swap);
    dark.addEventListener("change", name);
    name();
    const nav = document.querySelector("nav ul");
    if (nav) {
        const item = make("li", "");
        item.append(theme);
        nav.append(item);
    }

    // Keys.
    const step = (by) => {
        const all = [...document.querySelectorAll("#action .finding:not([hidden])")];
        if (!all.length) return;
        const at = all.indexOf(document.activeElement.closest(".finding"));
        const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
        all[next].tabIndex = -1;
        all[next].focus();
    };
    const keys = { "/": () => boxes.length && boxes[0].focus(), n: () => step(1), p: () => step(-1), t: swap };
    addEventListener("keydown", (event) => {
        const typing = event.target.matches("input, textarea, select");
        if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
        event.preventDefault();
        keys[event.key]();
    });
    const footer = document.querySelector("footer");
    if (footer) footer.append(make("p", "Keys: / filter, n next finding, p previous finding, t theme."));

    open();
})();
