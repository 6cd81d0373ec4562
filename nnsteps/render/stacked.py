"""A result as caption, numbers and arithmetic under each other: the form that fits every width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nnsteps.document import Caption, Corner, Frame, Grid, Link, Work
from nnsteps.render.blocks import chunked, even, strip_width
from nnsteps.render.canvas import Canvas, columns, wrap
from nnsteps.render.geometry import Geometry
from nnsteps.render.symbols import Symbols
from nnsteps.render.worklines import Setting, fitted, lines_for


@dataclass(frozen=True, slots=True)
class Stack:
    """Writes results on a canvas, one thing under the other."""

    canvas: Canvas
    at: Geometry
    symbols: Symbols
    kind: str
    setting: Setting

    def link(self, link: Link, *, first: bool) -> None:
        """Caption, numbers, arithmetic, under each other."""
        canvas, at = self.canvas, self.at
        if not first:
            canvas.row()
        for line in wrap(link.heading, at.width - at.margin) if link.heading else []:
            canvas.put(canvas.row(), at.margin, line, "bold")
        if link.caption:
            self._caption(link.caption)
        for part in (*([link.beside] if link.beside else []), *link.left):
            match part:
                case Frame(parts=parts):
                    for grid in parts:
                        self._grid(grid)
                case Grid():
                    self._grid(part)
        self._grid(link.out)
        self._work(link.work)
        for note in link.notes:
            for text in wrap(note, at.width - at.margin):
                canvas.put(canvas.row(), at.margin, text, "gloss")
        for said in link.says:
            for text in wrap(said, at.width - at.margin):
                canvas.put(canvas.row(), at.margin, text)
        for corner in link.corners:
            self.corner(corner)

    def _caption(self, caption: Caption) -> None:
        canvas, at = self.canvas, self.at
        indent = columns(caption.number) + 2 if caption.number else 0
        for k, line in enumerate(wrap(caption.text, at.width - at.margin - indent)):
            row = canvas.row()
            if k == 0 and caption.number:
                canvas.put(row, at.margin, caption.number, f"number {self.kind}")
            canvas.put(row, at.margin + indent, line, "bold")
        for text, role in ((caption.by_hand, "accent"), (caption.note, "gloss"), (caption.gloss, "gloss")):
            for line in wrap(text, at.width - at.margin - indent) if text else []:
                canvas.put(canvas.row(), at.margin + indent, line, role)

    def _grid(self, grid: Grid) -> None:
        canvas, at = self.canvas, self.at
        name = grid.name
        room = at.width - at.margin - columns(name) - 1
        if room < max(16, strip_width(even(grid)[:1])):
            for part in wrap(name, at.width - at.margin):
                canvas.put(canvas.row(), at.margin, part, "name")
            name, room = "", at.width - at.margin
        for i, line in enumerate(chunked(grid, room, self.symbols)):
            row = canvas.row()
            if i == 0 and name:
                canvas.put(row, at.margin, name, "name")
            canvas.write(row, at.margin + (columns(name) + 1 if name else 0), line)
        if grid.folded:
            for text in wrap(grid.folded, at.width - at.margin):
                canvas.put(canvas.row(), at.margin, text, "gloss")

    def _work(self, works: Sequence[Work]) -> None:
        canvas, at = self.canvas, self.at
        works = fitted(works, at.width - at.margin - 2, self.setting)
        for lines in lines_for(works, at.width - at.margin - 2, self.setting):
            for line in lines:
                canvas.write(canvas.row(), at.margin + 2, line)

    def corner(self, corner: Corner) -> None:
        """A gradient's frame that does not fit beside the spine."""
        for caption in corner.captions:
            self._caption(caption)
        self._grid(corner.top)
        for grid in corner.frame.parts:
            self._grid(grid)
        self._work(corner.work)
