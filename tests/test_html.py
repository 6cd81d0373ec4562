"""HTML pages: every number read back, every worked line computed again, and nothing loaded from anywhere."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import product
from typing import NamedTuple

import pytest
import yaml

import nnsteps
from nnsteps import document as doc
from nnsteps import scalar
from nnsteps.document import Cell, Document, Grid, Link, Prose, Section, Spine
from nnsteps.layout import View, page
from nnsteps.problem import Problem
from nnsteps.render.formats import Page, Sheet
from nnsteps.render.html import html, write
from nnsteps.render.html_style import BADGES, FILLS, INKS
from nnsteps.scalar import Fn, Ref, Tree
from nnsteps.trace import Trace
from tests import hypertext, paper
from tests.hypertext import Element
from tests.sample import sample

NAMES = list(sample())
NASTY = "=1+1 <b>$x$ \\input{x} </script> & \"quoted\" 'single' {{7*7}} ${x}"


class Pages(NamedTuple):
    """The key and the worksheet of one problem, as documents and as files."""

    trace: Trace
    key: Document
    blank: Document
    key_file: str
    blank_file: str

    def tree(self, *, blank: bool = False) -> Element:
        return hypertext.parse(self.blank_file if blank else self.key_file)


@cache
def pages(name: str) -> Pages:
    trace, exact = nnsteps.solve(name), nnsteps.solve(name, exact=True)
    key, blank = (page(trace, View(fold=False, blank=is_blank), exact) for is_blank in (False, True))
    return Pages(trace, key, blank, html(key), html(blank, blank=True, key=key))


each_problem = pytest.mark.parametrize("name", NAMES)


# --- the file ----------------------------------------------------------------------------------------------------


@each_problem
def test_a_page_is_well_formed_and_complete(name):
    for is_blank in (False, True):
        tree = pages(name).tree(blank=is_blank)
        assert [child.tag for child in tree.children if isinstance(child, Element)] == ["html"]
        assert tree.one("title").text() == pages(name).key.title
        assert len(list(tree.all("h1"))) == 1
        for element in tree.all("details"):
            assert "open" in element.attributes  # nothing is hidden from a page without a script


@each_problem
def test_a_page_loads_nothing(name):
    for file in (pages(name).key_file, pages(name).blank_file):
        found = re.findall(r"https?:|//[a-z]|url\(|@import|@font-face|\ssrc=|\shref=|<link|<iframe|fetch\(", file)
        assert found == []


@each_problem
def test_the_same_page_is_the_same_bytes(name):
    again = page(nnsteps.solve(name), View(fold=False), nnsteps.solve(name, exact=True))
    assert html(again) == pages(name).key_file


def test_what_an_author_wrote_stays_text():
    source = yaml.safe_dump(
        {
            "title": NASTY, "source": NASTY, "about": NASTY, "given": {"x": [1, 2], "W": [[1, 2]]},
            "steps": [{NASTY: [
                {"step": "y = W @ x", "note": NASTY, "remark": NASTY},
                {"say": re.sub("[{}]", "", NASTY)},
            ]}],
        }
    )  # fmt: skip
    problem = Problem.read(source.encode(), "nasty.yaml", name="nasty")
    document = page(nnsteps.solve(problem), View(fold=False))
    for file in (html(document), html(document, blank=True), html(document, fragment=True)):
        tree = hypertext.parse(file)
        assert next(tree.all("h1")).text() == document.title == problem.title
        assert tree.one(class_="about").text() == document.about
        assert document.title in tree.one(class_="heading").text()
        assert len(list(tree.all("script"))) == 1
        assert all(b.inside("work") for b in tree.all("b"))


def test_a_sheet_numbers_its_pages_and_marks_the_keys():
    both = [pages("backprop"), pages("self-attention")]
    sheet = Sheet(
        tuple(Page(one.blank, one.trace.problem.name, True, "10") for one in both)
        + tuple(Page(one.key, one.trace.problem.name) for one in both),
        "Test & more",
    )
    tree = hypertext.parse(write(sheet))
    assert [h.text() for h in tree.all("h1")] == ["Test & more"]
    titles = [article.one("h2").text() for article in tree.all("article")]
    assert titles == [
        "Backpropagation 10 points", "Self-attention 10 points", "Backpropagation key", "Self-attention key",
    ]  # fmt: skip
    alone = hypertext.parse(pages("backprop").blank_file)
    assert shapes(next(tree.all("article"))) == shapes(alone.one("article"))  # the key in the sheet lends its room


def test_a_fragment_is_a_part_of_a_page():
    file = html(pages("backprop").key, fragment=True)
    assert "<html" not in file
    assert "<body" not in file
    assert [child.tag for child in hypertext.parse(file).children if isinstance(child, Element)] == [
        "style", "div", "script",
    ]  # fmt: skip


# --- numbers -----------------------------------------------------------------------------------------------------


def cells(tree: Element) -> list[tuple[Ref, Element]]:
    """The cells that show a recorded number."""
    out = []
    for cell in tree.all("td"):
        if key := cell.attributes.get("data-cell"):
            node, *at = map(int, key.split("."))
            out.append((Ref(node, tuple(at)), cell))
    return out


def says(text: str, value: float) -> bool:
    """Whether a number, rounded half away from zero to the digits that are written, is what is written."""
    if "×10" in text:
        return abs(paper.number(text) - value) <= 6e-3 * abs(value)
    decimals = len(text.partition(".")[2])
    return float(Decimal(f"{value:.11e}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)) == paper.number(text)


def drawn(document: Document) -> list[Cell]:
    """Every cell of a document that shows a recorded one, the answers left out."""

    def inside(part):
        if isinstance(part, doc.Answers):
            return
        if isinstance(part, Cell):
            yield from [part] if part.ref is not None else []
        elif isinstance(part, tuple):
            for one in part:
                yield from inside(one)

    return list(inside(document.sections))


@each_problem
def test_every_number_is_the_recorded_one(name):
    found = cells(pages(name).tree())
    numbers = pages(name).key.numbers
    wrong = []
    for ref, cell in found:
        text = cell.text(seen=True)
        if not text[-1:].isalpha() and not says(text, numbers.value(ref)):
            wrong.append((ref, text, numbers.value(ref)))
    assert wrong == []
    assert len(found) == len(drawn(pages(name).key))


@each_problem
def test_every_result_is_on_the_page(name):
    trace = pages(name).trace
    on_page = {ref for ref, _ in cells(pages(name).tree())}
    for step in trace.steps:
        value = trace.value(step.node)
        missing = [at for at in product(*map(range, value.shape)) if origin(trace, Ref(step.node, at)) not in on_page]
        assert not missing, (step.key, missing[:3])


def chosen(trace: Trace, tree: Tree) -> Tree:
    """What a choice among cells came to."""
    while isinstance(tree, Fn) and tree.name == "choose":
        tree = tree.args[int(scalar.evaluate(tree.args[0], trace.look_up))]
    return tree


def origin(trace: Trace, ref: Ref) -> Ref:
    """The cell that a cell is a copy of, or was picked as."""
    tree = chosen(trace, trace.explain(ref.node, ref.at))
    return origin(trace, tree) if isinstance(tree, Ref) and tree != ref else ref


def operands(trace: Trace, tree: Tree) -> set[Ref]:
    """The cells that a tree needs, copies traced back; nothing that was only there to be chosen."""
    picked = chosen(trace, tree)
    if isinstance(picked, Ref):
        return {origin(trace, picked)}
    return {one for arg in getattr(picked, "args", ()) for one in operands(trace, arg)}


def deciders(document: Document, ref: Ref) -> set[Ref]:
    """The cells whose numbers decided which others were used."""

    def inside(tree: Tree):
        if isinstance(tree, Fn):
            yield from scalar.refs(tree.args[0]) if tree.name == "choose" else ()
            for arg in tree.args:
                yield from inside(arg)

    return set(inside(document.numbers.tree(ref)))


@each_problem
def test_a_cell_names_the_cells_that_it_is_computed_from(name):
    trace, document = pages(name).trace, pages(name).key
    by_origin: dict[Ref, set[Ref]] = {}
    for cell in drawn(document):
        by_origin.setdefault(origin(trace, cell.ref), set()).add(cell.ref)
    for own, cell in cells(pages(name).tree()):
        named = set(boxes(cell.attributes.get("data-from", "")))
        decided = {origin(trace, one) for ref in by_origin[own] for one in deciders(document, ref)}
        if own in named:  # a copy
            assert by_origin[own] != {own}
            assert named - {own} <= decided
        else:
            needed = operands(trace, trace.explain(own.node, own.at)) - {own}
            assert needed <= named <= needed | decided, own


def boxes(text: str):
    for box in text.split():
        spans = [
            range(int(first), int(last or first) + 1) for first, _, last in (s.partition("-") for s in box.split("."))
        ]
        for node, *at in product(*spans):
            yield Ref(node, tuple(at))


# --- worked lines ------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """arithmetic, relation, result, and what a person writes down."""

    left: str
    relation: str
    result: str
    by_hand: str


def worked(tree: Element) -> list[tuple[str, list[Line]]]:
    """Every worked line with the cell it belongs to; broken lines put together again."""
    out: list[tuple[str, list[Line]]] = []
    left, relation = "", ""
    lines = [(item.attributes.get("data-of", ""), item) for item in tree.all("li", "sum")]
    lines += [("", cell) for table in tree.all("table", "turns") for cell in table.all("td")]
    for of, item in lines:
        if of or not left:
            out.append((of, []))
            left = ""
        for part in (child for child in item.children if isinstance(child, Element)):
            if part.tag == "b" and "hand" in part.classes:
                out[-1][1][-1] = out[-1][1][-1]._replace(by_hand=part.text())
            elif part.tag == "b":
                out[-1][1].append(Line(left.strip(), relation, part.text(), ""))
                left = ""
            elif "relation" in part.classes:
                relation = part.text()
            elif {"t", "sign"} & set(part.classes):
                left += f" {part.text()}"
    return out


def is_arithmetic(left: str) -> bool:
    """Whether the left side is all arithmetic: no condition, nothing left out."""
    words = set(re.findall(r"[a-z]{2,}", left)) - {"log", "tanh", "max", "min"}
    return bool(left) and not words and not re.search("[<>≤≥≠Σ⋯…]", left)


@each_problem
def test_every_worked_line_is_true_as_it_is_written(name):
    promised = [line for _, lines in worked(pages(name).tree()) for line in lines if line.relation == "="]
    read = [line for line in promised if is_arithmetic(line.left)]
    assert [line for line in read if not paper.agrees(line.left, line.result)] == []
    assert len(read) > 0.5 * len(promised) > 0
    assert not any(term in line.left for line in read for term in ("  ", "sum"))


@each_problem
def test_a_worked_line_gives_the_number_in_its_cell(name):
    tree = pages(name).tree()
    shown: dict[str, set[str]] = {}
    for _, cell in cells(tree):
        shown.setdefault(cell.attributes.get("title", "").split(", ")[0], set()).add(cell.text(seen=True))
    for of, lines in worked(tree):
        if of and lines and of in shown:
            assert {lines[-1].by_hand or lines[-1].result} & shown[of], (of, lines, shown[of])


# --- worksheets --------------------------------------------------------------------------------------------------


def shapes(tree: Element) -> list[tuple[list[str], list[int]]]:
    """The columns and rows of every table in the pictures."""
    tables = [table for table in tree.all("table") if {"grid", "frame"} & set(table.classes)]
    return [
        ([col.attributes["style"] for col in table.all("col")], [len(list(row.all("td"))) for row in table.all("tr")])
        for table in tables
        if not table.inside("answers")
    ]


def rows_of_lines(tree: Element) -> list[int]:
    """How many rows the lines of each step take."""
    out = []
    for step in tree.all("section", "step"):
        rows = [
            re.search(r"grid-row:(\d+)", li.attributes.get("style", ""))
            for ol in step.all("ol", "work")
            for li in ol.all()
        ]
        out.append(max((int(row[1]) for row in rows if row), default=0))
    return out


@each_problem
def test_a_worksheet_has_the_tables_of_its_key_and_room_for_its_lines(name):
    key, blank = pages(name).tree(), pages(name).tree(blank=True)
    assert shapes(key) == shapes(blank)
    both = list(zip(rows_of_lines(key), rows_of_lines(blank), strict=True))
    assert [pair for pair in both if pair[0] > pair[1]] == []


@each_problem
def test_what_is_asked_is_empty_and_the_rest_is_there(name):
    document = pages(name).blank
    found = {}
    for ref, cell in cells(pages(name).tree(blank=True)):
        found.setdefault(ref, set()).add((cell.text(seen=True), "blank" in cell.classes))
    asked = [cell for cell in drawn(document) if cell.mark == doc.BLANK]
    assert asked
    for ref, shown in found.items():  # nowhere on the page is a result given away that is asked elsewhere
        assert len(shown) == 1 or pages(name).trace.nodes[ref.node].op is None, ref
    empty = sum("blank" in cell.classes for _, cell in cells(pages(name).tree(blank=True)))
    assert empty == len(asked)
    assert all(not text for shown in found.values() for text, is_blank in shown if is_blank)


def test_a_worksheet_asks_for_a_name_and_a_key_does_not():
    assert "Name" in pages("backprop").tree(blank=True).one(class_="pupil").text()
    assert not list(pages("backprop").tree().all(class_="pupil"))


def test_an_empty_cell_is_as_wide_whatever_its_number():
    wide, narrow = (
        Grid(
            "z", tuple((Cell(text, mark, Ref(1, (i, 0))),) for i, (text, mark) in enumerate(rows)), doc.PASSING, (2, 1)
        )
        for rows in ([("−0.0091", ""), ("12.5", "")], [("", doc.BLANK), ("", doc.BLANK)])
    )
    one, other = (shapes(hypertext.parse(html(document_of(Link("start", grid))))) for grid in (wide, narrow))
    assert one == other


# --- what is heard and seen --------------------------------------------------------------------------------------


@each_problem
def test_every_table_says_what_it_is(name):
    for table in pages(name).tree().all("table"):
        if {"grid", "frame"} & set(table.classes):
            assert re.search(r"\d+ rows?, \d+ columns?$", table.one("caption").text())
            columns = [th.text() for th in table.one("thead").all("th") if th.attributes["scope"] == "col"]
            for row in table.one("tbody").all("tr"):
                assert len(list(row.all("td"))) == len(columns) or "fold" in row.classes
                assert next(row.all("th")).text() or "fold" in row.classes


def test_a_screen_reader_hears_the_row_and_the_column_of_a_weight():
    frame = next(pages("backprop").tree().all("table", "learnable"))
    names = [th.text() for th in frame.one("thead").all("th") if th.attributes["scope"] == "col"]
    assert names == ["W₁ column 1", "W₁ column 2", "W₁ column 3", "b₁ column 1"]
    row = next(frame.one("tbody").all("tr"))
    assert [child.text() for child in row.children if isinstance(child, Element)] == ["row 1", "1", "−1", "1", "−5"]
    assert [td.attributes["title"] for td in row.all("td")] == ["W₁[1,1]", "W₁[1,2]", "W₁[1,3]", "b₁[1]"]
    assert frame.one("caption").text() == "Learnable frame: W₁ (learnable), b₁ (bias); 4 rows, 4 columns"


def document_of(link: Link, *more) -> Document:
    return Document("a title", "", "", (), (), (Section("FORWARD", "forward", "", (Spine((link,)), *more)),), Numbers())


class Numbers:
    """The numbers behind a page made by hand: every cell is computed from the first of value 0."""

    def value(self, ref):
        return 0.0

    def tree(self, ref):
        return ref if ref.node == 0 else scalar.fn("exp", Ref(0, (0, 0)))

    def guards(self):
        return ()


def test_a_mark_is_more_than_a_colour():
    marked = [("4", doc.CHOSEN), ("−1", doc.CROSSED), ("0", doc.ZEROED), ("", doc.BLANK), ("7", doc.UNCHANGED)]
    row = tuple(Cell(text, mark, Ref(1, (0, j))) for j, (text, mark) in enumerate(marked))
    tree = hypertext.parse(html(document_of(Link("start", Grid("z", (row,), doc.PASSING, (1, 5))))))
    found = [cell for _, cell in cells(tree)]
    assert [cell.text() for cell in found] == ["4◂ chosen", "−1 crossed out", "0", "to fill in", "7"]
    assert [cell.attributes["title"].split(", ")[1] for cell in found] == [
        "chosen", "crossed out", "set to 0", "to fill in", "unchanged",
    ]  # fmt: skip
    assert found[1].one("s").text() == "−1"


def test_words_over_columns_and_beside_rows_are_headers():
    row = (Cell("1", ref=Ref(1, (0, 0))), Cell("2", ref=Ref(1, (0, 1))))
    grid = Grid("g", (row, row), doc.GIVEN, (2, 2), tops=("x <1>", 'say "2"'), sides=("first", "second"), spaced=True)
    tree = hypertext.parse(html(document_of(Link("start", grid), Prose("so <far>", "grey"))))
    table = tree.one("table", "spaced")
    assert [th.text() for th in table.one("tr", "tops").all("th")] == ["g x <1>x <1>", 'g say "2"say "2"']
    assert [th.text() for th in table.one("tbody").all("th")] == ["first", "second"]
    assert [cell.attributes["title"] for _, cell in cells(tree)][:2] == ["g[1], x <1>", 'g[1], say "2"']
    assert tree.one("p", "prose").text() == "so <far>"


def test_a_long_side_is_folded_with_words():
    cells_ = [(Cell(str(i), ref=Ref(1, (i, 0))),) for i in (0, 1, 98, 99)]
    grid = Grid("x", (*cells_[:2], None, *cells_[2:]), doc.GIVEN, (100, 1), "96 more rows, done the same way")
    tree = hypertext.parse(html(document_of(Link("start", grid))))
    assert [th.text() for th in tree.one("tbody").all("th")] == ["row 1", "row 2", "", "row 99", "row 100"]
    assert tree.one(class_="folded").text() == grid.folded


def test_formulas_are_mathml():
    first = next(pages("backprop").tree().all("span", "formula"))
    assert first.one("math").one("msub").text() == "z1"
    assert first.text() == "z1=W1x+b1"
    corner = pages("backprop").tree().one("details", "corner").one("span", "formula")
    assert corner.text() == "∂L/∂W3=∂L/∂z3·a2T"


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_stands_out_from_what_it_stands_on():
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the example of the guidelines
    inks = set(INKS) - {"paper", "line", "bar", "glow"}
    pairs = [(INKS[ink][k], INKS[paper_][k]) for ink in inks for paper_ in ("paper",) for k in (0, 1)]
    pairs += [(INKS[ink][k], INKS["glow"][k]) for ink in ("ink", "grey") for k in (0, 1)]
    pairs += [(on, fill) for fill, on in FILLS.values()] + [("#000000", fill) for fill in BADGES.values()]
    assert [(a, b, round(contrast(a, b), 2)) for a, b in pairs if contrast(a, b) < 4.5] == []
