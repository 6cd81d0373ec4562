"""Optimisers: every path against torch.optim, every slope against autograd.

A case is a function that works the problem out in PyTorch, from the given numbers alone, and gives names with values.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.course.walks import Case, Given, Values, bowl, compare, expected, members, names_of, sgd, solved, walk

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that optimisers are compared with")


def gradient_descent(given: Given) -> Values:
    X, target = given("X"), given("target")
    path, slopes, losses = walk(sgd(given), given("w[0]"), lambda w, k: torch.nn.functional.mse_loss(X @ w, target), 5)
    return {
        **members("w", path[1:]), **members("gradient", slopes), **members("L", losses),
        "times_smaller": losses[0] / losses[4],
    }  # fmt: skip


def stochastic(given: Given) -> Values:
    x = torch.cat([given(f"x[{k}]") for k in range(1, 5)], dim=1)
    target = torch.cat([given(f"target[{k}]") for k in range(1, 5)])
    path, slopes, _ = walk(
        sgd(given), given("w[0]"), lambda w, k: ((x[:, k - 1 : k] * w).sum() - target[k - 1, 0]) ** 2, 4
    )
    whole = [torch.nn.functional.mse_loss(x.T @ w, target) for w in path[1:]]
    return {
        **members("w", path[1:]), **members("gradient", slopes), **members("L", whole),
        "last_change": whole[3] - whole[2],
    }  # fmt: skip


def mini_batch(given: Given) -> Values:
    line = torch.nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        line.weight.copy_(given("w[0]"))
        line.bias.copy_(given("b[0]")[0])
    optimiser = torch.optim.SGD(line.parameters(), lr=given("rate").item())
    found: Values = {}
    for k in range(1, 7):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(line(given(f"x[{k}]")), given(f"target[{k}]"))
        loss.backward()
        found |= {f"L[{k}]": loss.item(), f"gradient_w[{k}]": line.weight.grad.clone()}
        found |= {f"gradient_b[{k}]": line.bias.grad.clone()}
        optimiser.step()
        found |= {f"w[{k}]": line.weight.detach().clone(), f"b[{k}]": line.bias.detach().clone()}
    return found | {"answer": line(torch.tensor([[4.0]], dtype=torch.float64)).item()}


def learning_rates(given: Given) -> Values:
    walks = []
    for rate, start in zip(given("rate"), given("start").expand(4, 1), strict=True):
        make = lambda parameters, rate=rate: torch.optim.SGD(parameters, lr=rate.item())  # noqa: E731
        walks.append(walk(make, start, lambda w, k: (w**2).sum(), 6))
    path = [torch.stack([one[0][k] for one in walks]) for k in range(7)]
    slopes = [torch.stack([one[1][k] for one in walks]) for k in range(6)]
    return {
        **members("w", path[1:]), **members("slope", slopes), "loss": path[6] ** 2,
        "factor": path[1] / path[0],
    }  # fmt: skip


def momentum(given: Given) -> Values:
    loss = bowl(given("steepness"))
    plain, _, _ = walk(sgd(given), given("plain[0]"), loss, 6)
    path, _, _ = walk(sgd(given, momentum=given("mu").item()), given("w[0]"), loss, 6)
    velocities = [(old - new) / given("rate") for old, new in pairwise(path)]
    return {
        **members("plain", plain[1:]), **members("w", path[1:]), **members("v", velocities),
        "loss_plain": loss(plain[6], 0), "loss_momentum": loss(path[6], 0),
    }  # fmt: skip


def nesterov(given: Given) -> Values:
    """PyTorch walks on the places looked at: its weights are `ahead`, one turn later."""
    loss = bowl(torch.tensor(1.0, dtype=torch.float64))
    mu = given("mu").item()
    heavy, _, _ = walk(sgd(given, momentum=mu), given("w_m[0]"), loss, 6)
    ahead, _, _ = walk(sgd(given, momentum=mu, nesterov=True), given("w_n[0]"), loss, 6)
    return {
        **members("w_m", heavy[1:]), **members("ahead", ahead[:6]),
        "overshoot_m": -min(w.item() for w in heavy[1:]),
    }  # fmt: skip


def adagrad(given: Given) -> Values:
    path, slopes, _ = walk(
        lambda parameters: torch.optim.Adagrad(parameters, lr=given("rate").item(), eps=1e-30),
        given("w[0]"),
        lambda w, k: ((w * given(f"x[{k}]")).sum() - given(f"target[{k}]").squeeze()) ** 2 / 2,
        3,
    )
    last = path[3] - path[2]
    return {**members("w", path[1:]), **members("g", slopes), "ratio": last[1] / last[0]}


def rmsprop(given: Given) -> Values:
    decay, rate = given("decay").item(), given("rate").item()
    path, slopes, _ = walk(
        lambda parameters: torch.optim.RMSprop(parameters, lr=rate, alpha=decay, eps=0),
        given("w[0]"),
        bowl(given("steepness")),
        4,
    )
    return {**members("w", path[1:]), **members("g", slopes), "plain_move": 2 / 100 * slopes[0][0]}


def betas(given: Given) -> dict[str, Any]:
    both = (given("beta1").item(), given("beta2").item())
    return {"lr": given("rate").item(), "betas": both, "eps": given("eps").item()}


def adam(given: Given) -> Values:
    path, slopes, _ = walk(
        lambda parameters: torch.optim.Adam(parameters, **betas(given)),
        given("w[0]"),
        lambda w, k: ((w * given(f"x[{k}]")).sum() - given("target").squeeze()) ** 2 / 2,
        4,
    )
    return {**members("w", path[1:]), **members("g", slopes), "first_move": 0.5 / (math.sqrt(0.1) + 1e-8)}


def adamw(given: Given) -> Values:
    loss, decay = bowl(given("steepness")), given("decay").item()
    path, slopes, _ = walk(
        lambda parameters: torch.optim.AdamW(parameters, weight_decay=decay, **betas(given)), given("w[0]"), loss, 2
    )
    inside, _, _ = walk(
        lambda parameters: torch.optim.Adam(parameters, weight_decay=decay, **betas(given)), given("w[0]"), loss, 1
    )
    return {**members("w", path[1:]), **members("g", slopes), "w_L2": inside[1]}


CASES: dict[str, Case] = {
    "gradient-descent": gradient_descent,
    "stochastic-gradient-descent": stochastic,
    "mini-batch-sgd": mini_batch,
    "learning-rates": learning_rates,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}


@pytest.mark.parametrize("name", CASES)
def test_every_value_agrees_with_pytorch(name: str) -> None:
    compare(name, CASES[name])


def test_every_problem_of_the_topic_has_a_case() -> None:
    assert names_of("optimisation") == set(CASES)


def test_only_the_right_rate_arrives() -> None:
    loss = expected("learning-rates", learning_rates)["loss"]
    assert loss[1] < 1 < loss[0] < loss[2] == 25 < 200 < loss[3]


def test_momentum_comes_ten_times_as_far_down() -> None:
    loss = expected("momentum", momentum)
    assert loss["loss_momentum"] < loss["loss_plain"] / 10


def test_the_last_example_makes_the_loss_over_all_worse() -> None:
    assert expected("stochastic-gradient-descent", stochastic)["last_change"] > 0


def test_rmsprop_walks_steep_and_flat_alike() -> None:
    moved = expected("rmsprop", rmsprop)
    for k in range(1, 5):
        assert moved[f"w[{k}]"][0] == pytest.approx(moved[f"w[{k}]"][1], rel=1e-12)


def test_only_adamw_decays_by_the_weight() -> None:
    moved = expected("adamw", adamw)
    assert np.ptp(moved["w_L2"]) < 1e-7 < 0.05 < np.ptp(moved["w[1]"])


def test_nesterov_of_the_paper_is_pytorchs_seen_from_another_place() -> None:
    """w_n = ahead + rate · μ · v_n of the turn before, so the overshoot follows from PyTorch's own numbers."""
    trace = solved("nesterov")
    reached = [np.squeeze(trace[f"w_n[{k}]"]) for k in range(1, 7)]
    looked = [expected("nesterov", nesterov)[f"ahead[{k}]"] for k in range(1, 7)]
    w, v = 8.0, 0.0
    for place, here in zip(looked, reached, strict=True):
        assert place == pytest.approx(w - 0.5 * 0.5 * v, rel=1e-12)
        v = 0.5 * v + place
        w -= 0.5 * v
        assert here == pytest.approx(w, rel=1e-12)
    assert np.squeeze(trace["overshoot_n"]) == pytest.approx(-min(reached), rel=1e-12)
