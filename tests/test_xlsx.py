"""Workbooks: read back with openpyxl, and calculated anew by LibreOffice where it is installed.

The calculating tests take the recorded values out of every workbook first, so that a number that comes back was
calculated from the formulas.
"""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import nnsteps
from nnsteps import document as doc
from nnsteps import scalar
from nnsteps.changes import changed_given
from nnsteps.compounds import COMPOUNDS
from nnsteps.document import Cell, Document, Grid, Link, Section, Spine
from nnsteps.errors import UsageError
from nnsteps.layout import page
from nnsteps.ops import REGISTRY
from nnsteps.problem import Problem
from nnsteps.recorded import Recorded
from nnsteps.render import xlsx
from nnsteps.render.xlsx_formula import INFINITE, cell_name
from nnsteps.render.xlsx_live import Live
from nnsteps.render.xlsx_page import Page
from nnsteps.scalar import Const, Fn, Ref, Tree, fn
from nnsteps.solver import Settings, solve_problem
from nnsteps.trace import Trace
from nnsteps.view import View
from nnsteps.working import Writer
from tests.sample import sample
from tests.test_laws import EMPTY, drawn

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
PROBLEMS = sample()


# --- pages and their cells ---------------------------------------------------------------------------------------


def page_of(trace: Trace, *, blank: bool = False) -> Document:
    return page(trace, View(fold=False, blank=blank))


def places(document: Document, *, blank: bool = False) -> dict[Ref, str]:
    """Where each recorded number stands, as B7."""
    drawing = Page(document, blank)
    drawing.draw()
    return {ref: cell_name(place) for ref, place in drawing.squares.places.items()}


def opened(workbook: bytes, *, formulas: bool = False) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook), data_only=not formulas)


def all_formulas(workbook: bytes) -> dict[tuple[str, str], str]:
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in opened(workbook, formulas=True)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def close(found: Any, wanted: float) -> bool:
    if np.isinf(wanted):
        return isinstance(found, (int, float)) and found * np.sign(wanted) >= INFINITE / 1e3
    return isinstance(found, (int, float)) and abs(found - wanted) <= 1e-9 * max(1.0, abs(wanted))


def differences(sheet: Any, where: Mapping[Ref, str], numbers: doc.Numbers) -> list[str]:
    """The cells that do not hold their recorded number."""
    return [
        f"{name}: {sheet[name].value!r} is not {numbers.value(ref)!r}"
        for ref, name in where.items()
        if not close(sheet[name].value, numbers.value(ref))
    ]


# --- calculating anew --------------------------------------------------------------------------------------------


def without_values(workbook: bytes) -> openpyxl.Workbook:
    """The workbook with its formulas alone: openpyxl does not keep calculated values."""
    return opened(workbook, formulas=True)


def with_given(problem: Problem, given: Mapping[str, Any]) -> Problem:
    """The same problem with other given numbers."""
    fresh = object.__new__(Problem)
    for slot in Problem.__slots__:
        object.__setattr__(fresh, slot, given if slot == "given" else getattr(problem, slot))
    return fresh


def same_route(problem: Problem, given: Mapping[str, Any], trace: Trace) -> Trace | None:
    """The trace with other given numbers, if it has the same steps and choices."""
    try:
        other = solve_problem(with_given(problem, given), Settings())
    except nnsteps.StepsError:
        return None
    alike = [(a.op, a.inputs, a.options) for a in trace.nodes] == [(b.op, b.inputs, b.options) for b in other.nodes]
    return other if alike else None


def changed_problem(problem: Problem, trace: Trace) -> tuple[Trace, dict[Ref, float]]:
    """The same problem with one number of each given value changed, wherever that keeps the route."""
    given, changes, fresh = dict(problem.given), {}, trace
    for name, node in trace.given.items():
        if node in trace.wordy or name not in given:
            continue
        for size in (0.25, -0.0625, 0.01):
            array = np.array(trace.value(node), dtype=float)
            at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(array))), array.shape))
            array[at] += size
            array.setflags(write=False)
            tried = {**given, name: replace(given[name], value=array)}
            other = same_route(problem, tried, trace)
            if other is not None:
                given, fresh = tried, other
                changes[Ref(node, at)] = float(array[at])
                break
    return fresh, changes


