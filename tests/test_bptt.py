"""Backpropagation through time: gradients through the RNN and the LSTM, and one contribution for each time step.

PyTorch computes the same, with a weight of its own for each time step: the gradient of that one is the contribution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nnsteps
from nnsteps.collection import find
from nnsteps.trace import Trace

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that gradients are compared with")

SHEET = Path(__file__).parent / "sheets" / "recurrent-network.yaml"
STEPS = range(1, 5)
Forward = Callable[[dict[str, Any], dict[str, list[Any]]], tuple[Any, dict[str, Any]]]


def rnn(given: dict[str, Any], weights: dict[str, list[Any]]) -> tuple[Any, dict[str, Any]]:
    h, y = {0: given["h[0]"]}, {}
    for t in STEPS:
        a, b, c = (weights[name][t - 1] for name in "ABC")
        h[t] = torch.relu(a @ h[t - 1] + b @ given[f"x[{t}]"])
        h[t].retain_grad()
        y[t] = c @ h[t]
    loss = ((torch.cat([y[t] for t in STEPS]) - given["target"]) ** 2).sum()
    return loss, {f"h[{t}]": h[t] for t in STEPS}


def sheet(given: dict[str, Any], weights: dict[str, list[Any]]) -> tuple[Any, dict[str, Any]]:
    h, y = {0: given["H[0]"]}, {}
    for t in STEPS:
        wx, wh, bh, wy, by = (weights[name][t - 1] for name in ("Wx", "Wh", "bh", "Wy", "by"))
        h[t] = torch.tanh(wx @ given[f"X[{t}]"] + wh @ h[t - 1] + bh)
        h[t].retain_grad()
        y[t] = torch.sigmoid(wy @ h[t] + by)
    loss = ((torch.cat([y[t] for t in STEPS]) - given["target"]) ** 2).sum()
    return loss, {f"H[{t}]": h[t] for t in STEPS}


def lstm(given: dict[str, Any], weights: dict[str, list[Any]]) -> tuple[Any, dict[str, Any]]:
    h, c = {0: given["H[0]"]}, {0: given["C[0]"]}
    for t in STEPS:
        both = torch.cat([given[f"X[{t}]"], h[t - 1]])
        f, n, i, o = (weights[f"W_{gate}"][t - 1] @ both + weights[f"b_{gate}"][t - 1] for gate in "FCIO")
        c[t] = c[t - 1] * torch.sigmoid(f) + torch.tanh(n) * torch.sigmoid(i)
        h[t] = torch.tanh(c[t]) * torch.sigmoid(o)
        c[t].retain_grad()
        h[t].retain_grad()
    loss = ((torch.cat([h[t] for t in STEPS], dim=1) - given["target"]) ** 2).sum()
    states = {"H": h, "C": c}
    return loss, {f"{name}[{t}]": states[name][t] for name in states for t in STEPS}


# problem: forward pass in PyTorch, shared weights, the loss, its target
CASES: dict[str, tuple[Forward, tuple[str, ...], str, list[Any]]] = {
    "rnn": (rnn, ("A", "B", "C"), "mse(y, target, reduction='sum')", [2, -1, 3, 5]),
    "sheet": (
        sheet,
        ("Wx", "Wh", "bh", "Wy", "by"),
        "mse(Y, target, reduction='sum')",
        [0, 0.5, 1, 0.25],
    ),
    "lstm": (
        lstm,
        tuple(f"{kind}_{gate}" for gate in "FCIO" for kind in "Wb"),
        "mse(H, target, reduction='sum')",
        [[1, 0, -1, 0.5], [0.25, 1, 0, -1]],
    ),
}
INPUTS = {"rnn": "x", "sheet": "X", "lstm": "X"}
STATES = {"rnn": ("h[0]", "h[3]"), "sheet": ("H[0]", "H[3]"), "lstm": ("H[0]", "C[0]", "H[3]", "C[3]")}


def document(name: str) -> dict[str, Any]:
    text = SHEET.read_text("utf-8") if name == "sheet" else find(name).source_text
    return dict(yaml.safe_load(text or ""))


@cache
def ours(name: str) -> Trace:
    """The problem with a loss added, and the gradients of everything that went into it."""
    _, weights, loss, target = CASES[name]
    data = document(name)
    wrt = [*weights, INPUTS[name], *STATES[name]]
    steps = [*data["steps"], f"L = {loss}"]
    return nnsteps.solve(nnsteps.Problem({**data["given"], "target": target}, steps, {"of": "L", "wrt": wrt}))


@cache
def theirs(name: str) -> tuple[float, dict[str, np.ndarray[Any, Any]]]:
    """The loss and the gradients of PyTorch; those of a weight by time step, as dL/dA@2, and together."""
    forward, weights, _, _ = CASES[name]
    given = {
        key: torch.tensor(np.array(ours(name)[key]), dtype=torch.float64, requires_grad=key != "target")
        for key in ours(name).given
    }
    copies = {key: [given[key].detach().clone().requires_grad_() for _ in STEPS] for key in weights}
    loss, states = forward(given, copies)
    loss.backward()
    found = {f"dL/d{key}@{t}": copies[key][t - 1].grad for key in weights for t in STEPS}
    found |= {f"dL/d{key}": sum(copy.grad for copy in copies[key]) for key in weights}
    found |= {f"dL/d{key}": value.grad for key, value in {**given, **states}.items() if value.grad is not None}
    return float(loss.detach()), {key: value.numpy() for key, value in found.items()}


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


NAMES = [
    pytest.param(case, name, id=f"{case}-{name}")
    for case in CASES
    for name in (*CASES[case][1], *(f"{INPUTS[case]}[{t}]" for t in STEPS), *STATES[case])
]
WEIGHTS = [pytest.param(case, name, id=f"{case}-{name}") for case in CASES for name in CASES[case][1]]


@pytest.mark.parametrize("case", CASES)
def test_the_loss_over_all_time_steps_is_that_of_pytorch(case: str) -> None:
    close(ours(case)["L"].item(), theirs(case)[0])


@pytest.mark.parametrize(("case", "name"), NAMES)
def test_a_gradient_through_time_is_that_of_pytorch(case: str, name: str) -> None:
    gradient = ours(case)[f"dL/d{name}"]
    assert gradient.shape == ours(case)[name].shape
    close(gradient, theirs(case)[1][f"dL/d{name}"])


@pytest.mark.parametrize(("case", "name"), WEIGHTS)
def test_a_shared_weight_has_one_contribution_for_each_time_step(case: str, name: str) -> None:
    for t in STEPS:
        close(ours(case)[f"dL/d{name}@{t}"], theirs(case)[1][f"dL/d{name}@{t}"])


@pytest.mark.parametrize(("case", "name"), WEIGHTS)
def test_the_contributions_add_up_to_the_gradient_and_stand_before_it(case: str, name: str) -> None:
    trace = ours(case)
    close(sum(trace[f"dL/d{name}@{t}"] for t in STEPS), trace[f"dL/d{name}"])
    listed = [step.name for step in trace.steps if step.name.partition("@")[0] == f"dL/d{name}"]
    assert listed == [*(f"dL/d{name}@{t}" for t in reversed(STEPS)), f"dL/d{name}"]


def test_a_state_that_is_read_and_carried_on_has_two_contributions() -> None:
    trace = ours("rnn")
    close(trace["dL/dh[3]@1"] + trace["dL/dh[3]@2"], trace["dL/dh[3]"])
    residual = trace["y[3]"] - np.array([[3.0]])
    close(trace["dL/dh[3]@1"], 2 * trace["C"].T @ residual)  # what y[3] says; the other one comes from h[4]


@pytest.mark.parametrize("case", CASES)
def test_the_gradients_are_all_that_were_asked_for_the_inputs_one_by_one(case: str) -> None:
    inputs = [f"{INPUTS[case]}[{t}]" for t in STEPS]
    wanted = [f"dL/d{name}" for name in (*CASES[case][1], *inputs, *STATES[case])]
    assert list(ours(case).to_json()["gradients"]) == wanted


def test_a_loss_of_the_first_step_knows_nothing_of_the_later_inputs() -> None:
    data = document("rnn")
    problem = nnsteps.Problem(data["given"], [*data["steps"], "L = y[1] ** 2"], {"of": "L", "wrt": ["x", "A", "h[0]"]})
    trace = nnsteps.solve(problem)
    assert list(trace.to_json()["gradients"]) == ["dL/dx[1]", "dL/dA", "dL/dh[0]"]
    assert not any("@" in step.name for step in trace.steps)


def test_verify_agrees_by_differences() -> None:
    from nnsteps.verify import check

    data = document("lstm")
    _, weights, loss, target = CASES["lstm"]
    problem = nnsteps.Problem(
        {**data["given"], "target": target}, [*data["steps"], f"L = {loss}"], {"of": "L", "wrt": [*weights, "X"]}
    )
    report = check(problem)
    assert report.ok, report.failures
    assert report.gradients == sum(trace_size(problem, name) for name in (*weights, *(f"X[{t}]" for t in STEPS)))


def trace_size(problem: nnsteps.Problem, name: str) -> int:
    value = problem.given[name].value
    assert isinstance(value, np.ndarray)
    return value.size


def test_the_bundled_exercise_adds_up_what_each_time_step_has_to_say() -> None:
    trace = nnsteps.solve("backprop-through-time")
    a, b, c = (trace[name] for name in "ABC")
    h, z, y = {0: trace["h[0]"]}, {}, {}
    for t in (1, 2, 3):
        z[t] = a @ h[t - 1] + b * trace[f"x[{t}]"]
        h[t] = np.maximum(z[t], 0)
        y[t] = c @ h[t]
    carried = np.zeros((2, 1))
    for t in (3, 2, 1):
        error = 2 * (y[t] - trace["target"][t - 1])
        slope = np.where(z[t] > 0, c.T * error + carried, 0)
        carried = a.T @ slope
        close(trace[f"dL/dC@{t}"], error * h[t].T)
        close(trace[f"dL/dA@{t}"], slope @ h[t - 1].T)
        close(trace[f"dL/dB@{t}"], slope * trace[f"x[{t}]"])
    close(trace["dL/dh[0]"], carried)
    for name in "ABC":
        close(trace[f"dL/d{name}"], sum(trace[f"dL/d{name}@{t}"] for t in (1, 2, 3)))
