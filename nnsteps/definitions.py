"""Functions of a problem's own (`define`): compounds from the lines that an author writes."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping
from typing import Any

from nnsteps import values
from nnsteps.compounds import Compound, find
from nnsteps.errors import BadValue, Place
from nnsteps.formula import Call, Expr, Name, Slice, children, parse, parse_step
from nnsteps.ops import Look, Options
from nnsteps.reader import Map, Node, Scalar, limits_of


def definitions(node: Node, what: str) -> Mapping[str, Compound]:
    """The compounds that `define` describes: {"scaled(x, k)": ["y = k * x", "out = y"]}, or one formula."""
    if not isinstance(node, Map):
        hint = 'Write define: {"double(x)": "2 * x"}.'
        raise BadValue("define is a mapping of functions to their lines", place=node.place, hint=hint)
    found: dict[str, Compound] = {}
    for key, body in node.pairs:
        made = _compound(key, body, found)
        if made.name in found:
            raise BadValue(f"{made.name} is defined twice", place=key.place, hint="Keep one of the two.")
        found[made.name] = made
    return found


def _compound(key: Scalar, body: Node, known: Mapping[str, Compound]) -> Compound:
    name, args, options = _signature(key)
    if find(name) is not None or name in ("row", "col", "grad"):
        raise BadValue(f"there is a function called {name} already", place=key.place, hint="Take another name.")
    lines = _lines(name, body, {*args, *options}, known)
    doc = f"Defined by this problem: {'; '.join(lines)}."
    return Compound(
        key.text, name, args, options, doc, "as its lines give", lambda chosen: lines, None, lambda rng: {}, "",
        Look(), None,
    )  # fmt: skip


def _signature(key: Scalar) -> tuple[str, tuple[str, ...], Options]:
    """Name, arguments and options of `name(x, y, k=2)`."""
    try:
        call = ast.parse(key.text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        call = None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise _not_a_function(key)
    args = [arg.id for arg in call.args if isinstance(arg, ast.Name)]
    if not args or len(args) < len(call.args):
        raise _not_a_function(key)
    options: dict[str, Any] = {}
    for option in call.keywords:
        try:
            number = ast.literal_eval(option.value)
        except ValueError:
            number = None
        if option.arg is None or not isinstance(number, (int, float)) or isinstance(number, bool):
            raise _not_a_function(key)
        options[option.arg] = number
    names = [*args, *options]
    if len(set(names)) < len(names) or any(keyword.iskeyword(name) for name in names):
        raise _not_a_function(key)
    return call.func.id, tuple(args), options


def _not_a_function(key: Scalar) -> BadValue:
    hint = "Write name(x, y) or name(x, k=2), with a different name for each."
    return BadValue(f"{key.text} is not how a function is written", place=key.place, hint=hint)


def _lines(name: str, body: Node, names: set[str], known: Mapping[str, Compound]) -> tuple[str, ...]:
    """The lines of a body, each checked; the last one gives `out`."""
    texts = list(values.texts(body, name))
    if not texts:
        raise BadValue(f"{name} has no lines", place=body.place, hint="Write its formula.")
    parts = getattr(body, "items", (body,))
    if len(texts) == 1 and not re.search(r"(?<![=<>!])=(?!=)", texts[0].partition("(")[0]):
        parse(texts[0], parts[0].place, limits_of(parts[0]))
        texts[0] = f"out = {texts[0]}"
    bound = set(names)
    for text, part in zip(texts, parts, strict=True):
        before = len(text) - len(part.text) if isinstance(part, Scalar) else 0  # "out = ", where it is not in the file
        place = part.place.part(-before, part.place.length) if part.place else None
        target, formula = parse_step(text, place, limits_of(part))
        if not isinstance(target, Name):
            raise BadValue("a line of a function gives a value to a plain name", place=part.place)
        _check(name, formula, bound, known, place)
        bound.add(target.id)
        last = target.id
    if last != "out":
        raise BadValue(f"the last line of {name} gives {last}, not out", place=parts[-1].place, hint="Write out = …")
    return tuple(texts)


def _check(name: str, formula: Expr, bound: set[str], known: Mapping[str, Compound], place: Place | None) -> None:
    """Refuse names that are no arguments, and a function that calls itself or one that is defined later."""
    waiting: list[Expr | Slice] = [formula]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name) and part.id not in bound and part.id != "pi":
            hint = f"Make it an argument: {name}(…, {part.id})."
            raise BadValue(f"{part.id} is no argument of {name}", place=_at(part, place), hint=hint)
        if isinstance(part, Call) and find(part.fn) is None and part.fn not in known and part.fn not in ("row", "col"):
            hint = "A function may use the ones that are defined before it."
            if part.fn == name:
                raise BadValue(f"{name} calls itself", place=_at(part, place), hint=hint)
            raise BadValue(f"there is no function called {part.fn}", place=_at(part, place), hint=hint)
        waiting += children(part)


def _at(part: Expr | Slice, place: Place | None) -> Place | None:
    start, end = part.span
    return place.part(start, end - start) if place is not None else None
