"""What is thrown at the tool: formulas, problem files and whole programs, and what must hold for each of them.

`test_fuzz` does it a few hundred times with Hypothesis, `python -m tests.fuzz` for as long as one likes with atheris,
which watches where the code goes.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from nnsteps import Problem, StepsError, Trace
from nnsteps.collection import bundled
from nnsteps.compounds import COMPOUNDS
from nnsteps.formula import parse, parse_step
from nnsteps.layout import View, page
from nnsteps.ops import REGISTRY
from nnsteps.problem import _CHECKS, _KEYS
from nnsteps.render.canvas import columns
from nnsteps.render.formats import FORMATS, Page, Sheet
from nnsteps.render.terminal import draw, plain
from nnsteps.solver import Settings, solve_problem
from nnsteps.verify import check

SECONDS = 2  # of one reading, solving or drawing; of the processor, so that a busy machine changes nothing
FUNCTIONS = {**REGISTRY, **COMPOUNDS}


class Hang(AssertionError):
    """It takes longer than a person would wait."""


@contextlib.contextmanager
def promptly() -> Iterator[None]:
    """Raise Hang where what is inside takes longer than SECONDS."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"this takes more than {SECONDS} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# --- what must hold ----------------------------------------------------------------------------------------------


def refused(do: Callable[[], Any]) -> Any:
    """What it gives; None where it is refused with a report that can be printed. Nothing else may be raised."""
    try:
        with promptly(), warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # NumPy's: nothing that a reader should see
            return do()
    except StepsError as error:
        report = error.report(60)
        assert report.strip()
        assert report.replace("\n", "").isprintable(), report
        json.dumps(error.as_json(), allow_nan=False)
        return None


def formula_holds(text: str) -> None:
    """A text is read or refused as a formula, computed or refused, and shown if it was computed."""
    for read in (parse, parse_step):
        refused(lambda read=read: read(text))
    trace = refused(lambda: solve_problem(Problem(given=GIVEN, steps=[f"out = {text}"])))
    if trace is not None:
        shown(trace, 60)


def file_holds(data: str | bytes) -> None:
    """A file is read or refused; one that is read is solved or refused; one that is solved is shown and checked."""
    problem = refused(lambda: Problem.read(data, "a.yaml"))
    if problem is not None:
        trace = refused(lambda: solve_problem(problem))
        if trace is not None:
            shown(trace, 60)
            refused(lambda: check(problem))


def shown(trace: Trace, width: int, **options: Any) -> None:
    """A trace that could be solved can be drawn, in no more columns than asked."""
    with promptly():
        json.dumps(trace.to_json(), allow_nan=False)
        other = solve_problem(trace.problem, Settings(exact=True)) if not trace.exact else None
        lines = plain(draw(page(trace, View(width=width, **options), other), width)).splitlines()
    assert lines
    assert max(map(columns, lines)) <= width


def exported(trace: Trace) -> None:
    """Every format can be written, keys and worksheets."""
    key = page(trace, View(fold=False))
    blank = page(trace, View(blank=True, fold=False))
    for one in FORMATS.values():
        with promptly():
            assert one.write(Sheet((Page(blank, "blank", True, key=key), Page(key, "key"))))


# --- formulas ----------------------------------------------------------------------------------------------------

GIVEN: dict[str, Any] = {
    "x": [2, -1, 0.5],
    "W": [[1, -1, 0], [0.5, 2, 3]],
    "S": [[2, 1], [0, -1]],
    "r": [[1, 0, -2]],
    "n": 2,
    "zero": 0,
    "big": [1e300, -1e300, 1e-300],
    "cube": np.arange(12.0).reshape(2, 2, 3) - 5,
    "α_1": [[0.25]],
    "say": ["how", "are", "you"],
    "h[0..2]": [[1, 2], [3, 4], [5, 6]],
    "e": {"A": [1, 2], "B": [3, 4]},
}
NAMES = ["x", "W", "S", "r", "n", "zero", "big", "cube", "α_1", "say", "h", "e", "h[1]", 'e["A"]', "nothing", "exp"]
NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e-3", ".5", "1e308", "1e-320", "100", "12345678901234567890", "0.1"]
WORDS = ['"A"', "'how'", '"sum"', '"mean"', '"none"', '""', '"é\\n"']
OPTIONS = sorted({name for record in FUNCTIONS.values() for name in record.options})
BINARY = ["+", "-", "*", "/", "@", "**", "<", "<=", ">", ">=", "==", "!=", " and ", " or "]

