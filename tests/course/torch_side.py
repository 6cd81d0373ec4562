"""A problem and PyTorch side by side: the given numbers as tensors, layers on arrays without a batch, counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import nnsteps
from nnsteps.trace import Trace

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that values and gradients are compared with")
nn, F = torch.nn, torch.nn.functional

Tensors = dict[str, Any]
Forward = Callable[[Tensors], Tensors]


@cache
def ours(name: str) -> Trace:
    """The problem solved, without what was rounded by hand."""
    return nnsteps.solve(name, exact=True)


def theirs(name: str, forward: Forward) -> tuple[Tensors, Tensors]:
    """The given numbers as PyTorch has them, and what it makes of them."""
    trace = ours(name)
    given = {
        key: torch.tensor(trace.nodes[node].value, dtype=torch.float64, requires_grad=True)
        for key, node in trace.given.items()
        if isinstance(trace.nodes[node].value, np.ndarray)
    }
    return given, forward(given)


def array(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=np.float64)


def close(one: Any, other: Any) -> None:
    """Equal without regard to sides of length 1."""
    one, other = array(one), array(other)
    assert [side for side in one.shape if side > 1] == [side for side in other.shape if side > 1]
    np.testing.assert_allclose(one.squeeze(), other.squeeze(), rtol=1e-9, atol=1e-9)


def check_values(name: str, forward: Forward) -> None:
    """Every step that the file writes has the value that PyTorch finds; none is left out."""
    trace, found = ours(name), theirs(name, forward)[1]
    assert {step.name for step in trace.steps if step.kind == "forward"} == set(found)
    for key, value in found.items():
        close(trace[key], value)


# --- layers on arrays without a batch ----------------------------------------------------------------------------


def stacked(x: Any, rank: int) -> Any:
    """x with as many sides as PyTorch wants, new ones in front."""
    return x.reshape((1,) * (rank - x.dim()) + tuple(x.shape))


def conv2d(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    out = F.conv2d(stacked(x, 4), stacked(w, 4), None if b is None else b.reshape(-1), **options)
    return out[0, 0] if w.dim() == 2 else out[0]


def conv1d(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    return F.conv1d(x[None], stacked(w, 3), None if b is None else b.reshape(-1), **options)[0]


def max_pool(x: Any, *options: int) -> Any:
    return F.max_pool2d(stacked(x, 4), *(options or (2,)))[0].reshape(*x.shape[:-2], *_pooled(x, options))


def avg_pool(x: Any) -> Any:
    return F.avg_pool2d(stacked(x, 4), 2)[0, 0]


def _pooled(x: Any, options: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = x.shape[-2:]
    return (rows, columns) if options else (rows // 2, columns // 2)


def out_side(side: int, window: int, stride: int = 1, padding: int = 0) -> int:
    """The side of a result, found by letting a layer run."""
    layer = nn.Conv2d(1, 1, window, stride, padding, device="meta")
    return int(layer(torch.zeros(1, 1, side, side, device="meta")).shape[-1])


# --- counts ------------------------------------------------------------------------------------------------------


def count(module: Any) -> int:
    """How many numbers a layer or a network learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def column(modules: Any) -> Any:
    return torch.tensor([[float(count(module))] for module in modules])


def sides(layers: Any, image: tuple[int, ...]) -> list[int]:
    """The side of the image behind each layer."""
    x, found = torch.zeros(1, *image, device="meta"), []
    for layer in layers:
        x = layer(x)
        found.append(int(x.shape[-1]))
    return found
