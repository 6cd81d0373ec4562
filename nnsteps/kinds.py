"""Kinds of numbers that a given value can be drawn from. Knows no files and no rules.

To add a kind: a class with `draw` and `room` here, and its reader in nnsteps.variation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nnsteps.draws import WORDS, Draws
from nnsteps.ops import Array, Shape
from nnsteps.values import Words


class Kind(Protocol):
    """How the value of one name is drawn."""

    def draw(self, draws: Draws, name: str, shape: Shape) -> Array | Words:
        """Another value of this shape."""

    def room(self, shape: Shape) -> float:
        """The logarithm of how many values there are."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Each cell one of some numbers; `still` marks cells that stay 0."""

    numbers: tuple[float, ...]
    still: Array | None = None

    def draw(self, draws: Draws, name: str, shape: Shape) -> Array:
        picked = draws.numbers(len(self.numbers), name, math.prod(shape))
        value = np.array([self.numbers[place] for place in picked]).reshape(shape)
        return value if self.still is None else np.where(self.still, 0.0, value)

    def stack(self, many: Sequence[Draws], name: str, shape: Shape) -> Array:
        """The values of several attempts, with one more side in front: the same as `draw` one by one, quickly."""
        n, count = len(self.numbers), math.prod(shape)
        words = np.frombuffer(b"".join([draws.words(name, count) for draws in many]), dtype=">u4")
        words = words.reshape(len(many), -1)[:, :count]
        picked = words % n
        for place in np.flatnonzero((words >= WORDS - WORDS % n).any(axis=1)).tolist():
            picked[place] = many[place].numbers(n, name, count)
        value = np.array(self.numbers)[picked].reshape(-1, *shape)
        return value if self.still is None else np.where(self.still, 0.0, value)

    def room(self, shape: Shape) -> float:
        cells = math.prod(shape) if self.still is None else int((~self.still.astype(bool)).sum())
        return cells * math.log(len(set(self.numbers)))


@dataclass(frozen=True, slots=True)
class Whole:
    """One of some whole arrays."""

    arrays: tuple[Array, ...]

    def draw(self, draws: Draws, name: str, shape: Shape) -> Array:
        return self.arrays[draws.numbers(len(self.arrays), name, 1)[0]]

    def room(self, shape: Shape) -> float:
        return math.log(len(self.arrays))


@dataclass(frozen=True, slots=True)
class OneHot:
    """A single 1 in each column."""

    def draw(self, draws: Draws, name: str, shape: Shape) -> Array:
        value = np.zeros(shape)
        rows, columns = shape[-2], shape[-1]
        value[draws.numbers(rows, name, columns), range(columns)] = 1.0
        return value

    def room(self, shape: Shape) -> float:
        return shape[-1] * math.log(shape[-2])


@dataclass(frozen=True, slots=True)
class Permutation:
    """The file's own numbers in another order: its rows (axis 0), its columns (axis 1) or all of its cells."""

    value: Array
    axis: int | None = None

    def draw(self, draws: Draws, name: str, shape: Shape) -> Array:
        flat = self.value if self.axis is not None else self.value.reshape(-1)
        order = draws.order(flat.shape[self.axis or 0], name)
        return np.take(flat, order, axis=self.axis or 0).reshape(shape)

    def room(self, shape: Shape) -> float:
        parts = self.value.reshape(-1, 1) if self.axis is None else np.moveaxis(self.value, self.axis, 0)
        alike = [parts[k].tobytes() for k in range(len(parts))]
        return math.lgamma(len(alike) + 1) - sum(math.lgamma(alike.count(part) + 1) for part in set(alike))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """As many different words as the file has, in any order."""

    words: Words

    def draw(self, draws: Draws, name: str, shape: Shape) -> Words:
        return tuple([self.words[place] for place in draws.order(len(self.words), name)[: shape[0]]])

    def room(self, shape: Shape) -> float:
        return math.lgamma(len(self.words) + 1) - math.lgamma(len(self.words) - shape[0] + 1)
