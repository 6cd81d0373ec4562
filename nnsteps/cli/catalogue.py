"""What there is, as lines of text: the bundled problems and the functions of formulas. Solves nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from nnsteps import collection
from nnsteps.compounds import COMPOUNDS, SHORTCUTS, Compound
from nnsteps.errors import Segment, UnknownName, UsageError, nearest
from nnsteps.ops import REGISTRY, Op
from nnsteps.ops.registry import FLAT

Line = list[Segment]

FAMILIES: Mapping[str, str] = {
    "elementwise": "each cell by itself",
    "activations": "activations",
    "claims": "comparisons, and what they decide",
    "products": "products",
    "reductions": "many numbers to one",
    "choices": "choices",
    "shaping": "the same numbers in another shape",
    "building": "new arrays, and arrays put together",
    "lookups": "cells at positions that are values",
    "selecting": "cells picked by an index",
    "windows": "convolutions",
    "transposed": "convolutions upwards",
    "pooling": "pooling",
    "sequences": "masks and positions",
    "compounds": "made of the others",
}
WRITTEN = {"transpose": "x.T", "take": "x[2, 1], x[1:2, 3]"}  # signs that are no infix
LEFT = 27  # columns before the words
INDENT = 2


# --- problems -----------------------------------------------------------------------------------------------


def problem_lines(topic: str | None, width: int) -> list[Line]:
    """The bundled problems in teaching order: name, title, what it is about, under their topics.

    Errors: UsageError for a topic that there is not.
    """
    problems = collection.bundled()
    topics = list(dict.fromkeys(problem.topic or "other" for problem in problems))
    if topic is not None and topic not in topics:
        near = nearest(topic, topics)
        hint = f"Did you mean {near}?" if near else f"There are: {', '.join(topics)}."
        raise UsageError(f"there is no topic called {topic}", where="--topic", hint=hint)
    lines: list[Line] = []
    shown = [problem for problem in problems if topic in (None, problem.topic or "other")]
    left = max(len(problem.name) for problem in problems) + INDENT + 3
    group = None
    for problem in shown:
        if (problem.topic or "other") != group:
            group = problem.topic or "other"
            lines += [[], [("bold", group)]] if lines else [[("bold", group)]]
        texts = [("bold", problem.title), ("plain", problem.about or "")]
        if problem.builds_on:
            texts.append(("grey", f"builds on {', '.join(problem.builds_on)}"))
        lines += _entry(problem.name, texts, left, width)
    return lines


def _entry(name: str, texts: Iterable[Segment], left: int, width: int) -> Iterator[Line]:
    """A name with texts to the right of it; below it where they would be too narrow or the name too long."""
    indent = left if width - left >= 30 else INDENT + 4
    first = " " * INDENT + name
    rows = [(role, row) for role, text in texts for row in textwrap.wrap(text, width - indent, break_on_hyphens=False)]
    if len(first) + 2 > indent or not rows:
        for row in textwrap.wrap(first.strip(), width - INDENT, subsequent_indent=" " * INDENT):
            yield [("plain", " " * INDENT + row)]
        first = ""
    for role, row in rows:
        yield [("plain", first.ljust(indent)), (role, row)]
        first = ""


# --- functions ----------------------------------------------------------------------------------------------


def functions() -> dict[str, list[Op | Compound]]:
    """All functions by family, which is the file that they are written in."""
    found: dict[str, list[Op | Compound]] = {family: [] for family in FAMILIES}
    for op in REGISTRY.values():
        found[op.cell.__module__.rpartition(".")[2]].append(op)
    found["compounds"] += COMPOUNDS.values()
    return found


def written(function: Op | Compound) -> str:
    """How a formula writes it where it is not a call: a @ b; empty for calls."""
    infix = getattr(function, "infix", "")
    if not infix:
        return WRITTEN.get(function.name, "")
    blank = " " if infix.isalpha() else ""
    return f"{infix}{blank}{function.args[0]}" if len(function.args) == 1 else f"a {infix} b"


def function_lines(width: int) -> list[Line]:
    """All functions with a line of words each."""
    lines: list[Line] = []
    for family, members in functions().items():
        lines += [[], [("bold", FAMILIES[family])]] if lines else [[("bold", FAMILIES[family])]]
        for function in members:
            sign = written(function)
            name = f"{sign:<9}  {function.signature}" if sign and len(sign) < 10 else function.signature
            lines += _entry(name, [("plain", function.doc)], LEFT + INDENT, width)
    return lines


def function_named(name: str) -> Op | Compound:
    """The function that a name, a sign (@) or a signature stands for. Errors: UnknownName with the nearest."""
    everything = {function.name: function for members in functions().values() for function in members}
    signs = {function.infix: function for function in REGISTRY.values() if function.infix and function.name != "neg"}
    word = name.strip().partition("(")[0].strip()
    if found := everything.get(word) or signs.get(name.strip()) or {".T": REGISTRY["transpose"]}.get(name.strip()):
        return found
    near = nearest(word, everything)
    hint = "nnsteps functions shows all of them"
    hint = f"Did you mean {near}?   {hint}" if near else hint
    raise UnknownName("there is no function of this name", where=name, hint=hint)


def details(function: Op | Compound, width: int) -> list[Line]:
    """Everything that is known about one function."""
    lines: list[Line] = [[("bold", row)] for row in textwrap.wrap(function.signature, width, subsequent_indent="  ")]
    lines += [[("plain", row)] for row in textwrap.wrap(function.doc, width, break_on_hyphens=False)]
    lines.append([])
    for title, texts in facts(function).items():
        for text in texts:
            rows = textwrap.wrap(text, width - 12, break_on_hyphens=False, subsequent_indent="  ") or [""]
            lines += [[("grey", f"{title if not k else '':<10}  "), ("plain", row)] for k, row in enumerate(rows)]
            title = ""
    return lines


def facts(function: Op | Compound) -> dict[str, list[str]]:
    """What there is to say, as titles with their texts: shapes, options, the lines inside, the gradient, the source."""
    sign = written(function)
    found = {
        "Written": [sign] if sign else [],
        "Shapes": [function.shapes],
        "Options": [f"{name}={value!r}" for name, value in function.options.items()],
        "Inside": list(function.lines(function.options)) if isinstance(function, Compound) else [],
        "Stable": _stable(function),
        "Gradient": _gradient(function),
        "Source": [function.source] if function.source else [],
    }
    return {title: texts for title, texts in found.items() if texts}


def _stable(function: Op | Compound) -> list[str]:
    if isinstance(function, Op) or function.stable is None:
        return []
    other = function.stable(function.options)
    return [f"where {other.condition}: {other.words}", *other.body]


def _gradient(function: Op | Compound) -> list[str]:
    arrays = [value for name, value in _sample(function).items() if name in function.args]
    shapes = tuple(array.shape for array in arrays if isinstance(array, np.ndarray))
    if function.grad is None:
        return ["through the lines inside"]
    if function.grad is FLAT:
        return ["flat: it is constant between its jumps, so nothing is passed back"]
    rules = function.rules(function.options, shapes)
    if not rules:
        return ["flat: it is constant between its jumps, so nothing is passed back"]
    found = [f"{argument}: {rule if rule is not None else 'none'}" for argument, rule in rules.items()]
    if rules != function.rules(function.options, tuple((5, 7) for _ in shapes)):
        named = zip(rules, shapes, strict=False)
        found.append("here for " + ", ".join(f"{argument} {shape[0]}×{shape[1]}" for argument, shape in named))
    if isinstance(function, Compound) and function.needs:
        found.append(f"where {function.needs}; otherwise through the lines inside")
    for rule in SHORTCUTS.values():
        if rule.outer == function.name:
            short = rule.grad(function.options, shapes)
            found.append(f"{rule.argument} = {rule.inner}(z), in one step: z: {short}")
    return found


def _sample(function: Op | Compound) -> Mapping[str, object]:
    return function.sample(np.random.default_rng(0))