# given numbers with which another route is taken
ROUTES = {
    "mixture-of-experts": ("X", np.array([[3.0, 2.0], [1.0, 1.0], [2.0, 3.0]])),  # the tokens change their experts
    "switch-transformer": (
        "X",
        np.array([[0.0, 6.0, 0.0, 7.0, 0.0], [5.0, 2.0, 4.0, 0.0, 3.0], [1.0, 0.0, 1.0, 1.0, 0.0]]),
    ),
}


@dataclass
class Calculated:
    """What LibreOffice made of all workbooks, by name."""

    books: dict[str, openpyxl.Workbook]
    changed: dict[str, Trace]


@pytest.fixture(scope="module")
def calculated(tmp_path_factory: pytest.TempPathFactory) -> Calculated:
    """Every workbook of this file's tests, without recorded values, calculated in one run."""
    folder = tmp_path_factory.mktemp("xlsx")
    changed: dict[str, Trace] = {}
    for name, problem in PROBLEMS.items():
        trace = solve_problem(problem, Settings())
        document = page_of(trace)
        workbook = xlsx.xlsx(document)
        without_values(workbook).save(folder / f"{name}.xlsx")
        changed[name], changes = changed_problem(problem, trace)
        book, where = without_values(workbook), all_places(document)
        for ref, number in changes.items():
            if ref in where:  # a given number that nothing needs stands nowhere
                book.worksheets[0][where[ref]] = number
        book.save(folder / f"{name}-changed.xlsx")
    for name, (given, value) in ROUTES.items():
        problem = PROBLEMS[name]
        trace = solve_problem(problem, Settings())
        document = page_of(trace)
        book, where = without_values(xlsx.xlsx(document)), all_places(document)
        changed[f"{name}-route"] = solve_problem(changed_given(problem, {given: value}), Settings())
        for at in np.ndindex(*value.shape):
            book.worksheets[0][where[Ref(trace.given[given], at)]] = float(value[at])
        book.save(folder / f"{name}-route.xlsx")
    without_values(xlsx.sheet_of("laws", LAWS.values())).save(folder / "laws.xlsx")
    for name, (document, cells) in HANDMADE.items():
        book = without_values(xlsx.xlsx(document))
        where = places(document)
        for cell, number in cells.items():
            book.worksheets[0][where[x(int(cell.split()[1]))]] = number
        book.save(folder / f"handmade-{name}.xlsx")
    return Calculated(recalculate(folder), changed)


def all_places(document: Document) -> dict[Ref, str]:
    """Where each number stands, also those below the page."""
    drawing = Page(document, False)
    drawing.draw()
    squares = drawing.squares
    assert document.numbers is not None
    live = Live(document.numbers, squares.places, frozenset(squares.words), frozenset(), squares.last_row + 4, 1)
    return {ref: cell_name(place) for ref, place in live.places.items()}


def recalculate(folder: Path) -> dict[str, openpyxl.Workbook]:
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(ALWAYS, encoding="utf-8")
    files = sorted(folder.glob("*.xlsx"))
    assert SOFFICE is not None
    subprocess.run(
        [SOFFICE, f"-env:UserInstallation=file://{folder / 'profile'}", "--headless", "--convert-to", "xlsx",
         "--outdir", str(folder / "out"), *map(str, files)],
        check=True, capture_output=True, timeout=900,
    )  # fmt: skip
    return {file.stem: openpyxl.load_workbook(folder / "out" / file.name, data_only=True) for file in files}


# --- law 3: every operation can be written -----------------------------------------------------------------------


