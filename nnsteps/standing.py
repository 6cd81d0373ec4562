"""How far a solution has come: the trace, what every name stands for right now, the headings and loops around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nnsteps.errors import Mistakes, Place, ShapeError
from nnsteps.evaluate import evaluate
from nnsteps.formula import Call, Expr, Name, Num, names, substitute
from nnsteps.mishaps import number_of
from nnsteps.ops import Array, side_text
from nnsteps.problem import Problem
from nnsteps.records import Turn
from nnsteps.rounding import style_for
from nnsteps.scope import Scope
from nnsteps.trace import Trace


@dataclass(frozen=True, slots=True)
class Settings:
    """How a problem is solved.

    exact:    leave the by-hand forms out
    expand:   take no shortcut in a gradient (on exact values only)
    rounding: inside (exact inside, rounded on paper), each-step, or fractions; None: as the problem says
    digits:   decimals on paper; None: as many as each block needs
    """

    exact: bool = False
    expand: bool = False
    rounding: str | None = None
    digits: int | None = None


@dataclass
class Standing:
    """Where a solution stands. It goes on as the steps are gone through."""

    problem: Problem
    settings: Settings
    trace: Trace
    now: dict[str, int] = field(default_factory=dict)  # the node that each name stands for
    values: dict[str, float | str] = field(default_factory=dict)  # the names of loops, and what they are
    heading: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    slopes: dict[tuple[int, int], int] = field(default_factory=dict)  # the gradients that are known, by loss and value
    special: Mapping[str, Callable[[Call, Scope], int]] = field(default_factory=dict)
    mistakes: Mistakes = field(default_factory=Mistakes)

    @property
    def rounding(self) -> str:
        return self.settings.rounding or self.problem.rounding

    @property
    def digits(self) -> int | None:
        return self.settings.digits if self.settings.digits is not None else self.problem.digits

    def scope(self, place: Place | None, step: str) -> Scope:
        """What the names of a formula mean now."""
        return Scope(self.now, place, special=self.special, step=step, values=self.values)

    def with_versions(self, formula: Expr) -> Expr:
        """The formula with the names of now: W1#2 where W1 has been given a new value."""
        keys = {name: self.trace.keys.get(self.now[name], name) for name in names(formula) if name in self.now}
        changed = {name: Name(key) for name, key in keys.items() if "#" in key}
        return substitute(formula, changed) if changed else formula

    def stand_for(self, node: int, by_hand: int) -> int:
        """A node like `node`, whose value is the one found by hand."""
        here = self.trace.nodes[node]
        other = self.trace.record(
            here.op, here.inputs, self.trace.value(by_hand), here.options, out=by_hand, by_hand=True
        )
        if by_hand in self.trace.wordy:
            self.trace.wordy.add(other)
        if node in self.trace.labels:
            self.trace.labels[other] = self.trace.labels[node]
        return other

    def as_written(self, node: int) -> int:
        """The value as it stands on paper, for the next step to go on with."""
        value = self.trace.value(node)
        digits = paper_digits(value, self.digits)
        rounded = evaluate(
            self.trace,
            Call("round", (Name("x"),), (("digits", Num(digits, str(digits))),)),
            Scope({"x": node}, inner=True),
        )
        if (self.trace.value(rounded) == value).all():
            return node
        return self.stand_for(node, rounded)

    def label(self, name: str) -> None:
        """Give a value the words that the file puts beside its rows and over its columns."""
        labels = self.problem.labels.get(name) or self.problem.labels.get(name.partition("[")[0])
        if labels is None:
            return
        trace, node = self.trace, self.now[name]
        shape, sides = trace.value(node).shape, list(trace.labels.get(node, (None, None)))
        for axis, label in enumerate(labels):
            if label is None:
                continue
            words = label.words
            if len(words) == 1 and words[0] in self.now and self.now[words[0]] in trace.wordy:
                words = trace.texts(self.now[words[0]])
            if len(shape) != 2 or len(words) != shape[axis]:
                side = ("rows", "columns")[axis]
                there = f"there {'is' if len(words) == 1 else 'are'} {number_of(len(words), 'name')}"
                message = f"{name} is {side_text(shape)}, {there} for its {side}"
                raise ShapeError(message, place=label.place, hint="One name for each.")
            sides[axis] = words
        trace.labels[node] = (sides[0], sides[1])


def paper_digits(value: Array, digits: int | None) -> int:
    """How many decimals a value has on paper; enough for two digits of a tiny number."""
    numbers = [float(x) for x in value.flat]
    style = style_for(numbers, digits)
    tiny = [abs(x) for x in numbers if x and abs(x) < 10.0**-style.decimals]
    if digits is None and tiny and max(map(abs, numbers)) < 1e-4:
        return min(15, 2 - math.floor(math.log10(min(tiny))))
    return style.decimals
