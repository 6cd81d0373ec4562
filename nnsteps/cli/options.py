"""What the words of the command line mean: choices, whole numbers, new numbers for a problem. Prints nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from nnsteps.errors import BadValue, StepsError, UsageError, nearest
from nnsteps.limits import Limits, with_changes

if TYPE_CHECKING:
    from nnsteps.problem import Problem
    from nnsteps.values import Numbers

SET_HINT = "Write --set 'x=[1, 2, 3]'."


def choice(option: str, value: str, known: Iterable[str]) -> str:
    """The value, which must be one of the known ones."""
    words = list(known)
    if value in words:
        return value
    near = nearest(value, words)
    hint = f"Did you mean {near}?" if near else f"Write one of: {', '.join(words)}."
    raise UsageError(f"{value or 'an empty text'} is not one of {', '.join(words)}", where=option, hint=hint)


def whole(option: str, value: str, least: int, most: int) -> int:
    """The whole number from `least` to `most` that the value writes."""
    try:
        number = int(value) if value.isascii() and "_" not in value else None
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        raise UsageError(f"{value or 'an empty text'} is not a whole number from {least} to {most}", where=option)
    return number


def limits(assignments: Iterable[str]) -> Limits:
    """The limits of `--limit cells=5000000`."""
    found: dict[str, int] = {}
    for text in assignments:
        name, equals, number = text.partition("=")
        if not equals or not re.fullmatch(r"[0-9]{1,16}", number):
            hint = "Write --limit cells=5000000."
            raise UsageError(f"{text or 'an empty text'} is not NAME=N", where="--limit", hint=hint)
        found[name] = int(number)
    return with_changes(found, "--limit")


def not_together(*options: tuple[str, bool]) -> None:
    """Refuse two options that exclude each other."""
    chosen = [name for name, is_there in options if is_there]
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} exclude each other", hint="Use one of the two.")


def with_numbers(problem: Problem, assignments: Iterable[str]) -> Problem:
    """The problem with the numbers of `--set 'x=[1, 2, 3]'`, read by the rules of problem files."""
    from nnsteps.changes import changed_given

    found: dict[str, Numbers] = {}
    for text in assignments:
        name, value = _assignment(text, problem.limits)
        if name in found:
            raise UsageError(f"{name} is set twice", where="--set")
        found[name] = value
    if not found:
        return problem
    try:
        return changed_given(problem, found)
    except StepsError as error:
        error.where = "--set"
        raise


def _assignment(text: str, limits: Limits) -> tuple[str, Numbers]:
    from nnsteps import reader, values

    name, equals, right = text.partition("=")
    if not equals or not name.strip() or not right.strip():
        shown = text if len(text) <= 40 else text[:39] + "…"
        raise UsageError(f"{shown or 'an empty text'} is not NAME=VALUE", where="--set", hint=SET_HINT)
    try:
        value = values.value(reader.read(" " * (len(name) + 1) + right, "--set", limits), name.strip())
    except StepsError as error:
        if error.place is not None and error.place.line == 1:
            error.place = replace(error.place, text=text.partition("\n")[0])
        raise
    if isinstance(value, tuple):
        raise BadValue(f"{name.strip()} would be words, not numbers", where="--set", hint=SET_HINT)
    return name.strip(), value
