"""LaTeX keys: read back cell by cell, the same geometry with blanks, text that stays text, and all of it compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnsteps
from nnsteps.layout import View, page
from nnsteps.render.formats import FORMATS, Page, Sheet
from nnsteps.render.latex_words import escaped
from tests.paper import agrees
from tests.sample import sample
from tests.test_markdown import HOSTILE, LARGEST, hostile
from tests.tex_reader import as_paper, half_a_unit, is_sum, promises, value

PROBLEMS = list(sample())
CELL = re.compile(r"\\nncell\{(-?[\d.]+)\}\{(-?[\d.]+)\}\{([\d.]+)\}\{nn (\w+)\}\{(.*)\}")
ROW = 0.5


class Cell(NamedTuple):
    """A cell where it stands, in hundredths of a centimetre."""

    x: int
    y: int
    width: int
    style: str
    text: str


def written(*pages: Page, fragment: bool = False, title: str = "") -> str:
    return str(FORMATS["latex"].write(Sheet(pages, title, is_fragment=fragment)))


@cache
def one_page(name: str, blank: bool = False, work: str = "lines") -> Page:
    document = page(nnsteps.solve(name), View(blank=blank, work=work), nnsteps.solve(name, exact=True))
    return Page(document, name, blank)


def pictures(text: str) -> list[list[Cell]]:
    """The cells of each picture, before the answers."""
    body = text.partition(r"\begin{document}")[2].partition(r"\nnsection{ANSWERS}")[0]
    return [
        [
            Cell(round(float(x) * 100), round(float(y) * 100), round(float(width) * 100), style, content)
            for x, y, width, style, content in CELL.findall(picture)
        ]
        for picture in re.findall(r"\\begin\{(?:nnpicture|tikzpicture)\}(.*?)\\end", body, re.DOTALL)
    ]


def number(text: str) -> str:
    return re.sub(r"\\color\{nngrey\}|[${}]", "", text)


def is_drawn(wanted: np.ndarray, cells: list[Cell]) -> bool:
    """Whether cells that touch each other hold these numbers, each as far as its digits go."""
    at = {(cell.x, cell.y): cell for cell in cells}
    return any(all(_shows(at, start, place, x) for place, x in np.ndenumerate(wanted)) for start in cells)


def _shows(at: dict[tuple[int, int], Cell], start: Cell, place: tuple[int, ...], x: float) -> bool:
    i, j = place
    for gap in (0, 25):  # time steps stand apart
        found = [
            cell
            for slip in (-1, 0, 1)
            if (cell := at.get((start.x + j * (start.width + gap) + slip, start.y - round(i * ROW * 100))))
        ]
        if found:
            text = number(found[0].text)
            return text[:1] in "-0123456789" and text != "" and abs(value(text) - x) <= half_a_unit(text) + 1e-9
    return False


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_result_is_read_back_from_the_key(name):
    trace, drawn = nnsteps.solve(name), pictures(written(one_page(name)))
    for step in trace.steps:
        wanted = trace.value(step.node)
        if step.turns or step.node in trace.wordy or max(wanted.shape) > LARGEST:
            continue
        flat = wanted.reshape(-1, wanted.shape[-1])
        assert any(is_drawn(flat, cells) for cells in drawn), step.key


def test_a_wrong_number_is_not_read_back():
    drawn = pictures(written(one_page("backprop")))
    wanted = nnsteps.solve("backprop")["dL/dW1"].copy()
    assert any(is_drawn(wanted, cells) for cells in drawn)
    wanted[1, 2] += 1
    assert not any(is_drawn(wanted, cells) for cells in drawn)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("work", ["lines", "all"])
def test_operands_as_shown_give_the_result_as_shown(name, work):
    text = written(one_page(name, work=work)).partition(r"\begin{document}")[2]
    text = re.sub(r"\{\\color\{nngrey\}((?:[^{}]|\{[^{}]*\})*)\}", r"\1", text)
    beside = re.findall(r"\\small (\$.*)\}\}\n", text)
    lines = [piece.replace("{}", "").strip("$ ") for line in beside for piece in line.split(r"\quad")]
    blocks = [*re.findall(r"\\begin\{aligned\}.*?\\end\{aligned\}", text, re.DOTALL), "\\\\\n".join(lines)]
    for block in blocks:
        for left, right in promises(block):
            left = left.rpartition("$: $")[2]
            if not is_sum(left):
                continue
            assert agrees(as_paper(left), as_paper(right).replace("-", "−")), f"{left} = {right}"


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_worksheet_has_the_geometry_of_its_key(name):
    key, blank = (pictures(written(one_page(name, blank))) for blank in (False, True))
    ours, theirs = ([[cell[:3] for cell in cells] for cells in part] for part in (key, blank))
    assert ours == theirs
    pairs = [(a, b) for x, y in zip(key, blank, strict=True) for a, b in zip(x, y, strict=True)]
    assert all(number(b.text) == (number(a.text) if b.style != "blank" else "") for a, b in pairs)
    assert any(b.style == "blank" for _, b in pairs)
    assert not any(a.style == "blank" or a.text == "" for a, _ in pairs)


# --- text stays text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_document_is_ascii_and_its_braces_close(name):
    walker = pytest.importorskip("pylatexenc.latexwalker", reason="pylatexenc is not installed")
    text = written(one_page(name))
    assert text.isascii()
    walker.LatexWalker(
        text.partition(r"\begin{document}")[2].rpartition(r"\end")[0], tolerant_parsing=False
    ).get_latex_nodes()


def test_hostile_text_is_never_a_command():
    body = written(Page(hostile(), HOSTILE), title=HOSTILE).partition(r"\begin{document}")[2]
    assert not re.search(r"\\input|(?<!\\)#|(?<!\\)%", body)
    for text in ("#", "%", "&", "_", "$", "{", "}"):
        assert escaped(text) == "\\" + text
    assert escaped("\\input{x}") == r"\textbackslash{}input\{x\}"


def test_letters_of_other_scripts_are_spelled():
    assert escaped("größe, naïve") == r"gr\"{o}\ss{}e, na\"{i}ve"
    assert escaped("α₁² ≤ −3") == r"$\alpha$$_{1}$$^{2}$ $\leq$ $-$3"
    assert escaped("数字 ж").isascii()


@given(st.text() | st.text("\\\\{}$#%&_^~<>|\"`-−₁²ᵀαé°'[]", max_size=20))
def test_any_prose_is_ascii_and_opens_nothing(text):
    walker = pytest.importorskip("pylatexenc.latexwalker", reason="pylatexenc is not installed")
    found = escaped(text)
    assert found.isascii()
    walker.LatexWalker(found, tolerant_parsing=False).get_latex_nodes()
    assert not re.search(r"(?<!\\)[#%&]", found)
    assert "[" not in found.replace("{[}", "")


# --- compiling ---------------------------------------------------------------------------------------------------


def compiled(text: str, folder: Path) -> str:
    """The log of pdflatex, which must succeed without stopping once."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (folder / "sheet.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "sheet.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=900)
    log = run.stdout.decode("latin-1")
    assert run.returncode == 0, log[-1500:]
    assert "Missing character" not in log
    return log


