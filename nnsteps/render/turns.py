"""The arithmetic of a loop as a table: one turn a line, as many columns side by side as fit."""

from __future__ import annotations

from collections.abc import Sequence

from nnsteps.document import Sum, Turns, Work
from nnsteps.render.blocks import length
from nnsteps.render.canvas import Canvas, Segment, columns
from nnsteps.render.worklines import Setting, lines_for

BETWEEN = 4


def draw_turns(canvas: Canvas, block: Turns, width: int, margin: int, setting: Setting) -> None:
    """Write the table below what is on the canvas."""
    label = max(columns(turn) for turn in block.turns) + BETWEEN
    room = width - margin - label
    waiting = [(name, _lines(sums, room, setting)) for name, sums in block.columns]
    first = True
    while waiting:
        together = [waiting.pop(0)]
        used = _width(together[0])
        while waiting and used + BETWEEN + _width(waiting[0]) <= room:
            used += BETWEEN + _width(waiting[0])
            together.append(waiting.pop(0))
        if not first:
            canvas.row()
        _side_by_side(canvas, block.turns, together, margin, label)
        first = False


def _lines(sums: Sequence[Sum], room: int, setting: Setting) -> list[list[list[Segment]]]:
    works = [Work(k, (line,)) for k, line in enumerate(sums)]
    return lines_for(works, room, setting)


def _width(column: tuple[str, list[list[list[Segment]]]]) -> int:
    name, lines = column
    return max(columns(name), *(length(line) for broken in lines for line in broken))


def _side_by_side(
    canvas: Canvas, turns: Sequence[str], together: list[tuple[str, list[list[list[Segment]]]]], margin: int, label: int
) -> None:
    row, at = canvas.row(), margin + label
    for column in together:
        canvas.put(row, at, column[0], "name")
        at += _width(column) + BETWEEN
    for k, turn in enumerate(turns):
        rows = [canvas.row() for _ in range(max(len(lines[k]) for _, lines in together))]
        canvas.put(rows[0], margin, turn, "grey")
        at = margin + label
        for column in together:
            for row, line in zip(rows, column[1][k], strict=False):
                canvas.write(row, at, line)
            at += _width(column) + BETWEEN
