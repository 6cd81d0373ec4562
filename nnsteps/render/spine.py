"""One spine on a canvas, in a geometry. Knows no operations and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nnsteps import document as doc
from nnsteps.document import Caption, Corner, Frame, Grid, Link, Sign, Spine, Words, Work
from nnsteps.render.blocks import Field, column_fields, even, frame_lines, length, plan, strip
from nnsteps.render.canvas import Canvas, Segment, columns, wrap
from nnsteps.render.geometry import (
    Geometry,
    aligned,
    corner_plan,
    corner_start,
    geometry_for,
    part_width,
    sides_width,
    widest,
)
from nnsteps.render.stacked import Stack
from nnsteps.render.symbols import ASCII, Symbols
from nnsteps.render.worklines import Setting, fitted, lines_for


def draw_spines(
    canvas: Canvas, spines: Sequence[Spine], width: int, symbols: Symbols, kind: str, *, tight: bool
) -> None:
    """Write the spines of a section below what is on the canvas."""
    each = [geometry_for(spine, width, symbols.minus, tight=tight) for spine in spines]
    for place, (spine, geometry) in enumerate(zip(spines, aligned(each, spines, symbols.minus), strict=True)):
        if place:
            canvas.row()
        _Drawing(canvas, spine, geometry, symbols, kind).draw()


@dataclass
class _Drawing:
    canvas: Canvas
    spine: Spine
    at: Geometry
    symbols: Symbols
    kind: str
    bottom: tuple[int, list[Segment]] | None = None  # the lower line of a frame, for the next row
    arrow_drawn: bool = False
    said_idle: bool = False
    through: bool = field(default=False)
    bodies: dict[int, int] = field(default_factory=dict)  # the first row of each link's numbers, by its place

    @property
    def _stack(self) -> Stack:
        return Stack(self.canvas, self.at, self.symbols, self.kind, self.setting)

    @property
    def setting(self) -> Setting:
        return self.at.setting(self.symbols.minus, "~" if self.symbols is ASCII else "≈")

    def draw(self) -> None:
        links = self.spine.links
        for place, link in enumerate(links):
            if self.at.stacked:
                self._stack.link(link, first=place == 0)
            elif link.above or link.corners:
                self._above(link, first=place == 0)
            elif link.kind == "start":
                self._start(link, place)
            else:
                self._beside(link, first=place == 0)
            self.through = (link.above or bool(link.corners) or self.kind == doc.BACKWARD) and place + 1 < len(links)
        if self.bottom:
            self._row()
        if self.at.gap and not self.at.stacked:
            self._carries()
        if not self.at.idle and not self.said_idle and any(_has_idle(link) for link in links):
            self.canvas.put(self.canvas.row(), self.at.margin + 2, "a term whose weight is 0 is left out", "gloss")

    def _carries(self) -> None:
        """Dashed lines from a result to the next turn, which begins with it."""
        up, corner, start = self.symbols.carry
        drawn: dict[tuple[int, int], str] = {}
        for lane, (to, source) in enumerate(self.spine.carries):
            top, below = self.bodies.get(to), self.bodies.get(source)
            if top is None or below is None or top >= below:
                continue
            last = below + len(self.spine.links[source].out.cells) - 1
            for column in range(self.at.count - 1):
                left = self.at.bar + column * self.at.stride + self.at.cell + 2
                here, right = left + 1 + 2 * lane, left + self.at.gap - 1
                for row in range(top, last + 1):
                    drawn.setdefault((row, here), up)
                drawn |= {(last, k): self.symbols.dash for k in range(left, here)}
                drawn |= {(top, k): self.symbols.dash for k in range(here + 1, right)}
                drawn |= {(last, here): start, (top, here): corner, (top, right): self.symbols.tip}
        for (row, column), text in drawn.items():
            if self.canvas.free(row, column, column + 1):
                self.canvas.put(row, column, text, "carry")

    def _tops(self, grid: Grid) -> None:
        """What stands over the columns of a grid."""
        if not grid.tops:
            return
        row, at = self._row(), self.at
        for k, text in enumerate(grid.tops):
            start = at.units(k) - columns(text) // 2
            self.canvas.put(row, max(start, at.bar + k * at.stride), text, "grey")

    def _sides(self, row: int, i: int, grid: Grid) -> None:
        if grid.sides and i < len(grid.sides):
            word = grid.sides[i]
            self.canvas.put(row, self.at.bar - 1 - columns(word), word, "grey")

    # --- rows ---

    def _row(self, left: bool = True) -> int:
        """A new row, with the lower line of the frame above if the left side is free."""
        row = self.canvas.row()
        if self.bottom and left:
            column, line = self.bottom
            self.canvas.write(row, column, line)
            self.bottom = None
        return row

    def _clear(self) -> None:
        """Give the lower line of the frame above a row of its own."""
        if self.bottom:
            self._thread(self._row())

    def _thread(self, row: int) -> None:
        column = self.at.units(0)
        if self.through and self.canvas.free(row, column - 1, column + 2):
            self.canvas.put(row, column, self.symbols.through, f"ink {self.kind}")

    def _arrows(self, row: int, count: int) -> None:
        if not self.arrow_drawn:
            for column in range(count):
                self.canvas.put(row, self.at.units(column), self.symbols.down, f"ink {self.kind}")
        self.arrow_drawn = False

    def _heading(self, link: Link) -> None:
        """The heading of a link on a row of its own."""
        if not link.heading:
            return
        self._clear()
        at = self.at
        texts = wrap(link.heading, at.width - at.margin)
        for text in texts:
            row = self._row()
            end = self.canvas.put(row, at.margin, text, "bold")
        if link.heading_words and end + 3 + columns(link.heading_words) <= at.width:
            self.canvas.put(row, end + 3, link.heading_words, "gloss")
        self._thread(row)

    # --- kinds of links ---

    def _start(self, link: Link, place: int) -> None:
        if place and self.spine.links[place - 1].kind != "start":
            self._clear()
            self.canvas.row()
        self._heading(link)
        self._clear()
        self._tops(link.out)
        for i, line in enumerate(self._spine_lines(link.out)):
            row = self._row()
            if i == 0:
                self.bodies[place] = row
            self._sides(row, i, link.out)
            self.canvas.write(row, self.at.bar, line)
            if i == 0:
                self._label(row, link.out)
        self._notes(link.notes)
        self._notes(link.says, "plain")

    def _beside(self, link: Link, *, first: bool) -> None:
        """A product or an elementwise result: caption and arithmetic to the right."""
        canvas, at = self.canvas, self.at
        frame = next((part for part in link.left if isinstance(part, Frame)), None)
        lines, column = self._frame(frame)
        if at.over and link.caption:
            self._heading(link)
            self._clear()
            self._left_caption(link, ())
        long = bool(link.heading) and at.margin + columns(link.heading) >= at.bar - 1
        if long and not at.over:
            self._heading(link)
        heading = "" if long or at.over else link.heading
        has_top = link.ones or (heading and frame is not None and frame.kind == "learnable")
        if has_top:
            if self.bottom and heading:
                self._clear()
            row = self._row()
            if heading:
                canvas.put(row, at.margin, link.heading, "bold")
            if link.ones:
                for k in range(link.out.width):
                    canvas.put(row, at.units(k), "1")
            else:
                self._thread(row)
        on_caption_row = heading and not (has_top or lines or self.bottom or link.beside)
        if heading and not has_top and not on_caption_row:
            self._heading(link)
        if self.bottom and lines:
            self._clear()
        row = self._row()
        if on_caption_row:
            canvas.put(row, at.margin, link.heading, "bold")
        if not first:
            self._arrows(row, link.out.width if link.downwards or link.out.spaced else 1)
        if lines:
            canvas.write(row, column, lines[0])
        self._captions(row, [link.caption] if link.caption and not at.over else [])
        body = self._body(link, lines[1:-1] if frame and frame.kind != "plain" else lines[1:], column)
        if frame and frame.kind != "plain" and lines:
            self.bottom = (column, lines[-1])
        self._right(link, body)

    def _body(self, link: Link, left: Sequence[list[Segment]], column: int) -> int:
        """The rows of a result, with what stands left of them; gives the first."""
        canvas, at = self.canvas, self.at
        spine = self._spine_lines(link.out)
        first = len(canvas.rows)
        beside = strip(link.beside, column_fields(link.beside, 3), self.symbols) if link.beside else []
        if link.out.tops and not left:
            self._tops(link.out)
            first = len(canvas.rows)
        self.bodies[next(k for k, other in enumerate(self.spine.links) if other is link)] = first
        for i, line in enumerate(spine):
            row = self._row()
            self._sides(row, i, link.out)
            if i < len(left):
                canvas.write(row, column, left[i])
                if link.out.cells[i] is not None:
                    canvas.put(row, at.arrow, self.symbols.right, f"ink {self.kind}")
            canvas.write(row, at.bar, line)
            if i == 0 and not left:
                self._label(row, link.out)
            elif i == 0 and link.out.spaced:
                canvas.put(row, at.bar - 1 - columns(link.out.name) - sides_width(link.out), link.out.name, "name")
            if beside:
                start = self._label_start(link.out) - 1 - length(beside[i])
                canvas.write(row, start, beside[i])
                if i == 0 and link.beside:
                    canvas.put(row, start - 1 - columns(link.beside.name), link.beside.name, "name")
        if left and not at.tight and self._has_sibling(link) and columns(link.out.name) <= 2:
            canvas.put(first, at.end + 2, link.out.name, "name")
        return first

    def _has_sibling(self, link: Link) -> bool:
        """Whether a result needs its name beside it, because the next one does not hang on it."""
        links = self.spine.links
        place = next(k for k, other in enumerate(links) if other is link)
        return link.sibling or (place + 1 < len(links) and links[place + 1].sibling)

    def _label_start(self, grid: Grid) -> int:
        """Where the name of a grid begins, left of the words beside its rows."""
        at, name = self.at, grid.name
        bar = at.bar - at.side if grid.sides else at.bar
        close = columns(name) > bar - at.arrow - 1 or (at.side and not grid.sides)
        return bar - 1 - columns(name) if close else at.arrow

    def _label(self, row: int, grid: Grid) -> None:
        self.canvas.put(row, self._label_start(grid), grid.name, "name")

    def _frame(self, frame: Frame | None) -> tuple[list[list[Segment]], int]:
        """A left frame as lines, and the column where it begins."""
        if frame is None:
            return [], 0
        if frame.kind != "plain":
            planned = plan(frame, pad=self.at.pad)
            return frame_lines(planned, self.symbols, pad=self.at.pad), self.at.edge + 1 - planned.width
        names: list[Segment] = []
        rows: list[list[Segment]] = [[] for _ in frame.parts[0].cells]
        for grid in frame.parts:
            lines = strip(grid, even(grid), self.symbols)
            spare = max(0, columns(grid.name) + 1 - widest(lines))
            names.append((grid.name.center(widest(lines) + spare), "name"))
            for row, line in zip(rows, lines, strict=True):
                row += [(" " * spare, "plain"), *line]
        return [names, *rows], self.at.edge + 1 - part_width(frame, tight=self.at.tight)

    def _above(self, link: Link, *, first: bool) -> None:
        """A result with operands left of it and perhaps a gradient's frame to the right; names stand above."""
        canvas, at = self.canvas, self.at
        self._heading(link)
        self._clear()
        corner = link.corners[0] if link.corners else None
        planned = corner_plan(corner, at) if corner else None
        fits = corner is not None and planned is not None and corner_start(corner, at) + planned.width <= at.width
        right = list(corner.captions) if corner and fits else []
        self._left_caption(link, right)
        if corner and planned and fits:
            self._top_of(corner, planned.starts(), planned.fields[0])
        header = self._row()
        self._names(header, link, corner_start(corner, at) - 1 if corner and fits else at.width)
        lines = frame_lines(planned, self.symbols, pad=at.pad) if planned and fits else []
        if lines and corner:
            canvas.write(header, corner_start(corner, at), lines[0])
        body = self._operands(link)
        if lines and corner and planned:
            for i, line in enumerate(lines[1:-1]):
                canvas.put(body + i, at.end + (1 if at.tight else 3), self.symbols.right, f"ink {self.kind}")
                canvas.write(body + i, corner_start(corner, at), line)
            self._corner_work(corner, body, corner_start(corner, at) + planned.width, header)
            row = self._row()
            self._thread_on(row, link)
            canvas.write(row, corner_start(corner, at), lines[-1])
        self._below(link, corner if fits else None)
        if corner and not fits:
            self._stack.corner(corner)

    def _below(self, link: Link, corner: Corner | None) -> None:
        """What has no place beside a result: its notes, and the worked lines that its corner has no row for."""
        canvas, at = self.canvas, self.at
        lines: list[list[Segment]] = []
        if corner:
            seen: set[int | None] = set()
            works = []
            for work in corner.work:
                if work.row in seen:
                    works.append(work)
                seen.add(work.row)
            labelled = [Work(0, work.sums, work.words) for work in works]
            label = max((columns(work.cell) for work in works), default=0)
            written = lines_for(labelled, at.width - at.work - label - 3, self.setting)
            for work, (first, *rest) in zip(works, written, strict=True):
                lines.append([(work.cell.ljust(label + 2), "grey"), *first])
                lines += [[(" " * (label + 2), "plain"), *line] for line in rest]
        for note in self._remarks(link, all_below=True):
            lines += [[(text, "gloss")] for text in wrap(note, at.room)]
        for said in link.says:
            lines += [[(text, "plain")] for text in wrap(said, at.room)]
        for line in lines:
            row = self._row()
            self._thread_on(row, link)
            canvas.write(row, at.work + 1, line)

    def _thread_on(self, row: int, link: Link) -> None:
        """The line down to the next result, if there is one."""
        if self.spine.links[-1] is not link:
            self.canvas.put(row, self.at.units(0), self.symbols.through, f"ink {self.kind}")

    def _left_caption(self, link: Link, right: Sequence[Caption]) -> None:
        """The caption left of the spine, and those of the corner on the same rows where they fit."""
        canvas, at = self.canvas, self.at
        caption = link.caption
        fits = caption is not None and at.margin + 4 + columns(caption.text) < at.units(0)
        row = None
        if caption is not None:
            row = self._row()
            gloss = caption.gloss
            end = canvas.write(row, at.margin, [(f"{caption.number:>2}  ", f"number {self.kind}")])
            lines = wrap(caption.text, at.width - end)
            end = canvas.put(row, end, lines[0], "bold")
            for line in lines[1:]:
                canvas.put(canvas.row(), at.margin + 6, line, "bold")
            if gloss and not right and end + 3 + columns(gloss) <= at.width and not at.tight:
                canvas.put(row, end + 3, gloss, "gloss")
            if fits:
                self._thread(row)
        if not right:
            return
        if row is None or not fits:
            row = self._row()
            self._thread(row)
        width = sum(columns(c.text) + 4 for c in right) + 3 * (len(right) - 1)
        if at.end + TEXT_GAP + width <= at.width:
            column = at.end + 1
            for c in right:
                column = canvas.write(row, column, [(f"{c.number:>2}  ", f"number {self.kind}"), (c.text, "bold")]) + 3
            return
        for k, c in enumerate(right):
            if k:
                row = self._row()
                self._thread(row)
            end = canvas.put(row, at.end + 1, f"{c.number:>2}  ", f"number {self.kind}")
            first, *more = wrap(c.text, at.width - end)
            canvas.put(row, end, first, "bold")
            for text in more:
                row = self._row()
                self._thread(row)
                canvas.put(row, end, text, "bold")

    def _top_of(self, corner: Corner, starts: Sequence[int], fields: Sequence[Field]) -> None:
        """The factor above a corner's frame, with its ones."""
        canvas, at = self.canvas, self.at
        frame = corner_start(corner, at)
        top = corner.top
        left, right = self.symbols.bars
        for i, cells in enumerate(top.cells):
            row = self._row()
            self._thread(row)
            if i == 0:
                canvas.put(row, frame - 1 - columns(top.name), top.name, "name")
            if cells is None:
                canvas.put(row, frame + 2, self.symbols.fold, "grey")
                continue
            role = f"fill {top.role}"
            line: list[Segment] = [(left, f"bar {role}")]
            for cell, one in zip(cells, fields, strict=False):
                text = ("_" * 2).center(one.width) if cell.mark == doc.BLANK else one.fit(cell.text)
                mine = f"fill {cell.mark}" if cell.mark == doc.BLANK else role
                line.append((" " * (at.pad - at.pad // 2) + text + " " * (at.pad // 2), mine))
            line.append(((" " if at.pad == 1 else "") + right, f"bar {role}"))
            end = canvas.write(row, frame, line)
            if corner.ones and len(starts) > 1:
                canvas.put(row, max(end + 1, frame + starts[1] + 3), "1")

    def _corner_work(self, corner: Corner, body: int, column: int, header: int) -> None:
        canvas, at = self.canvas, self.at
        column += 2
        if at.tight or at.width - column < 12 or not corner.work:
            return
        bare = [Work(w.row, w.sums, w.words) for w in corner.work]
        written = lines_for(bare, at.width - column, self.setting)
        if any(len(lines) > 1 for lines in written):
            return
        used: set[int] = set()
        for work, lines in zip(corner.work, written, strict=True):
            row = body + (work.row or 0)
            if row not in used:
                canvas.write(row, column, lines[0])
                used.add(row)
        where = next((w.where for w in corner.work if w.where), "")
        if where and column + columns(where) <= at.width:
            canvas.put(header, column, where, "gloss")

    def _names(self, row: int, link: Link, edge: int) -> None:
        """The names over the operands and over the result, which moves to the right, up to an edge, where it must."""
        column = self.at.edge + 1 - self._operand_width(link)
        for part in link.left:
            width = part_width(part, tight=self.at.tight)
            if isinstance(part, Grid):
                self.canvas.put(row, column + max(0, (width - columns(part.name)) // 2), part.name, "name")
            column += width
        name = link.out.name
        start = self.at.bar + (self.at.end - self.at.bar + 1 - columns(name)) // 2
        start = max(self.at.margin, min(start, self.at.end + 1 - columns(name)))
        for here in range(start, min(edge - columns(name), self.at.end) + 1):
            if self.canvas.free(row, here - 1, here + columns(name)):
                self.canvas.put(row, here, name, "name")
                return

    def _operand_width(self, link: Link) -> int:
        return sum(part_width(part, tight=self.at.tight) for part in link.left)

    def _operands(self, link: Link) -> int:
        """The rows of a result with its operands to the left; gives the first."""
        canvas, at = self.canvas, self.at
        spine = self._spine_lines(link.out)
        pad = 0 if at.tight else 1
        strips = {
            id(part): strip(part, even(part, 2), self.symbols, pad=pad, blank=2)
            for part in link.left
            if isinstance(part, Grid)
        }
        first = len(canvas.rows)
        for i, line in enumerate(spine):
            row = self._row()
            column = at.edge + 1 - self._operand_width(link)
            for part in link.left:
                width = part_width(part, tight=self.at.tight)
                match part:
                    case Grid():
                        mine = strips[id(part)][i]
                        canvas.write(row, column + (width - length(mine)) // 2, mine)
                    case Sign(text=text):
                        canvas.put(row, column + 1, text)
                    case Words(rows=rows):
                        canvas.put(row, column + 1, rows[i], "bold" if "stop" in rows[i] else "plain")
                column += width
            self._sides(row, i, link.out)
            canvas.write(row, at.bar, line)
        return first

    # --- to the right of the spine ---

    def _captions(self, row: int, captions: Sequence[Caption]) -> None:
        canvas, at = self.canvas, self.at
        for caption in captions:
            number = f"{caption.number:>2}"
            end = canvas.put(row, at.text - 5 + (2 if at.tight else 1), number, f"number {self.kind}")
            start = max(at.text, end + 1)
            lines = wrap(caption.text, at.width - start - 2)
            end = canvas.put(row, start, lines[0], "bold")
            for line in lines[1:]:
                canvas.put(self._row(), at.text + 2, line, "bold")
            said = ((caption.by_hand, "accent"), (caption.note, "gloss"), (caption.gloss, "gloss"))
            for text, role in said:
                if text == caption.note and not self._note_fits(caption):
                    continue
                if (
                    text
                    and len(lines) == 1
                    and end + 2 + columns(text) <= at.width
                    and (role == "accent" or not at.tight)
                ):
                    end = canvas.put(row, end + (3 if end + 3 + columns(text) <= at.width else 2), text, role)

    def _note_fits(self, caption: Caption) -> bool:
        """Whether an author's note stands beside its caption; otherwise it is written below."""
        at = self.at
        before = columns(caption.text) + (columns(caption.by_hand) + 3 if caption.by_hand else 0)
        return not at.tight and at.text + before + 3 + columns(caption.note) <= at.width

    def _gloss_fits(self, caption: Caption) -> bool:
        """Whether a gloss stands beside its caption."""
        before = columns(caption.text) + (columns(caption.by_hand) + 3 if caption.by_hand else 0)
        return not caption.note and self.at.text + before + 2 + columns(caption.gloss) <= self.at.width

    def _remarks(self, link: Link, *, all_below: bool = False) -> tuple[str, ...]:
        """What is said below a result's arithmetic."""
        caption = link.caption
        below = caption is not None and caption.note and (all_below or not self._note_fits(caption))
        return (caption.note, *link.notes) if caption and below else link.notes

    def _right(self, link: Link, first: int) -> None:
        """The worked lines beside a result, each on its row or below; then the notes."""
        canvas, at = self.canvas, self.at
        if at.over:
            self._clear()
            self._notes(self._remarks(link))
            self._notes(link.says, "plain")
            return
        height = len(link.out.cells)
        row = first
        works = fitted(link.work, at.room, self.setting) if at.tight else link.work
        written = lines_for(works, at.room, self.setting)
        shift = 0 if any(_starts_negative(work, self.symbols.minus) for work in works) else 1
        pieces: list[tuple[int, list[Segment]]] = []
        for work, lines in zip(works, written, strict=True):
            wanted = first + max(0, work.row or 0)
            for line in lines:
                pieces.append((wanted, line))
        below = link.out.spaced and not at.tight and link.caption and link.caption.gloss
        gloss = (link.caption.gloss,) if below and link.caption and not self._gloss_fits(link.caption) else ()
        remarks = (*gloss, *self._remarks(link))
        pieces += [(first, [(text, "gloss")]) for note in remarks for text in wrap(note, at.room)]
        pieces += [(first, [(text, "plain")]) for said in link.says for text in wrap(said, at.room)]
        for wanted, line in pieces:
            row = max(row, wanted)
            while row >= len(canvas.rows):
                new = self._row()
                if row - first == height and link is not self.spine.links[-1] and not self.arrow_drawn:
                    self._arrows(new, link.out.width)
                    self.arrow_drawn = True
                else:
                    self._thread(new)
            canvas.write(row, at.work + shift, line)
            row += 1

    def _notes(self, notes: Sequence[str], role: str = "gloss") -> None:
        for note in notes:
            for text in wrap(note, self.at.width - self.at.margin):
                self.canvas.put(self._row(), self.at.margin, text, role)

    # --- grids ---

    def _spine_lines(self, grid: Grid) -> list[list[Segment]]:
        gap = self.at.gap if grid.spaced else 0
        return strip(grid, even(grid), self.symbols, least=self.at.cell, units=self.at.anchor, gap=gap)


TEXT_GAP = 1


def _has_idle(link: Link) -> bool:
    return any(term.idle for work in link.work for line in work.sums for term in line.terms)


def _starts_negative(work: Work, minus: str) -> bool:
    return any(line.terms and line.terms[0].sign != "+" for line in work.sums[:1]) or work.words.startswith(minus)
