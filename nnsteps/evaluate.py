"""Formula and names to recorded nodes. The one evaluator: of the author's steps, of compound bodies, of gradient rules.

Theory of operation. `evaluate` walks a formula and appends one node for every operation in it. A compound's body is
evaluated in a scope of its own, then one node stands for its `out`. Nothing here knows where a formula comes from; a
`Scope` says what its names stand for and where in the file it is, so that an error can point at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from math import isfinite, pi
from typing import Any

import numpy as np

from nnsteps import indexing
from nnsteps.compounds import REDUCTIONS, Compound, find
from nnsteps.errors import BadValue, FormulaError, Place, ShapeError, StepsError, UnknownName, nearest
from nnsteps.families import Key
from nnsteps.formula import (
    Attr,
    Binary,
    Call,
    Compare,
    Expr,
    Index,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Slice,
    Word,
    parse,
    parse_step,
    to_text,
)
from nnsteps.indexing import Picks, Reading, Span
from nnsteps.items import steps_in
from nnsteps.labels import carry
from nnsteps.limits import LARGEST
from nnsteps.mishaps import check_masked, check_words, misfit_of, no_function, no_number, note_stretch, number_of
from nnsteps.ops import NO_OPTIONS, REGISTRY, Array, Op, Options, side_text
from nnsteps.ops.registry import FLAT
from nnsteps.scope import Scope
from nnsteps.trace import Trace

CONSTANTS = {"pi": pi}
INFIX = {op.infix: op for op in REGISTRY.values() if op.infix and len(op.args) == 2}
OF_TWO = {"max": "maximum", "min": "minimum"}  # max(x, 0) is meant as maximum(x, 0), not as max(x, axis=0)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Expr:
    """A formula of the project's own, read once."""
    return parse(text)


@lru_cache(maxsize=1024)
def _parsed_line(text: str) -> tuple[str, Expr]:
    target, formula = parse_step(text)
    assert isinstance(target, Name)
    return target.id, formula


def evaluate(trace: Trace, expr: Expr, scope: Scope) -> int:
    """Record the nodes of a formula and give the id of its value. Errors: StepsError that points at the wrong part."""
    match expr:  # the commonest first: each case is tried in turn
        case Name(id=name):
            return _name(trace, expr, name, scope)
        case Binary(op=sign, left=left, right=right):
            inputs = (evaluate(trace, left, scope), evaluate(trace, right, scope))
            return apply(trace, INFIX[sign], inputs, {}, expr, scope)
        case Call():
            return _call(trace, expr, scope)
        case Num(value=value):
            return trace.literal(value)
        case Attr(base=base, name="T"):
            turned = evaluate(trace, base, scope)
            if scope.inner and trace.nodes[turned].op is REGISTRY["transpose"]:
                return trace.nodes[turned].inputs[0]  # a rule that turns back what was turned
            return apply(trace, REGISTRY["transpose"], (turned,), {}, expr, scope)
        case Neg(operand=Num(value=value)):
            return trace.literal(-value)
        case Neg(operand=operand):
            return apply(trace, REGISTRY["neg"], (evaluate(trace, operand, scope),), {}, expr, scope)
        case Not(operand=operand):
            return apply(trace, REGISTRY["negated"], (evaluate(trace, operand, scope),), {}, expr, scope)
        case Compare(first=first, ops=signs, rest=rest):
            sides = [evaluate(trace, side, scope) for side in (first, *rest)]
            claims = [
                apply(trace, INFIX[sign], (sides[k], sides[k + 1]), {}, expr, scope) for k, sign in enumerate(signs)
            ]
            return _joined(trace, "and", claims, expr, scope)
        case Logic(op=sign, items=items):
            return _joined(trace, sign, [evaluate(trace, item, scope) for item in items], expr, scope)
        case Index(base=Name(id=name), items=items) if name in trace.families and not scope.inner:
            return _members(trace, name, items, expr, scope)
        case Index(base=base, items=items):
            return _take(trace, evaluate(trace, base, scope), items, expr, scope)
        case Word(text=text):
            return trace.word(text)
        case Attr(base=Call(fn=fn) as call, name=name) if f"{fn}_{name}" in REGISTRY:
            return _call(trace, replace(call, fn=f"{fn}_{name}"), scope)
        case _:
            raise FormulaError(
                f"{to_text(expr)} is not something that can be computed here",
                place=scope.at(expr),
                hint="Only .T (transpose) follows a value.",
            )


