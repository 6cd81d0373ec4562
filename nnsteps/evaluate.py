"""Formula and names to recorded nodes. The one evaluator: of the author's steps, of compound bodies, of gradient rules.

Theory of operation. `evaluate` walks a formula and appends one node for every operation in it. A compound's body is
evaluated in a scope of its own, then one node stands for its `out`. Nothing here knows where a formula comes from; a
`Scope` says what its names stand for and where in the file it is, so that an error can point at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from nnsteps import misfit, scalar
from nnsteps.compounds import COMPOUNDS, REDUCTIONS, Compound, find
from nnsteps.errors import BadValue, FormulaError, NumberError, Place, ShapeError, StepsError, UnknownName, nearest
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
from nnsteps.ops import NO_OPTIONS, REGISTRY, Array, Cells, Op, Options, side_text
from nnsteps.rounding import Style
from nnsteps.trace import Trace

INFIX = {op.infix: op for op in REGISTRY.values() if op.infix and len(op.args) == 2}
MOST_SHOWN = 60  # characters of arithmetic in an error
OF_TWO = {"max": "maximum", "min": "minimum"}  # max(x, 0) is meant as maximum(x, 0), not as max(x, axis=0)


@dataclass(frozen=True)
class Scope:
    """What a formula's names stand for, and where it is written."""

    names: Mapping[str, int]
    place: Place | None = None
    inner: bool = False  # a body or a rule: errors point at the whole of `place`
    options: Mapping[str, Any] = field(default_factory=dict)
    special: Mapping[str, Callable[[Call, Scope], int]] = field(default_factory=dict)
    step: str = ""

    def at(self, expr: Expr | Slice) -> Place | None:
        """Where this part of the formula is in the file."""
        if self.place is None or self.inner:
            return self.place
        start, end = expr.span
        return self.place.part(start, max(1, end - start))


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
        case Index(base=base, items=items):
            return _take(trace, evaluate(trace, base, scope), items, expr, scope)
        case Word():
            raise FormulaError(
                f'the word "{expr.text}" cannot be computed with',
                place=scope.at(expr),
                hint='Quoted words are values of options, as in reduction="sum".',
            )
        case _:
            raise FormulaError(
                f"{to_text(expr)} is not something that can be computed here",
                place=scope.at(expr),
                hint="Only .T (transpose) follows a value.",
            )


def _name(trace: Trace, expr: Expr, name: str, scope: Scope) -> int:
    if name in scope.names:
        return scope.names[name]
    if name in scope.options:
        return trace.literal(float(scope.options[name]))
    record = find(name)
    if record is not None:
        raise UnknownName(
            f"{name} is a function here, not a value",
            place=scope.at(expr),
            hint=f"Call it: {record.signature}. A value of this name has not been given or computed before this step.",
        )
    given = trace.problem.given.get(name)
    if given is not None:  # its numbers would be among the names
        raise BadValue(
            f"{name} is a list of words; formulas compute with numbers",
            place=scope.at(expr),
            hint="Write its items as numbers, or leave the name out of formulas.",
        )
    near = nearest(name, scope.names)
    hint = f"Did you mean {near}?" if near else f"The values known here: {', '.join(list(scope.names)[-8:]) or 'none'}."
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
    record = find(call.fn)
    if record is None:
        raise _no_function(call, scope)
    count = len(call.args) if getattr(record, "variadic", False) else len(record.args)
    if len(call.args) < max(1, count):
        raise FormulaError(
            f"{call.fn} needs {_count(count, 'argument')}, it has {len(call.args)}",
            place=scope.at(call),
            hint=f"It is written {record.signature}.",
        )
    near = OF_TWO.get(call.fn)
    if len(call.args) > count + (0 if near else len(record.options)):
        raise FormulaError(
            f"{call.fn} takes {_count(count, 'argument')}, it has {len(call.args)}",
            place=scope.at(call.args[count]),
            hint=f"It is written {record.signature}." + (f" {near}(a, b) compares two." if near else ""),
        )
    inputs = tuple(evaluate(trace, arg, scope) for arg in call.args[:count])
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


