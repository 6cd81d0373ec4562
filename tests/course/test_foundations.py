"""The problems of neurons, perceptron, losses and regression: values against PyTorch, slopes against autograd.

A case works a problem out in PyTorch, from the given numbers alone, and gives every value a name. What our page calls
∂A/∂B is then asked of autograd, by these names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps.collection import folder
from nnsteps.trace import Trace

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that values and gradients are compared with")

PROBLEMS = folder()
TOPICS = ("neurons", "perceptron", "losses", "regression")
Values = dict[str, Any]


@cache
def solved(name: str) -> Trace:
    return nnsteps.solve(name, exact=True)


def given_of(name: str) -> Values:
    """The given numbers of a problem as tensors that autograd follows."""
    given = solved(name).to_json()["given"]
    return {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in given.items()}


def fires(z: Any) -> Any:
    """1 above 0, else 0; PyTorch passes no gradient through a comparison."""
    return (z > 0).to(torch.float64)


# --- neurons -----------------------------------------------------------------------------------------------------


def linear_unit(g: Values) -> Values:
    h = g["W1"] @ g["x"] + g["b1"]
    two = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)).double()
    with torch.no_grad():
        two[0].weight[:], two[0].bias[:] = g["W1"], g["b1"][:, 0]
        two[1].weight[:], two[1].bias[:] = g["W2"], g["b2"][:, 0]
    out = two(g["x"].T).T
    return {
        "y": torch.nn.functional.linear(g["x"].T, g["w"], g["b"][0]),
        "contributions": torch.stack([g["w"][0, k] * g["x"][k, 0] for k in range(3)]),
        "h": h,
        "out": out,
        "W": torch.einsum("ij,jk->ik", g["W2"], g["W1"]),
        "b3": two[1](g["b1"].T),
        "out_at_once": out,
    }


def binary_threshold_unit(g: Values) -> Values:
    total = torch.einsum("ij,jk->ik", g["w"], g["X"])
    z = total - g["theta"]
    y = fires(z)
    return {"sum": total, "z": z, "y": y, "L": torch.tensor(float((y != g["target"]).sum()))}


def sigmoid_neuron(g: Values) -> Values:
    z = g["w"] @ g["X"] + g["b"]
    y = torch.sigmoid(z)
    (slope,) = torch.autograd.grad(y.sum(), z, retain_graph=True)
    return {"z": z, "y": y, "slope": slope, "L": torch.nn.functional.mse_loss(y, g["target"], reduction="sum")}


def tanh_neuron(g: Values) -> Values:
    z = g["W"] @ g["x"] + g["b"]
    h, s = torch.tanh(z), torch.sigmoid(z)
    o, o_s = g["v"] @ h, g["v"] @ s
    mse = torch.nn.functional.mse_loss
    return {"z": z, "h": h, "o": o, "L": mse(o, g["target"]), "s": s, "o_s": o_s, "L_s": mse(o_s, g["target"])}


def relu_vs_leaky_relu(g: Values) -> Values:
    z = g["W"] @ g["X"] + g["b"]
    r, leaky = torch.relu(z), torch.nn.functional.leaky_relu(z, 0.1)
    losses = [torch.nn.functional.mse_loss(a, g["target"], reduction="sum") for a in (r, leaky)]
    return {"z": z, "r": r, "L_r": losses[0], "l": leaky, "L_l": losses[1]}


def gelu(g: Values) -> Values:
    x = g["x"]
    normal = torch.distributions.Normal(0.0, 1.0)
    y = torch.nn.functional.gelu(x)
    y_tanh = torch.nn.functional.gelu(x, approximate="tanh")
    (slope,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    return {
        "share": normal.cdf(x),
        "y": y,
        "scale": math.sqrt(2) / math.sqrt(math.pi),
        "u": np.polyval([0.044715, 0, 1, 0], x.detach().numpy()) * math.sqrt(2 / math.pi),
        "y_tanh": y_tanh,
        "worst": torch.dist(y, y_tanh, float("inf")),
        "density": normal.log_prob(x).exp(),
        "slope": slope,
    }


def activation_derivatives(g: Values) -> Values:
    curves = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky": lambda z: torch.nn.functional.leaky_relu(z, 0.1),
    }
    out = {}
    for name, curve in curves.items():
        out[f"a_{name}"] = curve(g["z"])
        (out[f"slope_{name}"],) = torch.autograd.grad(out[f"a_{name}"].sum(), g["z"])
    return out


# --- perceptron --------------------------------------------------------------------------------------------------


def logic_gates(g: Values) -> Values:
    out = {}
    for k, x in (("1", g["X"]), ("2", g["X"]), ("3", g["X"][:1])):
        out[f"z{k}"] = torch.nn.functional.linear(x.T, g[f"w{k}"], g[f"b{k}"][0]).T
        out[f"y{k}"] = fires(out[f"z{k}"])
    return out


def xor_hidden_layer(g: Values) -> Values:
    z = g["w"] @ g["X"] + g["b"]
    z1 = g["W1"] @ g["X"] + g["b1"]
    h = fires(z1)
    z2 = g["w2"] @ h + g["b2"]
    sums = torch.stack([z[0, 0] + z[0, 3], z[0, 1] + z[0, 2]])
    return {"z": z, "sums": sums, "z1": z1, "h": h, "z2": z2, "y": fires(z2)}


def decision_boundary(g: Values) -> Values:
    w, b, x = g["w"], g["b"], g["X"]
    length = torch.linalg.vector_norm(w)
    unit = torch.nn.functional.normalize(w)
    on_line = -b * unit.T / length  # the point of the line that is nearest to the origin
    distance = unit @ (x - on_line)
    foot = x - (unit.T @ unit) @ (x - on_line)
    z = w @ x + b
    return {
        "z": z,
        "side": torch.sign(z),
        "length": length,
        "distance": distance,
        "from_origin": unit @ -on_line,
        "foot": foot,
        "z_foot": torch.zeros_like(z),
        "z_double": 2 * z,
        "distance_double": distance,
    }


def perceptron(g: Values, epochs: int) -> Values:
    """The learning rule in whole Python numbers."""
    inputs = [[int(number) for number in g[f"x[{t}]"][:, 0]] for t in range(1, 5)]
    targets = [int(g[f"target[{t}]"]) for t in range(1, 5)]
    w = [int(number) for number in g["w[1,0]"][:, 0]]
    out: Values = {}
    for epoch in range(1, epochs + 1):
        if epoch > 1:
            out[f"w[{epoch},0]"] = list(w)
        for t, (x, target) in enumerate(zip(inputs, targets, strict=True), start=1):
            z = sum(a * b for a, b in zip(w, x, strict=True))
            says = z > 0
            if says and not target:
                w = [a - b for a, b in zip(w, x, strict=True)]
            if target and not says:
                w = [a + b for a, b in zip(w, x, strict=True)]
            here = f"[{epoch},{t}]"
            out |= {f"z{here}": z, f"y{here}": says, f"error{here}": target - says, f"w{here}": list(w)}
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in out.items()}


def perceptron_learning(g: Values) -> Values:
    return perceptron(g, 3)


def perceptron_xor(g: Values) -> Values:
    out = perceptron(g, 2)
    return out | {"moved": out["w[2,4]"] - out["w[2,0]"]}


def hebb_rule(g: Values) -> Values:
    out: Values = {}
    w = g["w[0]"]
    for t in range(1, 6):
        x = g[f"x[{t}]"]
        z = torch.einsum("ij,ij->", w, x) - 0.5
        w = torch.where((x == 1) & (z > 0), w + g["rate"], w)
        out |= {f"z[{t}]": z, f"y[{t}]": fires(z), f"w[{t}]": w}
    return out


# --- losses ------------------------------------------------------------------------------------------------------


def mse(g: Values) -> Values:
    squares = torch.nn.functional.mse_loss(g["p"], g["y"], reduction="none")
    return {
        "error": -torch.sub(g["y"], g["p"]),
        "squares": squares,
        "L": torch.nn.functional.mse_loss(g["p"], g["y"]),
        "share": torch.nn.functional.normalize(squares, p=1, dim=0),
    }


def binary_cross_entropy(g: Values) -> Values:
    surprise = torch.nn.functional.binary_cross_entropy_with_logits(g["z"], g["y"], reduction="none")
    p = torch.special.expit(g["z"])
    return {
        "p": p,
        "right": torch.exp(-surprise),
        "surprise": surprise,
        "L": torch.nn.functional.binary_cross_entropy(p, g["y"]),
    }


def softmax_cross_entropy(g: Values) -> Values:
    classes = g["answer"][:, 0].long() - 1
    p = torch.softmax(g["Z"], dim=0)
    return {
        "Y": torch.nn.functional.one_hot(classes, 3).T,
        "P": p,
        "guess": p.argmax(dim=0) + 1,
        "right": p[classes, torch.arange(2)],
        "L": torch.nn.functional.cross_entropy(g["Z"].T, classes, reduction="sum"),
        "L_shifted": torch.nn.functional.cross_entropy(g["Z"].T, classes, reduction="sum"),
    }


def huber(g: Values) -> Values:
    return {
        "error": g["p"] - g["y"],
        "each": (each := torch.nn.functional.huber_loss(g["p"], g["y"], reduction="none", delta=1.0)),
        "L": each.mean(),
        "L_squared": torch.nn.functional.mse_loss(g["p"], g["y"]),
    }


def hinge(g: Values) -> Values:
    s = g["w"] @ g["X"] + g["b"]
    missing = torch.clamp(1 - g["y"] * s, min=0)
    return {"s": s, "m": g["y"] * s, "missing": missing, "L": missing.sum()}


def triplet(g: Values) -> Values:
    distance = torch.nn.PairwiseDistance(eps=0)
    near, far = distance(g["A"].T, g["P"].T), distance(g["A"].T, g["N"].T)
    each = torch.clamp(near - far + 1, min=0)
    loss = torch.nn.TripletMarginLoss(margin=1, eps=0, reduction="none")
    torch.testing.assert_close(each, loss(g["A"].T, g["P"].T, g["N"].T))
    return {"near": near, "far": far, "each": each, "L": each.sum()}


# --- regression --------------------------------------------------------------------------------------------------


def descent(g: Values, loss: Callable[[Any, Any], Any], rate: float) -> tuple[Any, Any]:
    """The weight and the bias after one step of torch.optim.SGD."""
    w, b = (g[name].detach().clone().requires_grad_() for name in ("w", "b"))
    optimiser = torch.optim.SGD([w, b], lr=rate)
    loss(w * g["x"].detach() + b, g["y"].detach()).backward()
    optimiser.step()
    return w.detach(), b.detach()


def linear_regression(g: Values) -> Values:
    x, y, loss = g["x"], g["y"], torch.nn.functional.mse_loss
    p = g["w"] * x + g["b"]
    w_1, b_1 = descent(g, loss, 0.05)
    p_1 = w_1 * x + b_1
    table = torch.stack([x[0], torch.ones(4)], dim=1).detach()
    best = torch.linalg.lstsq(table, y.detach().T).solution
    best.requires_grad_()
    fitted = (table @ best).T
    least = loss(fitted, y)
    (slopes,) = torch.autograd.grad(least, best, retain_graph=True)
    return {
        "p": p,
        "L": loss(p, y),
        "w_1": w_1,
        "b_1": b_1,
        "p_1": p_1,
        "L_1": loss(p_1, y),
        "dx": x - torch.mean(x),
        "dy": y - torch.mean(y),
        "w_best": best[0],
        "b_best": best[1],
        "error": fitted - y,
        "L_best": least,
        "slope_w": slopes[0],
        "slope_b": slopes[1],
    }


def logistic_regression(g: Values) -> Values:
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    z = g["w"] * g["x"] + g["b"]
    p = torch.special.expit(z)
    w_1, b_1 = descent(g, loss, 2)
    z_1 = w_1 * g["x"] + b_1
    return {
        "z": z,
        "p": p,
        "guess": fires(z),
        "boundary": torch.linalg.solve(g["w"], -g["b"]),
        "L": loss(z, g["y"]),
        "w_1": w_1,
        "b_1": b_1,
        "p_1": torch.special.expit(z_1),
        "guess_1": fires(z_1),
        "boundary_1": torch.linalg.solve(w_1, -b_1),
        "L_1": loss(z_1, g["y"]),
    }


# --- the comparison ----------------------------------------------------------------------------------------------

CASES: dict[str, Callable[[Values], Values]] = {
    case.__name__.replace("_", "-"): case
    for case in (
        linear_unit, binary_threshold_unit, sigmoid_neuron, tanh_neuron, relu_vs_leaky_relu, gelu,
        activation_derivatives, logic_gates, xor_hidden_layer, decision_boundary, perceptron_learning, perceptron_xor,
        hebb_rule, mse, binary_cross_entropy, softmax_cross_entropy, huber, hinge, triplet, linear_regression,
        logistic_regression,
    )
}  # fmt: skip


@cache
def worked(name: str) -> tuple[Values, Values]:
    """The given tensors of a problem, and the values that PyTorch makes of them."""
    given = given_of(name)
    return given, CASES[name](given)


def values(name: str) -> tuple[Values, Values]:
    """Our values of a problem: those computed on the way to the end, and the gradients."""
    found = solved(name).to_json()
    slopes = {key: value for key, value in found["values"].items() if is_slope(key)}
    return {key: value for key, value in found["values"].items() if key not in {*found["given"], *slopes}}, slopes


def is_slope(name: str) -> bool:
    return name.startswith("d") and "/d" in name


def close(ours: Any, theirs: Any) -> None:
    """Equal to 1e-9, whatever sides of length 1 there are."""
    other = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    np.testing.assert_allclose(np.squeeze(np.array(ours, dtype=float)), np.squeeze(other), rtol=1e-9, atol=1e-9)


def test_every_problem_of_these_topics_has_a_case() -> None:
    assert {path.stem for topic in TOPICS for path in (PROBLEMS / topic).glob("*.yaml")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_value_is_the_one_that_pytorch_computes(name: str) -> None:
    ours, _ = values(name)
    _, theirs = worked(name)
    assert set(ours) == set(theirs)
    for key, value in ours.items():
        close(value, theirs[key])


@pytest.mark.parametrize("name", [name for name in CASES if solved(name).to_json()["gradients"]])
def test_every_gradient_is_the_one_of_autograd(name: str) -> None:
    _, slopes = values(name)
    asked = solved(name).to_json()["gradients"]
    given, theirs = worked(name)
    tensors = given | theirs
    assert set(asked) <= set(slopes)
    for key, value in slopes.items():
        top, _, bottom = key[1:].partition("/d")
        if bottom not in tensors:  # a part of a formula that has no name
            assert key not in asked
            continue
        loss = tensors[top]
        if not loss.requires_grad:  # everything behind a comparison
            close(value, np.zeros(np.shape(value)))
            continue
        (slope,) = torch.autograd.grad(loss, tensors[bottom], retain_graph=True, allow_unused=True)
        assert slope is not None, key
        close(value, slope)
