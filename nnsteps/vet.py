"""Are the variants of a problem varied and fair? Makes many of them and counts. Prints nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnsteps.errors import LimitError
from nnsteps.fairness import SLACK, effort_of
from nnsteps.practice import Practice, Variant
from nnsteps.problem import Problem
from nnsteps.rounding import SIGNIFICANT
from nnsteps.trace import Trace

MOST_GUESSED = 0.8  # of the answers, by always writing the likeliest number
MOST_TWICE = 0.1  # of the variants
MOST_SHOWN = 6  # rules and constraints, those that rejected most
MOST_SOLVED = 500  # attempts that no plan applied to, so that they had to be solved, …
MOST_SOLVED_EACH = 10  # … and for each variant so many more


@dataclass(frozen=True, slots=True)
class Findings:
    """What was counted."""

    name: str
    count: int
    attempts: int
    rejected: tuple[tuple[str, int], ...]
    effort: tuple[int, int, int, int]  # of the original; least, median and most of the variants
    answers: float  # how many numbers a sheet asks for
    zeros: float
    ones: float
    guessed: float
    room: float  # decimal logarithm of how many variants there are, about
    twice: int  # variants whose numbers came before
    failures: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against handing out these sheets."""
        return not self.failures

    def lines(self) -> Iterator[str]:
        """The report, line by line."""
        verdict = "ok" if self.ok else "NOT FAIR"
        share = self.count / self.attempts if self.attempts else 0.0
        tried = f"{self.count:,} variants of {self.attempts:,} attempts"
        yield f"{verdict}  {self.name}   {tried} ({_percent(share)} accepted)"
        total = sum(count for _, count in self.rejected)
        if total:
            parts = [f"{name} {_percent(count / total)}" for name, count in self.rejected[:MOST_SHOWN]]
            yield f"    rejected by   {', '.join(parts)}"
        if self.count:
            original, least, median, most = self.effort
            spread = f"{least} to {most} products with no factor 0, mostly {median}"
            yield f"    effort        {spread} (original {original})"
            yield (
                f"    answers       {self.answers:.0f} numbers a sheet, {_percent(self.zeros)} of them 0, "
                f"{_percent(self.ones)} of them 1; the likeliest numbers are right in {_percent(self.guessed)}"
            )
            room, pairs = 10.0 ** min(self.room, 300), self.count * (self.count - 1) / 2
            twice = f"{self.twice} came twice, {pairs / room:.1g} expected"
            yield f"    room          about {_size(self.room)} variants; {twice}"
        for failure in self.failures:
            yield f"    {failure}"


def examine(problem: Problem, count: int, seed: int) -> Findings:
    """What `count` variants of a problem are like. Errors: StepsError where its practice section is wrong."""
    practice = Practice(problem)
    tally, seen, twice = _Tally(), set[str](), 0
    failures = []
    variants = practice.variants(seed, map(str, range(1, count + 1)))
    try:
        for number, variant in enumerate(variants, start=1):
            if practice.solved > MOST_SOLVED + MOST_SOLVED_EACH * number and practice.rejected:
                worst, rejected = practice.rejected.most_common(1)[0]
                slow = f"{practice.solved:,} attempts went ways of their own and had to be solved"
                failures.append(f"given up after {number} variants: {slow}; `{worst}` rejected {rejected:,}")
                break
            key = practice.text(variant).split("given:", 1)[-1]
            twice += key in seen
            seen.add(key)
            tally.add(variant)
    except LimitError as error:
        failures.append(error.message)
    made = tally.count
    room = _room(practice, made)
    if made and twice > MOST_TWICE * made:
        failures.append(f"{twice} of {made} variants came twice: let more numbers vary")
    if tally.guessed() > MOST_GUESSED:
        failures.append(f"{_percent(tally.guessed())} of the answers can be guessed: let more numbers vary")
    efforts = sorted(tally.efforts) or [0]
    return Findings(
        problem.name, made, practice.attempts, tuple(practice.rejected.most_common()),
        (effort_of(practice.original), efforts[0], efforts[len(efforts) // 2], efforts[-1]),
        tally.cells / max(1, made), tally.zeros / max(1, tally.cells), tally.ones / max(1, tally.cells),
        tally.guessed(), room, twice, tuple(failures),
    )  # fmt: skip


class _Tally:
    """What the answers of many variants are, cell by cell."""

    def __init__(self) -> None:
        self.count = self.cells = self.zeros = self.ones = 0
        self.efforts: list[int] = []
        self._numbers: dict[tuple[str, int], Counter[str]] = {}

    def add(self, variant: Variant) -> None:
        """Count one more."""
        trace = variant.by_hand
        self.count += 1
        self.efforts.append(effort_of(trace))
        for step in _answers(trace, variant):
            cells = trace.value(step).ravel()
            self.cells += cells.size
            self.zeros += int((np.abs(cells) <= SLACK).sum())
            self.ones += int((np.abs(cells - 1) <= SLACK).sum())
            for place, number in enumerate(cells.tolist()):
                key = trace.keys[step], place
                self._numbers.setdefault(key, Counter())[f"{number + 0.0:.{SIGNIFICANT}g}"] += 1

    def guessed(self) -> float:
        """The share of answers that are right if the likeliest number is written into every cell."""
        right = sum(counter.most_common(1)[0][1] for counter in self._numbers.values())
        return right / max(1, self.cells)


def _answers(trace: Trace, variant: Variant) -> Iterator[int]:
    """The nodes of the steps that depend on what varies."""
    drawn = {trace.given[name] for name in variant.numbers}
    for step in trace.steps:
        if step.node in trace.keys and trace.ancestors(step.node) & drawn:
            yield step.node


def _room(practice: Practice, accepted: int) -> float:
    """The decimal logarithm of how many accepted variants there are, by the share that was accepted."""
    share = max(accepted, 0.5) / max(1, practice.attempts)
    return (practice.variation.room() + math.log(share)) / math.log(10)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def _size(logarithm: float) -> str:
    return f"{10**logarithm:.0f}" if logarithm < 4 else f"10^{logarithm:.1f}"
