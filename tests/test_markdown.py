"""Markdown keys: read back number by number, valid for a parser of CommonMark and for parsers of TeX, safe."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnsteps
from nnsteps import document as doc
from nnsteps.document import Cell, Document, Grid, Link, Prose, Section, Spine, Sum, Term, Turns
from nnsteps.formula import to_text
from nnsteps.layout import View, page
from nnsteps.render.formats import FORMATS, Page, Sheet
from nnsteps.render.markdown import escaped
from nnsteps.render.tex import flat, tex
from tests.paper import agrees
from tests.sample import sample
from tests.tex_reader import BLANK, Matrix, as_paper, half_a_unit, is_sum, matrices, plain_key, promises, value

PROBLEMS = list(sample())
HOSTILE = r"=1+1 <b>$x$ \input{x} `code` | & % # _a_ **b** ![c](http://d) $`e`$ ~f~ @g"
FORMULA = re.compile(r"```math\n(.*?)\n```|\$`([^`]*)`\$", re.DOTALL)
LARGEST = 16  # rows that are drawn without a fold


@cache
def exported(name: str, *, blank: bool = False, work: str = "lines", flavor: str = "github") -> str:
    """The key or the worksheet of a bundled problem."""
    document = page(nnsteps.solve(name), View(blank=blank, work=work), nnsteps.solve(name, exact=True))
    return written(document, name, blank, flavor)


def written(document: Document, name: str = "test", blank: bool = False, flavor: str = "github") -> str:
    return str(FORMATS["markdown"].write(Sheet((Page(document, name, blank),), flavor=flavor)))


def formulas(text: str) -> list[str]:
    return [block or inline for block, inline in FORMULA.findall(text)]


def found_in(text: str) -> list[Matrix]:
    return [found for formula in formulas(text) for found in matrices(formula)]


def shows(found: Matrix, wanted: np.ndarray) -> bool:
    """Whether a matrix holds these numbers, each as far as its digits go."""
    flat = wanted.reshape(-1, wanted.shape[-1])
    if (len(found.rows), len(found.rows[0])) != flat.shape:
        return False
    shown = [text for row in found.rows for text in row]
    return all(abs(value(text) - x) <= half_a_unit(text) + 1e-9 for text, x in zip(shown, flat.flat, strict=True))


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_result_is_read_back_from_the_key(name):
    trace, found = nnsteps.solve(name), found_in(exported(name))
    for step in trace.steps:
        wanted = trace.value(step.node)
        if step.node in trace.wordy or max(wanted.shape) > LARGEST:
            continue
        key = plain_key(step.key)
        if not step.turns:
            mine = [one for one in found if one.name == key]
            assert mine, f"{step.key} is not on the page"
            assert all(shows(one, wanted) for one in mine), step.key
            continue
        family = key.partition("[")[0]
        columns = [
            Matrix(one.name, tuple((row[j],) for row in one.rows))
            for one in found
            if one.name.partition("[")[0] == family
            for j in range(len(one.rows[0]))
        ]
        folded = "done the same way" in exported(name) or "turns" in exported(name)
        whole = [one for one in found if one.name.partition("[")[0] == family]
        assert folded or any(shows(one, wanted) for one in [*columns, *whole]), step.key


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("work", ["lines", "all"])
def test_operands_as_shown_give_the_result_as_shown(name, work):
    checked = 0
    for formula in formulas(exported(name, work=work)):
        if not formula.startswith(r"\begin{aligned}") or r"\overset" in formula:
            continue
        for left, right in promises(formula):
            if not is_sum(left):
                continue
            assert agrees(as_paper(left), as_paper(right).replace("-", "−")), f"{left} = {right}"
            checked += 1
    assert checked >= products(name)


def products(name: str) -> int:
    """How many steps of a problem must have a worked line: every product that is not in a loop."""
    trace = nnsteps.solve(name)
    return len({step.node for step in trace.steps if " @ " in to_text(step.formula) and not step.turns})


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_worksheet_has_the_matrices_of_its_key_with_blanks(name):
    key, blank = (re.split(r"^## (?:ANSWERS|CHECK)", exported(name, blank=b), flags=re.M)[0] for b in (False, True))
    ours, theirs = found_in(key), found_in(blank)
    assert [(m.name, [len(row) for row in m.rows]) for m in ours] == [
        (m.name, [len(row) for row in m.rows]) for m in theirs
    ]
    pairs = [
        (a, b)
        for m, n in zip(ours, theirs, strict=True)
        for x, y in zip(m.rows, n.rows, strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    assert all(b in (a, BLANK) for a, b in pairs)
    assert any(b == BLANK for _, b in pairs)
    assert not any(a == BLANK for a, _ in pairs)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("blank", [False, True])
def test_a_parser_of_commonmark_sees_headings_text_and_code_only(name, blank):
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    text = exported(name, blank=blank)
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for token in tokens} | {c.type for token in tokens for c in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "code_block", "link_open", "image", "blockquote_open"}
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == text.count("```math\n")
    assert all(token.info == "math" for token in fences)
    spans = 0
    for token in tokens:
        for place, child in enumerate(token.children or ()):
            if child.type == "code_inline":
                assert token.children[place - 1].content.endswith("$")
                assert token.children[place + 1].content.startswith("$")
                spans += 1
    assert spans == len(re.findall(r"\$`", text))
    assert next(token.tag for token in tokens if token.type == "heading_open") == "h1"


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("blank", [False, True])
def test_parsers_of_tex_accept_every_formula(name, blank):
    walker = pytest.importorskip("pylatexenc.latexwalker", reason="pylatexenc is not installed")
    converter = pytest.importorskip("latex2mathml.converter", reason="latex2mathml is not installed")
    for formula in set(formulas(exported(name, blank=blank))):
        walker.LatexWalker(formula, tolerant_parsing=False).get_latex_nodes()
        converter.convert(formula)


def test_katex_accepts_every_formula():
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", "require('katex')"], capture_output=True).returncode:
        pytest.skip("node with the package katex is not installed")
    everything = sorted(
        {f for name in PROBLEMS for blank in (False, True) for f in formulas(exported(name, blank=blank))}
    )
    everything.append(formulas(written(hostile()))[0])
    script = """
      const katex = require('katex'); let text = '';
      process.stdin.on('data', d => text += d).on('end', () => {
        for (const f of JSON.parse(text)) katex.renderToString(f, {throwOnError: true, strict: 'error'}); })
    """
    run = subprocess.run([node, "-e", script], input=json.dumps(everything), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-500:]


# --- text stays text ---------------------------------------------------------------------------------------------


def hostile() -> Document:
    """A page on which every text is hostile."""
    grid = Grid(HOSTILE, ((Cell(f'"{HOSTILE}"'),),), doc.GIVEN, (1, 1), HOSTILE, tops=(HOSTILE,), sides=(HOSTILE,))
    work = doc.Work(0, (Sum((Term("+", HOSTILE),), "=", HOSTILE, aside=HOSTILE),), HOSTILE, HOSTILE, HOSTILE)
    caption = doc.Caption(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    link = Link("under", grid, caption, HOSTILE, HOSTILE, work=(work,), notes=(HOSTILE,), says=(HOSTILE,))
    answers = doc.Answers((HOSTILE,), (doc.Answer(HOSTILE, (HOSTILE,)),), ((HOSTILE, (HOSTILE,)),))
    blocks = (Spine((link,)), Prose(HOSTILE), Turns((HOSTILE,), ((HOSTILE, (work.sums[0],)),)), answers)
    section = Section(HOSTILE, doc.FORWARD, HOSTILE, blocks)
    return Document(HOSTILE, HOSTILE, HOSTILE, (), ((HOSTILE, HOSTILE),), (section,))


def test_hostile_text_never_becomes_markup():
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    text = written(hostile())
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not {c.type for c in inline} & {"html_inline", "link_open", "image", "s_open"}
    assert not {token.type for token in tokens} & {"html_block", "code_block", "blockquote_open", "hr"}
    heading = next(token for token in tokens if token.type == "inline")
    assert "".join(c.content for c in heading.children) == HOSTILE
    assert r"\input" not in "".join(formulas(text))
    prose = FORMULA.sub("", text)
    assert "$" not in prose
    assert "<b>" not in prose.replace(r"\<", "")


@pytest.mark.parametrize(
    "text", ["1. no list", "- no list", "+ no", "# no", "> no", "=== no", ": no", "% no", "| no | t |"]
)
def test_no_line_of_prose_begins_something_else(text):
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(f"before\n\n{escaped(text)}\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"] * 2
    assert tokens[4].children[0].content == text or "".join(c.content for c in tokens[4].children) == text


def test_line_breaks_in_prose_do_not_end_a_paragraph():
    assert escaped("one\n\n# two\r\n    three") == r"one \# two three"


ANYTHING = st.text() | st.text('()[]|√∂^/−·ΣW₁xT²ᵀ⁽⁾ "e0.5⌊⌋_,:=<$`\\\\{}#%&', max_size=30)


@given(ANYTHING)
def test_any_text_becomes_a_formula_without_commands_of_its_own(text):
    walker = pytest.importorskip("pylatexenc.latexwalker", reason="pylatexenc is not installed")
    for formula in (tex(text), flat(text)):
        walker.LatexWalker(formula, tolerant_parsing=False).get_latex_nodes()
        assert not re.search(r"(?<!\\)[$#%&~]|`|\n", formula)
        assert formula.replace(r"\{", "").count("{") == formula.replace(r"\}", "").count("}")


@given(ANYTHING)
def test_any_prose_is_itself_again_behind_a_parser(text):
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    text = "".join(sign for sign in text if sign.isprintable())
    tokens = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).parse(f"before\n\n{escaped(text)}\n")
    assert len(tokens) in (3, 6)
    found = "".join(child.content for token in tokens[3:] for child in token.children or ())
    assert found == " ".join(text.split())


@pytest.mark.parametrize(
    "sign", ["(", "|", "√", "^", "∂", "∂(", "e^", "e^−", "−", "[", "x[", "√(", "∂(x)/∂", "⌊(", "xᵀ²"]
)
def test_endless_texts_are_read_in_the_end(sign):
    assert tex(sign * 1200)
    assert tex("e^" + sign * 1200)


# --- what a page may hold ----------------------------------------------------------------------------------------


def test_each_time_step_stands_apart_under_its_name():
    cells = ((Cell("1"), Cell("2")), (Cell("3"), Cell("4")))
    grid = Grid("h[t]", cells, doc.PASSING, (2, 2), tops=("t = 1", "t = 2"), spaced=True)
    text = written(Document("T", "", "", (), (), (Section("F", doc.FORWARD, "", (Spine((Link("start", grid),)),)),)))
    assert text.count(r"\begin{bmatrix}") == 2
    assert r"\overset{t = 2}{\begin{bmatrix} 2 \\ 4 \end{bmatrix}}" in text


def test_words_stand_over_columns_and_beside_rows():
    grid = Grid("G", ((Cell("1"), Cell("2")),), doc.PASSING, (1, 2), tops=("how", "are"), sides=("you",))
    text = written(Document("T", "", "", (), (), (Section("F", doc.FORWARD, "", (Spine((Link("start", grid),)),)),)))
    assert r"& \text{how} & \text{are} \\ \hline \text{you} & 1 & 2 \\" in text


def test_chosen_and_crossed_out_cells_can_be_told_apart():
    grid = Grid("z", ((Cell("-1", doc.CROSSED), Cell("2", doc.CHOSEN), Cell("3")),), doc.PASSING, (1, 3))
    links = (Link("start", grid), Link("under", grid._replace(name="a")))
    text = written(Document("T", "", "", (), (), (Section("F", doc.FORWARD, "", (Spine(links),)),)))
    assert r"\boxed{2}" in text
    assert re.search(r"\\rlap\{\\rule.*?\}\}\{-1\}", text)
    assert not re.search(r"\\rlap[^&]*\}\{3\}", text)


def test_pandoc_gets_dollars_and_github_gets_code():
    github, pandoc = exported("backprop"), exported("backprop", flavor="pandoc")
    assert "```math" in github
    assert "$$" not in github
    assert "```" not in pandoc
    assert "$`" not in pandoc
    assert pandoc.count("$$") == 2 * github.count("```math")


def test_no_matrix_stands_in_a_pipe_table():
    for name in PROBLEMS:
        rows = [line for line in exported(name).splitlines() if line.startswith("|")]
        assert not any("matrix" in row or "array" in row for row in rows)
        assert len({row.count("|") for row in rows}) <= 1, "a table has rows of one length"


def test_the_footer_names_the_problem():
    assert exported("backprop").rstrip().splitlines()[-1] == "*nnsteps: backprop*"
