"""The script of a page: where a number comes from lights up. Without it the page is complete.

A cell that the pointer or the focus rests on is ringed, with the cells that it was computed from: those of its own step
where they stand there, else the nearest ones above. The worked line of the cell lights up too. Each table is one stop
of the Tab key; the arrows go from cell to cell.
"""

SCRIPT = """
(() => {
  "use strict";
  for (const page of document.querySelectorAll(".nnsteps")) {
    const places = new Map();
    for (const cell of page.querySelectorAll("td[data-cell]")) {
      const key = cell.dataset.cell;
      if (!places.has(key)) places.set(key, []);
      places.get(key).push(cell);
    }
    const keys = (boxes) => boxes.split(" ").flatMap((box) => {
      let found = [""];
      for (const side of box.split(".")) {
        const [first, last] = side.split("-").map(Number);
        const spread = [];
        for (let k = first; k <= (last ?? first); k++) spread.push(k);
        found = found.flatMap((start) => spread.map((k) => (start ? start + "." : "") + k));
      }
      return found;
    });
    const nearest = (cells, cell) => {
      const others = cells.filter((one) => one !== cell);
      const step = cell.closest(".step, .block");
      const near = others.filter((one) => step && step.contains(one));
      if (near.length) return near;
      const above = others.filter((one) => cell.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING);
      const spine = cell.closest(".spine");
      const beneath = above.filter((one) => spine && spine.contains(one));
      const results = beneath.filter((one) => one.closest(".result"));
      const inside = results.length ? results : beneath;
      return (inside.length ? inside : above.length ? above : others).slice(-1);
    };
    const clear = () => {
      for (const one of page.querySelectorAll(".lit, .source")) one.classList.remove("lit", "source");
    };
    const light = (cell) => {
      clear();
      if (!cell) return;
      cell.classList.add("lit");
      for (const key of cell.dataset.from ? keys(cell.dataset.from) : []) {
        for (const one of nearest(places.get(key) ?? [], cell)) one.classList.add("source");
      }
      const name = cell.title.split(", ")[0];
      const step = cell.closest(".step, .block");
      for (const line of step ? step.querySelectorAll("[data-of]") : []) {
        if (name && line.dataset.of === name) line.classList.add("lit");
      }
    };
    const cellOf = (event) => event.target.closest?.("td[data-cell]");
    const resting = () => light(page.querySelector("td[data-cell]:focus"));
    page.addEventListener("mouseover", (event) => { const cell = cellOf(event); cell ? light(cell) : resting(); });
    page.addEventListener("mouseleave", resting);
    page.addEventListener("focusin", (event) => light(cellOf(event)));
    page.addEventListener("focusout", clear);
    for (const table of page.querySelectorAll("table")) {
      const first = table.querySelector("td[data-from]");
      if (first) first.tabIndex = 0;
    }
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    page.addEventListener("keydown", (event) => {
      const cell = cellOf(event), step = steps[event.key];
      if (!cell || !step) return;
      const row = cell.parentElement, rows = row.parentElement.rows;
      const next = rows[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
      if (!next?.matches("td[data-cell]")) return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
})();
"""