def _no_function(call: Call, scope: Scope) -> StepsError:
    if call.fn in scope.names:
        return UnknownName(
            f"{call.fn} is a value, not a function", place=scope.at(call), hint=f"Write * to multiply: {call.fn} * (…)."
        )
    near = nearest(call.fn, [*REGISTRY, *COMPOUNDS])
    hint = "nnsteps functions lists all of them."
    if near:
        record = find(near)
        assert record is not None
        words = record.look.gloss or record.doc.split(".")[0]
        hint = f"Did you mean {near}?   {record.signature}: {words}"
    start = call.span[0]
    where = scope.place if scope.place is None or scope.inner else scope.place.part(start, len(call.fn))
    return UnknownName(f"there is no function called {call.fn}", place=where, hint=hint)


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
                place=scope.at(expr),
                hint=f"Did you mean {near}?" if near else f"It is written {record.signature}.",
            )
        out[name] = _option(trace, name, expr, record, scope)
    return out


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
    return int(number) if number.is_integer() else number


def _take(trace: Trace, node: int, items: tuple[Expr | Slice, ...], expr: Expr, scope: Scope) -> int:
    shape = trace.value(node).shape
    text = to_text(trace.said(node))
    if len(items) == 1 and len(shape) == 2 and 1 in shape:
        items = (items[0], Slice(None, None)) if shape[1] == 1 else (Slice(None, None), items[0])
    if len(items) != len(shape):
        hint = f"Write {text}[row, column], row({text}, k) or col({text}, k)." if len(shape) == 2 else None
        raise ShapeError(
            f"{text} ({side_text(shape)}) needs {len(shape)} indices, it has {len(items)}",
            place=scope.at(expr),
            hint=hint,
        )
    bounds = tuple(
        _bounds(trace, item, axis, side, text, scope)
        for axis, (item, side) in enumerate(zip(items, shape, strict=True))
    )
    return apply(trace, REGISTRY["take"], (node,), {"bounds": bounds}, expr, scope)


def _bounds(trace: Trace, item: Expr | Slice, axis: int, side: int, text: str, scope: Scope) -> tuple[int, int]:
    noun = ("row", "column")[axis] if axis < 2 else "entry"

    def whole(expr: Expr) -> int:
        value = trace.value(evaluate(trace, expr, scope))
        number = float(value.flat[0])
        if value.size != 1 or not number.is_integer():
            raise BadValue(
                f"the index {to_text(expr)} is not a whole number",
                place=scope.at(expr),
                hint=f"It says which {noun}, counted from 1 to {side}.",
            )
        if not 1 <= number <= side:
            raise ShapeError(
                f"{text} has no {noun} {number:g}",
                place=scope.at(expr),
                hint=f"It has {_count(side, noun)}; indices count from 1.",
            )
        return int(number)

    if isinstance(item, Slice):
        low = 1 if item.low is None else whole(item.low)
        high = side if item.high is None else whole(item.high)
        if high < low:
            raise BadValue(
                f"the slice {low}:{high} is empty",
                place=scope.at(item),
                hint=f"Both ends belong to it, the smaller first: {high}:{low}.",
            )
        return low - 1, high
    place = whole(item)
    return place - 1, place


# --- applying one operation --------------------------------------------------------------------------------------


def apply(
    trace: Trace, record: Op | Compound, inputs: tuple[int, ...], options: Options, expr: Expr, scope: Scope
) -> int:
    """Record one operation on recorded values. Errors: ShapeError, NumberError."""
    if isinstance(record, Compound):
        return _expand(trace, record, inputs, options, expr, scope)
    values = [trace.nodes[i].value for i in inputs]
    if record.check is not None:
        shapes = [value.shape for value in values]
        try:
            record.check(record.args if not record.variadic else ("",) * len(inputs), *shapes, **options)
        except ShapeError:
            _misfit(trace, record, inputs, options, expr, scope)
    value = record.value(*values, **options)
    if record.look.kind not in ("shaping", "claim") and not _is_finite(value):
        raise _no_number(trace, record, inputs, options, value, expr, scope)
    stretched = len(values) == 2 and value.shape not in (values[0].shape, values[1].shape)
    if stretched and not scope.inner and record.infix and record.look.kind != "product":
        _note_stretch(trace, record, inputs, value, scope)
    return trace.record(record, inputs, value, options or NO_OPTIONS)


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
    return trace.record(record, inputs, trace.value(out), options, out=out, inner=tuple(steps), words=words)


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


