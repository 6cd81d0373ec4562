"""Many arrays at once are the same as one after the other, for every operation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from nnsteps.ops import REGISTRY, Op
from nnsteps.ops.registry import stretches
from nnsteps.stacks import Function, joined, stacked
from tests.test_laws import drawn

OPS = sorted(REGISTRY)
Arrays = Sequence[np.ndarray]


def agree(op: Op, attempts: Sequence[Arrays], options: Mapping[str, Any]) -> None:
    """Value, margin and distance of some attempts at once, also where an argument is the same for all."""
    functions: list[Function | None] = [op.value, op.margin, op.distance]
    for function in filter(None, functions):
        at_once = stacked(op, function, options, [x.ndim for x in attempts[0]])
        for same in [None, *range(len(attempts[0]))]:
            inputs = [[attempts[0][k] if k == same else x for k, x in enumerate(attempt)] for attempt in attempts]
            stacks = [
                np.stack(xs) if k != same else xs[0][np.newaxis] for k, xs in enumerate(zip(*inputs, strict=True))
            ]
            if all(len(stack) == 1 for stack in stacks):
                inputs = inputs[:1]
            each = [np.asarray(function(*xs, **options)) for xs in inputs]
            found = at_once(*stacks)
            assert found.shape == (len(each), *each[0].shape), op.name
            np.testing.assert_array_equal(found, each)


@pytest.mark.parametrize("name", OPS)
def test_every_operation_is_the_same_for_a_stack(name: str) -> None:
    op = REGISTRY[name]
    samples = [drawn(op, seed) for seed in range(3)]
    agree(op, [inputs for inputs, _ in samples], samples[0][1])


@pytest.mark.parametrize("name", [name for name in OPS if REGISTRY[name].check is stretches])
def test_it_is_so_where_sides_of_length_1_stretch(name: str) -> None:
    op = REGISTRY[name]
    rng = np.random.default_rng(0)
    for shapes in itertools.product([(2, 3), (2, 1), (1, 1), (3, 2, 3), (3, 1, 3)], repeat=len(op.args)):
        ranks = {len(shape) for shape in shapes if set(shape) != {1}}
        if len(ranks) < 2:  # only a single number combines with another rank
            agree(op, [[rng.uniform(0.5, 2, size=shape) for shape in shapes] for _ in range(3)], {})


@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (3, 3, 3)])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
@pytest.mark.parametrize("name", [name for name in OPS if REGISTRY[name].look.kind == "reduction"])
def test_it_is_so_for_reductions_along_every_axis(name: str, axis: int | None, shape: tuple[int, ...]) -> None:
    op = REGISTRY[name]
    if "axis" not in op.options or (axis or 0) >= len(shape):
        pytest.skip("there is no such axis")
    rng = np.random.default_rng(1)
    agree(op, [[rng.integers(-2, 3, size=shape).astype(float)] for _ in range(3)], {"axis": axis})


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4))]
)
def test_it_is_so_for_products_of_every_rank(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    agree(REGISTRY["matmul"], [[rng.normal(size=a), rng.normal(size=b)] for _ in range(3)], {})


def test_cells_of_stacks_stand_side_by_side() -> None:
    one, three = np.array([[[7.0], [8.0]]]), np.arange(6.0).reshape(3, 1, 2)
    np.testing.assert_array_equal(joined([one, three]), [[7, 8, 0, 1], [7, 8, 2, 3], [7, 8, 4, 5]])
