"""Captions, worked lines and notes as HTML, and the room that a worksheet leaves for them. Knows no grid.

A worked line stands on the row of its result, so every line has the height of a row and none is wrapped by the browser:
long ones are broken here, between terms, at the same place on every screen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from nnsteps.document import Caption, Sum, Term, Turns, Work
from nnsteps.render.html_text import hidden, maths, tag, text

MOST, CAPTION = 64, 72  # characters of a line, of a caption's line
RAISED = re.compile(r"\^(\((?:[^()]|\([^()]*\))*\)|−?[\d.]+|−?\w+)")
SPLIT = frozenset("+−÷·")  # signs that a long caption is broken before


class Line(NamedTuple):
    """One line beside the picture, on a row of its result or below."""

    row: int
    html: str
    cell: str = ""
    kind: str = ""


# --- captions ----------------------------------------------------------------------------------------------------


def caption(one: Caption, kind: str) -> str:
    """The number, the formula and the few words of a step."""
    number = tag("span", text(one.number), class_=f"number {kind}") + " " if one.number else ""
    said = " " + tag("span", _by_hand(one.by_hand), class_=f"hand {kind}") if one.by_hand else ""
    said += "".join(" " + tag("span", arithmetic(words), class_="gloss") for words in (one.note, one.gloss) if words)
    pieces = [tag("span", maths(piece), class_="formula") for piece in _pieces(one.text)]
    return number + f"<br>{tag('span', class_='number')} ".join(pieces) + said


def caption_lines(one: Caption | None) -> int:
    """How many lines a caption takes."""
    return len(_pieces(one.text)) if one is not None else 1


def caption_breadth(one: Caption | None) -> int:
    """About how many characters wide a caption is."""
    if one is None:
        return 0
    words = sum(len(words) + 2 for words in (one.by_hand, one.note, one.gloss) if words)
    return max(map(len, _pieces(one.text))) + words


def _by_hand(words: str) -> str:
    """≈ for scores ÷ √dₖ: the formula as maths, plain words as words."""
    lead, found, formula = words.partition(" for ")
    return f"{text(lead)} for {maths(formula)}" if found else text(words)


def _pieces(formula: str) -> list[str]:
    """A long formula in pieces of a line each, broken before a sign, inside as few brackets as will do."""
    out = [formula]
    for depth in range(4):
        if max(map(len, out)) <= CAPTION:
            break
        out = [""]
        for piece in _split(formula, depth):
            if out[-1] and len(out[-1]) + len(piece) > CAPTION:
                out.append(piece)
            else:
                out[-1] += f" {piece}" if out[-1] else piece
    return out


def _split(formula: str, deepest: int) -> list[str]:
    """A formula cut before every sign that stands inside at most so many brackets."""
    depth, start, out = 0, 0, []
    for at, char in enumerate(formula):
        depth += (char in "([") - (char in ")]")
        if char in SPLIT and at > start and formula[at - 1] == " " and depth <= deepest:
            out.append(formula[start : at - 1])
            start = at
    return [*out, formula[start:]]


# --- the lines beside a result -----------------------------------------------------------------------------------


def lines(works: Sequence[Work], notes: Sequence[str], height: int, says: Sequence[str] = ()) -> list[Line]:
    """All lines beside a result of `height` rows, each on its row or on the next free one."""
    out: list[Line] = []
    at = 0
    shapes = _shapes([work.sums for work in works if work.sums and work.row is not None and not _is_long(work)])
    for work in works:
        wanted = height if work.row is None else work.row
        for place, html in enumerate(_written(work, shapes)):
            at = max(at, wanted)
            out.append(Line(at, html, work.cell if place == 0 else "", "sum" if work.sums else "words"))
            at += 1
    for kind, several in (("note", notes), ("says", says)):
        for said in several:
            for piece in wrap(said, MOST, break_on_hyphens=False) or [""]:
                out.append(Line(at, arithmetic(piece), kind=kind))
                at += 1
    return out


def listed(found: Sequence[Line], kind: str, room: int = 0) -> str:
    """The lines as a list; a worksheet has `room` for so many, to write on."""
    items = [
        tag("li", line.html, class_=line.kind, style=f"grid-row:{line.row + 1}", data_of=line.cell) for line in found
    ]
    free = set(range(room)) - {line.row for line in found}
    items += [tag("li", class_="room", style=f"grid-row:{row + 1}", aria_hidden="true") for row in sorted(free)]
    return tag("ol", *items, class_=f"work {kind}") if items else ""


def count(found: Sequence[Line]) -> int:
    """How many rows the lines take."""
    return max((line.row + 1 for line in found), default=0)


def longest(found: Sequence[Line]) -> int:
    """About how many characters the longest line has."""
    return max((len(re.sub(r"<[^>]*>", "", line.html)) for line in found), default=0)


def turns(block: Turns, kind: str) -> str:
    """The arithmetic of a loop as a table: one turn a line, a column for each cell."""
    head = tag("tr", tag("td"), *(tag("th", maths(name), scope="col") for name, _ in block.columns))
    shapes = [_shapes([(one,) for one in sums]) for _, sums in block.columns]
    rows = [
        tag(
            "tr",
            tag("th", text(turn), scope="row"),
            *(
                tag("td", _sum(sums[k], shape[0]) if k < len(sums) else "")
                for (_, sums), shape in zip(block.columns, shapes, strict=True)
            ),
        )
        for k, turn in enumerate(block.turns)
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows), class_=f"turns work {kind}")


# --- one line ----------------------------------------------------------------------------------------------------


class _Shape(NamedTuple):
    """The widths that the sums in one place share, so that terms and results stand under each other."""

    terms: tuple[int, ...] = ()
    before: int = 0
    after: int = 0


ALONE = _Shape()


def _shapes(measured: Sequence[Sequence[Sum]]) -> list[_Shape]:
    """The shape of each place, of lines with one or more sums."""
    shapes = []
    for k in range(max(map(len, measured), default=0)):
        sums = [line[k] for line in measured if k < len(line)]
        most = max(len(one.terms) for one in sums)
        terms = tuple(max(len(_term(s.terms[j], j)) for s in sums if j < len(s.terms)) for j in range(most))
        halves = [one.result.partition(".") for one in sums]
        after = max(len(point + rest) for _, point, rest in halves)
        shapes.append(_Shape(terms, max(len(whole) for whole, _, _ in halves), after))
    return shapes


def _term(term: Term, place: int) -> str:
    return term.sign + term.text if place == 0 and term.sign != "+" else term.text


def _written(work: Work, shapes: Sequence[_Shape]) -> list[str]:
    """A worked line; several, if it is too long for one."""
    if not work.sums:
        return [text(piece) for piece in wrap(work.words, MOST, break_on_hyphens=False) or [""]]
    where = " " + tag("span", text(work.where), class_="gloss") if work.where else ""
    if _is_long(work):
        return _broken(work, where)
    aligned = work.row is not None
    sums = [_sum(one, shapes[k] if aligned and k < len(shapes) else ALONE) for k, one in enumerate(work.sums)]
    return [tag("span", " ", class_="gap").join(sums) + where]


def _is_long(work: Work) -> bool:
    return sum(sum(len(term.text) + 3 for term in one.terms) + len(one.result) + 3 for one in work.sums) > MOST


def _sum(line: Sum, shape: _Shape) -> str:
    pieces = []
    for place, term in enumerate(line.terms):
        pieces.append(_one_term(term, place, shape.terms[place] if place < len(shape.terms) else 0))
    spare = shape.terms[len(line.terms) :]
    if spare:
        pieces.append(tag("span", class_="t", style=f"--c:{sum(spare) + 2 * len(spare)}"))
    return " ".join(pieces) + " " + _tail(line, shape)


def _one_term(term: Term, place: int, wide: int = 0) -> str:
    zero, style = " zero" if term.zero else "", f"--c:{wide}" if wide else ""
    if place == 0:
        return tag("span", arithmetic(_term(term, 0)), class_=f"t first{zero}", style=style)
    sign = tag("span", text(term.sign), class_=f"sign{zero}")
    return f"{sign} {tag('span', arithmetic(term.text), class_=f't{zero}', style=style)}"


def _tail(line: Sum, shape: _Shape = ALONE) -> str:
    _, point, rest = line.result.partition(".")
    style = f"--c:{shape.before + shape.after};--r:{max(0, shape.after - len(point + rest))}" if shape.before else ""
    out = tag("span", text(line.relation), class_="relation") + " " + tag("b", arithmetic(line.result), style=style)
    if line.by_hand:
        out += f" {tag('span', '≈', class_='hand')} {tag('b', arithmetic(line.by_hand), class_='hand')}"
    return out + (" " + tag("span", text(line.aside), class_="gloss") if line.aside else "")


def _broken(work: Work, where: str) -> list[str]:
    """A long line in pieces, broken between terms."""
    rows: list[list[str]] = [[]]
    used = 0
    for one in work.sums:
        for place, term in enumerate(one.terms):
            wide = len(term.text) + 3
            if used and used + wide > MOST:
                rows.append([tag("span", class_="more")])
                used = 0
            rows[-1].append(_one_term(term, place))
            used += wide
        rows[-1].append(_tail(one))
        used += len(one.result) + 4
    return [" ".join(row) + ("" if k else where) for k, row in enumerate(rows)]


def arithmetic(words: str) -> str:
    """Arithmetic in running text: what stands behind ^ is raised."""
    out, at = "", 0
    for found in RAISED.finditer(words):
        upper = found[1]
        is_bracket = upper.startswith("(")
        out += text(words[at : found.start()]) + hidden("^(" if is_bracket else "^")
        out += tag("sup", text(upper[1:-1] if is_bracket else upper)) + hidden(")" if is_bracket else "")
        at = found.end()
    return out + text(words[at:])