def _misfit(trace: Trace, record: Op, inputs: tuple[int, ...], options: Options, expr: Expr, scope: Scope) -> None:
    assert record.check is not None
    names = tuple(to_text(trace.said(i)) for i in inputs)
    values = [trace.value(i) for i in inputs]
    try:
        record.check(names, *(value.shape for value in values), **options)
    except ShapeError as error:
        place = scope.at(expr)
        if isinstance(expr, Binary) and scope.place is not None and not scope.inner:
            place = _operator_place(expr, scope)
        hint = "\n".join(line for line in (error.hint, _where_given(trace, inputs)) if line)
        picture = _picture(trace, record, names, inputs)
        raise ShapeError(error.message, place=place, hint=hint or None, picture=picture) from None
    raise AssertionError("a check that depends on names")


def _picture(trace: Trace, record: Op, names: tuple[str, ...], inputs: tuple[int, ...]) -> tuple[str, ...]:
    """What does not fit, drawn; nothing for other operations than those on two arrays side by side."""
    if len(inputs) != 2 or record.variadic:
        return ()
    a, b = (trace.value(i) for i in inputs)
    if record.look.kind == "product":
        return misfit.of_product(names[0], a, names[1], b, framed=inputs[0] in trace.given.values() and a.shape[-1] > 1)
    return misfit.side_by_side(names[0], a, names[1], b)


def _where_given(trace: Trace, inputs: tuple[int, ...]) -> str:
    """The lines in which operands are given: "W is given in line 4, x in line 3."."""
    names = {node: name for name, node in trace.given.items()}
    found = [trace.problem.given[names[i]] for i in dict.fromkeys(inputs) if i in names]
    parts = [f"{given.name} in line {given.place.line}" for given in found if given.place]
    return ", ".join(parts).replace(" in line", " is given in line", 1) + "." if parts else ""


def _operator_place(expr: Binary, scope: Scope) -> Place | None:
    assert scope.place is not None
    gap = scope.place.part(expr.left.span[1], 1)
    between = gap.text[gap.column - 1 :]
    offset = between.find(expr.op)
    return scope.place.part(expr.left.span[1] + max(0, offset), len(expr.op))


def _no_number(
    trace: Trace, record: Op, inputs: tuple[int, ...], options: Options, value: Array, expr: Expr, scope: Scope
) -> NumberError:
    at = tuple(int(k) for k in np.argwhere(~np.isfinite(value))[0])
    tree = record.cell(at, *(Cells(i, trace.value(i).shape) for i in inputs), **options)
    style = Style(6)
    text = scalar.write(
        tree, lambda part: style.write(part.value if isinstance(part, scalar.Const) else trace.look_up(part))
    )
    text = text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
    found = float(value[at])
    divisor = tree.args[1] if isinstance(tree, scalar.Fn) and tree.name in ("div", "xdivy") else None
    base = tree.args[0] if isinstance(tree, scalar.Fn) and tree.name == "pow" else None
    if any(part is not None and scalar.evaluate(part, trace.look_up) == 0 for part in (divisor, base)):
        words = "divides by zero"
    elif np.isinf(found) and record.name not in ("div", "xdivy", "log", "xlogy"):
        words = "is too large for a number (overflow)"
    else:
        words = "has no value"
    where = f"in {scope.step}, " if scope.step else ""
    hint = f"This is cell {cell_text(at, value.shape)} of {to_text(expr)}." if value.size > 1 else None
    if "log" in record.name and any(trace.nodes[i].by_hand for i in _up(trace, inputs)):
        hint = "By hand, a probability was rounded to 0 where the target is not; --exact does not round."
    return NumberError(f"{where}{text} {words}", place=scope.at(expr), hint=hint)


def _up(trace: Trace, inputs: tuple[int, ...]) -> set[int]:
    return set().union(*(trace.ancestors(i) for i in inputs))


def _note_stretch(trace: Trace, record: Op, inputs: tuple[int, ...], value: Array, scope: Scope) -> None:
    left, right = (to_text(trace.said(i)) for i in inputs)
    shapes = [side_text(trace.value(i).shape) for i in inputs]
    where = f"{scope.step}: " if scope.step else ""
    trace.warnings.append(
        f"{where}{left} ({shapes[0]}) and {right} ({shapes[1]}) both stretch to {side_text(value.shape)}"
    )


def cell_text(at: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """A place as people count: [2,1]; [2] in a column."""
    if len(shape) == 2 and shape[1] == 1:
        return f"[{at[0] + 1}]"
    return "[" + ",".join(str(k + 1) for k in at) + "]"


def _count(number: int, noun: str) -> str:
    if noun == "entry" and number != 1:
        return f"{number} entries"
    return f"{number} {noun}" + ("s" if number != 1 else "")
