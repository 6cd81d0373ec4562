"""Worked lines as text: terms lined up, results lined up, too long ones broken between terms. Knows no page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from nnsteps.document import Sum, Term, Work
from nnsteps.render.blocks import Field, field_for, length
from nnsteps.render.canvas import Segment, columns, wrap

BELOW = -1  # the row of a line that stands under the others


class Setting(NamedTuple):
    """How worked lines are set."""

    tight: bool = False
    minus: str = "−"
    about: str = "≈"
    idle: bool = True  # whether terms with a weight of 0 stay


def _kept(line: Sum, setting: Setting) -> list[Term]:
    kept = [term for term in line.terms if setting.idle or not term.idle]
    return kept or list(line.terms[:1])


def lines_for(works: Sequence[Work], width: int, setting: Setting) -> list[list[list[Segment]]]:
    """Each worked line as one or more lines of segments, lined up with each other."""
    out: dict[int, list[list[Segment]]] = {}
    for below in (False, True):
        group = [(place, work) for place, work in enumerate(works) if (work.row == BELOW) is below]
        measured = [work for _, work in group if work.sums and work.row is not None] or [w for _, w in group if w.sums]
        count = max((len(work.sums) for work in measured), default=0)
        shapes = [_Shape.of([work.sums[k] for work in measured if k < len(work.sums)], setting) for k in range(count)]
        out |= {place: _one(work, shapes, width, setting) for place, work in group}
    return [out[place] for place in range(len(works))]


def fitted(works: Sequence[Work], width: int, setting: Setting) -> list[Work]:
    """The same lines; where several sums beside each other are too wide, each further one below the others."""
    count = max((len(work.sums) for work in works), default=0)
    if count < 2 or all(length(line) <= width for lines in lines_for(works, 10_000, setting) for line in lines):
        return list(works)
    out = [work._replace(sums=work.sums[:1]) for work in works]
    for k in range(1, count):
        out += [Work(BELOW, work.sums[k : k + 1], cell=work.cell) for work in works if len(work.sums) > k]
    return out


class _Shape(NamedTuple):
    """The widths that the sums in one place share."""

    terms: tuple[int, ...]
    total: int
    result: Field
    by_hand: Field

    @classmethod
    def of(cls, sums: Sequence[Sum], setting: Setting) -> _Shape:
        rows = [
            [columns(_first(term, setting) if k == 0 else term.text) for k, term in enumerate(_kept(s, setting))]
            for s in sums
        ]
        most = max((len(row) for row in rows), default=0)
        terms = tuple(max((row[k] for row in rows if k < len(row)), default=0) for k in range(most))
        gap = 2 if setting.tight else 3
        total = sum(terms) + gap * max(0, most - 1)
        return cls(terms, total, field_for([s.result for s in sums]), field_for([s.by_hand for s in sums if s.by_hand]))


def _first(term: Term, setting: Setting) -> str:
    return (setting.minus if term.sign != "+" else "") + term.text


def _one(work: Work, shapes: Sequence[_Shape], width: int, setting: Setting) -> list[list[Segment]]:
    if not work.sums:
        return [[(line, "plain")] for line in wrap(work.words, max(8, width))]
    chunks: list[list[Segment]] = []  # what may not be broken inside
    for k, line in enumerate(work.sums):
        shape = shapes[k] if k < len(shapes) else _Shape.of([line], setting)
        if work.row is None:
            shape = _Shape(
                tuple([max([*shape.terms, 1])][: len(_kept(line, setting))]), shape.total, shape.result, shape.by_hand
            )
        if k:
            chunks.append([("  " if setting.tight else "    ", "plain")])
        chunks += _sum(line, shape, setting)
    if work.where:
        chunks.append([(f"   {work.where}", "grey")])
    if work.where and sum(length(chunk) for chunk in chunks) > width:
        chunks.pop()  # which column it is can be seen; the line itself cannot be spared
        work = work._replace(where="")
    whole = [segment for chunk in chunks for segment in chunk]
    if length(whole) <= width:
        return [whole]
    return _broken(_chunks_plain(work, setting), width)


def _sum(line: Sum, shape: _Shape, setting: Setting) -> list[list[Segment]]:
    terms = _kept(line, setting)
    chunks: list[list[Segment]] = []
    used = 0
    for k, term in enumerate(terms):
        wide = shape.terms[k] if k < len(shape.terms) else 0
        role = "grey" if term.zero else "plain"
        if k == 0:
            text = _first(term, setting)
            chunks.append([(" " * (wide - columns(text)) + text, role)])
            used += max(wide, columns(text))
        else:
            sign = f" {term.sign}" if setting.tight else f" {term.sign} "
            last = k == len(terms) - 1
            text = term.text if last else term.text + " " * (wide - columns(term.text))
            chunks.append([(sign + text, role)])
            used += len(sign) + columns(text)
    gap = " " * max(0, shape.total - used)
    space = " " if setting.tight else "  "
    tail: list[Segment] = [(f"{gap}{space}{line.relation}{space}", "grey"), (shape.result.fit(line.result), "result")]
    if line.by_hand:
        tail += [(f"{space}{setting.about} ", "accent"), (shape.by_hand.fit(line.by_hand).rstrip(), "result")]
    if line.aside:
        tail.append((f"   {line.aside}", "grey"))
    chunks.append(tail)
    return chunks


def _chunks_plain(work: Work, setting: Setting) -> list[str]:
    """The same without lining up, in pieces that may stand on different lines."""
    out: list[str] = []
    for line in work.sums:
        for k, term in enumerate(_kept(line, setting)):
            out.append(_first(term, setting) if k == 0 else f"{term.sign} {term.text}")
        tail = f"{line.relation} {line.result}"
        if line.by_hand:
            tail += f" {setting.about} {line.by_hand}"
        out.append(tail + ("," if line is not work.sums[-1] else ""))
        if line.aside:
            out.append(f"({line.aside})")
    if work.where:
        out.append(f"({work.where})")
    return out


def _broken(chunks: list[str], width: int) -> list[list[Segment]]:
    """Chunks in as few lines as they need; one that is too long is taken apart where its brackets hold least."""
    lines: list[str] = []
    line = ""
    for part in (part for chunk in chunks for part in _parts(chunk, width - 2)):
        if line and columns(line) + 1 + columns(part) > width:
            lines.append(line)
            line = "  " + part
        else:
            line = f"{line} {part}" if line else part
    return [[(text, "plain")] for text in [*lines, line]]


def _parts(text: str, width: int) -> list[str]:
    """A text in parts of at most `width` columns, taken apart before operators and behind commas, the outermost
    first."""
    if columns(text) <= width:
        return [text]
    places = _joints(text)
    if not places:
        return wrap(text, max(8, width))
    outermost = min(depth for _, depth in places)
    cuts = [0, *(place for place, depth in places if depth == outermost), len(text)]
    return [part for low, high in pairwise(cuts) for part in _parts(text[low:high].strip(), width)]


def _joints(text: str) -> list[tuple[int, int]]:
    """The blanks at which an arithmetic text may be broken, with the number of brackets around each."""
    found, depth = [], 0
    for place, sign in enumerate(text):
        if sign in "([⌊":
            depth += 1
        elif sign in ")]⌋":
            depth -= 1
        elif sign == " " and place > 0 and (text[place - 1] == "," or _OPERATOR.match(text, place)):
            found.append((place, depth))
    return found


_OPERATOR = re.compile(r" [-+−÷/*·<>≤≥=≠]+ ")
