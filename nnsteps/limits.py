"""How large a problem may be: every limit with its name, its usual value and what it counts. Measures nothing itself.

A problem carries its limits, from the reader to the last step of its solution, so that whatever a file holds, solving
it ends soon and in little memory. Each of them can be raised by name: `--limit cells=5000000`, or limits={"cells": …}.

To add a limit: a line in the table, and `exceeded` where it is counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from nnsteps.errors import LimitError, Place, UsageError, nearest

Limits: TypeAlias = Mapping[str, int]
LARGEST = 10**15


class Limit(NamedTuple):
    """The usual value of a limit, and what it counts."""

    usual: int
    counts: str


LIMITS: Mapping[str, Limit] = MappingProxyType({
    "file": Limit(2_000_000, "bytes of a problem file"),
    "parts": Limit(100_000, "texts, lists and mappings of a problem file"),
    "nesting": Limit(50, "lists and mappings inside each other"),
    "text": Limit(4_000, "characters of one formula, sentence or name"),
    "brackets": Limit(100, "brackets of a formula that are open at once"),
    "depth": Limit(200, "parts of a formula inside each other, such as the terms of a sum"),
    "digits": Limit(40, "characters of one number in a formula"),
    "exponent": Limit(1_000, "the exponent of a power that is written in a formula"),
    "numbers": Limit(50_000, "numbers of one given list or table, or of a practice range"),
    "cells": Limit(2_000_000, "numbers of all values together, those between the steps too"),
    "work": Limit(2_000_000_000, "multiplications and additions of all operations together"),
    "operations": Limit(60_000, "operations of all steps together"),
    "steps": Limit(10_000, "steps, as loops and repeated headings run them, gradients too"),
    "turns": Limit(10_000, "turns of all loops together, and repeated headings"),
})  # fmt: skip
USUAL: Limits = MappingProxyType({name: limit.usual for name, limit in LIMITS.items()})


def with_changes(changes: Mapping[str, int], where: str = "limits") -> Limits:
    """The usual limits with some of them changed. Errors: UsageError for a name or a number that is none."""
    for name, number in changes.items():
        if name not in LIMITS:
            near = nearest(name, LIMITS)
            hint = (f"Did you mean {near}? " if near else "") + f"There are {', '.join(LIMITS)}."
            raise UsageError(f"there is no limit called {name or 'so'}", where=where, hint=hint)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST:
            raise UsageError(f"the limit {name} cannot be {number}", where=where, hint="It is a whole number from 1.")
    return MappingProxyType({**USUAL, **changes})


def exceeded(
    name: str, limits: Limits, message: str, found: float | None = None, *,
    place: Place | None = None, where: str | None = None, hint: str = "",
) -> LimitError:  # fmt: skip
    """The error for a problem that is too large, with how to allow it; `found` is how many there are, where known."""
    enough = _rounded_up(found if found is not None else 10 * limits[name])
    words = f"--limit {name}={enough} allows more." if enough <= LARGEST else f"No --limit {name} is as large as this."
    return LimitError(message, place=place, where=where, hint=f"{hint}\n{words}".lstrip())


def many(count: int) -> str:
    """So many, as a person says it."""
    return f"{count:,}" if count < LARGEST else "far too many"


def _rounded_up(number: float) -> int:
    """The next number with two digits and zeros."""
    if number > LARGEST:
        return LARGEST + 1
    whole = math.ceil(number)
    unit: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // unit) * unit
