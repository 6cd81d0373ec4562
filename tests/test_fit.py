"""What an operation does not refuse, it computes and explains: any operation, arrays of any shapes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nnsteps import Problem, StepsError
from nnsteps.ops import REGISTRY
from nnsteps.solver import solve_problem
from tests.language import solved
from tests.test_laws import OPS, drawn, law_1

SHAPES = [(1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (3, 3), (1, 1, 1), (2, 3, 2), (2, 1, 3, 2)]


CALLED = [name for name in OPS if not {"bounds", "places"} & set(REGISTRY[name].options)]  # others are read as an index


@pytest.mark.parametrize("name", CALLED)
def test_what_is_not_refused_is_computed_and_explained(name: str) -> None:
    op, rng = REGISTRY[name], np.random.default_rng(13)
    sample, options = drawn(op)
    shapes = [*SHAPES, *(x.shape for x in sample)]
    for chosen in itertools.islice(itertools.product(shapes, repeat=len(sample)), 0, None, 1 + 11 * (len(sample) > 2)):
        inputs = [rng.integers(1, 3, size=shape).astype(float) for shape in chosen]
        try:
            if op.check is not None:
                op.check(("a", "b", "c", "d")[: len(inputs)], *chosen, **options)
            op.value(*inputs, **options)
        except StepsError:
            continue
        law_1(op, inputs, options)


@pytest.mark.parametrize(
    ("formula", "message", "hint"),
    [
        ("take(x)", "parts of x are not picked by a call", "Write x[2], x[1:2, 3], x[:, k]."),
        ("select_back(x, W, places=2)", "parts of x are not picked by a call", "Write x[2]"),
        ("spread(W, x)", "W (2×3) cannot be copied into x (3×1)", "Only sides of length 1 are copied."),
        ("sum_to(x, W)", "x (3×1) cannot be added up to W (2×3)", "Only sides that are 1 there are added up."),
        ("shaped(x, W)", "x (3×1) cannot be written in the shape of W (2×3)", "Both need as many cells."),
        ("on_diagonal(x, W)", "x (3×1) does not fit: it should be 2×1", "That is the diagonal of W."),
        ("scatter(x, W, one)", "x (3×1) does not fit: it should be 2×1", "That is what is gathered from W at one."),
        ("put_along(x, W, W)", "x (3×1) does not fit: it should be 2×3", "That is the shape of W."),
        ("avg_pool2d_grad(x, W)", "x (3×1) does not fit: it should be 1×1", "That is what pooling makes of W."),
        ("avg_pool2d_grad(one, W, stride=0)", "stride of pooling must be a whole number from 1, not 0", ""),
        ("conv2d_input_grad(x, one, W)", "x (3×1) does not fit: it should be 2×3", "what conv2d makes of W and one"),
        ("conv2d_weight_grad(W, x, one)", "x (3×1) does not fit: it should be 2×3", "what conv2d makes of W and one"),
        ("conv2d(W, one, stride=0.5)", "stride of conv2d must be a whole number from 1, not 0.5", ""),
        ("conv_transpose2d(W, one, output_padding=0.5)", "output_padding of conv_transpose2d must be a whole", ""),
        ("where(row(W, 1), W, x)", "W (2×3) and x (3×1) do not fit cell by cell", "W has 2 rows, x has 3"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_these_words(formula: str, message: str, hint: str) -> None:
    with pytest.raises(StepsError) as caught:
        solved([f"y = {formula}"], {"x": [1, 2, 3], "W": [[1, 2, 3], [4, 5, 6]], "one": 1})
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_an_option_that_means_nothing_is_pointed_at() -> None:
    with pytest.raises(StepsError) as caught:
        solve_problem(Problem.read("steps:\n  - y = one_hot(1, classes=0)\n", "a.yaml"))
    assert str(caught.value.place) == "a.yaml:2:9"
