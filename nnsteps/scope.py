"""What the names of a formula stand for, and where it is written. Computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnsteps.errors import Place
from nnsteps.formula import Call, Expr, Name, Slice, Word, mapped, number


@dataclass(frozen=True)
class Scope:
    """What a formula's names stand for, and where it is written."""

    names: Mapping[str, int]
    place: Place | None = None
    inner: bool = False  # a body or a rule: errors point at the whole of `place`
    options: Mapping[str, Any] = field(default_factory=dict)
    special: Mapping[str, Callable[[Call, Scope], int]] = field(default_factory=dict)
    step: str = ""
    values: Mapping[str, float | str] = field(default_factory=dict)  # the names of loops, and what they are now
    picked: dict[int, tuple[Name, int]] = field(default_factory=dict)  # parts of the formula that were read as a member

    def at(self, expr: Expr | Slice) -> Place | None:
        """Where this part of the formula is in the file."""
        if self.place is None or self.inner:
            return self.place
        start, end = expr.span
        return self.place.part(start, max(1, end - start))

    def shown(self, expr: Expr) -> Expr:
        """A formula as it stands now: loop names as what they are, members as the ones that were picked."""
        if not self.picked and not self.values:
            return expr
        if id(expr) in self.picked:
            return self.picked[id(expr)][0]
        if isinstance(expr, Name) and expr.id in self.values:
            value = self.values[expr.id]
            return Word(value) if isinstance(value, str) else number(value)
        return mapped(expr, self.shown)
