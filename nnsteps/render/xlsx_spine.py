"""A spine on squared paper: weights left, factor above, the result where they meet. Computes nothing.

Theory of operation. A product stands under what it is multiplied with; a result that is made cell by cell from the
block before it stands beside that block, behind a column of waves, so that layers go down like stairs. Everything else
stands below, after a row of arrows. Worked lines are not drawn: the formulas in the cells are the arithmetic, and a
line of text would be wrong as soon as someone changes a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nnsteps import document as doc
from nnsteps.document import Corner, Frame, Grid, Link, Numbers, Sign, Spine, Words
from nnsteps.render.xlsx_blocks import Blocks, columns_of, frame_width, name_look, width_of
from nnsteps.render.xlsx_looks import GLOSS, HEADING, LABEL, SIGN, SMALL, TAG, columns_for
from nnsteps.scalar import Fn

MOST_BESIDE = 12  # a wider block goes below
WAVE = "~"


def draw_spines(blocks: Blocks, spines: list[Spine], row: int, numbers: Numbers | None) -> int:
    """Spines under each other, their results beginning at one column; gives the first free row."""
    base = max((_left_need(spine, blocks.unit) for spine in spines), default=0) + 1
    for place, spine in enumerate(spines):
        row = _Stairs(blocks, spine, base, row + (1 if place else 0), numbers).draw()
    return row


def groups(spine: Spine) -> list[list[Link]]:
    """The links of a spine with those that stand beside them."""
    out: list[list[Link]] = []
    for link in spine.links:
        if out and _goes_beside(link, out[-1][-1]):
            out[-1].append(link)
        else:
            out.append([link])
    return out


def _goes_beside(link: Link, before: Link) -> bool:
    """Whether a result stands to the right of the block that it is made from."""
    plain = link.kind == "under" and not (link.left or link.above or link.corners or link.heading)
    free = not (before.above or before.corners or before.beside or before.out.spaced or link.out.spaced)
    alike = link.out.shape == before.out.shape and link.out.shape != (1, 1)
    return plain and free and alike and width_of(link.out) <= MOST_BESIDE


def _left_need(spine: Spine, unit: float) -> int:
    """The columns left of where the first block begins."""
    need = shift = 0
    for head, *others in groups(spine):
        need = max(need, _left_width(head, unit) - shift)
        shift += sum(width_of(link.out) + 1 for link in others)
    return need


def _left_width(link: Link, unit: float) -> int:
    """The columns that a link needs left of its block."""
    need = 1
    for part in link.left:
        match part:
            case Frame():
                need += frame_width(part) + max((_sides_width(grid, unit) for grid in part.parts), default=0)
            case Grid():
                need += width_of(part)
            case _:
                need += 1
    if link.left and isinstance(link.left[-1], Grid):
        need += 1  # a gap before the result
    if not link.left and not link.above:
        need = max(need, columns_for(link.out.name, unit) + _sides_width(link.out, unit))
    return need


def _sides_width(grid: Grid, unit: float) -> int:
    return max((columns_for(text, unit, 9) for text in grid.sides), default=0)


@dataclass
class _Stairs:
    """Draws one spine from `row` down; `column` is where the block drawn last begins."""

    blocks: Blocks
    spine: Spine
    column: int
    row: int
    numbers: Numbers | None
    factor: int = 0  # the column of what the last product was multiplied with

    def draw(self) -> int:
        self.factor = self.column
        before: Link | None = None
        for head, *others in groups(self.spine):
            if head.above or head.corners:
                self._above(head, before)
            elif head.kind == "start" and not others:
                self._start(head, before)
            else:
                self._beside(head, others, before)
            before = others[-1] if others else head
        return self.row

    # --- kinds of links ---

    def _start(self, link: Link, before: Link | None) -> None:
        """Numbers to begin with, their name left of them."""
        blocks, out = self.blocks, link.out
        if before is not None and not (before.kind == "start" and self._is_stack(link)):
            self.row += 1
        self._heading(link, self.row)
        if out.tops:
            blocks.names(out, self.row, self.column)
            self.row += 1
        aside = self.column - 1
        if out.sides:
            blocks.sides(out, self.row, aside, left=True)
            aside -= _sides_width(out, blocks.unit)
        blocks.squares.write(self.row, max(0, aside), out.name, LABEL, {"align": "right"})
        below = blocks.grid(out, self.row, self.column)
        self.row = max(below, self._notes(link, self.row, self.column + width_of(out) + 1))
        self.factor = self.column

    def _beside(self, head: Link, others: list[Link], before: Link | None) -> None:
        """A block under the one before, with its frame left, what is made of it right, and what is said of all."""
        blocks, squares = self.blocks, self.blocks.squares
        if head.sibling:
            self.column = self.factor
        self._down(head, before, with_ones=head.ones)
        if head.kind == "product":
            self.factor = self.column
        names = self.row
        body = names + 1
        left = next((part for part in head.left if isinstance(part, Frame)), None)
        if left:
            self._frame(left, body)
        column, bottom, last = self.column, body, head
        for link in (head, *others):
            if link is not head:
                column += width_of(last.out)
                rows = range(body, body + len(link.out.cells))
                blocks.signs(WAVE, rows, [column])
                squares.write(names, column, _tag(link), TAG)
                column += 1
            self._label(link.out, names, column)
            bottom = max(bottom, blocks.grid(link.out, body, column, is_result=link.kind != "start"))
            last = link
        self.column = column
        edge = column + width_of(last.out)
        if last.out.sides:
            edge += blocks.sides(last.out, body, edge, left=False)
        if last.beside:
            self._label(last.beside, names, edge + 1)
            bottom = max(bottom, blocks.grid(last.beside, body, edge + 1))
            edge += 1 + width_of(last.beside)
        text = names
        for link in (head, *others):
            text = self._said(link, text, edge + 1)
        self.row = max(bottom, text)

    def _above(self, link: Link, before: Link | None) -> None:
        """A result with its operands left of it and perhaps a gradient's frame to the right."""
        blocks, out = self.blocks, link.out
        corner = link.corners[0] if link.corners else None
        self._down(link, before, with_ones=False)
        if corner and link.caption:
            self.row = blocks.caption(link.caption, self.row, 1)
        edge = self.column + width_of(out)
        if corner:
            self.row = self._top(corner, edge + 2)
        names = self.row
        body = names + 1
        self._operands(link, names, body)
        self._label(out, names, self.column)
        bottom = blocks.grid(out, body, self.column, is_result=link.kind != "start")
        text = names
        if corner:
            blocks.signs("→", range(body, bottom), [edge])
            right = blocks.frame(corner.frame, body, edge + 2) + 1
            text = body
            for caption in corner.captions:
                text = blocks.caption(caption, text, right)
        elif link.caption:
            right = edge + 1
            text = blocks.caption(link.caption, text, right)
        else:
            right = edge + 1
        self.row = max(bottom, self._notes(link, text, right))
        self.factor = self.column

    def _is_stack(self, start: Link) -> bool:
        """Whether numbers to begin with are one column of a product: [x; h; 1]."""
        links = self.spine.links
        place = next(k for k, link in enumerate(links) if link is start)
        after = next((link for link in links[place:] if link.kind != "start"), None)
        return after is not None and after.kind == "product"

    # --- parts ---

    def _down(self, link: Link, before: Link | None, *, with_ones: bool) -> None:
        """The rows between a block and the one above it: ones, arrows, and the heading where its left side is free."""
        columns = columns_of(link.out, self.column)
        first = self.row
        if with_ones:
            self.blocks.ones(self.row, columns)
            self.row += 1
        if before is not None:
            few = width_of(before.out) < width_of(link.out)
            self.blocks.signs("↓", [self.row], columns[: before.out.width] if few else columns)
            self.row += 1
        room = self.row > first and len(link.heading + link.heading_words) < (self.column - 1) * self.blocks.unit
        self._heading(link, first if room else self.row)

    def _heading(self, link: Link, row: int) -> None:
        """The heading of a link; on a row of its own if that is the next one."""
        if not link.heading:
            return
        runs = [(link.heading, HEADING)]
        if link.heading_words:
            runs.append((f"   {link.heading_words}", GLOSS))
        self.blocks.say(row, 0, *runs)
        if row == self.row:
            self.row += 1

    def _frame(self, frame: Frame, row: int) -> None:
        """Learnable numbers, ending at the arrows that point at the result."""
        blocks = self.blocks
        first = self.column - 1 - frame_width(frame)
        blocks.frame(frame, row, first)
        sides = next((grid for grid in frame.parts if grid.sides), None)
        if sides:
            blocks.sides(sides, row, first - 1, left=True)
        height = max(len(grid.cells) for grid in frame.parts)
        blocks.signs("→", range(row, row + height), [self.column - 1])

    def _label(self, grid: Grid, row: int, column: int) -> None:
        """The name of a block on the row above it; where words stand over its columns, the name is left of them."""
        if grid.tops:
            self.blocks.names(grid, row, column)
            self.blocks.squares.write(row, column - 1, grid.name, LABEL, {"align": "right"})
        else:
            self.blocks.squares.write(row, column, grid.name, LABEL, name_look(grid, self.blocks.unit))

    def _top(self, corner: Corner, column: int) -> int:
        """The factor above a gradient's frame, with its ones; gives the row of the names."""
        blocks, top = self.blocks, corner.top
        blocks.squares.write(self.row, column - 1, top.name, LABEL, {"align": "right"})
        below = blocks.grid(top, self.row, column)
        columns = columns_of(top, column)
        if corner.ones:
            last = column + width_of(top)
            for row in range(self.row, below):
                blocks.ones(row, [last])
            columns.append(last)
        blocks.signs("↓", [below], columns)
        return below + 1

    def _operands(self, link: Link, names: int, body: int) -> None:
        """What a result is made of, left of it."""
        blocks, squares = self.blocks, self.blocks.squares
        column = self.column - _left_width(link, blocks.unit) + 1
        height = len(link.out.cells)
        for part in link.left:
            match part:
                case Grid():
                    self._label(part, names, column)
                    blocks.grid(part, body, column)
                    column += width_of(part)
                case Sign(text=text):
                    blocks.signs(text, range(body, body + height), [column])
                    column += 1
                case Words(rows=rows):
                    for i, text in enumerate(rows):
                        self._word(link.out, i, text, body + i, column)
                    column += 1
                case Frame():
                    squares.write(names, column, "", SIGN)
                    column = blocks.frame(part, body, column)

    def _word(self, out: Grid, i: int, text: str, row: int, column: int) -> None:
        """A word beside a row. Where the result decides between passing and 0, the word follows its condition."""
        cells = out.cells[i]
        cell = cells[0] if cells else None
        if cell is None or cell.ref is None or self.numbers is None:
            return
        tree = self.numbers.tree(cell.ref)
        square = self.blocks.squares.at(row, column)
        square.look.update({**SMALL, "align": "center"})
        if cell.mark == doc.BLANK and self.blocks.is_blank:
            square.runs = ((text, {}),)
        elif isinstance(tree, Fn) and tree.name == "if":
            square.claim = (tree.args[0], "pass", "stop")

    def _said(self, link: Link, row: int, column: int) -> int:
        """Caption and notes of a link; gives the next row."""
        if link.caption:
            row = self.blocks.caption(link.caption, row, column)
        return self._notes(link, row, column)

    def _notes(self, link: Link, row: int, column: int) -> int:
        for note in (*link.notes, *link.says):
            row = self.blocks.paragraph(note, row, column, GLOSS)
        return row


def _tag(link: Link) -> str:
    """The name of the function between two blocks: ReLU."""
    found = re.search(r"= ([^\s(]{1,12})\(", link.caption.text) if link.caption else None
    return found[1] if found else ""