def _name(trace: Trace, expr: Expr, name: str, scope: Scope) -> int:
    if name in scope.names:
        return scope.names[name]
    if name in scope.values:
        value = scope.values[name]
        return trace.word(value) if isinstance(value, str) else trace.literal(float(value))
    if name in trace.families and not scope.inner:
        return _stack(trace, trace.families[name].whole(), expr, scope)
    if name in scope.options:
        return trace.literal(float(scope.options[name]))
    if name in CONSTANTS:
        return trace.literal(CONSTANTS[name])
    record = find(name) or trace.problem.defined.get(name)
    if record is not None:
        raise UnknownName(
            f"{name} is a function here, not a value",
            place=scope.at(expr),
            hint=f"Call it: {record.signature}. A value of this name has not been given or computed before this step.",
        )
    known = list(dict.fromkeys(other.partition("[")[0] for other in scope.names))
    place = scope.at(expr)
    written = list(steps_in(trace.problem.steps)) if place is not None else []
    above = [other for line, other, _ in written if place and line < place.line and other not in (name, scope.step)]
    near = nearest(name, known) or nearest(name, above)  # above there may be one that has no value because it is wrong
    hint = f"Did you mean {near}?" if near else f"The values known here: {', '.join(known[-8:]) or 'none'}."
    later = next(((line, step) for line, other, step in written if place and line > place.line and other == name), None)
    if later is not None:
        hint = f"{name} is computed later, in line {later[0]}; a step uses what stands above it."
        if isinstance(later[1].target, Index):
            hint += f"\nWhat a loop begins with stands under given:  {name}[0]: [0, 0]"
    if any(name in key for family in trace.families.values() for key in family.members):
        hint = f'A word is quoted: "{name}".'
    if name[-1:] == "T" and name[:-1] in known:
        hint = f"The transpose of {name[:-1]} is written {name[:-1]}.T."
    if name[:1] == "d" and name[1:] in scope.names:
        hint = f"The gradient of {name[1:]} is written grad({name[1:]}, W)."
    raise UnknownName(f"there is no value called {name} at this step", place=scope.at(expr), hint=hint)


def _joined(trace: Trace, sign: str, claims: list[int], expr: Expr, scope: Scope) -> int:
    joined = claims[0]
    for claim in claims[1:]:
        joined = apply(trace, INFIX[sign], (joined, claim), {}, expr, scope)
    return joined


# --- calls -------------------------------------------------------------------------------------------------------


def _call(trace: Trace, call: Call, scope: Scope) -> int:
    if call.fn in scope.special:
        return scope.special[call.fn](call, scope)
    if call.fn in ("row", "col") and len(call.args) == 2 and not call.options:
        whole, place = Slice(None, None), call.args[1]
        items = (place, whole) if call.fn == "row" else (whole, place)
        return _take(trace, evaluate(trace, call.args[0], scope), items, call, scope)
    record = find(call.fn) or trace.problem.defined.get(call.fn)
    if record is None:
        raise no_function(call, scope, trace.problem.defined)
    count = len(call.args) if getattr(record, "variadic", False) else len(record.args)
    if len(call.args) < max(1, count):
        raise FormulaError(
            f"{call.fn} needs {number_of(count, 'argument')}, it has {len(call.args)}",
            place=scope.at(call),
            hint=f"It is written {record.signature}.",
        )
    near = OF_TWO.get(call.fn)
    if len(call.args) > count + (0 if near else len(record.options)):
        raise FormulaError(
            f"{call.fn} takes {number_of(count, 'argument')}, it has {len(call.args)}",
            place=scope.at(call.args[count]),
            hint=f"It is written {record.signature}." + (f" {near}(a, b) compares two." if near else ""),
        )
    variadic = isinstance(record, Op) and record.variadic
    inputs = tuple(node for arg in call.args[:count] for node in _arguments(trace, arg, scope, variadic=variadic))
    options = _options(trace, call, record, call.args[count:], scope)
    if isinstance(record, Compound) and "axis" in options:
        _check_axis(trace, inputs[0], options["axis"], scope.at(call))
    return apply(trace, record, inputs, options, call, scope)


def _check_axis(trace: Trace, node: int, axis: float, place: Place | None) -> None:
    """Refuse an axis that a compound's argument does not have, before its inner steps are asked."""
    check = REGISTRY["sum"].check
    assert check is not None
    try:
        check((to_text(trace.said(node)),), trace.value(node).shape, axis=axis)
    except ShapeError as error:
        raise ShapeError(error.message, place=place, hint=error.hint) from None