@pytest.mark.slow
def test_all_worksheets_and_keys_compile(tmp_path):
    pages = [one_page(name, blank) for blank in (True, False) for name in PROBLEMS]
    log = compiled(written(*pages, title="All of them"), tmp_path)
    wide = [float(size) for size in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0) < 15


def test_hostile_text_compiles_and_stays_text(tmp_path):
    compiled(written(Page(hostile(), HOSTILE, points="5"), title=HOSTILE), tmp_path)
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    run = subprocess.run(["pdftotext", "-layout", "sheet.pdf", "-"], cwd=tmp_path, capture_output=True, check=True)
    assert r"\input{x}" in run.stdout.decode()


def test_a_fragment_compiles_inside_of_another_document(tmp_path):
    fragment = written(one_page("single-neuron"), fragment=True)
    assert r"\documentclass" not in fragment
    packages = re.match(r"% needs ([\w, ]+);", fragment)[1].split(", ")
    (tmp_path / "part.tex").write_text(fragment, encoding="utf-8")
    head = "".join(f"\\usepackage{{{package}}}\n" for package in packages)
    body = "\\begin{document}\nBefore.\n\\input{part}\n\\input{part}\nAfter.\n\\end{document}\n"
    compiled(f"\\documentclass[11pt]{{article}}\n{head}{body}", tmp_path)
