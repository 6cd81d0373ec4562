"""Gradients: of whole networks against PyTorch, of everything else against central differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps import Problem, StepsError, scalar
from nnsteps.errors import GradientError
from nnsteps.formula import to_text
from nnsteps.solver import Settings, solve_problem
from nnsteps.verify import check

RNG = np.random.default_rng


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return RNG(seed + sum(shape)).normal(size=shape)


# --- whole networks against PyTorch ------------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "relu(z)": lambda torch, z: torch.relu(z),
    "leaky_relu(z)": lambda torch, z: torch.nn.functional.leaky_relu(z, 0.01),
    "leaky_relu(z, alpha=0.2)": lambda torch, z: torch.nn.functional.leaky_relu(z, 0.2),
    "sigmoid(z)": lambda torch, z: torch.sigmoid(z),
    "tanh(z)": lambda torch, z: torch.tanh(z),
    "softmax(z)": lambda torch, z: torch.softmax(z, 0),
    "softmax(z, axis=1)": lambda torch, z: torch.softmax(z, 1),
    "log_softmax(z)": lambda torch, z: torch.log_softmax(z, 0),
    "exp(z)": lambda torch, z: torch.exp(z),
    "abs(z)": lambda torch, z: torch.abs(z),
    "sqrt(abs(z) + 1)": lambda torch, z: torch.sqrt(torch.abs(z) + 1),
    "log(1 + exp(z))": lambda torch, z: torch.nn.functional.softplus(z),
    "z * step(z)": lambda torch, z: torch.relu(z),
    "z ** 3": lambda torch, z: z**3,
    "z * sigmoid(z)": lambda torch, z: torch.nn.functional.silu(z),
    "maximum(z, 0.1 * z)": lambda torch, z: torch.maximum(z, 0.1 * z),
    "where(z > 0, z, exp(z) - 1)": lambda torch, z: torch.nn.functional.elu(z),
}


def _one_hot(classes: int, batch: int) -> np.ndarray:
    return np.eye(classes)[:, RNG(classes + batch).integers(0, classes, batch)]


def _mixed(classes: int, batch: int) -> np.ndarray:
    target = RNG(3).uniform(0.1, 1, size=(classes, batch))
    return np.asarray(target / target.sum(axis=0))


LOSSES: dict[str, tuple[list[str], Callable[[Any, Any, Any], Any], Callable[[int, int], np.ndarray]]] = {
    "softmax, cross_entropy": (
        ["y = softmax(o)", "L = cross_entropy(y, t)"],
        lambda torch, o, t: torch.nn.functional.cross_entropy(o.T, t.T, reduction="sum"),
        _one_hot,
    ),
    "softmax, mean cross_entropy": (
        ["y = softmax(o)", 'L = cross_entropy(y, t, reduction="mean")'],
        lambda torch, o, t: torch.nn.functional.cross_entropy(o.T, t.T, reduction="mean"),
        _mixed,
    ),
    "softmax_cross_entropy": (
        ["L = softmax_cross_entropy(o, t)"],
        lambda torch, o, t: torch.nn.functional.cross_entropy(o.T, t.T, reduction="sum"),
        _mixed,
    ),
    "mean softmax_cross_entropy": (
        ['L = softmax_cross_entropy(o, t, reduction="mean")'],
        lambda torch, o, t: torch.nn.functional.cross_entropy(o.T, t.T, reduction="mean"),
        _one_hot,
    ),
    "log_softmax": (
        ["L = -sum(t * log_softmax(o))"],
        lambda torch, o, t: torch.nn.functional.cross_entropy(o.T, t.T, reduction="sum"),
        _one_hot,
    ),
    "sigmoid, bce": (
        ["y = sigmoid(o)", "L = bce(y, t)"],
        lambda torch, o, t: torch.nn.functional.binary_cross_entropy_with_logits(o, t),
        _one_hot,
    ),
    "sigmoid, summed bce": (
        ["y = sigmoid(o)", 'L = bce(y, t, reduction="sum")'],
        lambda torch, o, t: torch.nn.functional.binary_cross_entropy_with_logits(o, t, reduction="sum"),
        _mixed,
    ),
    "mse": (["L = mse(o, t)"], lambda torch, o, t: torch.nn.functional.mse_loss(o, t), _mixed),
    "summed mse": (
        ['L = mse(o, t, reduction="sum")'],
        lambda torch, o, t: torch.nn.functional.mse_loss(o, t, reduction="sum"),
        _mixed,
    ),
    "each mse": (
        ['L = sum(mse(o, t, reduction="none") ** 2)'],
        lambda torch, o, t: (torch.nn.functional.mse_loss(o, t, reduction="none") ** 2).sum(),
        _mixed,
    ),
}
PARAMETERS = ("W1", "b1", "W2", "b2", "x")


def mlp(activation: str, loss: list[str], target: np.ndarray, batch: int) -> Problem:
    given = {
        "x": normal(3, batch, seed=1),
        "W1": normal(5, 3, seed=2),
        "b1": normal(5, 1, seed=3),
        "W2": normal(4, 5, seed=4) / 8,
        "b2": normal(4, 1, seed=5),
        "t": target,
    }
    steps = ["z = W1 @ x + b1", f"a = {activation}", "o = W2 @ a + b2", *loss]
    return Problem(given=given, steps=steps, gradient={"of": "L", "wrt": [*PARAMETERS, "z", "a", "o"]})


@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_has_the_gradients_that_pytorch_finds(activation: str, loss: str, batch: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is only an outside witness here")
    steps, torch_loss, target_of = LOSSES[loss]
    problem = mlp(activation, steps, target_of(4, batch), batch)
    trace = solve_problem(problem)
    tensors = {
        name: torch.tensor(np.array(given.value), requires_grad=name != "t") for name, given in problem.given.items()
    }
    z = tensors["W1"] @ tensors["x"] + tensors["b1"]
    a = ACTIVATIONS[activation](torch, z)
    o = tensors["W2"] @ a + tensors["b2"]
    total = torch_loss(torch, o, tensors["t"])
    wanted = {**{name: tensors[name] for name in PARAMETERS}, "z": z, "a": a, "o": o}
    gradients = dict(zip(wanted, torch.autograd.grad(total, list(wanted.values())), strict=True))
    np.testing.assert_allclose(trace["L"].item(), total.item(), rtol=1e-10)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(trace[f"dL/d{name}"], gradient.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("activation", "loss"), list(itertools.product(["relu(z)", "tanh(z)"], LOSSES)))
def test_the_long_way_gives_the_same(activation: str, loss: str) -> None:
    steps, _, target_of = LOSSES[loss]
    problem = mlp(activation, steps, target_of(4, 3), 3)
    short, long = solve_problem(problem), solve_problem(problem, Settings(exact=True, expand=True))
    for name in (*PARAMETERS, "z"):
        np.testing.assert_allclose(short[f"dL/d{name}"], long[f"dL/d{name}"], rtol=1e-10, atol=1e-12, err_msg=name)


# --- everything else against differences, which need nothing but the forward pass --------------------------------

GRAPHS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "a value used twice": (["y = x * x + x", "L = sum(y)"], {"x": normal(3, 2)}),
    "a value used four times": (["L = sum(x * x * x * x)"], {"x": normal(3, 1)}),
    "a skip connection": (
        ["h = tanh(W @ x) + x", "o = W @ h + h", "L = mse(o, x)"],
        {"W": normal(3, 3), "x": normal(3, 2)},
    ),
    "a weight used twice": (["h = relu(W @ x)", "L = sum(W @ h)"], {"W": normal(3, 3), "x": normal(3, 2)}),
    "a weight and its transpose": (["L = sum((W.T @ tanh(W @ x) - x) ** 2)"], {"W": normal(2, 3), "x": normal(3, 4)}),
    "a product with itself": (["L = sum(W @ W)"], {"W": normal(3, 3)}),
    "sums along axes": (["L = sum(sum(x, axis=0) ** 2) + sum(sum(x, axis=1) ** 3)"], {"x": normal(3, 4)}),
    "means along axes": (
        ["L = sum(mean(x, axis=0) ** 2) + sum(mean(x, axis=1) ** 3) + mean(x) ** 2"],
        {"x": normal(3, 4)},
    ),
    "largest and smallest": (
        ["L = sum(max(x, axis=0) * min(x, axis=0)) + max(x) * min(x) + sum(max(x, axis=1))"],
        {"x": normal(3, 4)},
    ),
    "side by side": (["h = hstack(x, W @ x, x[:, 1])", "L = sum(h * h * h)"], {"W": normal(3, 3), "x": normal(3, 2)}),
    "on top of each other": (["h = vstack(x, W @ x)", "L = sum(h * h * h)"], {"W": normal(2, 3), "x": normal(3, 2)}),
    "stacked with itself": (["L = sum(hstack(x, x) ** 2) + sum(vstack(x, 2 * x) ** 3)"], {"x": normal(3, 2)}),
    "cells, rows, columns, slices": (
        ["L = x[2, 1] * x[1, 2] + sum(row(x, 1) ** 2) + sum(col(x, 3) ** 3) + sum(x[1:2, 2:3] ** 2) + sum(x[:, 1])"],
        {"x": normal(3, 4)},
    ),
    "an entry of a column": (["L = v[2] * v[3] + sum(v[1:2] ** 2)"], {"v": normal(3, 1)}),
    "division": (["L = sum(a / (b * b + 1)) + sum(1 / (a * a + 1))"], {"a": normal(2, 3), "b": normal(2, 1)}),
    "powers": (
        ["L = sum((x * x + 1) ** 1.5) + sum(2 ** x) + sum((x * x + 0.5) ** x) + sum(x ** 2) + sum(x ** 1)"],
        {"x": normal(2, 3)},
    ),
    "stretching in both": (["y = x + v", "L = sum(y * y)"], {"x": normal(3, 1), "v": normal(1, 4)}),
    "stretching of one number": (["y = s * x / (s * s + 1) - s", "L = sum(y * y)"], {"s": 0.7, "x": normal(2, 3)}),
    "one number only": (["y = w * x + b", "L = (y - t) ** 2"], {"w": 2, "x": 3, "b": 1, "t": 5}),
    "normalized columns": (
        ["c = x - mean(x, axis=0)", "n = c / sqrt(mean(c * c, axis=0) + 0.00001)", "L = sum(n * w)"],
        {"x": normal(4, 3), "w": normal(4, 3)},
    ),
    "attention": (
        ["S = K.T @ Q / sqrt(size(K, axis=0))", "A = softmax(S)", "Z = V @ A", "L = sum(Z * Z)"],
        {"Q": normal(3, 4), "K": normal(3, 5), "V": normal(2, 5)},
    ),
    "a gate": (
        ["g = sigmoid(U @ x)", "h = g * tanh(W @ x) + (1 - g) * x", "L = sum(h ** 2)"],
        {"U": normal(3, 3), "W": normal(3, 3, seed=1), "x": normal(3, 2)},
    ),
    "conditions": (
        ["L = sum(x * (x > 0 and x < 1)) + sum(x * x * (not x > 0)) + sum(x * (-1 < x <= 0.5))"],
        {"x": normal(3, 4)},
    ),
    "rounding beside it": (
        ["L = sum(x * round(x, 1)) + sum(x * floor(x)) + sum(x * x * sign(x))"],
        {"x": normal(3, 2)},
    ),
    "a number for every cell": (["L = sum(x * spread(sum(x), x) + x)"], {"x": normal(2, 2)}),
    "deep nesting": (["L = sum(tanh(sigmoid(exp(-(relu(x) + 1) ** 2) * 3) - 0.2) ** 3)"], {"x": normal(2, 3)}),
    "names of functions": (
        ["mean = mean(x)", "sum = sum((x - mean) ** 2)", "L = sum / mean ** 2"],
        {"x": normal(4, 1) + 2},
    ),
    "a name given again": (["x = x + 1", "x = x * x", "L = sum(x)"], {"x": normal(3, 1)}),
    "other names of one value": (["y = x", "u = y", "L = sum(u * y)"], {"x": normal(3, 1)}),
    "logsumexp": (
        ["L = logsumexp(x) + sum(logsumexp(x, axis=0) ** 2) + sum(logsumexp(x, axis=1) ** 2)"],
        {"x": normal(3, 2)},
    ),
    "each loss by itself": (
        ["p = softmax(z)", 'l = cross_entropy(p, t, reduction="none")', "L = sum(l * l)"],
        {"z": normal(3, 4), "t": _one_hot(3, 4)},
    ),
    "a loss of a loss": (["l = mse(x, y)", "L = l * l + exp(-l)"], {"x": normal(3, 2), "y": normal(3, 2, seed=1)}),
    "stacks of matrices": (
        ["S = Q @ R", "L = sum(softmax(S, axis=1) ** 2)"],
        {"Q": normal(2, 3, 4), "R": normal(2, 4, 2)},
    ),
    "a stack and one matrix": (
        ["S = Q @ W", "T = U @ S", "L = sum(T * T)"],
        {"Q": normal(2, 3, 4), "W": normal(4, 5), "U": normal(2, 3)},
    ),
    "a stack and one number": (["L = sum((Q * s + s) ** 2)"], {"Q": normal(2, 3, 4), "s": 0.3}),
    "parts of a stack": (
        ["L = sum(Q[1, 2:3, :] ** 2) + sum(sum(Q, axis=2) ** 2) + sum(mean(Q, axis=0) ** 3)"],
        {"Q": normal(2, 3, 4)},
    ),
    "transposed stacks": (["L = sum((Q @ Q.T) ** 2)"], {"Q": normal(2, 3, 4)}),
    "stacks of stacks": (["L = sum((A @ B) ** 2)"], {"A": normal(2, 2, 3, 4), "B": normal(2, 1, 4, 2)}),
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_has_the_gradients_that_differences_find(graph: str) -> None:
    steps, given = GRAPHS[graph]
    report = check(Problem(given=given, steps=steps, gradient={"of": "L", "wrt": list(given)}))
    assert report.ok, report.failures
    assert report.gradients == sum(np.asarray(value).size for value in given.values())
    assert not report.notes


@pytest.mark.parametrize("graph", GRAPHS)
def test_and_the_long_way_too(graph: str) -> None:
    steps, given = GRAPHS[graph]
    problem = Problem(given=given, steps=steps, gradient={"of": "L", "wrt": list(given)})
    short, long = solve_problem(problem), solve_problem(problem, Settings(exact=True, expand=True))
    for name in given:
        np.testing.assert_allclose(short[f"dL/d{name}"], long[f"dL/d{name}"], rtol=1e-10, atol=1e-12)


# --- how it is told ----------------------------------------------------------------------------------------------


def told(trace: nnsteps.Trace) -> list[str]:
    return [f"{step.name} = {to_text(step.formula)}" for step in trace.steps if step.kind == "backward"]


def test_backprop_goes_in_the_order_of_the_exercise() -> None:
    assert told(nnsteps.solve("backprop")) == [
        "dL/dz3 = y - target",
        "dL/dW3 = dL/dz3 @ a2.T",
        "dL/db3 = dL/dz3",
        "dL/da2 = W3.T @ dL/dz3",
        "dL/dz2 = keep(dL/da2, z2 > 0)",
        "dL/dW2 = dL/dz2 @ a1.T",
        "dL/db2 = dL/dz2",
        "dL/da1 = W2.T @ dL/dz2",
        "dL/dz1 = keep(dL/da1, z1 > 0)",
        "dL/dW1 = dL/dz1 @ x.T",
        "dL/db1 = dL/dz1",
    ]


def test_contributions_are_steps_before_their_sum() -> None:
    problem = Problem(
        given={"W": [[1, 2], [3, 4]], "x": [1, 1]},
        steps=["h = W @ x", "o = W @ h", "L = sum(o * o)"],
        gradient={"of": "L", "wrt": ["W"]},
    )
    trace = solve_problem(problem)
    names = [step.name for step in trace.steps if step.name.startswith("dL/dW")]
    assert names == ["dL/dW@2", "dL/dW@1", "dL/dW"]
    (total,) = [step for step in trace.steps if step.name == "dL/dW"]
    assert to_text(total.formula) == "dL/dW@2 + dL/dW@1"
    assert total.words == "used 2 times, so its gradients add"
    np.testing.assert_array_equal(trace["dL/dW"], trace["dL/dW@2"] + trace["dL/dW@1"])


def test_what_leads_nowhere_is_not_computed() -> None:
    problem = Problem(
        given={"W": [[1, 2]], "V": [[3, 4]], "x": [1, 1]},
        steps=["a = W @ x", "b = V @ x", "L = (a * b) ** 2"],
        gradient={"of": "L", "wrt": ["W"]},
    )
    names = set(solve_problem(problem).names)
    assert "dL/dW" in names
    assert not names & {"dL/dV", "dL/dx", "dL/db"}


def test_the_gradient_of_squares_reads_as_a_person_writes_it() -> None:
    problem = Problem(
        given={"y": [1, 2], "t": [0, 0]}, steps=["L = sum((y - t) ** 2)"], gradient={"of": "L", "wrt": ["y"]}
    )
    assert told(solve_problem(problem))[-1] == "dL/dy = 2 * (y - t)"


def test_the_gradient_through_a_norm_is_one_closed_step() -> None:
    steps = ["y = layer_norm(x, gamma, beta)", "L = sum(y * w)"]
    given = {"x": [[9.0], [3], [3], [1]], "gamma": [1, 2, 3, 2], "beta": [0, 0, 2, 1], "w": [4, -1, 0, 2]}
    trace = nnsteps.solve(Problem(given=given, steps=steps, gradient={"of": "L", "wrt": ["x", "gamma", "beta"]}))
    backward = [step.name for step in trace.steps if step.kind == "backward"]
    assert backward == ["dL/dy", "dL/d(normalized(x))", "dL/dx", "dL/dgamma", "dL/dbeta"]
    sigma = np.sqrt(9 + 1e-5)  # the mean of x is 4, its variance 9
    n, d = np.array([5, -1, -1, -3]) / sigma, np.array([4.0, -2, 0, 4])
    expected = (d - d.mean() - n * (d @ n) / 4) / sigma
    np.testing.assert_allclose(trace["dL/dx"].ravel(), expected, rtol=1e-12)


def test_a_flat_way_back_says_so() -> None:
    problem = Problem(given={"x": [1, 2]}, steps=["y = floor(x)", "L = sum(y)"], gradient={"of": "L", "wrt": ["x"]})
    trace = solve_problem(problem)
    np.testing.assert_array_equal(trace["dL/dx"], np.zeros((2, 1)))
    assert trace.steps[-1].words == "every way back is flat: nothing is passed"


def test_several_losses_have_gradients_of_their_own() -> None:
    problem = Problem(
        given={"w": 3, "x": 2},
        steps=["y = w * x", "L = y * y", "M = y + w"],
        gradient=[{"of": "L", "wrt": ["w"]}, {"of": "M", "wrt": ["w", "x"]}],
    )
    trace = solve_problem(problem)
    assert (trace["dL/dw"].item(), trace["dM/dw"].item(), trace["dM/dx"].item()) == (24, 3, 3)
    assert check(problem).ok


def test_a_second_gradient_of_the_same_name_is_another_version() -> None:
    problem = Problem(
        given={"w": 3},
        steps=["L = w * w", "w = w - 0.1 * grad(L, w)", "L = w * w", "w = w - 0.1 * grad(L, w)"],
    )
    trace = solve_problem(problem)
    assert trace["w"].item() == pytest.approx(3 * 0.8 * 0.8, rel=1e-15)
    versions = [trace.value(node).item() for node in trace.names["dL/dw"]]
    assert versions == pytest.approx([6, 4.8], rel=1e-15)
    assert [key for key in trace.by_key if key.startswith("dL/dw") and "@" not in key] == ["dL/dw", "dL/dw#2"]


def test_a_gradient_after_an_update_means_the_value_the_loss_was_computed_from() -> None:
    problem = Problem(
        given={"w": 3, "x": 2},
        steps=["L = (w * x) ** 2", "w = w - 1"],
        gradient={"of": "L", "wrt": ["w"]},
    )
    assert solve_problem(problem)["dL/dw"].item() == 2 * 3 * 2 * 2  # 2 w x², with w still 3


def test_the_steps_of_an_update_use_the_values_of_their_own_version() -> None:
    problem = Problem(
        given={"w": 3},
        steps=["L = w * w", "w = w - 0.1 * grad(L, w)", "M = w * w"],
        gradient={"of": "M", "wrt": ["w"]},
    )
    trace = solve_problem(problem)
    (step,) = [step for step in trace.steps if step.name == "dM/dw"]
    assert set(step.uses) <= {"w#2", "dM/dw@1", "dM/dw@2"}
    assert trace["dM/dw"].item() == pytest.approx(4.8)


def test_gradients_in_formulas_are_values_like_others() -> None:
    problem = Problem(given={"x": [1, 2, 3]}, steps=["L = sum(x ** 3)", "n = sqrt(sum(grad(L, x) ** 2))"])
    assert solve_problem(problem)["n"].item() == pytest.approx((9 + 144 + 729) ** 0.5)


def test_one_cell_may_be_asked_for() -> None:
    problem = Problem(given={"x": [1, 2, 3]}, steps=["L = sum(x ** 2)"], gradient={"of": "L", "wrt": ["x[2]"]})
    assert solve_problem(problem).to_json()["gradients"] == {"dL/dx[2]": [[4]]}


def test_a_loss_may_be_a_formula() -> None:
    problem = Problem(given={"x": [1, 2, 3]}, steps=["y = x * x"], gradient={"of": "sum(y)", "wrt": ["x"]})
    np.testing.assert_array_equal(solve_problem(problem)["dsum(y)/dx"].ravel(), [2, 4, 6])


@pytest.mark.parametrize(
    ("loss", "given"),
    [
        ("dot(r, c)", {"r": [[0.3, -1, 2]], "c": [0.2, 0.9]}),
        ("bce_with_logits(r, c)", {"r": [[0.3, -1, 2]], "c": [0.2, 0.9]}),
        ("dot(r, c)", {"r": np.arange(6.0).reshape(2, 1, 3), "c": [[[0.1], [0.7]]]}),
        ("softmax_cross_entropy(r, c)", {"r": 0.3, "c": [[0.2, 0.5], [0.8, 0.5]]}),
        ("softmax_cross_entropy(r, c)", {"r": [0.3, -1, 2], "c": 1}),
        ("cross_entropy(softmax(r), c)", {"r": 0.3, "c": [[0.2, 0.5], [0.8, 0.5]]}),
        ("cross_entropy(softmax(r), c)", {"r": [0.3, -1, 2], "c": 1}),
        ("sum(on_diagonal(r, c)) + sum(c)", {"r": 2, "c": [[1, 2, 3]]}),
    ],
)
def test_where_both_operands_stretch_the_gradient_is_right(loss: str, given: dict[str, Any]) -> None:
    report = check(Problem(given=given, steps=[f"L = {loss}"], gradient={"of": "L", "wrt": ["r", "c"]}))
    assert report.ok, report.failures
    assert report.gradients


def test_without_wrt_the_learnable_values_are_meant() -> None:
    problem = Problem(
        given={"x": [1, 2], "W": [[1, 2]], "b": 1, "t": 4},
        steps=["y = W @ x + b", "L = mse(y, t)"],
        gradient={"of": "L"},
    )
    assert list(solve_problem(problem).to_json()["gradients"]) == ["dL/dW", "dL/db"]


REFUSED = [
    (
        {"x": [1, 2]},
        ["y = x * x"],
        {"of": "y", "wrt": ["x"]},
        "the gradient needs one number to start from; y is 2×1",
        "Add it up",
    ),
    (
        {"x": 1, "w": 2},
        ["L = x * x"],
        {"of": "L", "wrt": ["w"]},
        "L does not use w",
        "Its gradient would be 0 everywhere.",
    ),
    ({"x": 1}, ["L = x * x"], {"of": "L", "wrt": ["v"]}, "there is no value called v", None),
    ({"x": 4}, ["L = keep(x, x)"], {"of": "L", "wrt": ["x"]}, "L has no gradient through", None),
    ({"x": 1}, ["L = x * x", "y = grad(L)"], None, "grad needs a loss and a name", None),
]


@pytest.mark.parametrize(("given", "steps", "gradient", "message", "hint"), REFUSED)
def test_where_there_is_no_gradient_it_says_why(
    given: dict[str, Any], steps: list[str], gradient: dict[str, Any] | None, message: str, hint: str | None
) -> None:
    with pytest.raises(StepsError) as caught:
        solve_problem(Problem(given=given, steps=steps, gradient=gradient))
    assert message in caught.value.message
    if hint is not None:
        assert hint in str(caught.value.hint)


def test_a_slope_that_is_no_number_names_the_step() -> None:
    with pytest.raises(StepsError, match="divides by zero"):
        solve_problem(Problem(given={"x": [0, 1]}, steps=["L = sum(sqrt(x))"], gradient={"of": "L", "wrt": ["x"]}))


def test_the_errors_of_gradients_are_of_one_kind() -> None:
    assert issubclass(GradientError, StepsError)
    assert GradientError.code == "gradient"


def test_a_gradient_that_is_a_part_of_the_forward_pass_leaves_the_lines_there_alone() -> None:
    problem = Problem(given={"y": [2, 3]}, steps=["L = sum(y * y * y)"], gradient={"of": "L", "wrt": ["y"]})
    trace = solve_problem(problem)
    named = {trace.keys[ref.node] for ref in scalar.refs(trace.explain(trace.node("L"), (0, 0)))}
    assert named == {"y"}
    assert trace["dL/dy"].ravel().tolist() == [12, 27]


def test_a_rule_does_not_turn_a_transpose_twice() -> None:
    problem = Problem(
        given={"W": [[1, 2], [3, 4]], "h": [1, 2]},
        steps=["r = W.T @ h", "L = sum(r)"],
        gradient={"of": "L", "wrt": ["h", "W"]},
    )
    trace = solve_problem(problem)
    said = {step.name: to_text(step.formula) for step in trace.steps}
    assert said["dL/dh"] == "W @ dL/dr"
    assert trace["dL/dW"].tolist() == [[1, 1], [2, 2]]


def test_a_weight_that_is_used_very_often_has_a_gradient_that_can_be_told() -> None:
    turns = 1200
    problem = Problem(
        given={"u": 0.5, "h[0]": 0},
        steps=[{f"for t in 1..{turns}": ["h[t] = h[t-1] + u"]}, f"L = h[{turns}] ** 2"],
        gradient={"of": "L", "wrt": ["u"]},
    )
    trace = solve_problem(problem)
    assert trace["dL/du"].item() == 2 * (turns * 0.5) * turns  # dL/dh = 2 h, dh/du = turns
    assert trace.why("dL/du")
    assert trace.to_json()["gradients"] == {"dL/du": [[1440000]]}