leaves = st.sampled_from(NAMES * 3 + NUMBERS * 2 + WORDS)
SIZES = ["0", "1", "2", "3", "-1", "0.5", "1e9", "1e300", "n", "W", '"sum"', '"none"']


@st.composite
def call(draw: Callable[..., Any], inner: st.SearchStrategy[str]) -> str:
    """A call of a function with as many arguments and options as it takes; or of anything with anything."""
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(["grad", "row", "col", "rand", "topk", "x", "lambda", "print", "softmx", *NAMES]))
        return f"{name}({', '.join(draw(st.lists(inner, max_size=3)))})"
    record = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
    arguments = [draw(inner) for _ in record.args]
    if record.options and draw(st.booleans()):
        name = draw(st.sampled_from([*record.options, *OPTIONS[:3]]))
        arguments.append(f"{name}={draw(st.sampled_from(SIZES) | inner)}")
    return f"{record.name}({', '.join(arguments)})"


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    part = st.tuples(inner, inner).map(":".join) | inner | st.sampled_from([":", "1:2", "2:", "1", '"A"', "0", "-1"])
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map("".join),
        call(inner),
        call(inner),
        st.tuples(inner, st.lists(part, min_size=1, max_size=3)).map(lambda at: f"{at[0]}[{', '.join(at[1])}]"),
        st.tuples(inner, st.sampled_from([".T", ".values", ".positions", ".real", ".T.T"])).map("".join),
        st.tuples(st.sampled_from(["-", "+", "not ", "(", "- -", "2 ** "]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
    )


well_formed = st.recursive(leaves, _larger, max_leaves=12)

_TOKENS = re.compile(r"\w+|\*\*|[<>=!]=|\s+|.", re.DOTALL)
_STRANGE = [
    "∞", "²", "−", "·", "é", "ﬁ", "𝐱", "\u0301", "\u200b", "\u202e", "\x00", "\n", "\t", "\\", "#", "`", "$", "?",
    "{", "}", ";", ":=", "**" * 3, "[" * 60, "(" * 120, "-" * 300, "9" * 400, "x" * 5000, "lambda", "in", "for",
    "1e999", "0x1F", "1_0", "1j", "'", '"', ",", "=", "...", "def", "@", "!", "~", "ª", "𝟘", "٣", "\ud800"
]  # fmt: skip


@st.composite
def mutated(draw: Callable[..., Any], texts: st.SearchStrategy[str], most: int = 3) -> str:
    """A text with some of its signs dropped, repeated, exchanged or replaced."""
    tokens = _TOKENS.findall(draw(texts))
    for _ in range(draw(st.integers(1, most))):
        if not tokens:
            break
        place = draw(st.integers(0, len(tokens) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 3:
                tokens[place] = draw(st.sampled_from(_STRANGE) | leaves | st.sampled_from(BINARY))
            case 4:
                tokens.insert(place, draw(st.sampled_from(_STRANGE) | st.text(max_size=3)))
            case _:
                tokens = tokens[:place]
    return "".join(tokens)


formulas = (
    well_formed
    | mutated(well_formed)
    | st.tuples(well_formed, st.integers(2, 400)).map(lambda part: " + ".join([part[0]] * part[1]))
)


# --- problem files -----------------------------------------------------------------------------------------------

SMALL = sorted((p for p in bundled() if p.source_text and len(p.source_text) < 2_500), key=lambda p: p.name)
KEYS = ["given", "steps", "gradient", "update", *_KEYS, *_CHECKS]
_INNER_KEYS = [
    "step", "by hand", "note", "remark", "say", "when", "else", "until", "repeat", "for t in 1..3", "for w in say",
    "of", "wrt", "rule", "rate", "vary", "keep", "exact", "wrong", "printed", "why", "rows", "columns", "A heading",
    "x", "W", "h[0]", "x[1..4]", "f(x)", "f(x, k=2)", "allow", "digits", "sizes", "shape", "1", "", "a b", "=", "x[",
    "[1]", "?",
]  # fmt: skip
_SCALARS = [
    "x", "y = x", "y = W @ x", "L = sum(x)", "h[t] = h[t-1] + 1", "x = x * 2", "sgd", "adam", "momentum", "one_hot",
    "integers 0..3", "byhand", "permutation", "{x} and {", "each-step", "fractions", "inside", "L", "dL/dx", "true",
    "no", "010", "1:30", ".nan", "-.inf", "1e999", "2**9", "~", "", "- x", "a: b", "\t", "é" * 90, "x" * 300, "W[1,2]",
    "1..4", "max(x) > 1", "y = zeros(3)", "any(x < 0)",
]  # fmt: skip

_numbers = st.integers(-3, 9) | st.sampled_from([0.5, -0.25, 1e-9, 1e15, 10**20])
_values = st.one_of(
    _numbers,
    st.lists(_numbers, max_size=4),
    st.lists(st.lists(_numbers, max_size=3), max_size=3),
    st.lists(st.sampled_from(["how", "are", "x", "1"]), max_size=3),
)
_steps = st.tuples(st.sampled_from(["y", "L", "x", "h[t]", "z1", "grad", "for"]), well_formed).map(" = ".join)
_anything = st.recursive(
    st.sampled_from(_SCALARS) | _steps | _values | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*_INNER_KEYS, *KEYS]), inner, max_size=4)
    ),
    max_leaves=12,
)
_mixtures = st.fixed_dictionaries(
    {"steps": st.lists(_steps | _anything, max_size=4)},
    optional={
        "given": st.dictionaries(st.sampled_from(["x", "W", "b", "h[0]", "x[1..3]", "e", "t"]), _values | _anything),
        "gradient": st.fixed_dictionaries({"of": st.sampled_from(["L", "y"])}, optional={"wrt": _anything}) | _anything,
        **{key: _anything for key in KEYS if key not in ("given", "steps", "gradient")},
    },
)
trees = st.tuples(_mixtures, st.sampled_from([None, True, False])).map(
    lambda tree: yaml.safe_dump(tree[0], default_flow_style=tree[1], allow_unicode=True, sort_keys=False)
)


