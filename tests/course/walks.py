"""Problems of training worked out once more in PyTorch: the given numbers as tensors, and walks of its optimisers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps.collection import folder
from nnsteps.ops import Array
from nnsteps.trace import Trace

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that optimisers are compared with")

PROBLEMS = folder()
Values = dict[str, Any]
Given = Callable[[str], Any]
Case = Callable[[Given], Values]
Loss = Callable[[Any, int], Any]
Make = Callable[[list[Any]], Any]


@cache
def solved(name: str) -> Trace:
    return nnsteps.solve(name, exact=True)


def given_of(name: str) -> Given:
    """The given numbers of a problem as tensors."""
    trace = solved(name)
    return lambda key: torch.tensor(np.array(trace.value(trace.given[key])), dtype=torch.float64)


def walk(make: Make, start: Any, loss: Loss, turns: int) -> tuple[list[Any], list[Any], list[float]]:
    """The weights, gradients and losses of `turns` steps of an optimiser of PyTorch."""
    w = start.clone().requires_grad_()
    optimiser = make([w])
    path, slopes, losses = [w.detach().clone()], [], []
    for k in range(1, turns + 1):
        optimiser.zero_grad()
        value = loss(w, k)
        value.backward()
        slopes.append(w.grad.clone())
        losses.append(value.item())
        optimiser.step()
        path.append(w.detach().clone())
    return path, slopes, losses


def members(name: str, values: list[Any], first: int = 1) -> Values:
    return {f"{name}[{k}]": value for k, value in enumerate(values, first)}


def sgd(given: Given, **options: float) -> Make:
    return lambda parameters: torch.optim.SGD(parameters, lr=given("rate").item(), **options)


def bowl(steepness: Any) -> Loss:
    return lambda w, k: (steepness * w**2).sum() / 2


def expected(name: str, case: Case) -> dict[str, Array]:
    """What PyTorch says, as arrays without sides of length 1."""
    return {key: _plain(value) for key, value in case(given_of(name)).items()}


def found(name: str, key: str) -> Array:
    """Our value under a key (W1 is the first of its name, W1#2 the second), or the sum of several."""
    trace = solved(name)
    return sum(np.squeeze(trace.value(trace.by_key[part])) for part in key.split(" + "))


def compare(name: str, case: Case) -> None:
    """Complain about the first value that differs by more than 1e-9 of itself."""
    for key, value in expected(name, case).items():
        ours = found(name, key)
        assert ours.shape == value.shape, key
        np.testing.assert_allclose(ours, value, rtol=1e-9, atol=1e-12, err_msg=f"{name}: {key}")


def names_of(topic: str) -> set[str]:
    """The problems of a topic."""
    return {path.stem for path in (PROBLEMS / topic).glob("*.yaml")}


def _plain(value: Any) -> Array:
    array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value, dtype=np.float64)
    return np.squeeze(array)
