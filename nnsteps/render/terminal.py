"""A document as rows for a terminal: the spine down the middle, frames left, arithmetic right. Computes nothing.

Theory of operation. `draw` measures a section, chooses a geometry (wide, tight, or stacked where nothing else fits) and
writes blocks on a canvas. The rows are the same with and without colour; `show` adds it. The spine's bar stands at one
column for a whole section; left frames end two columns before the arrow that points at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnsteps import document as doc
from nnsteps.document import Answers, Document, Frames, Prose, Section, Spine, Turns
from nnsteps.render.blocks import chunked, frame_lines, length, plan
from nnsteps.render.canvas import Canvas, Line, Segment, columns, wrap, wrap_items
from nnsteps.render.spine import draw_spines
from nnsteps.render.symbols import ASCII, PAPER, Symbols
from nnsteps.render.turns import draw_turns
from nnsteps.render.worklines import Setting, lines_for

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 96
MOST_WIDTH = 120


def draw(document: Document, width: int, ascii: bool = False) -> list[Line]:
    """The page as lines of segments (text, role), none wider than `width`."""
    return _Page(document, min(width, MOST_WIDTH), ASCII if ascii else PAPER).lines()


def plain(lines: Sequence[Line]) -> str:
    """The lines as text."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"


def show(lines: Sequence[Line], console: Console) -> None:
    """Print the lines in colour."""
    from rich.text import Text

    from nnsteps.render.colours import style_of

    for line in lines:
        text = Text(end="\n", no_wrap=True, overflow="ignore")
        for part, role in line:
            text.append(part, style_of(role))
        console.print(text, soft_wrap=True)


