"""A spine as HTML: results under each other, what they are made of left, the arithmetic right. Knows no section.

Theory of operation. A spine is a grid of four columns: frames, arrows, results, arithmetic; every step is a row of it
(a subgrid), so that results stand under each other and the factor's columns above the result's. Inside a step all rows
have one height: a frame's row, its arrow, its result and its worked line are level. A gradient's corner is a picture of
its own to the right, set on the same base line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nnsteps import document as doc
from nnsteps.document import Corner, Frame, Grid, Link, Sign, Spine, Words
from nnsteps.render import html_work
from nnsteps.render.html_fit import on_paper
from nnsteps.render.html_grid import GAP, Tables
from nnsteps.render.html_text import name_tag, rem, tag, text
from nnsteps.render.html_work import Line, lines, listed

LONG = 34  # letters of a caption that needs the whole width


@dataclass(frozen=True, slots=True)
class Spines:
    """Writes the spines of one section. `is_blank` leaves room for the lines of a key."""

    tables: Tables
    kind: str
    level: int  # of the headings of steps
    is_blank: bool = False

    def spine(self, spine: Spine, key: Spine | None, label: str) -> str:
        """One spine; `key` is the same spine with its worked lines."""
        cell = max(self.tables.width(link.out) for link in (key or spine).links)
        steps = []
        for place, link in enumerate(spine.links):
            same = key.links[place] if key is not None and place < len(key.links) else None
            steps.append(self._step(spine, place, link, same, cell))
        steps += [self._carry(spine, to, source, cell) for to, source in spine.carries if to < source]
        wide, zoom = on_paper(key or spine, self.tables, cell)
        style = f"--cell:{rem(cell)}" + (f";--zoom:{zoom:.2f}" if zoom < 1 else "")
        grid = tag("div", *steps, class_=f"spine {self.kind}{' wide' if wide else ''}", style=style)
        return tag("div", grid, class_="scroll", tabindex=0, role="region", aria_label=label)

    # --- steps ---

    def _step(self, spine: Spine, place: int, link: Link, key: Link | None, cell: float) -> str:
        after = spine.links[place + 1 :]
        style = f"grid-row:{place + 1}" if spine.carries else ""
        if link.above or link.corners:
            return tag("section", self._heading(link), *self._above(link, key, cell), class_="step above", style=style)
        if link.kind == "start":
            inside = (self._heading(link), *self._named(link, cell, topped=True), self._remarks(link))
            return tag("section", *inside, class_="step start", style=style)
        sibling = link.sibling or bool(after and after[0].sibling)
        tall = html_work.caption_lines(link.caption)
        style += f"{';' if style else ''}--lines:{tall}" if tall > 1 else ""
        return tag(
            "section",
            self._heading(link),
            self._down(link, cell),
            self._arithmetic(link, key),
            *self._beside(link, cell, sibling=sibling),
            class_=f"step {link.kind}",
            style=style,
        )

    def _heading(self, link: Link) -> str:
        if not link.heading:
            return ""
        words = " " + tag("span", text(link.heading_words), class_="gloss") if link.heading_words else ""
        is_wide = link.heading_words or link.above or link.kind == "start"
        return tag(f"h{self.level}", text(link.heading), words, class_="heading wide" if is_wide else "heading")

    def _down(self, link: Link, cell: float) -> str:
        """The ones of a bias, and an arrow under every column."""
        rows = [
            tag("div", tag("span", sign, style=f"width:{rem(cell)}") * link.out.width)
            for sign in ("1↓" if link.ones else "↓")
        ]
        return tag("div", *rows, class_="down", aria_hidden="true")

    def _named(self, link: Link, cell: float, *, topped: bool = False) -> tuple[str, str]:
        """A result with its name to the left."""
        left = []
        if link.beside is not None:
            left += [name_tag(link.beside.name), self.tables.grid(link.beside, self.tables.width(link.beside))]
        shown = topped and bool(link.out.tops)
        side = self.tables.side(link.out)
        style = f"padding-right:{rem(side + 0.6)}" if side else ""
        return (
            tag("div", *left, name_tag(link.out.name), class_="left under-tops" if shown else "left", style=style),
            tag("div", self.tables.grid(link.out, cell, topped=shown), _folded(link), class_="result"),
        )

    def _beside(self, link: Link, cell: float, *, sibling: bool) -> tuple[str, ...]:
        """A result with its frame to the left, an arrow on every row."""
        frames = [part for part in link.left if isinstance(part, Frame)]
        if not frames:
            return self._named(link, cell)
        left = (self.tables.frame(frame, self.tables.widths(frame)) for frame in frames)
        name = name_tag(link.out.name) if sibling else ""
        return (
            tag("div", *left, class_="left framed"),
            _arrows(link.out, self.tables.side(link.out)),
            tag("div", self.tables.grid(link.out, cell), name, _folded(link), class_="result"),
        )

    def _arithmetic(self, link: Link, key: Link | None) -> str:
        """The caption and the worked lines, which fold."""
        own = _lines(link)
        body = listed(own, self.kind, self._room(link, key, own))
        if link.caption is None:
            return tag("div", body, class_="arithmetic") if body else ""
        head = html_work.caption(link.caption, self.kind)
        if not body:
            return tag("div", tag("p", head, class_="caption"), class_="arithmetic")
        return tag("details", tag("summary", head, class_="caption"), body, class_="arithmetic", open="open")

    def _room(self, link: Link, key: Link | None, own: Sequence[Line]) -> int:
        """How many lines a worksheet leaves free: as many as its key takes, at least one for each row to fill in."""
        if not self.is_blank:
            return 0
        asked = any(cell.mark == doc.BLANK for row in link.out.cells if row for cell in row)
        taken = html_work.count(_lines(key)) if key is not None else 0
        return max(len(link.out.cells) if asked else 0, taken, html_work.count(own))

    def _remarks(self, link: Link) -> str:
        own = lines((), link.notes, 0, link.says)
        return tag("div", listed(own, self.kind), class_="arithmetic") if own else ""

    def _carry(self, spine: Spine, to: int, source: int, cell: float) -> str:
        """Dashed lines from a result up to the next turn, which begins with it."""
        half = GAP / 2
        lines = []
        for turn in range(1, spine.links[to].out.width):
            lines.append(tag("i", class_="up", style=f"left:{rem(turn * cell - half)};width:{rem(half)}"))
            lines.append(tag("i", class_="on", style=f"left:{rem(turn * cell)};width:{rem(half)}"))
        first = spine.links[to]
        style = f"grid-row:{to + 1}/{source + 2}"
        style += ";--above:1" if first.kind == "start" and first.out.tops else ""
        return tag("div", *lines, class_="carry", style=style, aria_hidden="true")

    # --- names above ---

    def _above(self, link: Link, key: Link | None, cell: float) -> list[str]:
        """A result with its operands to the left and perhaps a corner to the right; names stand above the numbers."""
        caption, over = "", ""
        if link.caption is not None:
            caption = tag("p", html_work.caption(link.caption, self.kind), class_="caption")
            if len(link.caption.text) + len(link.caption.gloss) > LONG:
                caption, over = "", caption.replace('"caption"', '"caption over"', 1)
        operands = (self._operand(part, len(link.out.cells)) for part in link.left)
        keys = key.corners if key is not None else ()
        corners = (
            self._corner(corner, keys[k] if k < len(keys) else None, len(link.out.cells))
            for k, corner in enumerate(link.corners)
        )
        own = lines((), link.notes, 0, link.says)
        room = html_work.count(lines((), key.notes, 0, key.says)) if self.is_blank and key is not None else 0
        return [
            over,
            tag("div", caption, tag("div", *operands, class_="row"), class_="left operands"),
            tag("div", self.tables.grid(link.out, cell, named=True), _folded(link), class_="result"),
            *corners,
            tag("div", listed(own, self.kind, room), class_="below") if own or room else "",
        ]

    def _operand(self, part: doc.Part, height: int) -> str:
        match part:
            case Grid():
                return self.tables.grid(part, self.tables.width(part), named=True)
            case Frame():
                return self.tables.frame(part, self.tables.widths(part))
            case Sign(text=sign):
                return tag("ol", tag("li", text(sign)) * height, class_="between")
            case Words(rows=rows):
                said = (tag("li", text(row), class_="stop" if "stop" in row else "") for row in rows)
                return tag("ol", *said, class_="words")

    def _corner(self, corner: Corner, key: Corner | None, height: int) -> str:
        """A gradient's frame: the factor above it, arrows from the result, the worked lines to its right."""
        widths = self.tables.widths(corner.frame)
        first = max(widths[0], self.tables.width(corner.top))
        own, room = lines(corner.work, (), height), 0
        if self.is_blank:
            room = max(height, html_work.count(lines(key.work, (), height)) if key is not None else 0)
        ones = ""
        if corner.ones and len(widths) > 1:
            column = tag("span", "1", style=f"width:{rem(widths[1])}") * len(corner.top.cells)
            ones = tag("span", column, class_="ones", aria_hidden="true")
        picture = tag(
            "div",
            name_tag(corner.top.name),
            tag("div", self.tables.grid(corner.top, first), ones, class_="top"),
            _arrows(corner.frame.parts[0]),
            tag("div", self.tables.frame(corner.frame, [first, *widths[1:]]), class_="product"),
            listed(own, self.kind, room),
            class_="picture",
        )
        captions = (tag("span", html_work.caption(one, self.kind)) for one in corner.captions)
        return tag("details", tag("summary", *captions, class_="caption"), picture, class_="corner", open="open")


def _lines(link: Link) -> list[Line]:
    return lines(link.work, link.notes, len(link.out.cells), link.says)


def _folded(link: Link) -> str:
    """What a long side leaves out, unless the notes say it."""
    words = link.out.folded
    return tag("p", text(words), class_="gloss folded") if words and words not in link.notes else ""


def _arrows(grid: Grid, side: float = 0.0) -> str:
    """An arrow on every row, before the words beside the rows."""
    rows = (tag("li", "→" if row is not None else "") for row in grid.cells)
    return tag("ol", *rows, class_="arrows", aria_hidden="true", style=f"margin-right:{rem(side)}" if side else "")


__all__ = ["Spines"]
