"""The self-check of a problem: what it counts, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import nnsteps
from nnsteps import Problem, differences, ids, verify
from nnsteps.collection import bundled, find
from nnsteps.practice import Practice
from nnsteps.solver import solve_problem
from nnsteps.verify import check
from tests.sample import COLLECTION


@pytest.mark.parametrize("problem", bundled(), ids=lambda problem: problem.name)
def test_every_bundled_problem_is_right(problem: Problem) -> None:
    report = check(problem)
    assert report.ok, report.failures
    assert report.answers > 0 or problem.topic not in COLLECTION  # the course is compared with PyTorch in its tests
    assert report.largest_error < 1e-9


def test_the_report_counts_what_was_checked() -> None:
    report = check(nnsteps.solve("backprop").problem)
    assert (report.steps, report.gradients, report.answers) == (24, 35, 17)
    # W1 x, z1, a1, … every cell of every step: 4+4+2+2+3+3+1 forward, 3+6+3+2+2+8+2+4+4+12+4 backward, 35 update
    assert report.lines == 19 + 50 + 35
    assert report.line().startswith("ok  backprop   24 steps  ")
    assert "  35 gradients by differences  17 published answers  largest error " in report.line()


def test_two_epochs_are_checked_each_against_its_own_loss() -> None:
    update = {"update": {"rule": "sgd", "rate": 0.02}}
    epoch = ["p = w @ x", "L = mse(p, 1)", {"gradient": {"of": "L", "wrt": ["w"]}}, update]
    report = check(Problem(given={"x": [1, 2], "w": [[0.5, -0.5]]}, steps=[{"First": epoch}, {"Second": epoch}]))
    assert report.ok, report.failures
    assert report.gradients == 4


# --- answers -----------------------------------------------------------------------------------------------------


def with_answers(**answers: object) -> Problem:
    return Problem(
        given={"W": [[1, 2], [3, 4]], "x": [1, 1]},
        steps=["z = W @ x", {"step": "y = z / 3", "by hand": "round(z / 3, 1)"}],
        answers=answers,
    )


def test_answers_are_compared_without_regard_to_sides_of_length_1() -> None:
    for z in ([3, 7], [[3, 7]], [[3], [7]]):
        assert check(with_answers(by_hand={"z": z})).ok


def test_by_hand_and_exact_answers_are_compared_with_their_own_form() -> None:
    assert check(with_answers(by_hand={"y": [1, 2.3]}, exact={"y": [1, 7 / 3]})).ok
    assert not check(with_answers(by_hand={"y": [1, 7 / 3]})).ok
    assert not check(with_answers(exact={"y": [1, 2.3]})).ok


def test_a_wrong_answer_is_told_with_its_cell() -> None:
    report = check(with_answers(by_hand={"z": [3, 8]}))
    assert report.failures == ("problem: z[2] is 7, the published answer gives 8",)
    assert report.line().startswith("WRONG (1 failure)  problem")


def test_an_answer_of_another_shape_is_wrong() -> None:
    assert check(with_answers(by_hand={"z": [3, 7, 0]})).failures == ("problem: z is 2, the published answer 3",)


def test_an_answer_for_a_name_that_is_not_computed_is_wrong() -> None:
    assert check(with_answers(by_hand={"q": 1})).failures == (
        "problem: there is an answer for q, but q is not computed",
    )


def test_an_answer_that_is_called_wrong_must_be_wrong() -> None:
    assert check(with_answers(wrong={"z": {"printed": [3, 8], "why": "7 was misread"}})).ok
    report = check(with_answers(wrong={"z": {"printed": [3, 7], "why": "7 was misread"}}))
    assert "is not wrong" in report.failures[0]


# --- kinks -------------------------------------------------------------------------------------------------------


def on_a_kink(steps: list[str], **given: object) -> nnsteps.verify.Report:  # type: ignore[name-defined]
    return check(Problem(given=given, steps=steps, gradient={"of": "L", "wrt": list(given)[:1]}))


KINKS = [
    ("two zeros of a ReLU", ["z = W @ x", "a = relu(z)", "L = sum(a * a) + sum(a)"], 2, "relu′(0) = 0 by convention"),
    ("abs at 0", ["z = W @ x", "L = sum(abs(z))"], 2, "abs′(0) = 0"),
    ("leaky", ["z = W @ x", "L = sum(leaky_relu(z) * 3)"], 2, "leaky_relu: the slope at 0 is alpha"),
    ("a tie of max", ["L = max(W @ x)"], 1, "max: its gradient goes to the first largest"),
    ("maximum", ["z = W @ x", "L = sum(maximum(z, 0))"], 2, "maximum: a tie passes the gradient to the first"),
    ("floor", ["z = W @ x", "L = sum(z * floor(z))"], 3, "floor: the slope at a jump is 0"),
    ("step", ["z = W @ x", "L = sum(z * z * step(z) + z)"], 2, "step(0) = 0"),
    ("claim", ["z = W @ x", "L = sum((z + 1) * (z >= 0))"], 2, "ge: the slope at a jump is 0"),
]


@pytest.mark.parametrize(("steps", "count", "words"), [case[1:] for case in KINKS], ids=[case[0] for case in KINKS])
def test_a_problem_on_a_kink_is_checked_beside_it(steps: list[str], count: int, words: str) -> None:
    report = on_a_kink(steps, W=[[1, -1], [0, 0], [-3, 1]], x=[1, 1])
    assert report.ok, report.failures
    assert report.kinks == count
    assert words in report.line()


def test_a_wrong_gradient_on_a_kink_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from nnsteps.ops import REGISTRY

    monkeypatch.setitem(REGISTRY, "relu", dataclasses.replace(REGISTRY["relu"], grad={"x": "keep(2 * g, x > 0)"}))
    report = on_a_kink(["z = W @ x", "a = relu(z + 0.5 * abs(z))", "L = sum(a * a)"], W=[[1, -1], [2, 0]], x=[1, 1])
    assert not report.ok


@pytest.mark.parametrize(
    "id", ["autoencoder-21.1.0-60c23e9925", "autoencoder-46.1.8-5fc683ca0e", "gan-22.1.156-bd37963407"]
)
def test_many_kinks_are_all_left_behind(id: str) -> None:
    known = ids.parse(id)
    assert known is not None
    report = check(Practice(find(known.problem)).rebuild(known)[0].problem)
    assert (report.failures, report.notes) == ((), ())
    assert report.kinks >= 5


@pytest.mark.parametrize("rule", ["g", "keep(g, x < 0)", "keep(1.0001 * g, x > 0)"])
def test_a_wrong_gradient_is_found_however_near_the_kink(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    import dataclasses

    from nnsteps.ops import REGISTRY

    monkeypatch.setitem(REGISTRY, "relu", dataclasses.replace(REGISTRY["relu"], grad={"x": rule}))
    given = {"W": [[1, -1, -1, 1], [-1, 0, 1, 0], [1, 1, 1, 1]], "x": [2, 1, 1, 5e-5], "v": [[3, -2, 1]]}
    problem = Problem(given=given, steps=["a = relu(W @ x)", "L = sum(v @ a)"], gradient={"of": "L", "wrt": ["x"]})
    assert not check(problem).ok


def test_a_difference_knows_whether_it_reaches_over_a_kink() -> None:
    trace = solve_problem(Problem(given={"x": [1e-3, -2]}, steps=["L = sum(relu(3 * x))"]))
    probe = differences.Probe(trace, trace.given["x"], trace.node("L"), [node.value for node in trace.nodes])
    first, second = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    assert probe.crosses(first, 2e-3)
    assert not probe.crosses(first, 1e-4)
    assert not probe.crosses(second, 0.5)


def test_the_targets_of_a_shortcut_are_not_nudged() -> None:
    report = on_a_kink(
        ["z = W @ x", "y = softmax(relu(z))", "L = cross_entropy(y, t)"], W=[[1, -1], [2, 3]], x=[1, 1], t=[0, 1]
    )
    assert report.ok, report.failures
    assert report.kinks == 1


def test_a_kink_that_cannot_be_left_is_no_failure() -> None:
    report = on_a_kink(["L = sum(abs(x - x) + maximum(x, x))"], x=[1, 2])
    assert report.ok, report.failures


def test_a_kink_nearby_gives_no_false_alarm() -> None:
    for distance in (1e-3, 1e-4, 3e-5):
        assert on_a_kink(["L = sum(relu(x) * 3)"], x=[distance, -distance]).ok


def test_a_steep_curve_gives_no_false_alarm() -> None:
    report = on_a_kink(["L = -sum(log(p)) + sum(1 / p)"], p=[1e-4, 0.5, 1e-6])
    assert report.ok, report.failures


def test_a_large_loss_gives_no_false_alarm() -> None:
    assert on_a_kink(["L = sum(x ** 4) * 1000"], x=[100, -3, 0.01]).ok


# --- size --------------------------------------------------------------------------------------------------------


def network(side: int, batch: int) -> Problem:
    rng = np.random.default_rng(1)
    return Problem(
        given={
            "W1": rng.normal(size=(side, side)) / side**0.5,
            "W2": rng.normal(size=(side, side)) / side**0.5,
            "x": rng.normal(size=(side, batch)),
            "t": rng.normal(size=(side, batch)),
        },
        steps=["a = tanh(W1 @ x)", "y = W2 @ a", "L = mse(y, t)"],
        gradient={"of": "L", "wrt": ["W1", "W2"]},
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of very many, of fewer, so that it is said sooner."""
    monkeypatch.setattr(verify, "MOST_CELLS", 2_000)
    monkeypatch.setattr(verify, "MOST_GRADIENT_CELLS", 500)


