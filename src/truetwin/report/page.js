"use strict";
// Tables sort by their headings and filter by any text; without scripts they stay as they are.
for (const box of document.querySelectorAll("[data-table]")) {
  const body = box.querySelector("tbody");
  const rows = Array.from(body.rows);
  const heads = Array.from(box.querySelectorAll("th"));
  const key = (row, column) => {
    const cell = row.cells[column];
    if (!("value" in cell.dataset)) return cell.textContent.trim().toLowerCase();
    const number = Number.parseFloat(cell.dataset.value);
    return Number.isNaN(number) ? null : number;
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = rows.map((row, place) => ({ row, place, value: key(row, column) }));
      keyed.sort((a, b) => {
        if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.place - b.place;
        return (up ? 1 : -1) * compare(a.value, b.value) || a.place - b.place;
      });
      body.append(...keyed.map((each) => each.row));
    });
  });
  const filter = box.querySelector("[data-filter]");
  const count = box.querySelector("[data-count]");
  const all = count.textContent;
  if (filter) {
    filter.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        shown += !row.hidden;
      }
      count.textContent = wanted ? `${shown} of ${rows.length} rows match` : all;
    });
  }
}
// Figures can be saved as they are seen: as SVG, or as PNG as wide as a slide.
const SLIDE = 1920;
const COLOURS = ["--ink", "--soft", "--paper", "--line", "--accent", "--human", "--calibrated", "--twin", "--chance"];
for (const figure of document.querySelectorAll("figure[data-name]")) {
  const svg = figure.querySelector("svg");
  const drawing = () => {
    const copy = svg.cloneNode(true);
    const now = getComputedStyle(document.documentElement);
    for (const colour of COLOURS) copy.style.setProperty(colour, now.getPropertyValue(colour));
    copy.style.fontFamily = "system-ui, sans-serif";
    copy.style.background = now.getPropertyValue("--paper");
    for (const text of copy.querySelectorAll("text")) if (!text.style.fill) text.style.fill = "var(--ink)";
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const { width, height } = svg.viewBox.baseVal;
    copy.setAttribute("width", SLIDE);
    copy.setAttribute("height", Math.round((SLIDE * height) / width));
    return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
  };
  const save = (blob, ending) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${figure.dataset.name}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const asPng = () => {
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      canvas.getContext("2d").drawImage(image, 0, 0);
      canvas.toBlob((blob) => save(blob, "png"), "image/png");
      URL.revokeObjectURL(image.src);
    });
    image.src = URL.createObjectURL(drawing());
  };
  const offers = [["SVG", () => save(drawing(), "svg")], ["PNG", asPng]];
  for (const [kind, act] of offers) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind;
    button.addEventListener("click", act);
    figure.querySelector(".saved").append(" ", button);
  }
}