def _every(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, part in node.value:
            yield key
            yield from _every(part)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _every(part)


@st.composite
def damaged(draw: Callable[..., Any]) -> str:
    """A bundled problem in which something of the tree was deleted, exchanged or replaced."""
    root = yaml.compose(draw(st.sampled_from(SMALL)).source_text or "")
    for _ in range(draw(st.integers(1, 3))):
        nodes = list(_every(root))
        node = draw(st.sampled_from(nodes))
        match draw(st.integers(0, 3)):
            case 0 if not isinstance(node, yaml.ScalarNode) and node.value:
                del node.value[draw(st.integers(0, len(node.value) - 1))]
            case 1:
                other = draw(st.sampled_from(nodes))
                if type(node) is type(other):
                    node.value, other.value = other.value, node.value
            case 2 if isinstance(node, yaml.ScalarNode):
                node.value = draw(st.sampled_from(_SCALARS) | mutated(st.just(node.value)))
            case _ if not isinstance(node, yaml.ScalarNode) and node.value:
                node.value.insert(draw(st.integers(0, len(node.value))), draw(st.sampled_from(node.value)))
    with contextlib.suppress(RecursionError):
        return str(yaml.serialize(root, allow_unicode=True))
    return ""


@st.composite
def torn(draw: Callable[..., Any]) -> bytes:
    """The bytes of a bundled problem, cut and stuffed."""
    data = (draw(st.sampled_from(SMALL)).source_text or "").encode()
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        match draw(st.integers(0, 3)):
            case 0:
                data = data[:start]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:start] + draw(st.binary(max_size=6) | st.text(max_size=3).map(str.encode)) + data[start:]
            case _:
                data = data[:end] + data[start:end][:200] + data[end:]
    return data


