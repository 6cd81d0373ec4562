"""Choices: ties, margins, positions that are not there, and what a mask hides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nnsteps import Problem, StepsError
from nnsteps.ops import REGISTRY
from nnsteps.solver import solve_problem
from nnsteps.verify import check

INF = math.inf


def value(formula: str, **given: Any) -> list[list[float]]:
    """What a formula gives."""
    return solve_problem(Problem(given=given or {"x": 1}, steps=[f"o = {formula}"]))["o"].tolist()


TIED = [[4, 9, 9, 1]]
CHOSEN = [
    ("argmax(x)", [[2]]),
    ("argmin(x)", [[4]]),
    ("topk_positions(x, 3, axis=1)", [[2, 3, 1]]),
    ("topk_values(x, 3, axis=1)", [[9, 9, 4]]),
    ("argsort(x, axis=1)", [[4, 1, 2, 3]]),
    ("argsort(x, axis=1, descending=1)", [[2, 3, 1, 4]]),
    ("sort(x, axis=1)", [[1, 4, 9, 9]]),
]


@pytest.mark.parametrize(("formula", "expected"), CHOSEN)
def test_a_tie_goes_to_the_first(formula: str, expected: list[list[float]]) -> None:
    assert value(formula, x=TIED) == expected
    assert check(Problem(given={"x": TIED}, steps=[f"o = {formula}"])).ok  # so does the arithmetic of its cells


MARGINS = [
    ("argmax", [[4, 9, 7, 1]], {"axis": 1}, [[2]]),
    ("argmax", TIED, {"axis": 1}, [[0]]),
    ("argmax", [[1, 5], [4, 2]], {"axis": None}, [[1]]),
    ("argmax", [[5]], {"axis": 1}, [[INF]]),
    ("argmin", [[4, 9, 7, 1]], {"axis": 1}, [[3]]),
    ("topk_positions", [[4, 9, 7, 1]], {"k": 2, "axis": 1}, [[2, 2]]),
    ("topk_positions", [[4, 9, 7, 1]], {"k": 1, "axis": 1}, [[2]]),
    ("topk_values", TIED, {"k": 2, "axis": 1}, [[0, 0]]),
    ("topk_positions", [[3]], {"k": 1, "axis": 0}, [[INF]]),
    ("sort", [[4, 9, 7, 1]], {"axis": 1, "descending": 0}, [[3, 3, 2, 2]]),
    ("argsort", [[4, 9, 7, 1]], {"axis": 1, "descending": 1}, [[2, 2, 3, 3]]),
    ("floor", [[2.25, 2.75, 3]], {}, [[0.25, 0.25, 0]]),
    ("round", [[2.25, 2.5, -0.5, -1.375]], {"digits": 0}, [[0.25, 0, 0, 0.125]]),
    ("round", [[0.25, 0.5]], {"digits": 1}, [[0, 0.05]]),
    ("step", [[-2, 0]], {}, [[2, 0]]),
]


@pytest.mark.parametrize(("name", "x", "options", "expected"), MARGINS)
def test_a_choice_says_how_clear_it_is(name: str, x: Any, options: dict[str, Any], expected: Any) -> None:
    record = REGISTRY[name]
    assert record.margin is not None
    np.testing.assert_allclose(record.margin(np.array(x, dtype=float), **options), expected, atol=1e-15)


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_a_comparison_says_how_clear_it_is(name: str) -> None:
    record = REGISTRY[name]
    assert record.margin is not None
    assert record.margin(np.array([[1.0, 3.0]]), np.array([[3.0]])).tolist() == [[2, 0]]


@pytest.mark.parametrize("name", [name for name, op in REGISTRY.items() if op.look.kind == "choice"])
@pytest.mark.parametrize("seed", range(5))
def test_a_choice_stays_while_numbers_move_less_than_half_its_margin(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    op, x = REGISTRY[name], rng.normal(size=(5, 4))
    options = {option: 2 if option == "k" else 0 for option in op.options}
    assert op.margin is not None
    smallest = float(op.margin(x, **options).min())
    moved = x + 0.499 * smallest * rng.choice([-1.0, 1.0], size=x.shape)
    positions = {"topk_values": "topk_positions", "sort": "argsort"}.get(name, name)
    assert (REGISTRY[positions].value(x, **options) == REGISTRY[positions].value(moved, **options)).all()


def test_a_number_taken_several_times_gathers_its_gradients() -> None:
    problem = Problem(
        given={"x": [[1, 2, 3]], "at": [3, 1, 3], "c": [[10, 20, 30]]},
        steps=["L = sum(gather(x, at) * c)"],
        gradient={"of": "L", "wrt": ["x"]},
    )
    assert solve_problem(problem)["dL/dx"].tolist() == [[20, 0, 40]]
    assert check(problem).ok


REFUSED = [
    ("gather(x, p)", {"x": [[1, 2, 3]], "p": [4]}, "there is no column 4"),
    ("gather(x, p)", {"x": [[1, 2, 3]], "p": [0]}, "there is no column 0"),
    ("gather(x, p, axis=0)", {"x": [[1, 2, 3]], "p": [1.5]}, "the row 1.5 is not a whole number"),
    ("one_hot(p, 2)", {"p": [1, 3]}, "there is no class 3"),
    ("one_hot(p, 0.5)", {"p": [1, 3]}, "classes must be a whole number from 1, not 0.5"),
    ("pick(x, p)", {"x": [[1, 2, 3]], "p": [1, 1]}, "p (2×1) does not pick one cell of each column of x (1×3)"),
    ("topk_values(x, 2)", {"x": [[1, 2, 3]]}, "x (1×3) has no 2 largest along axis 0"),
    ("sort(x, axis=2)", {"x": [[1, 2, 3]]}, "x (1×3) has no axis 2"),
    ("reshape(x, 2, 2)", {"x": [[1, 2, 3]]}, "x (1×3) cannot be written as 2×2"),
    ("reshape(x, 0, 2)", {"x": [[1, 2, 3]]}, "x (1×3) cannot be written as 0×2"),
    ("eye(x)", {"x": 2.5}, "n must be a whole number from 1, not 2.5"),
    ("solve(a, b)", {"a": [[1, 2], [2, 4]], "b": [1, 2]}, "these equations have no single solution"),
    ("conv2d(x, w)", {"x": [[1, 2]], "w": [[1, 2, 3]]}, "w (1×3) is larger than x (1×2)"),
    ("conv2d(x)", {"x": [[1, 2]]}, "conv2d takes an image, a filter and perhaps a bias; it has 1 arguments"),
    ("conv2d(x, w, stride=0)", {"x": [[1, 2]], "w": [[1]]}, "stride of conv2d must be a whole number from 1, not 0"),
    ("max_pool2d(x, 3)", {"x": [[1, 2]]}, "windows of 3×3 are larger than x (1×2)"),
    ("grouped(x, 2)", {"x": [1, 2, 3]}, "x (3×1) cannot be split into 2 groups"),
]


@pytest.mark.parametrize(("formula", "given", "message"), REFUSED)
def test_what_cannot_be_done_says_why(formula: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(StepsError) as caught:
        value(formula, **given)
    assert caught.value.message == message


# --- masks -------------------------------------------------------------------------------------------------------


def test_no_position_sees_a_later_one() -> None:
    problem = Problem(
        given={"s": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "c": [[1, 2, 3], [4, 5, 7], [2, 0, 1]]},
        steps=["a = softmax(causal_mask(s))", "L = sum(a * c)"],
        gradient={"of": "L", "wrt": ["s"]},
    )
    trace = solve_problem(problem)
    e = np.exp(np.array(problem.given["s"].value)) * np.triu(np.ones((3, 3)))
    np.testing.assert_allclose(trace["a"], e / e.sum(axis=0), rtol=1e-14)
    assert (trace["dL/ds"][np.tril_indices(3, -1)] == 0).all()


def test_the_largest_is_found_beside_a_mask() -> None:
    assert value("max(masked_fill(s, m))", s=[3, 9], m=[0, 1]) == [[3]]
    assert value("topk_positions(masked_fill(s, m), 1)", s=[3, 9], m=[0, 1]) == [[1]]


def test_a_column_that_is_masked_from_top_to_bottom_is_refused() -> None:
    with pytest.raises(StepsError):
        value("softmax(masked_fill(s, m))", s=[[1, 2], [3, 4]], m=[[1, 0], [1, 0]])


def test_positions_are_written_as_sines_and_cosines() -> None:
    found = value("positional_encoding(3, features=4)")
    for t in range(3):
        expected = [math.sin(t), math.cos(t), math.sin(t / 100), math.cos(t / 100)]
        np.testing.assert_allclose([row[t] for row in found], expected, rtol=1e-14, atol=1e-300)
