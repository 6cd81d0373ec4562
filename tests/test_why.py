"""One number, traced back to the given numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nnsteps
from nnsteps import Problem, StepsError, scalar
from nnsteps.cells import find_cell
from nnsteps.errors import UnknownName, UsageError
from nnsteps.solver import solve_problem
from nnsteps.trace import LONGEST_LINE
from nnsteps.why import why_text


@pytest.fixture(scope="module")
def backprop() -> nnsteps.Trace:
    return nnsteps.solve("backprop")


SHUT = """\
∂L/∂W₁[1,1] = ∂L/∂z₁[1]·x[1] = 0·2 = 0
  ∂L/∂z₁[1] = ∂L/∂a₁[1] where z₁[1] > 0 = 0     0 because this ReLU is off: −1 ≤ 0
    z₁[1] = W₁[1,1]·x[1] + W₁[1,2]·x[2] + W₁[1,3]·x[3] + b₁[1] = 1·2 − 1·1 + 1·3 − 5 = −1
      W₁[1,1] = 1, x[1] = 2, W₁[1,2] = −1, x[2] = 1, W₁[1,3] = 1, x[3] = 3, b₁[1] = −5   given
"""


def test_a_gradient_behind_a_shut_relu_is_explained_as_zero(backprop: nnsteps.Trace) -> None:
    assert why_text(backprop, "dL/dW1[1,1]") == SHUT


def test_a_gradient_is_traced_to_the_given_numbers(backprop: nnsteps.Trace) -> None:
    lines = why_text(backprop, "dL/dW1[2,3]").splitlines()
    assert lines[:4] == [
        "∂L/∂W₁[2,3] = ∂L/∂z₁[2]·x[3] = −2·3 = −6",
        "  ∂L/∂z₁[2] = ∂L/∂a₁[2] where z₁[2] > 0 = −2     3 > 0: it passes",
        "    ∂L/∂a₁[2] = W₂[1,2]·∂L/∂z₂[1] + W₂[2,2]·∂L/∂z₂[2] = −1·1 + 1·(−1) = −2",
        "      ∂L/∂z₂[1] = ∂L/∂a₂[1] where z₂[1] > 0 = 1     2 > 0: it passes",
    ]
    assert any("≈ 0.5 by hand, exactly 0.4955" in line for line in lines)
    assert any("−1 is negative: it becomes 0" in line for line in lines)
    assert any(line.strip() == "z₂[1] = 2   see above" for line in lines)


def test_every_cell_is_explained_once(backprop: nnsteps.Trace) -> None:
    text = why_text(backprop, "dL/dW1[2,3]")
    explained = re.findall(r"^ *(\S+) = [^\n]*$", text, re.MULTILINE)
    own = [name for name in explained if f"{name} = " in text and "given" not in name]
    lines = [line.strip() for line in text.splitlines()]
    for name in set(own):
        starts = [line for line in lines if line.startswith(f"{name} = ") and not line.endswith(("see above", "given"))]
        assert len(starts) <= 1, starts


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("cell", ["dL/dW1[2,3]", "L", "new W₁[2,1]", "y[1]"])
def test_no_line_is_wider_than_the_page(backprop: nnsteps.Trace, cell: str, width: int) -> None:
    for line in why_text(backprop, cell, width).splitlines():
        assert len(line) <= width or " " not in line.strip().rstrip("=") or width < 60


def test_ascii_is_ascii(backprop: nnsteps.Trace) -> None:
    text = why_text(backprop, "dL/dW1[2,3]", ascii=True)
    assert text.isascii()
    assert text.startswith("dL/dW1[2,3] = dL/dz1[2]*x[3] = -2*3 = -6\n")


def test_another_name_of_the_same_array_leads_there(backprop: nnsteps.Trace) -> None:
    lines = why_text(backprop, "dL/db3[1]").splitlines()
    assert lines[0] == "∂L/∂b₃[1] = ∂L/∂z₃[1] = 0.5"
    assert lines[1] == "  ∂L/∂z₃[1] = y[1] − target[1] = 0.5 − 0 = 0.5"


def test_a_given_number_is_given(backprop: nnsteps.Trace) -> None:
    assert why_text(backprop, "x[3]") == "x[3] = 3   given\n"
    assert why_text(backprop, "W2[2,3]") == "W₂[2,3] = −1   given\n"


def test_a_new_value_is_explained_by_the_old_one(backprop: nnsteps.Trace) -> None:
    assert (
        why_text(backprop, "W1#2[2,1]").splitlines()[0]
        == "new W₁[2,1] = W₁[2,1] − 0.1·∂L/∂W₁[2,1] = 1 − 0.1·(−4) = 1.4"
    )


def test_what_is_multiplied_by_zero_is_not_followed() -> None:
    trace = nnsteps.solve(Problem(given={"w": [[0, 2]], "x": [3, 4]}, steps=["a = x * x", "y = w @ a"]))
    assert why_text(trace, "y") == (
        "y = w[1,1]·a[1] + w[1,2]·a[2] = 0·9 + 2·16 = 32\n"
        "  a[2] = x[2]·x[2] = 4·4 = 16\n"
        "    x[2] = 4   given\n"
        "  w[1,1] = 0, w[1,2] = 2   given\n"
    )


def test_the_branch_that_was_taken_is_worked_out() -> None:
    problem = Problem(given={"z": [-2, 3]}, steps=["a = leaky_relu(z, alpha=0.1)"])
    trace = nnsteps.solve(problem)
    assert (
        why_text(trace, "a[1]").splitlines()[0]
        == "a[1] = z[1] where z[1] > 0, else 0.1·z[1] = 0.1·(−2) = −0.2     −2 ≤ 0"
    )
    assert why_text(trace, "a[2]").splitlines()[0] == "a[2] = z[2] where z[2] > 0, else 0.1·z[2] = 3     3 > 0"


def test_where_the_digits_shown_do_not_give_the_result_it_says_nearly() -> None:
    trace = nnsteps.solve(Problem(given={"a": 1 / 3, "b": 3}, steps=["y = a * b"], digits=2))
    first = why_text(trace, "y").splitlines()[0]
    assert first == "y = a·b = 0.33·3 ≈ 1"


def test_a_value_replaced_by_hand_shows_both_numbers() -> None:
    problem = Problem(given={"x": [5]}, steps=[{"step": "y = x / sqrt(3)", "by hand": "floor(x / 2)"}])
    assert (
        why_text(nnsteps.solve(problem), "y").splitlines()[0] == "y = ⌊x ÷ 2⌋ = ⌊5 ÷ 2⌋ = 2     by hand, exactly 2.8868"
    )


def test_a_rounded_step_says_so() -> None:
    problem = Problem(given={"x": 2}, steps=["y = x / 3", "z = y * 3"], rounding="each-step")
    assert why_text(nnsteps.solve(problem), "z") == (
        "z = y·3 = 0.67·3 = 2.01\n"
        "  y = x ÷ 3 = 2 ÷ 3 ≈ 0.67 rounded, exactly 0.6667\n"
        "    x = 2   given\n"
    )  # fmt: skip


def big() -> nnsteps.Trace:
    rng = np.random.default_rng(1)
    given = {"W": rng.normal(size=(30, 300)), "V": rng.normal(size=(300, 50)), "x": rng.normal(size=(50, 20))}
    return nnsteps.solve(
        Problem(
            given=given,
            steps=["h = tanh(V @ x)", "y = W @ h + 1", "L = mean(y * y)"],
            gradient={"of": "L", "wrt": ["V"]},
        )
    )


def test_long_sums_are_shortened_and_what_is_left_out_is_counted() -> None:
    lines = why_text(big(), "dL/dV[7,3]").splitlines()
    assert len(lines) < 400
    assert " + … + " in "".join(lines) or " − … " in "".join(lines)
    assert re.fullmatch(r"… and [\d,]+ more cells, traced in the same way", lines[-1])


def test_a_long_line_is_explained_in_smaller_steps() -> None:
    text = why_text(big(), "y[2,3]")
    assert text.startswith("y[2,3] = (W h)[2,3] + 1 = ")
    assert "\n  (W h)[2,3] = W[2,1]·h[1,3] + " in text


# --- finding the cell --------------------------------------------------------------------------------------------

FOUND = [
    ("dL/dW1[2,3]", "dL/dW1", (1, 2)),
    ("∂L/∂W₁[2,3]", "dL/dW1", (1, 2)),
    (" dL/dW1 [2, 3] ", "dL/dW1", (1, 2)),
    ("x[2]", "x", (1, 0)),
    ("x[2,1]", "x", (1, 0)),
    ("L", "L", (0, 0)),
    ("L[1]", "L", (0, 0)),
    ("W1[1,1]", "W1", (0, 0)),
    ("W1#2[1,1]", "W1#2", (0, 0)),
    ("new W₁[4,3]", "W1#2", (3, 2)),
    ("new W1[4,3]", "W1#2", (3, 2)),
]


@pytest.mark.parametrize(("text", "key", "at"), FOUND)
def test_a_cell_is_found_as_typed_or_as_printed(
    backprop: nnsteps.Trace, text: str, key: str, at: tuple[int, ...]
) -> None:
    assert find_cell(backprop, text) == (key, backprop.by_key[key], at)


REFUSED = [
    ("dL/dW1", UsageError, "dL/dW1 has 12 cells (4×3); say which one", "Its cells are dL/dW1[1,1] to dL/dW1[4,3]."),
    ("x", UsageError, "x has 3 cells (3×1); say which one", "Its cells are x[1] to x[3]."),
    ("dL/dW1[5,1]", UsageError, "dL/dW1 has no cell [5,1]; it is 4×3", "Its cells are dL/dW1[1,1] to dL/dW1[4,3]."),
    ("dL/dW1[0,1]", UsageError, "dL/dW1 has no cell [0,1]; it is 4×3", "Its cells are dL/dW1[1,1] to dL/dW1[4,3]."),
    ("dL/dW1[2]", UsageError, "dL/dW1 has no cell [2]; it is 4×3", "Its cells are dL/dW1[1,1] to dL/dW1[4,3]."),
    ("x[a]", UsageError, "[a] is not a place in x", "Its cells are x[1] to x[3]."),
    ("x[]", UsageError, "[] is not a place in x", "Its cells are x[1] to x[3]."),
    ("L[2]", UsageError, "L has no cell [2]; it is 1×1", "It is a single number: L."),
    ("dL/dV1[1,1]", UnknownName, "there is no value called dL/dV1", "Did you mean "),
    ("", UnknownName, "there is no value called ", None),
]


@pytest.mark.parametrize(("text", "error", "message", "hint"), REFUSED)
def test_what_is_no_cell_is_refused(
    backprop: nnsteps.Trace, text: str, error: type[StepsError], message: str, hint: str | None
) -> None:
    with pytest.raises(error) as caught:
        find_cell(backprop, text)
    assert caught.value.message == message
    if hint is not None:
        assert caught.value.hint is not None
        assert caught.value.hint.startswith(hint)


def test_what_needs_no_names_is_said_once() -> None:
    problem = Problem(given={"x": [1, 2]}, steps=["L = sum(x) / 4"], gradient={"of": "L", "wrt": ["x"]})
    assert solve_problem(problem).why("dL/dx[1]") == "∂L/∂x[1] = 1 ÷ 4 = 0.25\n"


@pytest.mark.parametrize("width", [40, 60])
def test_long_names_stay_within_the_width(width: int) -> None:
    given = {"generator_gradient": [[1, 2, 3]], "discriminator_gradient": [[1, 0, 2]]}
    steps = ["generator_gradient_mean = mean(generator_gradient * discriminator_gradient)"]
    trace = solve_problem(Problem(given=given, steps=[*steps, "y = 2 * generator_gradient_mean + 1"]))
    lines = why_text(trace, "y", width).splitlines()
    assert max(map(len, lines)) <= width, lines


def test_the_arithmetic_of_nested_functions_stays_short() -> None:
    """Each std of 4 numbers names its argument more than 10 times: 6 inside each other would be millions of cells."""
    nested = "x"
    for _ in range(6):
        nested = f"x - std({nested})"
    problem = nnsteps.Problem(given={"x": [1, 2, 4, 3]}, steps=[f"y = {nested}"])
    trace = nnsteps.solve(problem)
    node = trace.node("y")
    tree = trace.explain(node, (0, 0))
    assert sum(1 for _ in scalar.refs(tree)) <= LONGEST_LINE
    assert scalar.evaluate(tree, trace.look_up) == pytest.approx(trace["y"][0, 0], rel=1e-12)


def test_a_long_sum_inside_a_function_is_worked_out_whole() -> None:
    problem = nnsteps.Problem(given={"W": np.ones((1, 1000)), "x": np.arange(1000)}, steps=["y = relu(W @ x)"])
    trace = nnsteps.solve(problem)
    assert sum(1 for _ in scalar.refs(trace.explain(trace.node("y"), (0, 0)))) >= 2000