def _options(trace: Trace, call: Call, record: Op | Compound, extra: tuple[Expr, ...], scope: Scope) -> Options:
    if not call.options and not extra:
        return record.options
    out = dict(record.options)
    named = [*zip(record.options, extra, strict=False), *call.options]
    for name, expr in named:
        if name not in record.options:
            near = nearest(name, record.options)
            raise FormulaError(
                f"{call.fn} has no option called {name}",
                place=_before(scope.at(expr), name),
                hint=f"Did you mean {near}?" if near else f"It is written {record.signature}.",
            )
        out[name] = _option(trace, name, expr, record, scope)
    return out


def _before(place: Place | None, name: str) -> Place | None:
    """Where the name of an option stands, before its value."""
    at = place.text.rfind(name, 0, place.column - 1) if place is not None and place.exact else -1
    return place if place is None or at < 0 else place.part(at + 1 - place.column, len(name))


def _option(trace: Trace, name: str, expr: Expr, record: Op | Compound, scope: Scope) -> Any:
    if isinstance(expr, Name) and expr.id in scope.options:
        return scope.options[expr.id]
    wordy = isinstance(record.options[name], str)
    if isinstance(expr, Word) != wordy or (wordy and isinstance(expr, Word) and expr.text not in REDUCTIONS):
        asked = "one of " + ", ".join(f'"{word}"' for word in REDUCTIONS) if wordy else "a number"
        quoted = isinstance(expr, Name) and wordy and expr.id in REDUCTIONS
        hint = f'Put it in quotes: "{to_text(expr)}".' if quoted else f"Found {to_text(expr)}."
        raise BadValue(f"{name} of {record.name} must be {asked}", place=scope.at(expr), hint=hint)
    if isinstance(expr, Word):
        return expr.text
    value = np.array(expr.value) if isinstance(expr, Num) else trace.value(evaluate(trace, expr, scope))
    if value.size != 1:
        raise ShapeError(
            f"{name} of {record.name} must be one number; {to_text(expr)} is {side_text(value.shape)}",
            place=scope.at(expr),
        )
    number = float(value.item())
    if name == "digits" and not (number.is_integer() and abs(number) <= 15):
        raise BadValue(f"digits must be a whole number up to 15, not {number:g}", place=scope.at(expr))
    return int(number) if number.is_integer() and abs(number) < LARGEST else number


def _arguments(trace: Trace, arg: Expr, scope: Scope, *, variadic: bool) -> list[int]:
    """The values of an argument: the members of a family, where a function takes any number of values."""
    if variadic and isinstance(arg, Name) and arg.id in trace.families and not scope.inner:
        return [scope.names[member] for member in trace.families[arg.id].whole()]
    return [evaluate(trace, arg, scope)]


# --- indices ---------------------------------------------------------------------------------------------------------


def key_of(trace: Trace, items: tuple[Expr | Slice, ...], scope: Scope) -> Key:
    """The index of a single member, as a step writes it before its =. Errors: BadValue for anything else."""
    readings = [_read(trace, item, scope) for item in items]
    for item, reading in zip(items, readings, strict=True):
        if isinstance(reading, Span) or not reading.is_single:
            hint = "Write one number or word, as in h[t]."
            raise BadValue(
                f"a step gives a value to one member, [{to_text(item)}] names several", place=reading.place, hint=hint
            )
    return tuple([reading.keys[0] for reading in readings if isinstance(reading, Picks)])


def _read(
    trace: Trace, item: Expr | Slice, scope: Scope, decided: dict[int, tuple[int | str, ...]] | None = None
) -> Reading:
    """What one item of an index says; nodes whose numbers decided go into `decided`, with what was read from them."""
    place = scope.at(item)
    if isinstance(item, Slice):
        low, high = (None if end is None else _whole(trace, end, scope, decided) for end in (item.low, item.high))
        return Span(low, high, place)
    node = evaluate(trace, item, scope)
    keys: tuple[int | str, ...] = ()
    if node in trace.wordy:
        keys = trace.texts(node)
    else:
        keys = tuple([_integer(float(x), item, scope) for x in trace.value(node).flat])
    if decided is not None and not trace.is_plain(node):
        decided[node] = keys
    return Picks(keys, trace.value(node).shape, place, to_text(item))


def _whole(trace: Trace, expr: Expr, scope: Scope, decided: dict[int, tuple[int | str, ...]] | None) -> int:
    reading = _read(trace, expr, scope, decided)
    assert isinstance(reading, Picks)
    if not reading.is_single or isinstance(reading.keys[0], str):
        message = f"the end of a slice is one whole number, {reading.text} is not"
        raise BadValue(message, place=reading.place, hint="Write x[2:4].")
    return reading.keys[0]


