"""What happens in training: chain rule, deltas, initialisation, regularization, … against PyTorch.

A case is a function that works the problem out in PyTorch, from the given numbers alone, and gives names with values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnsteps
from tests.course.walks import Case, Given, Values, compare, expected, members, names_of, sgd, walk

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that gradients are compared with")


def chain_rule(given: Given) -> Values:
    x, y, z = (given(name).requires_grad_() for name in "xyz")
    a, b = x * y, x + z
    c = a * b
    loss = c**2
    nodes = {"x": x, "y": y, "z": z, "a": a, "b": b, "c": c}
    slopes = torch.autograd.grad(loss.sum(), list(nodes.values()))
    moved = ((x + 0.01) * y * (x + 0.01 + z)) ** 2
    return {f"dL/d{name}": slope for name, slope in zip(nodes, slopes, strict=True)} | {
        "L": loss, "difference": (moved - loss) / 0.01
    }  # fmt: skip


def deltas(given: Given) -> Values:
    """The deltas are the gradients of the loss in the weighted sums."""
    names = ("W1", "b1", "W2", "b2")
    W1, b1, W2, b2 = parameters = [given(name).requires_grad_() for name in names]

    def forward() -> tuple[Any, ...]:
        z1 = W1 @ given("x") + b1
        a1 = torch.sigmoid(z1)
        z2 = W2 @ a1 + b2
        y = torch.sigmoid(z2)
        return z1, a1, z2, y, ((y - given("target")) ** 2).sum() / 2

    z1, a1, z2, y, loss = forward()
    delta1, delta2, blame = torch.autograd.grad(loss, [z1, z2, a1], retain_graph=True)
    optimiser = torch.optim.SGD(parameters, lr=given("rate").item())
    loss.backward()
    found = {
        "a1": a1, "y": y, "L": loss, "delta1": delta1, "delta2": delta2, "blame": blame,
        "dW1": W1.grad.clone(), "dW2": W2.grad.clone(),
    }  # fmt: skip
    optimiser.step()
    found |= {f"{name}#2": parameter for name, parameter in zip(names, parameters, strict=True)}
    return found | {"y#2": forward()[3], "L#2": forward()[4]}


def vanishing(given: Given) -> Values:
    found: Values = {}
    last = {}
    for out, slope, squash in (("a", "g", torch.sigmoid), ("r", "h", torch.relu)):
        start = value = given(f"{out}[0]").requires_grad_()
        for k in range(1, 7):
            value = squash(given(f"w[{k}]") * value)
            (g,) = torch.autograd.grad(value.sum(), start, retain_graph=True)
            found |= {f"{out}[{k}]": value, f"{slope}[{k}]": g}
            last[slope] = g
    return found | {"times_weaker": last["h"] / last["g"]}


def dying(given: Given) -> Values:
    x, target = given("x"), given("target")

    def relu(w: Any, k: int) -> Any:
        return torch.nn.functional.mse_loss(torch.relu(w * x), target)

    def leaky(w: Any, k: int) -> Any:
        return torch.nn.functional.mse_loss(torch.nn.functional.leaky_relu(w * x, given("alpha").item()), target)

    path, slopes, losses = walk(sgd(given), given("w"), relu, 2)
    back, leaks, _ = walk(sgd(given), path[1], leaky, 3)
    return {
        "u": path[1], "u_next": path[2], "L": losses[0], "L_u": losses[1], "dL/dw": slopes[0], "dL_u/du": slopes[1],
        **members("v", back[1:]), **members("gradient", leaks), "z_leaky": back[3] * x,
    }  # fmt: skip


def initialisation(given: Given) -> Values:
    """PyTorch's own initialisers give the spreads: what they draw, over what the same seed draws with spread 1."""

    def spread_of(fill: Callable[..., Any], **options: Any) -> Any:
        drawn = torch.empty(4, 4, dtype=torch.float64)
        fill(drawn, generator=torch.Generator().manual_seed(1), **options)
        plain = torch.empty(4, 4, dtype=torch.float64).normal_(generator=torch.Generator().manual_seed(1))
        return drawn[0, 0] / plain[0, 0]

    xavier = spread_of(torch.nn.init.xavier_normal_)
    he = spread_of(torch.nn.init.kaiming_normal_, nonlinearity="relu")
    sizes = []
    for spread in (0.1, xavier, he, 1.0):
        a = given("x")
        row = [a.square().mean().sqrt()]
        for name in ("R1", "R2", "R3"):
            a = torch.relu(spread * given(name) @ a)
            row.append(a.square().mean().sqrt())
        sizes.append(torch.stack(row))
    return {"xavier": xavier, "he": he, "size": torch.stack(sizes)}