@pytest.mark.usefixtures("small")
def test_many_gradients_are_compared_along_random_directions() -> None:
    report = check(network(20, 4))
    assert report.ok, report.failures
    assert report.gradients == 800
    assert "gradients compared along 20 random directions each" in report.notes


@pytest.mark.usefixtures("small")
def test_a_wrong_gradient_among_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from nnsteps.ops import REGISTRY

    monkeypatch.setitem(
        REGISTRY, "tanh", dataclasses.replace(REGISTRY["tanh"], grad={"x": "g * (1 - out * out) * 1.001"})
    )
    assert any("along random direction" in failure for failure in check(network(20, 4)).failures)


@pytest.mark.usefixtures("small")
def test_of_very_many_cells_some_are_checked_and_it_says_so() -> None:
    report = check(network(28, 10))
    assert report.ok, report.failures
    assert any(note.startswith("1 cell in ") and " was checked, of " in note for note in report.notes)


# --- what else a gradient can be ---------------------------------------------------------------------------------

SHAPES = [
    ("a name given a new value", ["x = x * 2", "x = x * x", "L = sum(x)"], ["x"]),
    ("the loss itself", ["L = sum(x)"], ["L", "x"]),
    ("one cell", ["y = x * x", "L = sum(y)"], ["x[2]"]),
    ("a gradient in a formula", ["l = sum(x ** 3)", "L = sum(grad(l, x) ** 2)"], ["x"]),
    ("nothing passes", ["y = step(x)", "L = sum(y)"], ["x"]),
]


@pytest.mark.parametrize(("steps", "wrt"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_a_gradient_is_compared(steps: list[str], wrt: list[str]) -> None:
    report = check(Problem(given={"x": [0.5, -1.5, 2]}, steps=steps, gradient={"of": "L", "wrt": wrt}))
    assert report.ok, report.failures
    assert report.gradients > 0


def test_the_value_that_a_loss_was_computed_from_is_moved_after_an_update() -> None:
    problem = Problem(
        given={"w": 2, "x": 3, "t": 5},
        steps=["L = (w * x - t) ** 2", "w = w - 0.01 * grad(L, w)", "M = (w * x - t) ** 2"],
        gradient=[{"of": "L", "wrt": ["x"]}, {"of": "M", "wrt": ["w"]}],
    )
    assert check(problem).ok
