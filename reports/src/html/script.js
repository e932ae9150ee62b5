"use strict";
// The page works without this: it adds a filter box and opens what a link points into.
(() => {
    const open = () => {
        const name = decodeURIComponent(location.hash.slice(1));
        let node = name && document.getElementById(name);
        const target = node;
        for (; node; node = node.parentElement) {
            if (node.tagName === "DETAILS") node.open = true;
        }
        if (target) target.scrollIntoView();
    };
    addEventListener("hashchange", open);
    open();

    let closed = [];
    addEventListener("beforeprint", () => {
        closed = [...document.querySelectorAll("details:not([open])")];
        closed.forEach((node) => { node.open = true; });
    });
    addEventListener("afterprint", () => closed.forEach((node) => { node.open = false; }));

    const list = document.querySelector("[data-filter]");
    if (!list || list.children.length < 4) return;
    const items = [...list.children].map((node) => [node, node.textContent.toLowerCase()]);
    const label = document.createElement("label");
    label.className = "filter";
    label.textContent = "Filter ";
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = "job, code, file, text";
    const told = document.createElement("span");
    told.setAttribute("role", "status");
    label.append(box, " ", told);
    list.before(label);
    box.addEventListener("input", () => {
        const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const [node, text] of items) {
            node.hidden = !words.every((word) => text.includes(word));
            if (!node.hidden) shown += 1;
        }
        told.textContent = words.length ? `${shown} of the ${items.length} shown here` : "";
    });
})();
