"""Spines as pictures for TikZ: frames left, the numbers down one column, the arithmetic right. Computes nothing.

Theory of operation. Every link of a spine is a small picture of its own, so that pages can break between any two of
them; all pictures of a section have the spine's column in the same place. Lengths are centimetres and follow from
sides of grids alone, never from what stands in the cells: a worksheet has the geometry of its key. A cell's number is
made smaller where it is too wide. What is drawn is written with the macros of `latex.MACROS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnsteps import document as doc
from nnsteps.document import Caption, Cell, Corner, Frame, Grid, Link, Sign, Words, Work
from nnsteps.render.latex_words import escaped
from nnsteps.render.measures import (
    ARROW,
    COLUMN,
    GAP,
    LABEL,
    LEAST_ROOM,
    LINE,
    NAME,
    ROW,
    SIGN,
    WORDS,
    Plan,
    frame_width,
    grid_width,
    is_named,
    name_width,
    part_width,
)  # fmt: skip
from nnsteps.render.sums import worked
from nnsteps.render.tex import flat, tex


class Drawing:
    """One picture: the lines of TikZ so far. y counts downwards from 0."""

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self.lines: list[str] = []

    def text(self) -> str:
        """The picture, as wide as the page."""
        body = "\n".join(f"  {line}" for line in self.lines)
        return f"\\begin{{nnpicture}}\n{body}\n\\end{{nnpicture}}"

    def put(self, x: float, y: float, text: str, anchor: str = "left") -> None:
        """Text at a point: `left` says that its left end is there."""
        self.lines.append(f"\\nntext{{{anchor}}}{{{x:.2f}}}{{{0 - y:.2f}}}{{{text}}}")

    def grid(self, x: float, y: float, grid: Grid, *, crossed: bool = True) -> None:
        """The cells of a grid; what stands over its columns and beside its rows."""
        x += NAME if grid.sides else 0
        step = self.cell + (COLUMN if grid.spaced else 0)
        for j, text in enumerate(grid.tops):
            middle = x + j * step + self.cell / 2
            self.put(middle, y, f"\\nnfit{{{step:.2f}}}{{\\scriptsize ${flat(text)}$}}", "bottom")
        sides = iter(grid.sides)
        for i, row in enumerate(grid.cells):
            top = y + i * ROW
            if row is None:
                self.put(x + grid_width(grid, self.cell) / 2, top + ROW / 2, r"$\vdots$", "")
                continue
            if grid.sides:
                side = f"\\nnfit{{{NAME - 0.1:.2f}}}{{\\scriptsize ${flat(next(sides, ''))}$}}"
                self.put(x - 0.05, top + ROW / 2, side, "right")
            for j, one in enumerate(row):
                self.one_cell(x + j * step, top, one, grid.role, crossed)

    def one_cell(self, x: float, y: float, one: Cell, role: str, crossed: bool) -> None:
        """One cell: its colour tells its role, and a line, a frame or nothing at all what is special about it."""
        style = {doc.BLANK: "blank", doc.CROSSED: "zeroed", doc.ZEROED: "zeroed"}.get(one.mark, role)
        style = role if one.mark == doc.CROSSED and not crossed else style
        content = f"${tex(one.text)}$" if one.text else ""
        content = f"\\color{{nngrey}}{content}" if one.mark == doc.UNCHANGED else content
        self.lines.append(f"\\nncell{{{x:.2f}}}{{{0 - y:.2f}}}{{{self.cell:.2f}}}{{nn {style}}}{{{content}}}")
        if one.mark == doc.CROSSED and crossed:
            self.lines.append(f"\\nncross{{{x:.2f}}}{{{0 - y:.2f}}}{{{self.cell:.2f}}}")
        elif one.mark == doc.CHOSEN:
            self.lines.append(f"\\nnchosen{{{x:.2f}}}{{{0 - y:.2f}}}{{{self.cell:.2f}}}")

    def frame(self, x: float, y: float, frame: Frame) -> None:
        """The parts of a frame side by side, their names over them, and the frame itself."""
        height = len(frame.parts[0].cells) * ROW
        left = x
        for part in frame.parts:
            width = grid_width(part, self.cell)
            self.name(left, y, part.name, max(width, self.cell))
            self.grid(left, y, part)
            left += width
        self.lines.append(
            f"\\draw[nn frame {frame.kind}] ({x:.2f},{0 - y:.2f}) rectangle ({left:.2f},{0 - y - height:.2f});"
        )

    def name(self, x: float, y: float, name: str, width: float) -> None:
        """A name over the first column of a grid."""
        if name:
            self.put(x, y - 0.04, f"\\nnfit{{{width:.2f}}}{{\\small ${flat(name)}$}}", "left,bottom")

    def side_name(self, x: float, y: float, grid: Grid) -> None:
        """A name left of the first row of a grid."""
        if grid.name:
            width = name_width(grid) - 0.15
            self.put(x - 0.1, y + ROW / 2, f"\\nnfit{{{width:.2f}}}{{${flat(grid.name)}$}}", "right")

    def arrows_down(self, x: float, y: float, grid: Grid) -> None:
        """One arrow for each column."""
        step = self.cell + (COLUMN if grid.spaced else 0)
        for j in range(grid.width):
            self.put(x + j * step + self.cell / 2, y, r"$\downarrow$", "")

    def arrows_right(self, x: float, y: float, grid: Grid) -> None:
        """One arrow for each row."""
        for i, row in enumerate(grid.cells):
            if row is not None:
                self.put(x, y + (i + 0.5) * ROW, r"$\rightarrow$", "")

    def signs(self, x: float, y: float, text: str, grid: Grid) -> None:
        """A sign in each row."""
        for i, row in enumerate(grid.cells):
            if row is not None:
                self.put(x + SIGN / 2, y + (i + 0.5) * ROW, f"${tex(text)}$", "")


def draw_link(link: Link, planned: Plan, caption: str = "") -> Iterator[str]:
    """A link as LaTeX: its picture, and its worked lines below where there is no room beside it."""
    drawing = Drawing(planned.cell)
    x, y = planned.spine, 0.0
    width = grid_width(link.out, planned.cell)
    room = planned.room(link)
    top = max((len(corner.top.cells) for corner in link.corners), default=0) * ROW
    if link.ones:
        for j in range(link.out.width):
            step = planned.cell + (COLUMN if link.out.spaced else 0)
            drawing.put(x + j * step + planned.cell / 2, 0.15, r"\small $1$", "")
        y += 0.3 if link.kind == "product" else 0
    is_under = link.kind != "start" and not link.above
    y += top + (LABEL if is_under or link.above or link.left or link.corners or link.out.tops else 0)
    if is_under:
        high = y - LABEL / 2 - (0.3 if link.out.tops else 0)
        drawing.arrows_down(x, high, link.out)
        if caption:
            drawing.put(x + width + 0.4, high, f"\\nnfit{{{room:.2f}}}{{{caption}}}")
    _draw_left(drawing, link, x, y)
    drawing.grid(x, y, link.out, crossed=True)
    if link.above or link.corners:
        drawing.name(x, y, link.out.name, max(width, planned.cell))
    elif is_named(link):
        drawing.side_name(x, y, link.out)
    for corner in link.corners:
        _draw_corner(drawing, corner, x + width, y)
    lines = [] if link.above and link.left else [(x + width, link.work)]  # what stands left says it already
    for corner in link.corners:
        lines.append((x + width + ARROW + frame_width(corner.frame, planned.cell), corner.work))
    under: list[Work] = []
    for right, works in lines:
        room = LINE - right - 0.4
        beside = [] if link.corners and right == x + width else list(_beside(works, room))
        for row, text in beside:
            drawing.put(right + 0.4, y + (row + 0.5) * ROW, f"\\nnfit{{{room:.2f}}}{{\\small {text}}}")
        under += [] if beside else works
    yield drawing.text()
    yield from below(under)


def _draw_left(drawing: Drawing, link: Link, x: float, y: float) -> None:
    """What stands left of the spine, from the spine outwards."""
    right = x
    if link.kind == "product":
        drawing.arrows_right(right - ARROW / 2, y, link.out)
        right -= ARROW
    elif is_named(link):
        right -= name_width(link.out)
    if link.beside is not None:
        right -= grid_width(link.beside, drawing.cell)
        drawing.grid(right, y, link.beside)
        drawing.side_name(right, y, link.beside)
        right -= name_width(link.beside)
    for part in reversed(link.left):
        right -= part_width(part, drawing.cell) + GAP
        match part:
            case Frame():
                drawing.frame(right, y, part)
            case Grid():
                drawing.name(right, y, part.name, grid_width(part, drawing.cell) + GAP)
                drawing.grid(right, y, part)
            case Sign(text):
                drawing.signs(right, y, text, link.out)
            case Words(rows):
                for i, text in enumerate(rows):
                    drawing.put(right, y + (i + 0.5) * ROW, f"\\nnfit{{{WORDS}}}{{\\small ${tex(text)}$}}")


def _draw_corner(drawing: Drawing, corner: Corner, x: float, y: float) -> None:
    """A product to the right: the factor over the frame, an arrow in each row."""
    rows = corner.frame.parts[0]
    drawing.arrows_right(x + ARROW / 2, y, rows)
    left = x + ARROW
    high = y - LABEL - len(corner.top.cells) * ROW
    drawing.grid(left, high, corner.top)
    drawing.side_name(left, high, corner.top)
    if corner.ones:
        part = corner.frame.parts[-1]
        place = left + frame_width(corner.frame, drawing.cell) - grid_width(part, drawing.cell) / 2
        drawing.put(place, y - LABEL - ROW / 2, r"\small $1$", "")
    drawing.frame(left, y, corner.frame)


# --- worked lines --------------------------------------------------------------------------------------------


def _beside(lines: Sequence[Work], room: float) -> Iterator[tuple[int, str]]:
    """Worked lines that stand on the rows of a result, if all of them can; those without a row below the last."""
    rows = [work.row for work in lines if work.row is not None]
    longest = max(
        (sum(len(one.result) + sum(len(t.text) + 2 for t in one.terms) for one in w.sums) for w in lines), default=0
    )
    if room < LEAST_ROOM or len(set(rows)) < len(rows) or longest * 0.16 > 1.25 * room:
        return
    extra = max(rows, default=-1)
    for work in lines:
        if work.row is None:
            extra += 1
        text = r" \quad ".join(worked_sum(one) for one in work.sums) if work.sums else escaped(work.words)
        yield work.row if work.row is not None else extra, text


def worked_sum(one: doc.Sum) -> str:
    """A worked sum in one line; terms that add nothing are grey."""
    out = ""
    for k, term in enumerate(one.terms):
        sign = tex(term.sign) if k or term.sign != "+" else ""
        sign = f"{{}}{sign}{{}}" if k else sign
        text = tex(term.text)
        out += sign + (f"{{\\color{{nngrey}}{text}}}" if term.zero else text)
    text = f"${out} {tex(one.relation)} {tex(one.result)}"
    text += rf" \approx {tex(one.by_hand)}$" if one.by_hand else "$"
    return text + (rf" \ \textcolor{{nngrey}}{{({escaped(one.aside)})}}" if one.aside else "")


def below(lines: Sequence[Work]) -> Iterator[str]:
    """Worked lines under a picture."""
    formula = worked(lines)
    if formula:
        yield f"\\nnworked{{{formula}}}"
    for work in lines:
        if work.words:
            yield escaped(work.words)


def caption_text(caption: Caption) -> str:
    """A caption in one line: number, formula, gloss."""
    number = f"\\nnnumber{{{escaped(caption.number)}}} " if caption.number else ""
    more = [escaped(text) for text in (caption.by_hand, caption.gloss, caption.note) if text]
    return f"{number}${tex(caption.text)}$" + "".join(f"\\quad {{\\small\\itshape {text}}}" for text in more)
