"""Problems to traces: names, by-hand forms, rounding, updates, and what has no value."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps import Problem, StepsError
from nnsteps.changes import changed_given
from nnsteps.errors import FormulaError, NumberError, ShapeError, UnknownName
from nnsteps.formula import to_text
from nnsteps.rounding import half_away
from nnsteps.solver import Settings, solve_problem
from nnsteps.verify import check


def solved(steps: list[Any], **given: object) -> nnsteps.Trace:
    return solve_problem(Problem(given=given, steps=steps))


def flat(trace: nnsteps.Trace, name: str) -> list[float]:
    return [float(x) for x in trace[name].ravel()]


# --- the array contract ------------------------------------------------------------------------------------------


def test_a_flat_list_is_a_column_and_a_number_is_one_cell() -> None:
    trace = solved(["y = x"], x=[1, 2, 3], r=[[1, 2, 3]], n=5, s=[[[1, 2]], [[3, 4]]])
    assert [trace[name].shape for name in ("x", "r", "n", "s")] == [(3, 1), (1, 3), (1, 1), (2, 1, 2)]
    assert all(trace[name].dtype == np.float64 for name in trace.names)


FORMULAS: list[tuple[str, Any]] = [
    ("W @ x", [[5], [11]]),
    ("W @ x + b", [[15], [31]]),
    ("W.T", [[1, 3], [2, 4]]),
    ("x + r", [[2, 3], [3, 4]]),
    ("2 * W", [[2, 4], [6, 8]]),
    ("W * x", [[1, 2], [6, 8]]),
    ("W / x", [[1, 2], [1.5, 2]]),
    ("W ** 2", [[1, 4], [9, 16]]),
    ("-W", [[-1, -2], [-3, -4]]),
    ("-x ** 2", [[-1], [-4]]),
    ("W > 2", [[0, 0], [1, 1]]),
    ("1 < W <= 3", [[0, 1], [1, 0]]),
    ("W == 2 or W == 3", [[0, 1], [1, 0]]),
    ("not W > 2", [[1, 1], [0, 0]]),
    ("sum(W)", [[10]]),
    ("sum(W, axis=0)", [[4, 6]]),
    ("sum(W, 1)", [[3], [7]]),
    ("mean(W)", [[2.5]]),
    ("max(W, axis=0)", [[3, 4]]),
    ("min(W)", [[1]]),
    ("size(W)", [[4]]),
    ("size(W, axis=0)", [[2]]),
    ("any(W > 3)", [[1]]),
    ("all(W > 3)", [[0]]),
    ("any(W > 3, axis=1)", [[0], [1]]),
    ("W[2, 1]", [[3]]),
    ("W[1:2, 2]", [[2], [4]]),
    ("W[:, 1]", [[1], [3]]),
    ("W[2, :]", [[3, 4]]),
    ("row(W, 2)", [[3, 4]]),
    ("col(W, 2)", [[2], [4]]),
    ("x[2]", [[2]]),
    ("r[2]", [[2]]),
    ("x[1:2]", [[1], [2]]),
    ("hstack(x, W)", [[1, 1, 2], [2, 3, 4]]),
    ("vstack(r, W)", [[1, 2], [1, 2], [3, 4]]),
    ("relu(x - 1.5)", [[0], [0.5]]),
    ("step(x - 1)", [[0], [1]]),
    ("leaky_relu(-x)", [[-0.01], [-0.02]]),
    ("leaky_relu(-x, alpha=0.5)", [[-0.5], [-1]]),
    ("abs(-x)", [[1], [2]]),
    ("floor(W / 2)", [[0, 1], [1, 2]]),
    ("round(W / 2)", [[1, 1], [2, 2]]),
    ("round(W / 3, 1)", [[0.3, 0.7], [1, 1.3]]),
    ("sqrt(W * W)", [[1, 2], [3, 4]]),
    ("maximum(x, r)", [[1, 2], [2, 2]]),
    ("xlogy(0, 0)", [[0]]),
    ("mse(x, b)", [[(81 + 324) / 2]]),
    ('mse(x, b, reduction="sum")', [[405]]),
    ('mse(x, b, reduction="none")', [[81], [324]]),
    ("2", [[2]]),
    ("-2", [[-2]]),
    ("1e-3", [[0.001]]),
]


@pytest.mark.parametrize(("formula", "expected"), FORMULAS)
def test_a_formula_has_this_value(formula: str, expected: Any) -> None:
    trace = solved([f"y = {formula}"], W=[[1, 2], [3, 4]], x=[1, 2], r=[[1, 2]], b=[10, 20])
    np.testing.assert_allclose(trace["y"], expected, rtol=1e-15)


def test_softmax_goes_down_the_columns() -> None:
    trace = solved(["y = softmax(z)", "v = softmax(z, axis=1)"], z=[[0, 0], [math.log(3), 0]])
    np.testing.assert_allclose(trace["y"], [[0.25, 0.5], [0.75, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(trace["v"], [[0.5, 0.5], [0.75, 0.25]], rtol=1e-15)


def test_losses_follow_their_conventions() -> None:
    p, y = [[0.25, 0.5], [0.75, 0.5]], [[1, 0], [0, 1]]
    trace = solved(["c = cross_entropy(p, y)", 'm = cross_entropy(p, y, reduction="mean")', "b = bce(p, y)"], p=p, y=y)
    assert trace["c"].item() == pytest.approx(math.log(4) + math.log(2))
    assert trace["m"].item() == pytest.approx((math.log(4) + math.log(2)) / 2)
    assert trace["b"].item() == pytest.approx((2 * math.log(4) + 2 * math.log(2)) / 4)


# --- names -------------------------------------------------------------------------------------------------------


def test_a_name_given_again_keeps_both_values() -> None:
    trace = solved(["W = W + 1", "W = W * 10"], W=[1, 2])
    assert flat(trace, "W") == [20, 30]
    assert flat(trace, "W#2") == [2, 3]
    assert [step.key for step in trace.steps] == ["W#2", "W#3"]
    assert trace.value(trace.given["W"]).ravel().tolist() == [1, 2]
    assert trace.to_json()["given"]["W"] == [[1], [2]]
    assert trace.to_json()["values"]["W"] == [[20], [30]]


def test_a_value_may_be_called_like_a_function() -> None:
    trace = solved(["mean = mean(x)", "d = x - mean", "size = size(x) * mean"], x=[1, 3])
    assert flat(trace, "d") == [-1, 1]
    assert trace["size"].item() == 4


def test_headings_and_their_steps_are_kept_in_order() -> None:
    trace = solve_problem(Problem(given={"x": 1}, steps=["a = x", {"One": ["b = a", {"Two": ["c = b"]}]}, "d = c"]))
    assert [(step.index, step.name, step.heading) for step in trace.steps] == [
        (1, "a", ()),
        (2, "b", ("One",)),
        (3, "c", ("One", "Two")),
        (4, "d", ()),
    ]


def test_each_step_knows_its_own_nodes() -> None:
    trace = solved(["a = x * 2 + 1", "b = a", "c = 3", "d = softmax(a)"], x=[1, 2])
    for step in trace.steps:
        assert step.first <= step.node
    ranges = [(step.first, step.node) for step in trace.steps]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ranges))


def test_a_step_that_only_copies_has_a_node_of_its_own() -> None:
    trace = solved(["y = x", "z = 3"], x=[1])
    assert len({trace.node(name) for name in "xyz"}) == 3
    assert trace.explain(trace.node("y"), (0, 0)) is not None


NO_NAMES = [
    (["y = w"], "there is no value called w at this step", "The values known here: x."),
    (["y = xx"], "there is no value called xx at this step", "Did you mean x?"),
    (["y = z", "z = x"], "there is no value called z at this step", None),
    (["y = mean + 1"], "mean is a function here, not a value", "Call it: mean(x, axis=None)."),
    (["y = sofmax(x)"], "there is no function called sofmax", "Did you mean softmax?"),
    (["y = x(2)"], "x is a value, not a function", "Write * to multiply"),
]


@pytest.mark.parametrize(("steps", "message", "hint"), NO_NAMES)
def test_an_unknown_name_is_refused(steps: list[str], message: str, hint: str | None) -> None:
    with pytest.raises(UnknownName) as caught:
        solved(steps, x=[1])
    assert caught.value.message == message
    assert hint is None or hint in str(caught.value.hint)


# --- shapes ------------------------------------------------------------------------------------------------------

MISFITS = [
    (
        "W @ r",
        "W (2×3) cannot be multiplied by r (1×2)",
        "W has 3 columns, so r needs 3 rows; it has 1.\nr @ W would fit.",
    ),
    ("W + x", "W (2×3) and x (3×1) do not fit cell by cell", None),
    ("relu(W) @ W", "relu(W) (2×3) cannot be multiplied by W (2×3)", None),
    ("hstack(W, x)", "W (2×3) and x (3×1) cannot be stacked", "W has 2 rows, so x needs as many; it has 3."),
    ("S + W", "S (1×2×2) and W (2×3) have a different number of sides", None),
    ("sum(W, axis=2)", "W (2×3) has no axis 2", None),
    ("softmax(W, axis=2)", "W (2×3) has no axis 2", None),
    ("vstack(x, W)", "x (3×1) and W (2×3) cannot be stacked", "x has 1 column, so W needs as many; it has 3."),
    ("W[3, 1]", "W has no row 3", "It has 2 rows; indices count from 1."),
    ("W[1, 0]", "W has no column 0", None),
    ("W[1]", "W (2×3) needs 2 indices, it has 1", None),
    ("x[1, 2, 3]", "x (3×1) needs 2 indices, it has 3", None),
]


@pytest.mark.parametrize(("formula", "message", "hint"), MISFITS)
def test_what_does_not_fit_is_refused_in_words(formula: str, message: str, hint: str | None) -> None:
    with pytest.raises(ShapeError) as caught:
        solved([f"y = {formula}"], W=[[1, 2, 3], [4, 5, 6]], x=[1, 2, 3], r=[[1, 2]], S=[[[1, 2], [3, 4]]])
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


def test_words_cannot_be_computed_with() -> None:
    with pytest.raises(StepsError) as caught:
        solved(["y = x + 1"], x=["how", "are", "you"])
    assert caught.value.message == "x, a list of words, cannot be computed with"


def test_a_gradient_written_as_a_fraction_is_told_how_to_be_written() -> None:
    with pytest.raises(UnknownName) as caught:
        solved(["L = sum(x)", "y = dL/dx"], x=[1, 2])
    assert caught.value.hint == "The gradient of L is written grad(L, W)."


def test_a_gradient_without_a_value_names_the_operation_that_has_no_slope() -> None:
    problem = Problem(given={"x": [2, 1]}, steps=["L = sum(sqrt(x - 1))"], gradient={"of": "L", "wrt": ["x"]})
    with pytest.raises(NumberError) as caught:
        solve_problem(problem)
    assert caught.value.message == "in dL/d(x - 1), 1 ÷ 0 divides by zero"
    assert caught.value.hint == "This is the gradient of sqrt(x - 1)."


def test_a_wrong_rate_is_pointed_at() -> None:
    lines = ["given: {x: [1, 2], W: [[1, 2]]}", "steps:", "  - L = W @ x", "gradient: {of: L, wrt: [W]}"]
    with pytest.raises(UnknownName) as caught:
        solve_problem(Problem.read("\n".join([*lines, "update: {rule: sgd, rate: fast}"]), "a.yaml"))
    assert str(caught.value.place) == "a.yaml:5:27"


OPTIONS = [
    ("softmax(x, axes=1)", "softmax has no option called axes"),
    ("mse(x, x, reduction=1)", "reduction of mse must be one of"),
    ('mse(x, x, reduction="total")', "reduction of mse must be one of"),
    ("sum(x, axis=x)", "axis of sum must be one number; x is 3×1"),
    ("softmax()", "softmax needs 1 argument, it has 0"),
    ("cross_entropy(x)", "cross_entropy needs 2 arguments, it has 1"),
    ("max(x, x, x)", "max takes 1 argument, it has 3"),
    ("max(x, 0)", "max takes 1 argument, it has 2"),
    ("min(1, n)", "min takes 1 argument, it has 2"),
    ("x[1.5]", "the index 1.5 is not a whole number"),
    ("x[2:1]", "the slice 2:1 is empty"),
    ("round(x, 0.5)", "digits must be a whole number"),
]


@pytest.mark.parametrize(("formula", "message"), OPTIONS)
def test_a_wrong_call_is_refused(formula: str, message: str) -> None:
    with pytest.raises(StepsError) as caught:
        solved([f"y = {formula}"], x=[1, 2, 3], n=1)
    assert message in caught.value.message


def test_where_both_stretch_a_warning_says_so() -> None:
    trace = solved(["y = x + r", "z = W @ x", "u = W + x", "v = W * 2"], x=[1, 2], r=[[1, 2, 3]], W=[[1, 2], [3, 4]])
    assert trace.warnings == ["y: x (2×1) and r (1×3) both stretch to 2×3"]


# --- numbers -----------------------------------------------------------------------------------------------------

NO_VALUE = [
    ("1 / (x - x)", "in y, 1 ÷ 0 divides by zero"),
    ("x / 0", "in y, 1 ÷ 0 divides by zero"),
    ("(x - x) ** -2", "in y, 0^−2 divides by zero"),
    ("0 / (x - x)", "in y, 0 ÷ 0 divides by zero"),
    ("exp(1000 * x)", "in y, e^1000 is too large for a number (overflow)"),
    ("-exp(1000 * x)", "in y, e^1000 is too large for a number (overflow)"),
    ("log(x - x)", "in y, log 0 has no value"),
    ("log(-x)", "in y, log (−1) has no value"),
    ("sqrt(-x)", "in y, √(−1) has no value"),
    ("(-x) ** 0.5", "in y, (−1)^0.5 has no value"),
    ("(10 ** 200 * x) * (10 ** 200)", "is too large for a number (overflow)"),
    ("xlogy(x, 0)", "in y, 1·log 0 has no value"),
    ("cross_entropy(x - x, x)", "log 0 has no value"),
]


@pytest.mark.parametrize(("formula", "message"), NO_VALUE)
def test_what_has_no_value_is_an_error_that_shows_the_arithmetic(formula: str, message: str) -> None:
    with pytest.raises(NumberError) as caught:
        solved([f"y = {formula}"], x=[1, 2])
    assert message in caught.value.message


def test_the_cell_at_fault_is_named() -> None:
    with pytest.raises(NumberError) as caught:
        solved(["y = 1 / x"], x=[1, 0, 2])
    assert caught.value.hint == "This is cell [2] of 1 / x."


def test_zero_times_the_log_of_zero_counts_zero() -> None:
    trace = solved(["L = cross_entropy(p, y)", "B = bce(p, y)"], p=[0, 1], y=[0, 1])
    assert (trace["L"].item(), trace["B"].item()) == (0, 0)


def test_a_log_of_what_was_rounded_to_zero_has_its_hint() -> None:
    steps = [{"step": "y = softmax(z)", "by hand": "round(softmax(z), 1)"}, "L = cross_entropy(y, t)"]
    problem = Problem(given={"z": [5, 0], "t": [0, 1]}, steps=steps)
    with pytest.raises(NumberError) as caught:
        solve_problem(problem)
    assert "log 0 has no value" in caught.value.message
    assert (
        caught.value.hint == "By hand, a probability was rounded to 0 where the target is not; --exact does not round."
    )
    assert solve_problem(problem, Settings(exact=True))["L"].item() == pytest.approx(math.log(1 + math.exp(5)))


def test_large_and_small_numbers_that_are_numbers_pass() -> None:
    trace = solved(
        ["y = x * x", "s = sigmoid(z)", "t = tanh(z)", "e = exp(-z)"], x=[2.0**500, -(2.0**500)], z=[800, 750]
    )
    assert flat(trace, "y") == [2.0**1000, 2.0**1000]
    assert flat(trace, "s") == [1, 1]
    assert flat(trace, "e") == [0, 0]
    assert check(trace.problem).ok


def test_no_page_shows_minus_zero() -> None:
    trace = solved(["y = -x", "z = x * -1"], x=[0, 1])
    assert trace.to_json()["values"]["y"] == [[0], [-1]]
    assert str(trace.to_json()["values"]["z"]) == "[[0], [-1]]"


# --- by hand -----------------------------------------------------------------------------------------------------

BY_HAND = [
    {"step": "y = softmax(z)", "by hand": "round(softmax(z), 1)"},
    "L = cross_entropy(y, t)",
]


def test_the_by_hand_value_is_what_the_next_step_uses() -> None:
    problem = Problem(given={"z": [3, 3, -1], "t": [0, 1, 0]}, steps=BY_HAND, gradient={"of": "L", "wrt": ["z"]})
    by_hand, exact = solve_problem(problem), solve_problem(problem, Settings(exact=True))
    assert flat(by_hand, "y") == [0.5, 0.5, 0]
    assert by_hand["L"].item() == pytest.approx(math.log(2))
    assert flat(by_hand, "dL/dz") == [0.5, -0.5, 0]
    e = math.exp(4)
    np.testing.assert_allclose(exact["y"].ravel(), [e / (2 * e + 1), e / (2 * e + 1), 1 / (2 * e + 1)], rtol=1e-14)


def test_a_by_hand_step_counts_as_one_operation_with_the_value_on_the_page() -> None:
    steps = [{"step": "a = sigmoid(z)", "by hand": "round(sigmoid(z), 1)"}, "L = sum(a * a)"]
    problem = Problem(given={"z": [1, -2]}, steps=steps, gradient={"of": "L", "wrt": ["z"]})
    trace = solve_problem(problem)
    assert flat(trace, "a") == [0.7, 0.1]
    # 2a · a(1 − a), with the rounded a
    np.testing.assert_allclose(trace["dL/dz"].ravel(), [2 * 0.7 * 0.7 * 0.3, 2 * 0.1 * 0.1 * 0.9], rtol=1e-14)


def test_another_formula_by_hand_keeps_the_gradient_of_the_step() -> None:
    steps = [{"step": "y = x / sqrt(3)", "by hand": "floor(x / 2)"}, "L = sum(y)"]
    trace = solve_problem(Problem(given={"x": [5, 4]}, steps=steps, gradient={"of": "L", "wrt": ["x"]}))
    assert flat(trace, "y") == [2, 2]
    np.testing.assert_allclose(trace["dL/dx"].ravel(), [1 / math.sqrt(3)] * 2, rtol=1e-15)


def test_a_by_hand_form_must_have_the_shape_of_its_step() -> None:
    with pytest.raises(ShapeError, match="the by-hand form of y is 1×1, the step itself 2×1"):
        solved([{"step": "y = x * 2", "by hand": "sum(x)"}], x=[1, 2])


def test_exact_ignores_the_by_hand_form_even_where_it_would_fail() -> None:
    problem = Problem(given={"x": [1]}, steps=[{"step": "y = x", "by hand": "log(x - 1)"}])
    assert flat(solve_problem(problem, Settings(exact=True)), "y") == [1]
    with pytest.raises(NumberError):
        solve_problem(problem)


def test_the_json_says_what_was_used_by_hand() -> None:
    step = nnsteps.solve("backprop").to_json()["steps"][5]
    assert step["name"] == "y"
    assert step["by_hand"] == "round(softmax(z3), 1)"
    assert [inner["name"] for inner in step["inside"]] == ["e", "total", "out"]
    assert "by_hand" not in nnsteps.solve("backprop", exact=True).to_json()["steps"][5]


# --- rounding at each step ---------------------------------------------------------------------------------------


def test_rounding_at_each_step_computes_from_the_numbers_shown() -> None:
    problem = Problem(
        given={"x": [1, 2], "W": [[1, 1], [3, -2]]},
        steps=["a = x / 3", "z = W @ a", "y = tanh(z)", "n = y / sum(y)"],
        rounding="each-step",
        digits=2,
    )
    trace = solve_problem(problem)
    a = [half_away(1 / 3, 2), half_away(2 / 3, 2)]
    z = [half_away(a[0] + a[1], 2), half_away(3 * a[0] - 2 * a[1], 2)]
    y = [half_away(math.tanh(value), 2) for value in z]
    assert flat(trace, "a") == a == [0.33, 0.67]
    assert flat(trace, "z") == z == [1, -0.35]
    assert flat(trace, "y") == y
    assert flat(trace, "n") == [half_away(value / (y[0] + y[1]), 2) for value in y]
    inside = solve_problem(problem, Settings(rounding="inside"))
    np.testing.assert_allclose(inside["z"].ravel(), [1, -1 / 3], rtol=1e-15)


def test_rounding_at_each_step_rounds_gradients_and_updates_too() -> None:
    problem = Problem(
        given={"w": [[1, 2]], "x": [1, 3], "t": 1},
        steps=["y = w @ x / 7", "L = (y - t) ** 2"],
        gradient={"of": "L", "wrt": ["w"]},
        update={"rule": "sgd", "rate": 0.1},
        rounding="each-step",
        digits=2,
    )
    trace = solve_problem(problem)
    for step in trace.steps:
        for value in flat(trace, step.key):
            assert value == half_away(value, 2), step.key


def test_rounding_an_exact_number_changes_nothing() -> None:
    trace = solve_problem(Problem(given={"x": [1.5, 2]}, steps=["y = x * 2"], rounding="each-step"))
    assert not trace.nodes[trace.node("y")].by_hand


def test_rounding_at_each_step_passes_its_own_check() -> None:
    report = check(nnsteps.solve("backprop", rounding="each-step").problem.changed(rounding="each-step"))
    assert report.ok, report.failures


# --- updates -----------------------------------------------------------------------------------------------------


def trained(**more: Any) -> nnsteps.Trace:
    return solve_problem(
        Problem(
            given={"x": [1, 2], "W": [[1, -1]], "b": 3, "t": 0},
            steps=["y = W @ x + b", "L = (y - t) ** 2"],
            gradient={"of": "L", "wrt": ["W", "b", "x"]},
            update={"rule": "sgd", "rate": "0.5 / 2"},
            **more,
        )
    )


def test_an_update_takes_a_step_downhill() -> None:
    trace = trained()  # y = 2, dL/dy = 4
    assert flat(trace, "W#2") == [1 - 0.25 * 4, -1 - 0.25 * 8]
    assert flat(trace, "b#2") == [3 - 0.25 * 4]
    updates = [step for step in trace.steps if step.kind == "update"]
    assert [to_text(step.formula) for step in updates] == ["W - 0.5 / 2 * dL/dW", "b - 0.5 / 2 * dL/db"]


def test_an_input_is_not_updated() -> None:
    assert "x#2" not in trained().by_key


def test_what_is_frozen_is_not_updated() -> None:
    trace = trained(freeze=["b"])
    assert "W#2" in trace.by_key
    assert "b#2" not in trace.by_key


def test_an_update_without_a_gradient_is_refused() -> None:
    with pytest.raises(StepsError, match="there is nothing to update"):
        solve_problem(Problem(given={"x": 1, "w": 2}, steps=["y = w * x"], update={"rule": "sgd", "rate": 0.1}))


# --- other numbers -----------------------------------------------------------------------------------------------


def test_other_given_numbers_leave_answers_and_remarks_behind() -> None:
    problem = nnsteps.solve("backprop").problem
    other = changed_given(problem, {"x": np.array([[1.0], [1.0], [1.0]])})
    assert not other.answers.by_hand
    assert problem.answers.by_hand
    assert flat(solve_problem(other), "z1") == [-4, 2, 3, 0]
    assert check(other).ok


def test_other_given_numbers_must_fit() -> None:
    problem = nnsteps.solve("backprop").problem
    with pytest.raises(UnknownName):
        changed_given(problem, {"q": np.ones((1, 1))})
    with pytest.raises(ShapeError):
        changed_given(problem, {"x": np.ones((2, 1))})


def test_solving_twice_gives_the_same_trace() -> None:
    assert nnsteps.solve("backprop").to_json() == nnsteps.solve("backprop").to_json()


def test_replaying_without_a_change_changes_nothing() -> None:
    trace = nnsteps.solve("backprop", exact=True)
    x = trace.given["x"]
    for node, value in zip(trace.nodes, trace.replay({x: trace.value(x)}), strict=True):
        np.testing.assert_array_equal(node.value, value)


def test_replaying_other_numbers_is_solving_them() -> None:
    trace = nnsteps.solve("backprop", exact=True)
    x = np.array([[2.5], [1.0], [3.0]])
    other = solve_problem(changed_given(trace.problem, {"x": x}), Settings(exact=True))
    values = trace.replay({trace.given["x"]: x})
    for name in trace.names:
        np.testing.assert_array_equal(values[trace.node(name)], other[name])


def test_the_words_of_the_project_are_not_python() -> None:
    for formula in ("x.shape", "(lambda: 1)()", "[a for a in x]", "__import__('os')"):
        with pytest.raises((FormulaError, UnknownName)):
            solved([f"y = {formula}"], x=[1])