def _integer(number: float, expr: Expr, scope: Scope) -> int:
    if not number.is_integer():
        hint = "It says which row, column or member, counted from 1."
        value = "" if to_text(expr) == f"{number:g}" else f": {number:g}"
        raise BadValue(f"the index {to_text(expr)} is not a whole number{value}", place=scope.at(expr), hint=hint)
    return int(number)


def _members(trace: Trace, name: str, items: tuple[Expr | Slice, ...], expr: Expr, scope: Scope) -> int:
    """One member of a family, or several side by side."""
    family, decided = trace.families[name], dict[int, tuple[int | str, ...]]()
    readings = [_read(trace, item, scope, decided) for item in items]
    names, single = indexing.members(family, readings, scope.at(expr))
    for other in names:
        if other not in scope.names:
            raise UnknownName(f"{other} has no value at this step", place=scope.at(expr))
    nodes = [scope.names[other] for other in names]
    for by, keys in decided.items():
        among = tuple(scope.names[other] for other in family.members.values() if other in scope.names)
        trace.decide(by, keys, "member", node=nodes[0] if single else None, among=among)
    if single:
        scope.picked[id(expr)] = (Name(names[0]), nodes[0])
        return nodes[0]
    words = [reading.keys for reading in readings if isinstance(reading, Picks)]
    node = _stack(trace, names, expr, scope)
    if len(words) == 1 and trace.value(node).shape[1] == len(names) and all(isinstance(key, str) for key in words[0]):
        trace.labels[node] = (trace.labels.get(node, (None, None))[0], tuple(str(key) for key in words[0]))
    return node


def _stack(trace: Trace, names: list[str], expr: Expr, scope: Scope) -> int:
    """Members as one value: numbers form a column, columns stand side by side, rows on top of each other."""
    if not names:
        raise UnknownName(f"{to_text(expr)} has no members numbered from 1", place=scope.at(expr))
    nodes = [scope.names[name] for name in names]
    shapes = {trace.value(node).shape for node in nodes}
    upright = all(shape == (1, 1) for shape in shapes) or (
        all(shape[0] == 1 for shape in shapes) and any(shape[-1] > 1 for shape in shapes)
    )
    node = apply(trace, REGISTRY["vstack" if upright else "hstack"], tuple(nodes), {}, expr, scope)
    text = to_text(scope.shown(expr))
    trace.aliases[node] = Name(text)
    scope.picked[id(expr)] = (Name(text), node)
    family = names[0].partition("[")[0]
    if not trace.families[family].is_numbered and len(names) == trace.value(node).shape[0 if upright else 1]:
        words = tuple(name[len(family) + 1 : -1] for name in names)
        rows, columns = trace.labels.get(node, (None, None))
        trace.labels[node] = (words, columns) if upright else (rows, words)
    return node


def _take(trace: Trace, node: int, items: tuple[Expr | Slice, ...], expr: Expr, scope: Scope) -> int:
    readings: list[Reading] = []
    decided: list[tuple[int, int, tuple[int | str, ...]]] = []  # side, node, what was read
    for side, item in enumerate(items):
        mine: dict[int, tuple[int | str, ...]] = {}
        readings.append(_read(trace, item, scope, mine))
        decided += [(side, by, keys) for by, keys in mine.items()]
    shape, text = trace.value(node).shape, to_text(trace.said(node))
    places = indexing.places(text, shape, trace.labels.get(node, (None, None)), readings, scope.at(expr))
    if all(side[-1] - side[0] == len(side) - 1 and list(side) == sorted(side) for side in places):
        bounds = tuple((side[0], side[-1] + 1) for side in places)
        taken = apply(trace, REGISTRY["take"], (node,), {"bounds": bounds}, expr, scope)
    else:
        taken = apply(trace, REGISTRY["select"], (node,), {"places": places}, expr, scope)
        trace.aliases[taken] = scope.shown(expr)
    for side, by, keys in decided:
        axis = side if len(items) > 1 or shape[-1] == 1 else 1
        trace.decide(by, keys, "cell", node=taken, axis=axis)
    first = readings[0]
    row = isinstance(first, Picks) and first.shape[0] == 1 and first.shape[-1] > 1
    if row and len(items) == 1 and len(shape) == 2 and shape[1] == 1:  # x[k] with a row of places is a row
        taken = apply(trace, REGISTRY["transpose"], (taken,), {}, expr, scope)
        trace.aliases[taken] = scope.shown(expr)
    return taken


# --- applying one operation --------------------------------------------------------------------------------------


