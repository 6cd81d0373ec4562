"""Worked lines as formulas below each other, their signs lined up. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence

from nnsteps.document import Sum, Term, Work
from nnsteps.render.tex import flat, tex, words

MOST_WIDTH = 64  # letters of a row before it is broken


def worked(lines: Sequence[Work]) -> str:
    """Worked lines below each other; "" for none."""
    found = [_row(line) for line in lines if line.sums]
    if not found:
        return ""
    return "\\begin{aligned}\n" + " \\\\\n".join(row for rows in found for row in rows) + "\n\\end{aligned}"


def turned(name: str, turns: Sequence[str], sums: Sequence[Sum]) -> str:
    """The arithmetic of one cell of a loop: its name, then a line for each turn."""
    lines = [rf"{flat(name)} &:"]
    lines += [rf"{tex(turn)} & \qquad {_sum(one, '')}" for turn, one in zip(turns, sums, strict=True)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _row(work: Work) -> list[str]:
    """One line: the cell, its arithmetic, the result. Several sums stand beside each other."""
    if len(work.sums) > 1:
        body = r" & \qquad ".join(_sum(one, "&") for one in work.sums)
        return [body + _said(work.where)]
    (one,) = work.sums
    if one.relation not in ("=", "≈") or not work.cell or work.cell == _text(one.terms):
        return [_sum(one, "&") + _said(work.where)]
    pieces = _broken(one.terms)
    found = [rf"{flat(work.cell)} &= {tex(_text(pieces[0]))}"]
    for piece in pieces[1:]:  # a sign at the beginning of a row belongs to the sum
        found.append(rf"&\quad {{}}{tex(' '.join(f'{term.sign} {term.text}' for term in piece))}")
    found[-1] += " " + _result(one)
    return found


def _sum(one: Sum, mark: str) -> str:
    return f"{tex(_text(one.terms))} {mark}{_result(one)}"


def _result(one: Sum) -> str:
    text = f"{tex(one.relation)} {tex(one.result)}"
    if one.by_hand:
        text += rf" \approx {tex(one.by_hand)}"
    return text + _said(one.aside)


def _said(text: str) -> str:
    return rf" \quad {words(f'({text})')}" if text else ""


def _text(terms: Sequence[Term]) -> str:
    """Terms as one text in the signs of paper; the first shows its sign only if it is negative."""
    first = f"{terms[0].sign.replace('+', '')}{terms[0].text}"
    return " ".join([first, *(f"{term.sign} {term.text}" for term in terms[1:])])


def _broken(terms: Sequence[Term]) -> list[list[Term]]:
    """Terms in rows that are not too wide."""
    found: list[list[Term]] = [[]]
    width = 0
    for term in terms:
        size = len(term.text) + 3
        if found[-1] and width + size > MOST_WIDTH:
            found.append([])
            width = 0
        found[-1].append(term)
        width += size
    return found
