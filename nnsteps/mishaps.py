"""What went wrong in a formula, told: the place, what was found, what would be right. Computes nothing new."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nnsteps import misfit, scalar
from nnsteps.compounds import COMPOUNDS, Compound, find
from nnsteps.errors import FormulaError, NumberError, Place, ShapeError, StepsError, UnknownName, nearest
from nnsteps.formula import Binary, Call, Expr, to_text
from nnsteps.ops import REGISTRY, Array, Cells, Op, Options, side_text
from nnsteps.rounding import Style
from nnsteps.scope import Scope
from nnsteps.trace import Trace

MOST_SHOWN = 60  # characters of arithmetic in an error


# what Python and its libraries call it: what to write here
_ELSEWHERE = {
    "len": "Write size(x), the number of cells, or size(x, axis=0), the number of rows.",
    "range": "A loop is an item of its own:  - for t in 1..3:",
    "pow": "Write x ** 2.",
    "matmul": "Write a @ b.",
    "mm": "Write a @ b.",
    "array": "Put the numbers under `given` and use their name.",
    "tensor": "Put the numbers under `given` and use their name.",
    "float": "All numbers are decimals already.",
    "int": "Write floor(x) or round(x).",
    "print": 'Every result is printed. For a sentence write - say: "x is {x}".',
}


def no_function(call: Call, scope: Scope, own: Mapping[str, Compound]) -> StepsError:
    if call.fn in scope.names:
        return UnknownName(
            f"{call.fn} is a value, not a function", place=scope.at(call), hint=f"Write * to multiply: {call.fn} * (…)."
        )
    near = None if call.fn in _ELSEWHERE else nearest(call.fn, [*REGISTRY, *COMPOUNDS, *own], 0.7)
    hint = _ELSEWHERE.get(call.fn, "nnsteps functions lists all of them.")
    if f"{call.fn}_values" in REGISTRY:
        place = scope.at(call)
        hint = f"Write {to_text(call)}.values or {to_text(call)}.positions."
        return FormulaError(f"{call.fn} gives values and positions; say which", place=place, hint=hint)
    if near:
        record = find(near) or own[near]
        words = record.look.gloss or record.doc.split(".")[0]
        hint = f"Did you mean {near}?   {record.signature}: {words}"
    start = call.span[0]
    where = scope.place if scope.place is None or scope.inner else scope.place.part(start, len(call.fn))
    return UnknownName(f"there is no function called {call.fn}", place=where, hint=hint)


def misfit_of(trace: Trace, record: Op, inputs: tuple[int, ...], options: Options, expr: Expr, scope: Scope) -> None:
    assert record.check is not None
    names = tuple(to_text(trace.said(i)) for i in inputs)
    values = [trace.value(i) for i in inputs]
    try:
        record.check(names, *(value.shape for value in values), **options)
    except ShapeError as error:
        place = scope.at(expr)
        if isinstance(expr, Binary) and scope.place is not None and not scope.inner:
            place = _operator_place(expr, scope)
        meant = _other_product(trace, record, inputs, names)
        given = _where_given(trace, inputs) if any(name in error.message for name in names) else ""
        hint = "\n".join(line for line in (error.hint, meant, given) if line)
        picture = _picture(trace, record, names, inputs)
        raise ShapeError(error.message, place=place, hint=hint or None, picture=picture) from None
    raise AssertionError("a check that depends on names")


def _other_product(trace: Trace, record: Op, inputs: tuple[int, ...], names: tuple[str, ...]) -> str:
    """The product that was perhaps meant, where another one than the one that is written fits (not by a side of 1)."""
    if record.infix not in ("*", "@") or len(inputs) != 2:
        return ""
    (left, right), (a, b) = (trace.value(i).shape for i in inputs), names
    if record.infix == "*":
        return f"The matrix product {a} @ {b} would fit." if left[-1] == right[-2] > 1 else ""
    others = (
        (f"{b} @ {a}", right[-1], left[-2]),
        (f"{a}.T @ {b}", left[-2], right[-2]),
        (f"{a} @ {b}.T", left[-1], right[-1]),
    )
    fitting = [text for text, one, other in others if one == other > 1]
    return f"{' or '.join(fitting)} would fit." if fitting else ""


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


def no_number(
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
    if any(i in trace.masked for i in _up(trace, inputs)):
        words = "has no value: every cell that it looks at is masked"
    elif any(part is not None and scalar.evaluate(part, trace.look_up) == 0 for part in (divisor, base)):
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


def note_stretch(trace: Trace, record: Op, inputs: tuple[int, ...], value: Array, scope: Scope) -> None:
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


def check_words(trace: Trace, record: Op | Compound, inputs: tuple[int, ...], expr: Expr, scope: Scope) -> None:
    """Refuse to compute with words: they are compared, picked and put side by side, nothing else."""
    equal = isinstance(record, Op) and record.infix in ("==", "!=")
    if (equal or record.look.kind == "shaping") and all(i in trace.wordy for i in inputs):
        return
    word = next(i for i in inputs if i in trace.wordy)
    if equal:
        other = next(i for i in inputs if i not in trace.wordy)
        kind = "the number" if trace.value(other).size == 1 else "the numbers"
        message = f"words are compared with words, not with {kind} {to_text(trace.said(other))}"
        hint = f'A word stands in quotes: {to_text(trace.said(word))} == "{trace.texts(word)[0]}".'
        raise FormulaError(message, place=scope.at(expr), hint=hint)
    said = to_text(trace.said(word))
    found = f"the word {said}" if trace.value(word).size == 1 else f"{said}, a list of words,"
    raise FormulaError(
        f"{found} cannot be computed with",
        place=scope.at(expr),
        hint="Words are compared with == and !=, they pick (embedding[w]), and they are picked (words[k]).",
    )


MASKABLE = frozenset({"exp", "max", "first_max"})  # what may be done with the −∞ of a mask, besides shaping


def check_masked(trace: Trace, record: Op, inputs: tuple[int, ...], expr: Expr, scope: Scope) -> None:
    """Refuse to compute with −∞, except on the way into a softmax or a largest number."""
    inner = scope.inner and record.infix in ("+", "-", "*", ">", ">=", "<", "<=", "==")
    if inner or record.name in MASKABLE or record.look.kind in ("shaping", "choice"):
        return
    masked = next(i for i in inputs if i in trace.masked)
    raise NumberError(
        f"{to_text(trace.said(masked))} has masked cells (−∞), which {record.name} cannot compute with",
        place=scope.at(expr),
        hint="A mask goes into softmax, log_softmax, logsumexp, max or topk. masked_fill(x, m, value=0) writes 0.",
    )


def number_of(number: int, noun: str) -> str:
    """How many of something: 1 row, 3 rows, 2 entries."""
    plural = {"entry": "entries", "index": "indices"}.get(noun, noun + "s")
    return f"{number} {noun if number == 1 else plural}"