def page_of_nodes(trace: Trace, nodes: Iterable[int], title: str) -> Document:
    """A page that shows some values of a trace under each other."""
    links = []
    for node in nodes:
        value = trace.value(node)
        rows = [at[:-1] for at in np.ndindex(*value.shape) if at[-1] == 0]
        cells = tuple(
            tuple(Cell("0.00", "", Ref(node, (*(int(k) for k in row), j))) for j in range(value.shape[-1]))
            for row in rows
        )
        links.append(Link("start", Grid(f"n{node}", cells, doc.GIVEN, value.shape)))
    section = Section("LAW", doc.FORWARD, "", (Spine(tuple(links)),))
    return Document(title, "", "", (), (), (section,), Recorded(trace, Writer(trace)))


def law_page(name: str) -> Document:
    """The sample of an operation or compound, and what it gives."""
    record = REGISTRY.get(name) or COMPOUNDS[name]
    inputs, options = drawn(record)
    if name in REGISTRY:
        trace = Trace(EMPTY)
        nodes = [trace.record(None, (), array) for array in inputs]
        for k, node in enumerate(nodes):
            trace.bind(f"x{k}", node)
        nodes.append(trace.record(record, tuple(nodes), record.value(*inputs, **options), options))
        trace.bind("out", nodes[-1])
        return page_of_nodes(trace, nodes, name)
    names = [f"x{k}" for k in range(len(inputs))]
    said = [f"{option}={value!r}" for option, value in options.items() if value is not None]
    problem = Problem(dict(zip(names, inputs, strict=True)), [f"out = {name}({', '.join([*names, *said])})"])
    trace = solve_problem(problem, Settings())
    return page_of_nodes(trace, [*trace.given.values(), trace.node("out")], name)


LAWS = {name: law_page(name) for name in (*sorted(REGISTRY), *sorted(COMPOUNDS))}


# --- pages made by hand ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handmade:
    """Numbers whose arithmetic is written down here. Node 0 holds what is given, node 1 what follows."""

    given: tuple[float, ...]
    trees: tuple[Tree, ...]
    conditions: tuple[Tree, ...] = ()

    def value(self, ref: Ref) -> float:
        tree = self.tree(ref)
        return self.given[ref.at[-1]] if tree == ref else scalar.evaluate(tree, self.value)

    def tree(self, ref: Ref) -> Tree:
        return ref if ref.node == 0 else self.trees[ref.at[-1]]

    def guards(self) -> tuple[Tree, ...]:
        return self.conditions

    def name(self, ref: Ref) -> str:
        return "given" if ref.node == 0 else "computed"


def x(k: int) -> Ref:
    """A given number."""
    return Ref(0, (0, k))


def handmade(numbers: Handmade, title: str = "Handmade", *, marks: Mapping[int, str] = {}) -> Document:
    """A page with a row of given numbers, a row of computed ones and these as answers."""
    given = tuple(Cell("0.00", "", Ref(0, (0, k))) for k in range(len(numbers.given)))
    computed = tuple(Cell("0.00", marks.get(k, ""), Ref(1, (0, k))) for k in range(len(numbers.trees)))
    rows = [
        Grid("given", (given,), doc.GIVEN, (1, len(given))),
        Grid("computed", (computed,), doc.OUTPUT, (1, len(computed))),
    ]
    links = tuple(Link(kind, grid) for kind, grid in zip(("start", "under"), rows, strict=True))
    sections = (
        Section("FORWARD", doc.FORWARD, "", (Spine(links),)),
        Section("ANSWERS", doc.ANSWERS, "", (doc.Answers((), (doc.Answer("computed", (rows[1],)),)),)),
    )
    return Document(title, "", "", (), (), sections, numbers)