def penalised(given: Given, penalty: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    lam = given("lam").item()
    path, slopes, _ = walk(
        sgd(given),
        given("w[0]"),
        lambda w, k: ((w * given("x")).sum() - given("target").squeeze()) ** 2 / 2 + lam * penalty(w),
        4,
    )
    return path, slopes


def l1(given: Given) -> Values:
    path, slopes = penalised(given, lambda w: w.abs().sum())
    return {**members("w", path[1:]), "data[2] + penalty[2]": slopes[1], "zeros": (path[4] == 0).sum()}


def l2(given: Given) -> Values:
    path, slopes = penalised(given, lambda w: (w**2).sum() / 2)
    decayed, _, _ = walk(
        sgd(given, weight_decay=given("lam").item()),
        given("w[0]"),
        lambda w, k: ((w * given("x")).sum() - given("target").squeeze()) ** 2 / 2,
        4,
    )
    assert all(torch.allclose(one, other, rtol=1e-12) for one, other in zip(path, decayed, strict=True))
    return {**members("w", path[1:]), "data[2] + penalty[2]": slopes[1], "factor": path[4][1] ** 0.25}


def early_stopping(given: Given) -> Values:
    """The same in plain Python."""
    losses = [given(f"validation[{k}]").item() for k in range(1, 10)]
    best, waited, at, found = math.inf, 0, 0, {}
    for epoch, loss in enumerate(losses, 1):
        if loss < best:
            best, waited, at = loss, 0, epoch
        else:
            waited += 1
        found |= {f"best[{epoch}]": best, f"waited[{epoch}]": waited}
        if waited == given("patience").item():
            return found | {"best_epoch": at, "gap": loss - given(f"training[{epoch}]").item()}
    raise AssertionError("the losses never stop getting better")


def augmentation(given: Given) -> Values:
    image = given("image")
    mirrored = torch.flip(image, dims=[1])
    shifted = torch.nn.functional.pad(image, (1, 0))[:, :4]
    clipped = (image + given("noise")).clamp(0, 1)
    changed = torch.stack([(copy - image).abs().sum() for copy in (mirrored, shifted, clipped)])
    return {"mirrored": mirrored, "shifted": shifted, "clipped": clipped, "differences": changed}


def transfer(given: Given) -> Values:
    frozen = [given(name).requires_grad_(False) for name in ("W1", "b1")]
    head, bias = given("head").requires_grad_(), given("bias").requires_grad_()
    optimiser = torch.optim.SGD([head, bias], lr=0.5)
    features = torch.relu(frozen[0] @ given("X") + frozen[1])

    def loss() -> Any:
        logits = head @ features + bias
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, given("target"), reduction="sum")

    first = loss()
    first.backward()
    found = {"features": features, "L": first, "dL/dhead": head.grad.clone(), "dL/dbias": bias.grad.clone()}
    optimiser.step()
    return found | {"head#2": head, "bias#2": bias, "L#2": loss()}


def gradient_check(given: Given) -> Values:
    w, eps = given("w").requires_grad_(), given("eps").item()

    def loss(w: Any) -> Any:
        return ((w**3 - given("target")) ** 2).sum()

    (slope,) = torch.autograd.grad(loss(w), w)
    one = (loss(w + eps) - loss(w)) / eps
    two = (loss(w + eps) - loss(w - eps)) / (2 * eps)
    return {
        "slope": slope, "one_sided": one, "two_sided": two,
        "error_one": (one - slope).abs() / slope.abs(), "error_two": (two - slope).abs() / slope.abs(),
        "error_wrong": (two - slope / 3).abs() / (slope / 3).abs(),
    }  # fmt: skip


CASES: dict[str, Case] = {
    "chain-rule": chain_rule,
    "deltas": deltas,
    "vanishing-gradient": vanishing,
    "dying-relu": dying,
    "xavier-and-he": initialisation,
    "l1-regularization": l1,
    "l2-regularization": l2,
    "early-stopping": early_stopping,
    "data-augmentation": augmentation,
    "transfer-learning": transfer,
    "numerical-gradient-check": gradient_check,
}


@pytest.mark.parametrize("name", CASES)
def test_every_value_agrees_with_pytorch(name: str) -> None:
    compare(name, CASES[name])


def test_every_problem_of_the_topic_has_a_case() -> None:
    assert names_of("training") == set(CASES)


def test_the_relu_stays_dead_and_the_leaky_one_comes_back() -> None:
    values = expected("dying-relu", dying)
    assert values["dL_u/du"] == 0 < values["v[3]"]


def test_the_gradient_vanishes_through_sigmoids_only() -> None:
    values = expected("vanishing-gradient", vanishing)
    assert values["g[6]"] < 1e-4 < values["h[6]"] == 1


def test_l1_makes_zeros_and_l2_makes_none() -> None:
    assert expected("l1-regularization", l1)["zeros"] == 2
    assert (expected("l2-regularization", l2)["w[4]"] != 0).all()


def test_the_deltas_by_hand_follow_from_the_rounded_activations() -> None:
    """The same arithmetic in plain Python, with σ rounded to two decimals where a person rounds."""
    trace = nnsteps.solve("deltas")
    a, y = (0.5, round(1 / (1 + math.exp(-1)), 2)), round(1 / (1 + math.exp(-0.27)), 2)
    assert np.squeeze(trace.value(trace.by_key["a1"])).tolist() == list(a)
    assert np.squeeze(trace.value(trace.by_key["y"])) == y
    delta2 = (y - 1) * y * (1 - y)
    assert np.squeeze(trace["delta2"]) == pytest.approx(delta2, rel=1e-12)
    delta1 = [delta2 * weight * out * (1 - out) for weight, out in zip((2, -1), a, strict=True)]
    np.testing.assert_allclose(np.squeeze(trace["delta1"]), delta1, rtol=1e-12)
