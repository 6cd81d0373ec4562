"""How a recorded value is said: as a formula over named values. Knows no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnsteps.formula import Attr, Binary, Call, Compare, Expr, Index, Logic, Name, Neg, Not, Slice, Word, number
from nnsteps.formula import parse as parse_formula

if TYPE_CHECKING:
    from nnsteps.records import Node
    from nnsteps.trace import Trace


def said(trace: Trace, node: int, *, top: bool = False) -> Expr:
    """The formula of a node over the nearest named values; `top` looks through the node's own name."""
    if not top and node in trace.keys:
        return Name(trace.keys[node])
    if node in trace.aliases:
        return trace.aliases[node]
    here = trace.nodes[node]
    if here.op is None:
        literals = trace.literals
        if node in literals:
            return number(literals[node])
        return Word(" ".join(trace.texts(node))) if node in trace.wordy else Name(trace.keys.get(node, "?"))
    args = [said(trace, i) for i in here.inputs]
    infix = getattr(here.op, "infix", "")
    if here.op.name == "transpose":
        return Attr(args[0], "T")
    if here.op.name == "copy":
        return args[0]
    if here.op.name == "take":
        return Index(args[0], _items(trace, here))
    if infix in ("and", "or"):
        return Logic(infix, tuple(args))
    if infix == "not":
        return Not(args[0])
    if infix in ("<", "<=", ">", ">=", "==", "!="):
        return Compare(args[0], (infix,), (args[1],))
    if infix:
        return Neg(args[0]) if len(args) == 1 else Binary(infix, args[0], args[1])
    defaults = here.op.options
    options = tuple(
        (name, number(value) if isinstance(value, (int, float)) else parse_formula(repr(str(value))))
        for name, value in here.options.items()
        if value != defaults.get(name) and isinstance(value, (int, float, str))
    )
    return Call(here.op.name, tuple(args), options)


def _items(trace: Trace, node: Node) -> tuple[Expr | Slice, ...]:
    shape = trace.value(node.inputs[0]).shape
    items: list[Expr | Slice] = []
    for (low, high), side in zip(node.options["bounds"], shape, strict=True):
        if high - low == 1:
            items.append(number(low + 1))
        elif (low, high) == (0, side):
            items.append(Slice(None, None))
        else:
            items.append(Slice(number(low + 1), number(high)))
    if len(shape) == 2 and shape[1] == 1:
        return (items[0],)
    return tuple(items)
