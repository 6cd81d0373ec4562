"""HTML pages in headless Chromium: what is level, what lights up, what fits, what can be read."""

from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests import browser
from tests.test_html import NAMES, boxes, cells, pages

pytestmark = [
    pytest.mark.skipif(browser.PROGRAM is None, reason="Chromium is not installed"),
    pytest.mark.xdist_group("chromium"),
    pytest.mark.slow,
]
VARIED = (
    "backprop", "self-attention", "transformer", "gan", "batch-normalization", "seven-layers", "rnn",
    "mixture-of-experts", "llm-sampling",
)  # fmt: skip
STRAIGHT = ("backprop", "self-attention", "transformer", "seven-layers", "rnn")  # all products are alone on their row

# --- one start of the browser for several questions ---

LIT = """() => [...document.querySelectorAll("td[data-cell]")].map((cell) => {
  cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  const keys = [...document.querySelectorAll("td.source")].map((one) => one.dataset.cell);
  const lit = [...document.querySelectorAll("td.lit")].map((one) => one.dataset.cell);
  const lines = [...document.querySelectorAll("li.lit")].map((one) => one.dataset.of);
  return [cell.dataset.cell, cell.title.split(", ")[0], lit, keys, lines];
})"""

OFF = """() => [...document.querySelectorAll(
  ".step.product .result td[data-cell], .corner .product td.gradient")].map((cell) => {
  cell.tabIndex = -1;
  cell.focus();
  const here = cell.getBoundingClientRect();
  return [...document.querySelectorAll("td.source")].map((one) => {
    const there = one.getBoundingClientRect();
    return Math.min(Math.abs(there.top - here.top), Math.abs(there.left - here.left));
  });
})"""

LEVEL = """() => [...document.querySelectorAll(".step li.sum[data-of]")].flatMap((line) => {
  const step = line.closest(".step");
  const cell = [...step.querySelectorAll("td")].find((one) => one.title.split(", ")[0] === line.dataset.of);
  if (!cell) return [];
  const [a, b] = [line, cell].map((one) => one.getBoundingClientRect());
  return [Math.abs((a.top + a.bottom) / 2 - (b.top + b.bottom) / 2)];
})"""

BOXES = """() => [...document.querySelectorAll(".section")].map((section) => {
  const start = section.getBoundingClientRect();
  return [...section.querySelectorAll("table:is(.grid,.frame) td")].map((cell) => {
    const box = cell.getBoundingClientRect();
    return [box.left - start.left, box.top - start.top, box.width, box.height].map((x) => Math.round(x * 10) / 10);
  });
})"""

WIDTHS = """() => [document.documentElement.scrollWidth, innerWidth,
  Math.max(...[...document.querySelectorAll("p, h1, h2, h3, dd, summary")]
    .filter((one) => !one.closest(".scroll, .block")).map((one) => one.getBoundingClientRect().right))]"""

CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (let here = one; here; here = here.parentElement) {
      const colour = parse(getComputedStyle(here).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = new Set(), walker = document.createTreeWalker(document.querySelector(".nnsteps"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest(".heard")) continue;
    const [a, b] = [parse(getComputedStyle(one).color).slice(0, 3), ground(one)].map(light).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.add(one.className + ": " + one.textContent.slice(0, 20));
  }
  return [getComputedStyle(document.body).backgroundColor, [...weak]];
}"""

ARROWS = """() => {
  const stops = [...document.querySelectorAll("td")].filter((cell) => cell.tabIndex === 0);
  const first = stops[0], went = [];
  first.focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowLeft"]) {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    went.push(document.activeElement.title);
  }
  return [stops.length, first.title, went, document.querySelectorAll("td.lit").length,
    new Set(stops.map((cell) => cell.closest("table"))).size];
}"""


def both(first: str, *others: str) -> str:
    """One question made of several."""
    return f"() => [{', '.join(f'({one})()' for one in (first, *others))}]"


@lru_cache(maxsize=1)
def varied(folder: Path) -> dict[str, Any]:
    files = {name: (pages(name).key_file, 1200) for name in VARIED}
    return browser.ask(files, both(CONTRAST, ARROWS, LEVEL, LIT, OFF), folder)


@lru_cache(maxsize=1)
def every(folder: Path) -> dict[str, Any]:
    files = {f"{name} key": (pages(name).key_file, 1000) for name in NAMES}
    files |= {f"{name} blank": (pages(name).blank_file, 1000) for name in NAMES}
    files |= {f"{name} narrow": (pages(name).key_file, 400) for name in NAMES}
    return browser.ask(files, both(WIDTHS, BOXES), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


# --- tests ---


def test_a_cell_lights_up_what_it_is_computed_from(folder):
    lines = 0
    for name, (_, _, _, found, _) in varied(folder).items():
        tree = pages(name).tree()
        on_page = {cell.attributes["data-cell"] for _, cell in cells(tree)}
        names = [
            {".".join(map(str, (one.node, *one.at))) for one in boxes(cell.attributes.get("data-from", ""))}
            for _, cell in cells(tree)
        ]
        for named, (key, title, lit, sources, of) in zip(names, found, strict=True):
            assert lit == [key]
            assert set(sources) == named & on_page, (name, title)
            assert set(of) <= {title}
            lines += bool(of)
    assert lines > 100


def test_a_product_stands_where_its_row_meets_its_column(folder):
    for name in STRAIGHT:
        found = varied(folder)[name][4]
        assert len(found) > 5
        assert all(len(off) > 1 and max(off) <= 1.5 for off in found), name


def test_a_worked_line_is_level_with_its_result(folder):
    for name in ("backprop", "self-attention", "transformer", "batch-normalization", "seven-layers"):
        found = varied(folder)[name][2]
        assert len(found) >= 10
        assert max(found) <= 3, name


def test_the_keyboard_reaches_every_cell_with_one_stop_a_table(folder):
    stops, first, went, lit, tables = varied(folder)["backprop"][1]
    assert stops == tables > 10
    assert (first, went) == ("z₁[1], crossed out", ["z₁[2]", "z₁[3]", "z₁[2]", "z₁[2]"])
    assert lit == 1


def test_a_worksheet_has_the_geometry_of_its_key(folder):
    for name in NAMES:
        sections = {
            kind: [
                found
                for found, section in zip(every(folder)[f"{name} {kind}"][1], document.sections, strict=True)
                if section.kind != "answers" and section.badge != "WORKED LINES"
            ]
            for kind, document in (("key", pages(name).key), ("blank", pages(name).blank))
        }
        assert sum(map(len, sections["key"])) > 2
        assert sections["key"] == sections["blank"], name


def test_the_page_itself_never_scrolls_sideways(folder):
    for name, kind in product(NAMES, ("narrow", "blank")):
        wide, window, text = every(folder)[f"{name} {kind}"][0]
        assert window == (400 if kind == "narrow" else 1000)
        assert wide <= window, name
        assert text <= window + 0.5, name


def test_every_word_on_the_screen_stands_out(folder):
    for name, (contrast, *_) in varied(folder).items():
        assert contrast == ["rgb(255, 255, 255)", []], name


def test_every_word_stands_out_in_the_dark(folder):
    files = {f"{name} {k}": (pages(name)[k], 1000) for name in VARIED[:3] for k in (3, 4)}
    for name, contrast in browser.ask(files, CONTRAST, folder, dark=True).items():
        assert contrast == ["rgb(27, 28, 30)", []], name


def test_the_browser_reports_what_goes_wrong_in_a_page(folder):
    bad = "<html><head></head><body><script>nowhere()</script></body></html>"
    with pytest.raises(AssertionError, match="nowhere"):
        browser.ask({"bad": (bad, 400)}, "() => 1", folder)
