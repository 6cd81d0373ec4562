"""A document on squared paper: title, legend, sections, answers. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnsteps import document as doc
from nnsteps.document import Answer, Answers, Document, Frame, Frames, Grid, Link, Prose, Section, Spine
from nnsteps.render.xlsx_blocks import Blocks, frame_width, width_of
from nnsteps.render.xlsx_looks import (
    ASKED,
    BADGES,
    FRAMES,
    GLOSS,
    HEADING,
    INKS,
    LEGEND,
    SMALL,
    TITLE,
    columns_for,
    role_look,
    unit_for,
)
from nnsteps.render.xlsx_spine import draw_spines
from nnsteps.render.xlsx_squares import Squares
from nnsteps.scalar import Const, Fn, Tree

STATUS = 1  # the row that says whether the route still holds; with the title it stays on the screen
MOST_WIDTH = 30  # columns of frames beside each other
SAID = "Grey words were written for the numbers of the exercise; everything in a box follows a change."


@dataclass
class Page:
    """Draws one document; `squares` holds it, `unit` is the width of a column in characters."""

    document: Document
    is_blank: bool
    points: str = ""

    def __post_init__(self) -> None:
        self.squares = Squares()
        grids = list(all_grids(self.document))
        self.grids = {grid.name: grid for grid in grids}  # the last of each name
        self.unit = unit_for(cell.text for grid in grids for row in grid.cells if row for cell in row)
        self.blocks = Blocks(self.squares, self.unit, self.is_blank)

    def draw(self) -> None:
        """Everything, from the title down."""
        row = self._head()
        for section in self.document.sections:
            if any(isinstance(block, Spine | Frames | Prose | Answers) for block in section.blocks):
                row = self._section(section, row + 1)
        self._mark_gates()

    # --- head ---

    def _head(self) -> int:
        document, blocks = self.document, self.blocks
        title = [(document.title, TITLE)]
        if document.source:
            title.append((f"   {document.source}", SMALL))
        if self.points:
            title.append((f"   {self.points} {'point' if self.points == '1' else 'points'}", HEADING))
        blocks.say(0, 0, *title)
        row = STATUS + 1
        if document.about:
            row = blocks.paragraph(document.about, row, 0, SMALL, 110)
        labels = max((columns_for(label, self.unit) for label, _ in document.head), default=0)
        for label, text in document.head:
            self.squares.write(row, 0, label, GLOSS)
            row = blocks.paragraph(text, row, labels, SMALL, 100)
        return self._legend(row + 1)

    def _legend(self, row: int) -> int:
        """What the colours mean, as far as they occur."""
        roles = {grid.role for grid in all_grids(self.document)}
        roles |= {"activation1"} if any(role in doc.ACTIVATION for role in roles) else set()
        roles |= {frame.kind for frame in all_frames(self.document)}
        roles |= {doc.BLANK} if self.is_blank else set()
        column = 0
        for role, words in LEGEND.items():
            if role not in roles:
                continue
            square = self.squares.at(row, column)
            square.look.update({**role_look(doc.WEIGHT if role == "learnable" else role)})
            if role == doc.BLANK:
                square.look.update(ASKED)
            if role in ("learnable", doc.GRADIENT):
                self.squares.frame((row, column), (row, column), *FRAMES[role])
            self.squares.write(row, column + 1, words, SMALL, {"indent": 1})
            column += 1 + columns_for(words, self.unit, 9)
        return row + 2 if self.is_blank else self.blocks.say(row + 1, 0, (SAID, GLOSS))

    # --- sections ---

    def _section(self, section: Section, row: int) -> int:
        blocks = self.blocks
        blocks.kind = section.kind if section.kind in INKS else doc.FORWARD
        width = columns_for(section.badge, self.unit, 11)
        for column in range(width):
            self.squares.at(row, column).look.update({**HEADING, "bg_color": BADGES[blocks.kind]})
        self.squares.write(row, 0, section.badge)
        if section.words:
            blocks.say(row, width + 1, (section.words, GLOSS))
        row += 2
        spines = [block for block in section.blocks if isinstance(block, Spine)]
        if spines:
            row = draw_spines(blocks, spines, row, self.document.numbers) + 1
        for block in section.blocks:
            match block:
                case Frames():
                    row = self._frames(block, row) + 1
                case Prose():
                    row = blocks.paragraph(block.text, row, 1, GLOSS if block.role == "grey" else SMALL, 100)
                case Answers():
                    row = self._answers(block, row)
        return row

    def _frames(self, block: Frames, row: int) -> int:
        """Frames beside each other, their captions above."""
        blocks = self.blocks
        for place, caption in enumerate(block.captions):
            last = place + 1 == len(block.captions)
            row = blocks.caption(caption._replace(gloss=block.gloss if last else ""), row, 1)
        column, height = 1, 0
        for frame, _ in block.frames:
            if column > 1 and column + frame_width(frame) > MOST_WIDTH:
                row, column, height = row + height + 2, 1, 0
            column = blocks.frame(frame, row + 1, column) + 1
            height = max(height, *(len(grid.cells) for grid in frame.parts))
        return row + 1 + height

    # --- answers ---

    def _answers(self, block: Answers, row: int) -> int:
        """The final values, and what is said under them."""
        start = 1 + max((columns_for(answer.name, self.unit) for answer in block.rows), default=1)
        for answer in block.rows:
            row = self._answer(answer, row, start) + 1
        labels = 1 + max((columns_for(label, self.unit, 9) for label, _ in block.below), default=0)
        for label, lines in block.below:
            self.squares.write(row, 1, label, GLOSS)
            for line in lines:
                row = self.blocks.paragraph(line, row, labels, GLOSS, 100)
        return row

    def _answer(self, answer: Answer, row: int, column: int) -> int:
        """One final value. A value said in words is drawn from the block of its name, a column lying down."""
        value = answer.values[0] if answer.values else ""
        grid = value if isinstance(value, Grid) else self.grids.get(answer.name)
        self.squares.write(row, 1, answer.name, HEADING)
        if grid is None or any(cells is None for cells in grid.cells):
            return self.blocks.paragraph(value if isinstance(value, str) else "", row, column, GLOSS)
        if isinstance(value, str):
            if width_of(grid) > 1 or len(grid.cells) > MOST_WIDTH:
                return self.blocks.say(row, column, (value, GLOSS))
            cells = tuple(cell for line in grid.cells if line for cell in line)
            grid = Grid("", (cells,), grid.role, (1, len(cells)))
        return self.blocks.grid(grid, row, column, is_answer=True)

    # --- what stays alive besides numbers ---

    def _mark_gates(self) -> None:
        """Remember the cells that a gate may set to 0: they turn grey when it does."""
        numbers = self.document.numbers
        if numbers is None:
            return
        for ref, place in self.squares.places.items():
            if ref not in self.squares.asked and may_be_shut(numbers.tree(ref)):
                self.squares.gates.append((*place, *place))


def may_be_shut(tree: Tree) -> bool:
    """Whether a number is passed on or set to 0: max(0, x), or x where a condition holds, else 0."""
    if not isinstance(tree, Fn) or tree.name not in ("max", "if"):
        return False
    args = tree.args if tree.name == "max" else tree.args[1:]
    return len(args) == 2 and Const(0.0) in args and any(not isinstance(arg, Const) for arg in args)


def all_grids(document: Document) -> Iterator[Grid]:
    """Every grid of the sections but the answers, in order."""
    for section in document.sections:
        for block in section.blocks:
            match block:
                case Spine(links=links):
                    for link in links:
                        yield from _grids_of(link)
                case Frames(frames=frames):
                    for frame, _ in frames:
                        yield from frame.parts


def all_frames(document: Document) -> Iterator[Frame]:
    """Every frame of the sections."""
    for section in document.sections:
        for block in section.blocks:
            match block:
                case Spine(links=links):
                    for link in links:
                        yield from (part for part in link.left if isinstance(part, Frame))
                        yield from (corner.frame for corner in link.corners)
                case Frames(frames=frames):
                    yield from (frame for frame, _ in frames)


def _grids_of(link: Link) -> Iterator[Grid]:
    yield link.out
    for part in link.left:
        match part:
            case Grid():
                yield part
            case Frame(parts=parts):
                yield from parts
    if link.beside:
        yield link.beside
    for corner in link.corners:
        yield corner.top
        yield from corner.frame.parts
