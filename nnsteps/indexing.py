"""What an index picks: members of a family, rows, columns, cells. Evaluates nothing; indices come as they were read."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from nnsteps.errors import BadValue, Place, ShapeError, UnknownName, nearest
from nnsteps.expr import Expr, Slice
from nnsteps.families import Family
from nnsteps.mishaps import number_of
from nnsteps.ops import Shape, side_text
from nnsteps.trace import Sides


class Picks(NamedTuple):
    """Some places or words, one by one."""

    keys: tuple[int | str, ...]
    shape: Shape  # of the value they were read from; 1×1 means a single one
    place: Place | None
    text: str

    @property
    def is_single(self) -> bool:
        return set(self.shape) == {1}


class Span(NamedTuple):
    """All places from one to another, both included; None is the end of the side."""

    low: int | None
    high: int | None
    place: Place | None


Reading = Picks | Span


def whole(expr: Expr | Slice) -> Span:
    """A side that is taken as it is."""
    return Span(None, None, None)


# --- families ----------------------------------------------------------------------------------------------------


def members(family: Family, readings: list[Reading], place: Place | None) -> tuple[list[str], bool]:
    """The names of the members that an index picks, and whether it is a single one."""
    if len(readings) == 1 and isinstance(readings[0], Span):
        found = family.between(readings[0].low, readings[0].high)
        if not found:
            raise UnknownName(f"no member of {family.name} is there", place=place, hint=_has(family))
        return found, False
    sides = [_keys(family, k, reading) for k, reading in enumerate(readings)]
    keys = list(itertools.product(*sides))
    if any(isinstance(reading, Span) for reading in readings):  # of a slice the members that are there
        keys = [key for key in keys if family.find(key) is not None]
        if not keys:
            raise UnknownName(f"no member of {family.name} is there", place=place, hint=_has(family))
    names = [_member(family, key, place) for key in keys]
    return names, all(isinstance(reading, Picks) and reading.is_single for reading in readings)


def _keys(family: Family, side: int, reading: Reading) -> list[int | str]:
    if isinstance(reading, Picks):
        return list(reading.keys)
    known = [key[side] for key in family.members if len(key) > side]
    low, high = reading.low if reading.low is not None else 1, reading.high
    return sorted({k for k in known if isinstance(k, int) and k >= low and (high is None or k <= high)})


def _member(family: Family, key: tuple[int | str, ...], place: Place | None) -> str:
    found = family.find(key)
    if found is not None:
        return found
    text = ",".join(str(part) for part in key)
    lengths = {len(known) for known in family.members}
    if len(key) not in lengths:
        count = number_of(max(lengths), "index")
        hint = f"A cell of a member is written {family.name}[{key[0]}][…]." if len(key) > max(lengths) else _has(family)
        message = f"{family.name} is a family with {count}, [{text}] has {len(key)}"
        raise UnknownName(message, place=place, hint=hint)
    words = [str(known[-1]) for known in family.members]
    near = nearest(str(key[-1]), words) if isinstance(key[-1], str) else None
    raise UnknownName(
        f"there is no {family.name}[{text}]", place=place, hint=f"Did you mean {near}?" if near else _has(family)
    )


def _has(family: Family) -> str:
    names = list(family.members.values())
    if not names:
        return f"{family.name} has no members yet."
    listed = ", ".join(names if len(names) <= 8 else [*names[:6], "…", names[-1]])
    return f"Its members: {listed}."


# --- cells of arrays ---------------------------------------------------------------------------------------------


def places(
    text: str, shape: Shape, labels: Sides, readings: list[Reading], place: Place | None
) -> tuple[tuple[int, ...], ...]:
    """For each side of an array the places that are taken, from 0.

    Errors: ShapeError for a place that is not there or too few indices, BadValue for an empty slice.
    """
    readings = _completed(text, shape, labels, readings)
    if len(readings) != len(shape):
        hint = f"Write {text}[row, column], row({text}, k) or col({text}, k)." if len(shape) == 2 else None
        count = number_of(len(shape), "index")
        message = f"{text} ({side_text(shape)}) needs {count}, it has {len(readings)}"
        raise ShapeError(message, place=place, hint=hint)
    sides = zip(readings, shape, strict=True)
    return tuple(_side(text, axis, side, labels, reading) for axis, (reading, side) in enumerate(sides))


def _completed(text: str, shape: Shape, labels: Sides, readings: list[Reading]) -> list[Reading]:
    """One index for a column or a row means its entry; a single word means the row or column of that name."""
    everything = Span(None, None, None)
    if len(readings) < len(shape) and len(shape) > 2:
        return [*readings, *[everything] * (len(shape) - len(readings))]  # x[1] is the first table of a stack
    if len(readings) != 1 or len(shape) != 2:
        return readings
    (only,) = readings
    if isinstance(only, Picks) and only.keys and all(isinstance(key, str) for key in only.keys):
        sides = [axis for axis in (1, 0) if set(only.keys) <= set(labels[axis] or ())]
        if len(sides) > 1:
            hint = f"Write {text}[{only.text}, :] or {text}[:, {only.text}]."
            raise BadValue(f"{only.text} is the name of a row and of a column", place=only.place, hint=hint)
        for axis in sides:
            return [only, everything] if axis == 0 else [everything, only]
    if 1 in shape:
        return [only, everything] if shape[1] == 1 else [everything, only]
    return readings


def _side(text: str, axis: int, side: int, labels: Sides, reading: Reading) -> tuple[int, ...]:
    noun = ("row", "column")[axis] if axis < 2 else "entry"
    if isinstance(reading, Span):
        low, high = reading.low if reading.low is not None else 1, reading.high if reading.high is not None else side
        for number in (low, high):
            _check(text, number, side, noun, reading.place)
        if high < low:
            hint = f"Both ends belong to it, the smaller first: {high}:{low}."
            raise BadValue(f"the slice {low}:{high} is empty", place=reading.place, hint=hint)
        return tuple(range(low - 1, high))
    words = labels[axis] if axis < 2 else None
    out = []
    for key in reading.keys:
        if isinstance(key, int):
            _check(text, key, side, noun, reading.place)
            out.append(key - 1)
        elif words is None or key not in words:
            near = nearest(key, words or ())
            hint = f"Did you mean {near}?" if near else f"Give its {noun}s names under `labels`, or write a number."
            raise UnknownName(f"{text} has no {noun} called {key}", place=reading.place, hint=hint)
        else:
            out.append(words.index(key))
    return tuple(out)


def _check(text: str, number: int, side: int, noun: str, place: Place | None) -> None:
    if not 1 <= number <= side:
        hint = f"It has {number_of(side, noun)}; indices count from 1."
        if number < 0:
            hint = f"The last {noun} is {side}: indices count from 1, and none from the end."
        raise ShapeError(f"{text} has no {noun} {number}", place=place, hint=hint)