def apply(
    trace: Trace, record: Op | Compound, inputs: tuple[int, ...], options: Options, expr: Expr, scope: Scope
) -> int:
    """Record one operation on recorded values. Errors: ShapeError, NumberError."""
    words = bool(trace.wordy) and any(i in trace.wordy for i in inputs)
    if words:
        check_words(trace, record, inputs, expr, scope)
    if isinstance(record, Compound):
        return _expand(trace, record, inputs, options, expr, scope)
    values = [trace.nodes[i].value for i in inputs]
    if record.check is not None:
        shapes = [value.shape for value in values]
        try:
            record.check(record.args if not record.variadic else ("",) * len(inputs), *shapes, **options)
        except ShapeError:
            misfit_of(trace, record, inputs, options, expr, scope)
        except StepsError as error:  # an option that means nothing
            error.place = error.place or scope.at(expr)
            raise
    if trace.masked and any(i in trace.masked for i in inputs):
        check_masked(trace, record, inputs, expr, scope)
    try:
        trace.allow(*record.needs(values, options))
        value = record.value(*values, **options)
    except StepsError as error:  # what the numbers themselves forbid: a singular matrix, a place that is not there
        error.place = error.place or scope.at(expr)
        raise
    finite = record.look.kind == "claim" or _is_finite(value)
    if not finite and not _is_masked(trace, record, inputs, value, scope):
        raise no_number(trace, record, inputs, options, value, expr, scope)
    stretched = len(values) == 2 and value.shape not in (values[0].shape, values[1].shape)
    if stretched and not scope.inner and record.infix and record.look.kind != "product":
        note_stretch(trace, record, inputs, value, scope)
    node = trace.record(record, inputs, value, options or NO_OPTIONS)
    if not finite:
        trace.masked.add(node)
    if words and record.look.kind == "shaping":
        trace.wordy.add(node)
    if record.look.kind == "choice" and record.grad == FLAT and not scope.inner:
        trace.decide(node, tuple(float(x) for x in value.flat), "choice", node=node)
    if trace.labels:
        carry(trace, node)
    return node


def _is_masked(trace: Trace, record: Op, inputs: tuple[int, ...], value: Array, scope: Scope) -> bool:
    """Whether what is no number is the −∞ of a mask, on its way into a softmax."""
    moved = scope.inner and record.infix in ("+", "-") and any(i in trace.masked for i in inputs)
    if record.look.kind not in ("shaping", "choice") and not moved:
        return False
    return not np.isnan(value).any() and not bool((value == np.inf).any())


def _is_finite(value: Array) -> bool:
    """Whether there is a number in every cell. One product finds out, unless the numbers are very large."""
    flat = value.ravel(order="K")
    return isfinite(flat.dot(flat)) or bool(np.isfinite(value).all())


def _expand(trace: Trace, record: Compound, inputs: tuple[int, ...], options: Options, expr: Expr, scope: Scope) -> int:
    names = dict(zip(record.args, inputs, strict=True))
    inner = Scope(names, scope.at(expr), inner=True, options=options, step=scope.step)  # sees the names as they come
    lines, words = record.lines(options), ""
    if record.stable is not None:
        stable = record.stable(options)
        if holds(trace, stable.condition, names):
            lines, words = stable.body, stable.words
    steps: list[tuple[str, int]] = []
    for line in lines:
        name, formula = _parsed_line(line)
        names[name] = evaluate(trace, formula, inner)
        steps.append((name, names[name]))
    out = steps[-1][1]
    node = trace.record(record, inputs, trace.value(out), options, out=out, inner=tuple(steps), words=words)
    if out in trace.masked:
        trace.masked.add(node)
    if trace.labels:
        carry(trace, node)
    return node


def holds(trace: Trace, condition: str, names: Mapping[str, int]) -> bool:
    """Whether a condition over recorded values holds. Leaves nothing behind in the trace."""
    return bool(_found(parsed(condition), {name: trace.value(node) for name, node in names.items()}).all())


def _found(expr: Expr, values: Mapping[str, Array]) -> Array:
    """The value of a condition's formula, without a record of how it was found."""
    match expr:
        case Name(id=name):
            return values[name]
        case Num(value=value):
            return np.array([[float(value)]])
        case Call(fn=name, args=args, options=options):
            record = REGISTRY[name]
            given = {key: value.value for key, value in options if isinstance(value, Num)}
            return record.value(*(_found(arg, values) for arg in args), **{**record.options, **given})
        case Binary(op=sign, left=left, right=right):
            return INFIX[sign].value(_found(left, values), _found(right, values))
        case Compare(first=left, ops=(sign,), rest=(right,)):
            return INFIX[sign].value(_found(left, values), _found(right, values))
        case _:
            raise AssertionError(f"a condition cannot be {to_text(expr)}")
