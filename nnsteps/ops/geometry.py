"""Where the windows of a filter lie on an image, for arrays of four sides: examples × channels × rows × columns.

Theory of operation. A convolution is a sum over triples (cell of the image, cell of the filter, cell of the result).
`Geometry` knows the triples, from each of the three ends, and adds up whole arrays over them. Arrays of other ranks are
lifted to four sides by `Sides`. Knows no operations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nnsteps.ops.registry import Array, At, Cost, Shape

Pair = tuple[int, int]
Four = tuple[int, int, int, int]


class Sides(NamedTuple):
    """Which of the four sides an array has; the others are 1."""

    kept: tuple[int, ...]

    def lift(self, shape: Shape) -> Four:
        """The four sides of a shape."""
        full = [1, 1, 1, 1]
        for side, length in zip(self.kept, shape, strict=True):
            full[side] = length
        return full[0], full[1], full[2], full[3]

    def own(self, place: tuple[int, ...]) -> tuple[int, ...]:
        """The sides, or the place, that the array itself has of four."""
        return tuple(place[side] for side in self.kept)

    def full(self, at: At) -> Four:
        """The place of a cell in four sides."""
        place = [0, 0, 0, 0]
        for side, k in zip(self.kept, at, strict=True):
            place[side] = k
        return place[0], place[1], place[2], place[3]


class Geometry(NamedTuple):
    """Where windows lie: which cell of the image meets which cell of the filter in which cell of the result."""

    image: Four
    filter: Four
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    @property
    def out(self) -> Four:
        """The sides of the result: (W − F + 2P) / S + 1, where F is how far a filter reaches."""
        rows, columns = (
            (self.image[2 + k] + 2 * self.padding[k] - self.dilation[k] * (self.filter[2 + k] - 1) - 1)
            // self.stride[k] + 1
            for k in (0, 1)
        )  # fmt: skip
        return self.image[0], self.filter[0], rows, columns

    @property
    def cost(self) -> Cost:
        """What a sum over all triples takes, whichever end it is for: every cell of the result meets a whole filter."""
        sides = [side + 2 * more for side, more in zip(self.image[2:], self.padding, strict=True)]
        cells, padded = math.prod(self.out), math.prod(self.image[:2]) * math.prod(sides)
        return Cost(max(cells, padded, math.prod(self.filter)), 2 * cells * math.prod(self.filter[1:]) + padded)

    def source(self, k: int, place: int, offset: int) -> int:
        """The row (k = 0) or column (k = 1) of the image under a filter's own, in the window at `place`."""
        return place * self.stride[k] + offset * self.dilation[k] - self.padding[k]

    def windows(self, k: int, source: int, offset: int) -> int | None:
        """The window in which this row or column of the image lies under that of the filter; None: in none."""
        place, rest = divmod(source + self.padding[k] - offset * self.dilation[k], self.stride[k])
        return place if rest == 0 and 0 <= place < self.out[2 + k] else None

    def group(self, channel: int) -> int:
        """The group that a channel of the result belongs to."""
        return channel // (self.filter[0] // self.groups)

    # --- cells ---

    def at_result(self, at: Four) -> Iterator[tuple[Four, Four]]:
        """The pairs (image, filter) whose products make a cell of the result; padding is left out."""
        n, o, i, j = at
        first = self.group(o) * self.filter[1]
        for c, p, q in np.ndindex(*self.filter[1:]):
            row, column = self.source(0, i, p), self.source(1, j, q)
            if 0 <= row < self.image[2] and 0 <= column < self.image[3]:
                yield (n, first + c, row, column), (o, c, p, q)

    def at_image(self, at: Four) -> Iterator[tuple[Four, Four]]:
        """The pairs (result, filter) that a cell of the image takes part in."""
        n, channel, row, column = at
        group, c = divmod(channel, self.filter[1])
        each = self.filter[0] // self.groups
        for o, p, q in np.ndindex(each, *self.filter[2:]):
            i, j = self.windows(0, row, p), self.windows(1, column, q)
            if i is not None and j is not None:
                yield (n, group * each + o, i, j), (group * each + o, c, p, q)

    def at_filter(self, at: Four) -> Iterator[tuple[Four, Four]]:
        """The pairs (image, result) that a cell of the filter takes part in."""
        o, c, p, q = at
        for n, i, j in np.ndindex(self.image[0], *self.out[2:]):
            row, column = self.source(0, i, p), self.source(1, j, q)
            if 0 <= row < self.image[2] and 0 <= column < self.image[3]:
                yield (n, self.group(o) * self.filter[1] + c, row, column), (n, o, i, j)

    # --- arrays ---

    def views(self, padded: Array) -> Iterator[tuple[int, int, Array]]:
        """For each cell p, q of the filter the part of the padded image that it meets, in all windows at once."""
        _, _, rows, columns = self.out
        for p, q in np.ndindex(*self.filter[2:]):
            top, left = p * self.dilation[0], q * self.dilation[1]
            down = slice(top, top + self.stride[0] * (rows - 1) + 1, self.stride[0])
            across = slice(left, left + self.stride[1] * (columns - 1) + 1, self.stride[1])
            yield p, q, padded[:, :, down, across]

    def _apart(self, x: Array, axis: int) -> Array:
        """x with the groups of its channels on a side of their own."""
        return x.reshape(*x.shape[:axis], self.groups, -1, *x.shape[axis + 1 :])

    def padded(self, x: Array, value: float = 0.0) -> Array:
        """The image with its padding around it."""
        rows, columns = self.padding
        return np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)), constant_values=value)

    def forward(self, x: Array, w: Array) -> Array:
        """The result."""
        total = np.zeros(self.out)
        filters = self._apart(w, 0)
        for p, q, part in self.views(self.padded(x)):
            met = np.einsum("ngcij,goc->ngoij", self._apart(part, 1), filters[..., p, q])
            total += met.reshape(self.out)
        return total

    def to_image(self, g: Array, w: Array) -> Array:
        """What goes back to the image: each cell of the result is handed to the cells it came from."""
        padded = self.padded(np.zeros(self.image))
        gradient, filters = self._apart(g, 1), self._apart(w, 0)
        for p, q, part in self.views(padded):
            part += np.einsum("ngoij,goc->ngcij", gradient, filters[..., p, q]).reshape(part.shape)
        rows, columns = self.padding
        return padded[:, :, rows : rows + self.image[2], columns : columns + self.image[3]]

    def to_filter(self, x: Array, g: Array) -> Array:
        """What goes back to the filter."""
        total = np.zeros(self.filter)
        gradient = self._apart(g, 1)
        for p, q, part in self.views(self.padded(x)):
            met = np.einsum("ngcij,ngoij->goc", self._apart(part, 1), gradient)
            total[:, :, p, q] = met.reshape(self.filter[:2])
        return total