_spelled = st.text(st.characters(codec="utf-8"), max_size=3)
files = trees | damaged() | mutated(st.sampled_from([p.source_text or "" for p in SMALL]), 6) | torn() | st.binary()


# --- programs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Program:
    """Steps that were accepted one by one."""

    given: dict[str, np.ndarray | list[str]]
    steps: tuple[str, ...]
    wrt: tuple[str, ...] = ()
    width: int = 100  # of the page that it is drawn on

    def problem(self) -> Problem:
        gradient = {"of": "L", "wrt": list(self.wrt)} if self.wrt else None
        return Problem(given=self.given, steps=self.steps, gradient=gradient)


def _option(name: str, default: Any) -> st.SearchStrategy[Any]:
    match default:
        case str():
            return st.sampled_from(["sum", "mean", "none"])
        case None if name == "axis":
            return st.sampled_from([None, 0, 1, 2])
        case None:
            return st.integers(1, 3)
        case int() if name == "axis":
            return st.integers(0, 2)
        case int():
            return st.integers(0, 3)
    return st.sampled_from([0.1, 0.5, 2, 1e-5])


@st.composite
def programs(draw: Callable[..., Any], most: int = 6) -> Program:
    """Steps of operations drawn from the registry, on values of before or values such as those of their samples."""
    given: dict[str, Any] = {"x": np.round(np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, 3)), 1)}
    steps: list[str] = []
    for k in range(draw(st.integers(1, most))):
        record = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
        sample = record.sample(np.random.default_rng(draw(st.integers(0, 9))))
        more, arguments = {}, []
        for name, value in sample.items():
            if name in record.options:
                continue
            if draw(st.booleans()):
                arguments.append(draw(st.sampled_from([*given, *(f"y{k}" for k in range(len(steps)))])))
            else:
                arguments.append(f"{name}_{k}")
                more[f"{name}_{k}"] = np.round(np.asarray(value, dtype=float), 2)
        for name, default in record.options.items():
            if name in sample and isinstance(sample[name], (int, float, str)) and draw(st.booleans()):
                arguments.append(f"{name}={sample[name]!r}")
            elif isinstance(default, (int, float, str, type(None))) and draw(st.integers(0, 3)) == 0:
                value = draw(_option(name, default))
                if value is not None:
                    arguments.append(f"{name}={value!r}")
        infix = getattr(record, "infix", "")
        formula = f"{record.name}({', '.join(arguments)})"
        if infix and len(arguments) == 2:
            formula = f" {infix} ".join(arguments)
        step = f"y{len(steps)} = {formula}"
        if refused(lambda: solve_problem(Problem(given={**given, **more}, steps=[*steps, step]))) is not None:  # noqa: B023
            given |= more
            steps.append(step)
    if not steps:
        steps = ["y0 = x * x"]
    width = draw(st.integers(40, 120))
    loss = f"L = sum(y{len(steps) - 1})"
    wrt = draw(st.lists(st.sampled_from([*given]), min_size=1, max_size=3, unique=True))
    for program in (
        Program(given, (*steps, loss), tuple(wrt), width),
        Program(given, (*steps, loss), (), width),
        Program(given, tuple(steps), (), width),
    ):
        if refused(lambda program=program: solve_problem(program.problem())) is not None:
            return program
    raise AssertionError("these steps were accepted one by one")


def program_holds(program: Program) -> None:
    """What was solved verifies, and is shown in every format."""
    problem = program.problem()
    with promptly():
        trace = solve_problem(problem)
        report = check(problem)
    assert report.ok, report.failures
    for options in ({}, {"work": "all"}, {"blank": True}):
        shown(trace, program.width, **options)
    exported(trace)