class _Page:
    def __init__(self, document: Document, width: int, symbols: Symbols) -> None:
        self.document, self.width, self.symbols = document, width, symbols
        self.tight = width < WIDE
        self.margin = 0 if self.tight else 1
        self.canvas = Canvas()
        self.setting = Setting(self.tight, symbols.minus, "~" if symbols is ASCII else "≈")

    def lines(self) -> list[Line]:
        self._head()
        for section in self.document.sections:
            self._section(section)
        return self.canvas.lines()

    # --- head ---

    def _head(self) -> None:
        canvas, document, m = self.canvas, self.document, self.margin
        room = self.width - m
        title, source = document.title, document.source
        if columns(title) + columns(source) + 3 <= room:
            row = canvas.row()
            canvas.put(row, m, title, "title")
            canvas.put(row, self.width - columns(source), source, "grey")
        else:
            self._text(title, "title")
            if source:
                self._text(source, "grey")
        if document.about:
            self._text(document.about, "plain")
        self._map()
        if document.head:
            canvas.row()
        labels = max((columns(label) for label, _ in document.head), default=0)
        start = m + max(labels + 2, 8 if self.tight else 10)
        for label, text in document.head:
            for place, line in enumerate(wrap_items(text, self.width - start)):
                row = canvas.row()
                if place == 0:
                    canvas.put(row, m, label, "grey")
                canvas.put(row, start, line)

    def _text(self, text: str, role: str, indent: int = 0) -> None:
        for line in wrap(text, self.width - self.margin - indent):
            self.canvas.put(self.canvas.row(), self.margin + indent, line, role)

    def _map(self) -> None:
        chips = self.document.map
        if not chips:
            return
        for long in (True, False):
            line = self._map_line(long)
            if length(line) <= self.width - self.margin - 1:
                self.canvas.row()
                self.canvas.write(self.canvas.row(), self.margin, line)
                return

    def _map_line(self, long: bool) -> list[Segment]:
        s, line = self.symbols, []
        for place, chip in enumerate(self.document.map):
            if place and long and chip.arrow:
                line += [
                    (f" {s.dash * 2} ", "grey"),
                    (" ".join(chip.arrow), "learnable bold" if chip.learnable else "plain"),
                ]
                line.append((f" {s.dash}{s.tip} ", "grey"))
            elif place:
                line.append((f" {s.tip} ", "grey"))
            line.append((f" {chip.name} {chip.size} ".replace("  ", " "), f"fill {chip.role}"))
        return line

    # --- sections ---

    def _section(self, section: Section) -> None:
        canvas = self.canvas
        canvas.row()
        badge = f" {section.badge} "
        if columns(badge) > self.width:
            self._text(section.badge, "bold")
            badge = ""
        row = canvas.row()
        after = canvas.put(row, 0, badge, f"badge {section.kind}")
        words = f" {section.words}" if section.words and not self.tight else ""
        rule = max(0, self.width - after - columns(words))
        canvas.put(row, after, self.symbols.rule * rule, f"rule {section.kind}")
        canvas.put(row, after + rule, words, f"ink {section.kind}")
        canvas.row()
        spines = [block for block in section.blocks if isinstance(block, Spine)]
        if spines:
            draw_spines(canvas, spines, self.width, self.symbols, section.kind, tight=self.tight)
        for block in section.blocks:
            match block:
                case Frames():
                    self._frames(block)
                case Prose():
                    canvas.row()
                    self._text(block.text, block.role)
                case Turns():
                    draw_turns(canvas, block, self.width, self.margin, self.setting)
                case Answers():
                    self._answers(block)

    # --- frames side by side ---

    def _frames(self, block: Frames) -> None:
        canvas, m = self.canvas, self.margin
        line: list[Segment] = []
        for caption in block.captions:
            line += [
                (f"{'     ' if line else ''}{caption.number}{'  ' if caption.number else ''}", "ink update"),
                (caption.text, "bold"),
            ]
        if block.gloss and not self.tight:
            line.append((f"   {block.gloss}", "gloss"))
        if length(line) <= self.width - m:
            canvas.write(canvas.row(), m, line)
        else:
            for caption in block.captions:
                for k, text in enumerate(
                    wrap(f"{caption.number}  {caption.text}" if caption.number else caption.text, self.width - m)
                ):
                    canvas.put(canvas.row(), m + (2 if k else 0), text, "bold")
            if block.gloss:
                self._text(block.gloss, "gloss")
        if not self.tight:
            canvas.row()
        waiting = [(self._frame_lines(frame, work)) for frame, work in block.frames]
        while waiting:
            together: list[list[list[Segment]]] = []
            used = m
            while waiting and (not together or used + self._block_width(waiting[0]) <= self.width):
                together.append(waiting.pop(0))
                used += self._block_width(together[-1]) + 2
            self._side_by_side(together)

    def _frame_lines(self, frame: doc.Frame, work: doc.Work | None) -> list[list[Segment]]:
        pad = 1 if self.tight else 2
        planned = plan(frame, pad=pad)
        if planned.width > self.width - self.margin:
            lines: list[list[Segment]] = []
            for part in frame.parts:
                lines += [[(part.name, "name")], *chunked(part, self.width - self.margin, self.symbols)]
        else:
            lines = frame_lines(planned, self.symbols, pad=pad)
        if work is not None:
            bare = doc.Work(0, work.sums)
            for one in lines_for([bare], self.width - self.margin - len(work.where) - 4, self.setting)[0]:
                lines.append([(f"  {work.where}  ", "gloss"), *one])
        return lines

    def _block_width(self, lines: list[list[Segment]]) -> int:
        return max(length(line) for line in lines)

    def _side_by_side(self, blocks: list[list[list[Segment]]]) -> None:
        canvas = self.canvas
        for i in range(max(len(block) for block in blocks)):
            row = canvas.row()
            at = self.margin
            for block in blocks:
                if i < len(block):
                    canvas.write(row, at, block[i])
                at += self._block_width(block) + 2

    # --- answers ---

    def _answers(self, block: Answers) -> None:
        canvas, m = self.canvas, self.margin
        labels = [row.name for row in block.rows]
        start = m + max([columns(label) + 2 for label in labels] + [12])
        narrow = start > self.width // 2
        start = m + 2 if narrow else start
        cells = [[self._answer_lines(value, self.width - start) for value in row.values] for row in block.rows]
        first = max((length(line) for row in cells for line in row[0]), default=0)
        second = start + max(first, columns(block.columns[0]) if block.columns else 0) + 4
        wide = max((length(line) for row in cells if len(row) > 1 for line in row[1]), default=0)
        beside = second + wide <= self.width
        if block.columns and block.rows:
            row = canvas.row()
            words = block.columns[0] if beside else ", then ".join(block.columns)
            canvas.put(row, min(start, self.width - columns(words)), words, "grey")
            if beside and len(block.columns) > 1:
                canvas.put(row, second, block.columns[1], "grey")
        for answer, values in zip(block.rows, cells, strict=True):
            if narrow:
                self._text(answer.name, "bold")
            self._answer("" if narrow else answer.name, values, start, second, beside)
        if block.rows and block.below:
            canvas.row()
        place = m + max([columns(label) + 2 for label, _ in block.below] + [12])
        if place > self.width // 2:
            self._below_each_other(block)
            return
        for label, texts in block.below:
            lines = [line for text in texts for line in wrap(text, self.width - place)]
            for k, line in enumerate(lines):
                row = canvas.row()
                if k == 0:
                    canvas.put(row, m, label, "checked" if "checked" in label else "bold")
                canvas.put(row, place, line)

    def _below_each_other(self, block: Answers) -> None:
        """Labels and what is said of them on rows of their own."""
        for label, texts in block.below:
            self._text(label, "bold")
            for text in texts:
                self._text(text, "plain", indent=2)

    def _answer(self, name: str, values: list[list[list[Segment]]], start: int, second: int, beside: bool) -> None:
        canvas = self.canvas
        rows = [canvas.row() for _ in range(max(len(values[0]), len(values[1]) if len(values) > 1 and beside else 0))]
        canvas.put(rows[0], self.margin, name, "bold")
        for row, line in zip(rows, values[0], strict=False):
            canvas.write(row, start, line)
        if len(values) > 1:
            if not beside:
                rows = [canvas.row() for _ in values[1]]
            for row, line in zip(rows, values[1], strict=False):
                canvas.write(row, second if beside else start, line)

    def _answer_lines(self, value: doc.Grid | str, room: int) -> list[list[Segment]]:
        if isinstance(value, str):
            lead = " " if value[:1].isdigit() else ""
            role = "grey" if value == "the same" else "plain"
            return [[(lead + line, role)] for line in wrap(value, room - 1)]
        return chunked(value, room, self.symbols)


__all__ = ["draw", "plain", "show"]