def random_tree(rng: np.random.Generator, depth: int) -> Tree:
    """Arithmetic of every kind over eight given numbers, with negations in every place."""
    if depth == 0 or rng.random() < 0.15:
        return x(int(rng.integers(8))) if rng.random() < 0.7 else Const(float(rng.integers(-3, 4)))
    make = lambda: random_tree(rng, depth - 1)  # noqa: E731
    kinds = ["add", "mul", "neg", "div", "pow", "exp", "log", "log2", "sqrt", "tanh", "sin", "cos", "erf", "abs",
             "sign", "floor", "round", "max", "min",
             "if", "choose", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xlogy", "xdivy"]  # fmt: skip
    match kinds[int(rng.integers(len(kinds)))]:
        case "div":
            return fn("div", make(), fn("add", 1.5, fn("abs", make())))
        case "xdivy":
            return fn("xdivy", make(), fn("add", 1.5, fn("abs", make())))
        case "pow":
            return fn("pow", make(), float(rng.integers(0, 4)))
        case "exp":
            return fn("exp", fn("tanh", make()))
        case "log" | "log2" | "sqrt" as name:
            return fn(name, fn("add", 0.5, fn("abs", make())))
        case "xlogy":
            return fn("xlogy", make(), fn("add", 0.5, fn("abs", make())))
        case "round":
            return fn("round", make(), 1)
        case "choose":
            return fn("choose", float(rng.integers(1, 4)), make(), make(), make())
        case "if":
            return fn("if", fn("gt", make(), make()), make(), make())
        case "neg" | "tanh" | "sin" | "cos" | "erf" | "abs" | "sign" | "floor" as name:
            return fn(name, make())
        case name:
            return Fn(
                name,
                (make(), make(), make()) if name in ("add", "mul", "max", "min", "and", "or") else (make(), make()),
            )


GIVEN = (2.25, -0.75, 0.0, 3.1, -1.3, 0.6, -2.0, 1.0)
RNG = np.random.default_rng(7)
SCATTERED = [x((k * 37) % 200) for k in range(400)]
HANDMADE: dict[str, tuple[Document, dict[str, float]]] = {
    "trees": (handmade(Handmade(GIVEN, tuple(random_tree(RNG, 4) for _ in range(250)))), {}),
    "signs": (
        handmade(
            Handmade(
                (2.0, -3.0, 0.0, 2.5),
                (
                    fn("pow", fn("neg", x(0)), 2),  # (-2)^2
                    fn("neg", fn("pow", x(0), 2)),  # -(2^2)
                    fn("add", x(0), fn("neg", fn("pow", x(1), 2))),
                    fn("mul", fn("neg", x(0)), fn("neg", x(1))),
                    fn("div", x(0), fn("div", x(1), x(3))),
                    fn("div", fn("div", x(0), x(1)), fn("mul", x(3), x(0))),
                    fn("pow", x(0), fn("pow", x(0), 3)),
                    fn("pow", fn("pow", x(0), 3), x(0)),
                    fn("pow", x(2), x(2)),  # 0^0
                    fn("pow", x(0), -1),
                    fn("add", x(0), fn("neg", fn("add", x(1), x(3)))),
                    fn("floor", fn("neg", x(3))),
                    fn("round", fn("neg", x(3)), 0),
                    fn("round", 2.675, 2),
                    fn("xlogy", x(2), x(2)),
                    fn("exp", fn("neg", fn("pow", x(3), 2))),
                    fn("div", 1, fn("add", 1, fn("exp", fn("mul", 400, x(0))))),  # beyond what e to a power can be
                    fn("mul", fn("lt", x(1), x(0)), 7),
                    fn("choose", x(0), 5, fn("mul", x(0), x(3)), 9),
                    fn("exp", Const(-np.inf)),
                ),
            )
        ),
        {},
    ),
    "long": (
        handmade(
            Handmade(
                tuple(float(v) for v in np.round(np.random.default_rng(1).normal(size=200), 2)),
                (
                    fn("add", *(fn("mul", a, b) for a, b in zip(SCATTERED, reversed(SCATTERED), strict=True))),
                    fn("add", *(fn("exp", fn("neg", ref)) for ref in SCATTERED)),
                    fn("max", *SCATTERED),
                    fn("min", *(fn("mul", ref, 2) for ref in SCATTERED)),
                    fn("choose", 187, *SCATTERED),
                    fn("choose", 187, *(x(k) for k in range(200))),
                    fn("add", *(x(k) for k in range(200))),
                    fn("add", *(fn("mul", x(k), x(k + 50)) for k in range(100))),
                    fn("mul", *(fn("add", 1, fn("mul", ref, 0.001)) for ref in SCATTERED)),
                    fn("and", *(fn("lt", ref, 10) for ref in SCATTERED)),
                ),
            )
        ),
        {},
    ),
    "deep": (handmade(Handmade(tuple(float(v % 90) for v in range(100)), (
        # the place of the largest of a hundred numbers, as one condition inside the other
        __import__("functools").reduce(
            lambda tree, k: fn("if", fn("eq", x(k), fn("max", *(x(j) for j in range(100)))), k + 1, tree),
            range(99, -1, -1), Const(0.0),
        ),
    ))), {}),
    "kept": (handmade(Handmade((2.0, 3.0), (fn("add", x(0), x(1)),), (fn("lt", x(0), x(1)),))), {"given 0": 2.5}),
    "left": (handmade(Handmade((2.0, 3.0), (fn("add", x(0), x(1)),), (fn("lt", x(0), x(1)),))), {"given 0": 5.0}),
}  # fmt: skip


# --- without a spreadsheet program -------------------------------------------------------------------------------

PORTABLE = {
    "SUM", "SUMPRODUCT", "EXP", "LN", "SQRT", "TANH", "ABS", "SIGN", "INT", "IF", "AND", "OR", "MAX", "MIN", "ROUND",
    "INDEX", "CHOOSE", "SIN", "COS", "ERF", "LOG",
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_number_is_read_back_as_it_was_recorded(name: str) -> None:
    trace = nnsteps.solve(name)
    document = page_of(trace)
    workbook = xlsx.xlsx(document)
    assert differences(opened(workbook).worksheets[0], places(document), Recorded(trace, Writer(trace))) == []


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_computed_number_is_a_formula_and_every_given_one_is_not(name: str) -> None:
    trace = nnsteps.solve(name)
    document = page_of(trace)
    sheet = opened(xlsx.xlsx(document), formulas=True).worksheets[0]
    for ref, place in places(document).items():
        is_computed = any(True for r in scalar.refs(trace.explain(ref.node, ref.at)) if r != ref)
        if is_computed:
            assert sheet[place].data_type == "f", place
        elif trace.explain(ref.node, ref.at) == ref:
            assert sheet[place].data_type == "n", place


@pytest.mark.parametrize("name", [*PROBLEMS, *(f"handmade {name}" for name in HANDMADE)])
def test_formulas_use_what_every_program_has_and_stay_short(name: str) -> None:
    made = name.removeprefix("handmade ")
    document = HANDMADE[made][0] if made != name else page_of(nnsteps.solve(name))
    found = all_formulas(xlsx.xlsx(document))
    assert found
    for place, formula in found.items():
        used = set(re.findall(r"[A-Z]+(?=\()", formula))
        assert used <= PORTABLE, (place, used - PORTABLE)
        assert len(formula) < 8192, place
        depths = itertools.accumulate((char == "(") - (char == ")") for char in re.sub(r'"[^"]*"', "", formula))
        assert all(0 <= depth < 64 for depth in depths), place
        assert not re.search(r"[-+*/^]-", formula), place  # a sign inside an operator stands in brackets
        assert max(map(len, re.findall(r"[^()]*", formula.replace("),", ")")))) < 8192
        for arguments in re.findall(r"\(([^()]*)\)", formula):
            assert arguments.count(",") < 255


@pytest.mark.parametrize("name", scalar.FUNCTIONS)
def test_every_function_of_cell_arithmetic_has_a_form(name: str) -> None:
    inputs = {"if": 3, "choose": 3, "add": 2, "mul": 2, "max": 2, "min": 2, "and": 2, "or": 2}
    one = {"neg", "exp", "log", "log2", "sqrt", "tanh", "abs", "sign", "floor", "sin", "cos", "erf"}
    tree = fn(name, *[x(0)] * inputs.get(name, 1 if name in one else 2))
    assert len(all_formulas(xlsx.xlsx(handmade(Handmade((1.0,), (tree,)))))) == 2


def test_a_minus_is_bracketed_inside_an_operator() -> None:
    document, _ = HANDMADE["signs"]
    written = [formula for _, formula in sorted(all_formulas(xlsx.xlsx(document)).items())]
    assert any(re.fullmatch(r"=\(-[A-Z]+\d+\)\^2", formula) for formula in written)
    assert any(re.fullmatch(r"=-\([A-Z]+\d+\^2\)", formula) for formula in written)


def test_long_rows_are_added_as_ranges() -> None:
    written = all_formulas(xlsx.xlsx(HANDMADE["long"][0])).values()
    assert any(re.fullmatch(r"=SUM\([A-Z]+\d+:[A-Z]+\d+\)", formula) for formula in written)
    assert any(re.fullmatch(r"=SUMPRODUCT\([A-Z]+\d+:[A-Z]+\d+,[A-Z]+\d+:[A-Z]+\d+\)", formula) for formula in written)
    assert any(re.fullmatch(r"=INDEX\([A-Z]+\d+:[A-Z]+\d+,187\)", formula) for formula in written)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0", "=1+1 <b>$x$ \\input{x}"])
def test_what_an_author_wrote_stays_text(text: str) -> None:
    numbers = Handmade((1.0,), (x(0),))
    document = handmade(numbers, text)._replace(
        source=text, about=text, head=((text, text),),
        sections=(Section(text, doc.FORWARD, text, (
            doc.Prose(text), Spine((Link("start", Grid(text, ((Cell(text),),), doc.GIVEN, (1, 1)), notes=(text,),
                                         heading=text, caption=doc.Caption("1", text, text, text, text)),)),
        )),),
    )  # fmt: skip
    workbook = xlsx.xlsx(document)
    assert all_formulas(workbook) == {}
    held = [cell for row in opened(workbook).worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert sum(text in str(cell.value) for cell in held) >= 8
    assert {cell.data_type for cell in held} == {"s"}


def test_asked_cells_are_empty_and_everything_else_is_as_in_the_key() -> None:
    trace = nnsteps.solve("backprop")
    key, blank = page_of(trace), page_of(trace, blank=True)
    where = places(blank, blank=True)
    assert {ref: place for ref, place in places(key).items() if ref in where} == where
    sheet = opened(xlsx.xlsx(blank, blank=True)).worksheets[0]
    for ref, place in where.items():
        wanted = trace.look_up(ref) if trace.nodes[ref.node].op is None else None
        if (
            trace.explain(ref.node, ref.at) != ref
            and trace.nodes[ref.node].op is not None
            and sheet[place].value is not None
        ):
            wanted = trace.look_up(ref)  # another view of a given number: a transpose
            assert all(trace.nodes[r.node].op is None for r in scalar.refs(trace.explain(ref.node, ref.at)))
        assert sheet[place].value == wanted, place
        if wanted is None:
            assert sheet[place].fill.fgColor.rgb == "FFFBE5D6"
    assert not [f for f in all_formulas(xlsx.xlsx(blank, blank=True)).values() if not re.fullmatch("=[A-Z]+[0-9]+", f)]


def test_what_follows_from_an_asked_cell_is_a_plain_number() -> None:
    """A formula over an empty cell would calculate with 0."""
    numbers = Handmade((2.0, 3.0), (fn("add", x(0), x(1)), fn("mul", Ref(1, (0, 0)), 10), fn("mul", x(0), x(0))))
    document = handmade(numbers, marks={0: doc.BLANK})
    where, workbook = places(document, blank=True), xlsx.xlsx(document, blank=True)
    with_values, with_formulas = opened(workbook).worksheets[0], opened(workbook, formulas=True).worksheets[0]
    first, second, third = (where[Ref(1, (0, k))] for k in range(3))
    assert with_values[first].value is None
    assert with_formulas[second].value == 50
    assert with_formulas[third].value.startswith("=")
    assert with_values[third].value == 4


def test_a_page_where_something_given_is_asked_shows_the_results() -> None:
    numbers = Handmade((2.0, 3.0), (fn("add", x(0), x(1)),))
    document = handmade(numbers)
    start = document.sections[0].blocks[0]
    assert isinstance(start, Spine)
    given = start.links[0].out
    asked = given._replace(cells=((Cell("", doc.BLANK, x(0)), Cell("3", "", x(1))),))
    links = (start.links[0]._replace(out=asked), start.links[1])
    document = document._replace(sections=(document.sections[0]._replace(blocks=(Spine(links),)),))
    where, sheet = places(document, blank=True), opened(xlsx.xlsx(document, blank=True), formulas=True).worksheets[0]
    assert [sheet[where[ref]].value for ref in (x(0), x(1), Ref(1, (0, 0)))] == [None, 3, 5]


def test_numbers_that_nobody_drew_get_a_named_place_below() -> None:
    numbers = Handmade((2.0, 3.0), (fn("add", x(0), x(1)),))
    whole = handmade(numbers)
    spine = whole.sections[0].blocks[0]
    assert isinstance(spine, Spine)
    document = whole._replace(sections=(whole.sections[0]._replace(blocks=(Spine(spine.links[1:]),)),))
    workbook = xlsx.xlsx(document)
    texts = {cell.value: cell for row in opened(workbook).worksheets[0].iter_rows() for cell in row if cell.value}
    assert {"Further values", "given", 2, 3, 5} <= set(texts)
    (formula,) = all_formulas(workbook).values()
    assert formula == f"={texts[2].coordinate}+{texts[3].coordinate}"


def test_worksheets_have_names_that_programs_take() -> None:
    titles = ["a/b:c*d?e[f]", "A b c d e f", "'quoted'", "history", "", "x" * 40, "x" * 40]
    document = handmade(Handmade((1.0,), (x(0),)))
    names = opened(xlsx.sheet_of("all", [document._replace(title=title) for title in titles])).sheetnames
    assert len({name.lower() for name in names}) == len(titles)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)
    assert "history" not in names
    assert names[2] == "quoted"


def test_the_same_page_gives_the_same_bytes() -> None:
    document = page_of(nnsteps.solve("backprop"))
    assert xlsx.xlsx(document) == xlsx.xlsx(document)


def test_without_xlsxwriter_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(UsageError) as caught:
        xlsx.xlsx(handmade(Handmade((1.0,), (x(0),))))
    assert caught.value.hint == "pip install 'nnsteps[xlsx]'"


def test_the_title_is_frozen_and_a_page_is_one_sheet_of_paper_wide() -> None:
    sheet = opened(xlsx.xlsx(page_of(nnsteps.solve("backprop")))).worksheets[0]
    assert sheet["A1"].value.startswith("Backpropagation")
    assert sheet.freeze_panes == "A3"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) in ((None, 0), (1, 0))


def test_the_weights_stand_in_a_red_frame_with_the_bias_in_grey() -> None:
    trace = nnsteps.solve("backprop")
    document = page_of(trace)
    sheet, where = opened(xlsx.xlsx(document)).worksheets[0], places(document)
    first, last = (sheet[where[Ref(trace.given[name], at)]] for name, at in (("W1", (0, 0)), ("b1", (3, 0))))
    assert (first.border.left.style, first.border.left.color.rgb) == ("medium", "FFFF0000")
    assert (last.border.right.style, last.border.bottom.style) == ("medium", "medium")
    assert last.fill.fgColor.rgb == "FFF3F3F3"
    above = sheet[where[Ref(trace.given["x"], (0, 0))]]
    result = sheet[where[Ref(trace.node("z1"), (0, 0))]]
    assert above.column == result.column  # the result stands under what it is multiplied with
    assert first.row == result.row  # and beside its row of weights
    assert sheet.cell(result.row, result.column - 1).value == "→"
    assert sheet.cell(result.row, result.column + 2).coordinate == where[Ref(trace.node("a1"), (0, 0))]


# --- calculated by LibreOffice -----------------------------------------------------------------------------------


@pytest.mark.slow  # LibreOffice needs a minute
@pytest.mark.libreoffice
@pytest.mark.xdist_group("libreoffice")
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed (libreoffice-calc-nogui)")
class TestCalculated:
    @pytest.mark.parametrize("name", PROBLEMS)
    def test_formulas_give_the_recorded_numbers(self, calculated: Calculated, name: str) -> None:
        trace = nnsteps.solve(name)
        document = page_of(trace)
        assert differences(calculated.books[name].worksheets[0], places(document), Recorded(trace, Writer(trace))) == []

    @pytest.mark.parametrize("name", PROBLEMS)
    def test_a_changed_number_changes_everything_that_follows(self, calculated: Calculated, name: str) -> None:
        trace, fresh = nnsteps.solve(name), calculated.changed[name]
        document = page_of(trace)
        sheet = calculated.books[f"{name}-changed"].worksheets[0]
        assert differences(sheet, places(document), Recorded(fresh, Writer(fresh))) == []
        moved = [ref for ref in places(document) if trace.look_up(ref) != fresh.look_up(ref)]
        assert len(moved) >= 4, "the change is too small to show anything"

    @pytest.mark.parametrize("name", LAWS)
    def test_every_operation_can_be_written(self, calculated: Calculated, name: str) -> None:
        document = LAWS[name]
        sheet = calculated.books["laws"].worksheets[list(LAWS).index(name)]
        assert document.numbers is not None
        assert differences(sheet, places(document), document.numbers) == []

    @pytest.mark.parametrize("name", ["trees", "signs", "long", "deep"])
    def test_arithmetic_of_every_kind_is_calculated_alike(self, calculated: Calculated, name: str) -> None:
        document, _ = HANDMADE[name]
        sheet = calculated.books[f"handmade-{name}"].worksheets[0]
        assert document.numbers is not None
        assert differences(sheet, places(document), document.numbers) == []

    def test_another_choice_among_members_of_one_shape_stays_live(self, calculated: Calculated) -> None:
        trace, fresh = nnsteps.solve("mixture-of-experts"), calculated.changed["mixture-of-experts-route"]
        sheet = calculated.books["mixture-of-experts-route"].worksheets[0]
        chosen = [trace["expert_of_each_token"].tolist(), fresh["expert_of_each_token"].tolist()]
        assert chosen == [[[2, 1]], [[1, 2]]]
        assert differences(sheet, places(page_of(trace)), Recorded(fresh, Writer(fresh))) == []

    def test_another_number_of_steps_is_told_in_every_answer(self, calculated: Calculated) -> None:
        kept, left = (calculated.books[f"switch-transformer{which}"].worksheets[0] for which in ("", "-route"))
        said = "route changed: solve again"
        counts = [sum(cell.value == said for row in sheet.iter_rows() for cell in row) for sheet in (kept, left)]
        assert counts[0] == 0
        assert counts[1] >= 15  # every cell of `out`, and the guard

    def test_the_answers_say_when_the_route_has_changed(self, calculated: Calculated) -> None:
        kept, left = (calculated.books[f"handmade-{name}"].worksheets[0] for name in ("kept", "left"))
        said = "route changed: solve again"
        assert [kept["A2"].value or "", left["A2"].value] == ["", said]
        last = [[cell.value for row in sheet.iter_rows() for cell in row] for sheet in (kept, left)]
        assert (last[0].count(5.5), last[0].count(said)) == (2, 0)  # where it is computed, and as an answer
        assert (last[1].count(8), last[1].count(said)) == (1, 2)
