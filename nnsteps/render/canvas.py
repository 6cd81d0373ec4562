"""Rows of characters with roles, written at a column. Knows nothing of what is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from nnsteps.errors import harmless

Segment = tuple[str, str]  # text, role
ITEM_GAP = "    "  # between the things that are given
GAP = "gap"  # the role of blanks on which something else may be written
Line = tuple[Segment, ...]


@lru_cache(maxsize=8192)
def columns(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` columns; a word that is too long is cut, behind a sign if it has one."""
    lines, line = [], ""
    for word in text.split(" "):
        while columns(word) > width:
            room = width - columns(line) - 1 if line else width
            head = _head(word, room, whole=bool(line)) if room > 8 or not line else ""
            lines.append(f"{line} {head}".strip() if line or head else head)
            word, line = word[len(head) :], ""
        if line and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines


def _head(word: str, room: int, *, whole: bool) -> str:
    """What of a long word fits, up to a sign within it; without one nothing if it may go to the next line `whole`."""
    head = word[: max(1, room)]
    cut = max(head.rfind(sign) for sign in "_(,[") + 1
    return head[:cut] if 3 * cut > len(head) or whole else head


def wrap_items(text: str, width: int) -> list[str]:
    """Items with wide gaps between them in lines of at most `width` columns; one that fits on a line stays whole."""
    lines: list[str] = []
    for item in text.split(ITEM_GAP):
        if lines and columns(lines[-1]) + len(ITEM_GAP) + columns(item) <= width:
            lines[-1] += ITEM_GAP + item
        else:
            lines += wrap(item, width)
    return lines


@dataclass
class Canvas:
    """Rows that grow downwards; what is put on one row must not overlap."""

    rows: list[list[tuple[int, str, str]]] = field(default_factory=list)

    def row(self) -> int:
        """A new row; gives its number."""
        self.rows.append([])
        return len(self.rows) - 1

    def put(self, row: int, column: int, text: str, role: str = "plain") -> int:
        """Write text; gives the column after it."""
        text = harmless(text)
        if text and role != GAP:
            self.rows[row].append((column, text, role))
        return column + columns(text)

    def write(self, row: int, column: int, segments: Iterable[Segment]) -> int:
        """Write segments one after the other; gives the column after them."""
        for text, role in segments:
            column = self.put(row, column, text, role)
        return column

    def free(self, row: int, start: int, end: int) -> bool:
        """Whether nothing stands between two columns of a row."""
        return all(at + columns(text) <= start or at >= end for at, text, _ in self.rows[row])

    def lines(self) -> list[Line]:
        """The rows as segments, with blanks between them."""
        out = []
        for row in self.rows:
            line: list[Segment] = []
            here = 0
            for column, text, role in sorted(row, key=lambda item: item[0]):
                assert column >= here, f"{text!r} overlaps what stands left of it"
                if column > here:
                    line.append((" " * (column - here), "plain"))
                line.append((text, role))
                here = column + columns(text)
            out.append(tuple(line))
        return out
