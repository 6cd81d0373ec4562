"""Cells as people point at them, dL/dW1[2,3]. Works out no number."""

from __future__ import annotations

import re

from nnsteps.errors import UnknownName, UsageError, nearest
from nnsteps.notation import pretty
from nnsteps.ops import Shape, side_text
from nnsteps.trace import Trace

At = tuple[int, ...]

_CELL = re.compile(r"(?P<name>.+?)\s*\[(?P<places>[^\[\]]*)\]")


def place_text(at: At, shape: Shape) -> str:
    """A place as people count: [2,3]; [2] in a column; nothing for a single number."""
    if set(shape) == {1}:
        return ""
    if len(shape) == 2 and shape[1] == 1:
        return f"[{at[0] + 1}]"
    return "[" + ",".join(str(k + 1) for k in at) + "]"


def cell_name(name: str, at: At, shape: Shape) -> str:
    """The name of a cell: dL/dW1[2,3], x[2] in a column, L for a single number."""
    return name + place_text(at, shape)


def find_cell(trace: Trace, text: str) -> tuple[str, int, At]:
    """Key, node and place (from 0) of the cell that someone points at, as typed or as printed on a page.

    Errors:  UnknownName with the nearest name; UsageError for a place that is not there, or a missing one.
    Example: find_cell(trace, "∂L/∂W₁[2,3]") -> ("dL/dW1", 46, (1, 2))
    """
    known = trace.by_key
    spelled = {spelling: key for key in known for spelling in (pretty(key), pretty(key, ascii=True))}
    spelled |= {key: key for key in known}
    text = text.strip()
    if text in spelled:
        key = spelled[text]
        return key, known[key], _place(trace, key, known[key], None)
    cell = _CELL.fullmatch(text)
    name = cell["name"] if cell else text
    if name not in spelled:
        near = nearest(name, spelled)
        some = ", ".join(list(known)[-6:])
        hint = f"Did you mean {near}?" if near else f"The last values are {some}." if some else None
        raise UnknownName(f"there is no value called {name}", hint=hint)
    key = spelled[name]
    assert cell is not None
    return key, known[key], _place(trace, key, known[key], cell["places"])


def _place(trace: Trace, key: str, node: int, places: str | None) -> At:
    shape = trace.value(node).shape
    if places is None:
        if set(shape) != {1}:
            message = f"{key} has {trace.value(node).size} cells ({side_text(shape)}); say which one"
            raise UsageError(message, hint=_range(key, shape))
        return (0,) * len(shape)
    numbers = [part.strip() for part in places.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in numbers):
        raise UsageError(f"[{places}] is not a place in {key}", hint=_range(key, shape))
    at = [int(part) - 1 for part in numbers]
    if len(at) == 1 and len(shape) == 2 and 1 in shape:
        at = [at[0], 0] if shape[1] == 1 else [0, at[0]]
    if len(at) != len(shape) or not all(0 <= k < side for k, side in zip(at, shape, strict=True)):
        raise UsageError(f"{key} has no cell [{places}]; it is {side_text(shape)}", hint=_range(key, shape))
    return tuple(at)


def _range(key: str, shape: Shape) -> str:
    if set(shape) == {1}:
        return f"It is a single number: {key}."
    first = cell_name(key, (0,) * len(shape), shape)
    last = cell_name(key, tuple(side - 1 for side in shape), shape)
    return f"Its cells are {first} to {last}."
