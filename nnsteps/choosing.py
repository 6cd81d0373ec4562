"""Choices on a page: which cells won, and against what. Knows no operation by name.

A choice gives positions along a side of the value that it looks at. Whatever was chosen is set against the best of what
was not; a tie is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from nnsteps import document as doc
from nnsteps.document import Work
from nnsteps.ops import Array, Op
from nnsteps.ops.registry import FLAT
from nnsteps.scalar import Ref
from nnsteps.trace import Trace
from nnsteps.working import Writer

At = tuple[int, ...]
MOST_CHAIN = 6  # numbers in a line


def is_choice(trace: Trace, node: int) -> bool:
    """Whether a value holds positions that were chosen in a table."""
    here = trace.nodes[node]
    if not isinstance(here.op, Op) or here.op.look.kind != "choice" or here.op.grad != FLAT or len(here.inputs) != 1:
        return False
    return trace.value(here.inputs[0]).ndim == 2


def choice_of(trace: Trace, node: int) -> int | None:
    """The choice behind a value: itself, or the one that decided which cells or words were picked."""
    if is_choice(trace, node):
        return node
    taken = _taken(trace, node)
    return next((d.by for d in trace.decisions if d.node == taken and is_choice(trace, d.by)), None)


def is_picked(trace: Trace, node: int) -> bool:
    """Whether a value was picked by numbers."""
    taken = _taken(trace, node)
    return any(d.node == taken and d.kind == "cell" for d in trace.decisions)


def _taken(trace: Trace, node: int) -> int:
    """The node that picked cells, behind a value that only arranges them."""
    here = trace.nodes[node]
    while isinstance(here.op, Op) and here.op.look.kind == "shaping" and len(here.inputs) == 1 and not here.options:
        if here.inputs[0] in trace.keys:
            break
        here = trace.nodes[here.inputs[0]]
    return here.id


def picked(trace: Trace, node: int) -> dict[At, str]:
    """The cells of its source that a value was picked from."""
    options = trace.nodes[_taken(trace, node)].options
    sides = options.get("places") or [range(low, high) for low, high in options.get("bounds", ())]
    return {tuple(at): doc.CHOSEN for at in itertools.product(*sides)} if sides else {}


def marks(trace: Trace, node: int) -> dict[At, str]:
    """The cells of the source that were chosen."""
    return {at: doc.CHOSEN for _, chosen, _ in _lines(trace, node) for at in chosen}


def work(trace: Trace, writer: Writer, node: int, result: int) -> tuple[Work, ...]:
    """Why each of them: 4 > 3 → row 2; where words were picked, the words."""
    words = [writer.words(text) for text in trace.texts(result)] if result in trace.wordy else []
    source = trace.nodes[node].inputs[0]
    shape = trace.value(source).shape
    axis = trace.nodes[node].options.get("axis")
    rows, columns = trace.labels.get(source, (None, None))
    out = []
    for line, chosen, others in _lines(trace, node):
        numbers = [float(trace.value(source)[at]) for at in (*chosen, *others)]
        down = all(a >= b for a, b in pairwise(numbers))
        signs = [(">" if down else "<") if a != b else "=" for a, b in pairwise(numbers)]
        texts = [writer.text(source, writer.number(Ref(source, at))) for at in (*chosen, *others)]
        chain = texts[0] + "".join(f" {sign} {text}" for sign, text in zip(signs, texts[1:], strict=True))
        names = _names(chosen, axis, rows, columns, shape)
        if len(words) == 1 or (words and len(chosen) == 1):
            names = words[line] if line < len(words) else words[0]
        tie = ", a tie: the first counts" if "=" in signs else ""
        where = _where(line, axis, rows, columns, shape)
        out.append(Work(0, words=f"{where}{chain}{' → ' if not writer.ascii else ' -> '}{names}{tie}"))
    return tuple(out)


def _lines(trace: Trace, node: int) -> Iterator[tuple[int, list[At], list[At]]]:
    """For each line of the source: its place, the cells chosen in it in their order, and the best of the others."""
    here = trace.nodes[node]
    x, axis = trace.value(here.inputs[0]), here.options.get("axis")
    assert isinstance(here.op, Op)
    places = here.value.astype(int) - 1
    if axis is None:
        flat = [tuple(int(k) for k in at) for at in np.ndindex(*x.shape)]
        yield 0, *_chosen(x, flat, [int(places.flat[0])])
        return
    for line in range(x.shape[1 - int(axis)]):
        cells: list[At] = [(k, line) if int(axis) == 0 else (line, k) for k in range(x.shape[int(axis)])]
        mine = places[:, line] if int(axis) == 0 else places[line]
        yield line, *_chosen(x, cells, [int(k) for k in mine])


def _chosen(x: Array, cells: list[At], places: list[int]) -> tuple[list[At], list[At]]:
    chosen = [cells[k] for k in places[:MOST_CHAIN]]
    rest = [at for k, at in enumerate(cells) if k not in places]
    if not rest:
        return chosen, []
    last = x[chosen[-1]]
    nearest = min(rest, key=lambda at: abs(float(x[at]) - float(last)))
    return chosen, [nearest]


def _names(
    chosen: list[At], axis: int | None, rows: tuple[str, ...] | None, columns: tuple[str, ...] | None, shape: At
) -> str:
    if axis is None:
        if 1 not in shape:
            return ", ".join(f"[{i + 1},{j + 1}]" for i, j in chosen)
        axis = 0 if shape[1] == 1 else 1
    words = (rows, columns)[int(axis)]
    if words:
        return ", ".join(words[at[int(axis)]] for at in chosen)
    noun = ("row", "column")[int(axis)]
    listed = ", ".join(str(at[int(axis)] + 1) for at in chosen)
    return f"{noun}{'s' if len(chosen) > 1 else ''} {listed}"


def _where(
    line: int, axis: int | None, rows: tuple[str, ...] | None, columns: tuple[str, ...] | None, shape: At
) -> str:
    if axis is None or shape[1 - int(axis)] == 1:
        return ""
    words = (columns, rows)[int(axis)]
    if words:
        return f"{words[line]}: "
    return f"{('column', 'row')[int(axis)]} {line + 1}: "
