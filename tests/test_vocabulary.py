"""The vocabulary of formulas against PyTorch: the values and the gradients of every function that both have.

One table. A row says the formula, its arguments, what PyTorch calls it, and in `differs` where the two have different
conventions, which the row's translation then bridges: PyTorch has examples in rows (ours are columns), counts positions
from 0 (ours from 1), and averages some losses that are summed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnsteps import Problem
from nnsteps.compounds import COMPOUNDS
from nnsteps.ops import REGISTRY
from nnsteps.solver import solve_problem

Given = Mapping[str, np.ndarray]


class Row(NamedTuple):
    formula: str
    given: Given
    torch: Callable[..., Any]  # torch, torch.nn.functional and the arguments as tensors, in order
    wrt: str = "x"  # the arguments that have a gradient, as letters or words
    differs: str = ""


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed + 7 * sum(shape) + len(shape)).normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    return np.abs(normal(*shape)) + 0.1


def shares(*shape: int, seed: int = 0) -> np.ndarray:
    raw = np.exp(normal(*shape, seed=seed))
    return np.asarray(raw / raw.sum(axis=0))


X = {"x": 2 * normal(3, 4)}
P = {"x": positive(3, 4)}
TWO = {"a": normal(3, 4), "b": normal(3, 4, seed=1)}
ERRORS = {"p": 2 * normal(3, 4), "y": normal(3, 4, seed=1)}
CHANCES = {"p": shares(3, 4), "y": shares(3, 4, seed=1)}
SCALED = {"x": normal(6, 4), "gamma": normal(6, 1), "beta": normal(6, 1, seed=1)}
IMAGE = {"x": normal(4, 6, 5), "w": normal(6, 4, 3, 2), "b": normal(6, 1)}
GROUPS = {"x": normal(4, 6, 5), "w": normal(6, 2, 3, 2), "b": normal(6, 1)}
BACK = {"x": normal(4, 3, 3), "w": normal(4, 2, 3, 2), "b": normal(2, 1)}
BACK_GROUPS = {"x": normal(4, 3, 3), "w": normal(4, 3, 3, 2), "b": normal(6, 1)}
SERIES = {"x": normal(4, 9), "w": normal(6, 4, 3), "b": normal(6, 1)}
STACK = {"x": normal(3, 6, 5)}
FROM_1 = "positions count from 0 in PyTorch"
ROWS = "features stand in columns in PyTorch"
MEANS = "PyTorch averages"


def each(name: str) -> Callable[..., Any]:
    """The function of the same name in torch or torch.nn.functional."""
    return lambda torch, F, *args: (
        getattr(torch, name, None)(*args) if hasattr(torch, name) else getattr(F, name)(*args)
    )


def places(at: Any) -> Any:
    """Our positions as PyTorch's."""
    return at.long().ravel() - 1


def with_bias(name: str, **options: Any) -> Callable[..., Any]:
    return lambda torch, F, x, w, *b: getattr(F, name)(x, w, b[0].ravel() if b else None, **options)


ROWS_OF_THE_TABLE = [
    # each cell by itself
    *(Row(f"{name}(x)", X, each(name)) for name in ("exp", "abs", "sin", "cos", "erf", "tanh", "sigmoid", "relu")),
    *(Row(f"{name}(x)", P, each(name)) for name in ("log", "log2", "sqrt")),
    *(Row(f"{name}(x)", X, each(name), "") for name in ("sign", "floor")),
    Row("round(x)", X, each("round"), "", differs="halves go to the even number in PyTorch; there are none here"),
    Row("step(x)", X, lambda torch, F, x: torch.heaviside(x, torch.zeros(1, dtype=x.dtype)), ""),
    Row("clip(x, -0.5, 1)", X, lambda torch, F, x: torch.clamp(x, -0.5, 1)),
    Row("maximum(a, b)", TWO, each("maximum"), "a b"),
    Row("minimum(a, b)", TWO, each("minimum"), "a b"),
    Row("where(a > 0, a, b)", TWO, lambda torch, F, a, b: torch.where(a > 0, a, b), "a b"),
    Row("xlogy(a, b)", {"a": normal(3, 4), "b": positive(3, 4)}, each("xlogy"), "a b"),
    Row("x ** 3", X, lambda torch, F, x: x**3),
    Row("a ** b", {"a": positive(3, 4), "b": normal(3, 1)}, lambda torch, F, a, b: a**b, "a b"),
    # activations
    *(Row(f"{name}(x)", X, each(name)) for name in ("selu", "softsign", "mish", "softplus", "gelu", "silu", "elu")),
    Row("hard_sigmoid(x)", X, lambda torch, F, x: F.relu6(x + 3) / 6,
        differs="hardsigmoid's own slope there is 1/6 in float32"),
    Row("hard_swish(x)", X, each("hardswish")),
    Row("leaky_relu(x)", X, lambda torch, F, x: F.leaky_relu(x, 0.01)),
    Row("leaky_relu(x, alpha=0.3)", X, lambda torch, F, x: F.leaky_relu(x, 0.3)),
    Row("elu(x, alpha=0.7)", X, lambda torch, F, x: F.elu(x, 0.7)),
    Row("celu(x, alpha=0.5)", X, lambda torch, F, x: F.celu(x, 0.5), differs="alpha is taken in float32 there"),
    Row("gelu_tanh(x)", X, lambda torch, F, x: F.gelu(x, approximate="tanh")),
    Row("prelu(x, alpha)", {**X, "alpha": positive(3, 1)},
        lambda torch, F, x, alpha: F.prelu(x.T, alpha.ravel()).T, "x alpha", ROWS),
    Row("softmax(x)", X, lambda torch, F, x: torch.softmax(x, 0)),
    Row("softmax(x, axis=1)", X, lambda torch, F, x: torch.softmax(x, 1)),
    Row("softmax(x, axis=2)", STACK, lambda torch, F, x: torch.softmax(x, 2)),
    Row("log_softmax(x)", X, lambda torch, F, x: torch.log_softmax(x, 0)),
    Row("log_softmax(x, axis=1)", X, lambda torch, F, x: torch.log_softmax(x, 1)),
    # many numbers to one
    *(Row(f"{name}(x, axis={axis})", X, lambda torch, F, x, name=name, axis=axis: getattr(torch, name)(x, axis, True))
      for name in ("sum", "mean") for axis in (0, 1)),
    *(Row(f"{name}(x, axis={axis})", X,
          lambda torch, F, x, name=name, axis=axis: getattr(torch, name)(x, axis, keepdim=True).values)
      for name in ("max", "min") for axis in (0, 1)),
    *(Row(f"{name}(x, axis=1)", X,
          lambda torch, F, x, name=name: getattr(torch, name)(x, 1, correction=0, keepdim=True),
          differs="PyTorch divides by one less unless asked") for name in ("var", "std")),
    Row("var(x)", X, lambda torch, F, x: torch.var(x, correction=0)),
    Row("std(x, axis=0, ddof=1)", X, lambda torch, F, x: torch.std(x, 0, keepdim=True)),
    Row("norm(x)", X, lambda torch, F, x: torch.linalg.vector_norm(x)),
    *(Row(f"norm(x, axis=0, p={p})", X,
          lambda torch, F, x, p=p: torch.linalg.vector_norm(x, p, dim=0, keepdim=True)) for p in (1, 2, 3)),
    Row("logsumexp(x, axis=1)", X, lambda torch, F, x: torch.logsumexp(x, 1, keepdim=True)),
    Row("count(x > 0)", X, lambda torch, F, x: torch.count_nonzero(x > 0), ""),
    Row("all(x > -1, axis=0)", X, lambda torch, F, x: torch.all(x > -1, 0, keepdim=True), ""),
    Row("any(x > 1, axis=1)", X, lambda torch, F, x: torch.any(x > 1, 1, keepdim=True), ""),
    *(Row(f"cumsum(x, axis={axis})", X, lambda torch, F, x, axis=axis: torch.cumsum(x, axis)) for axis in (0, 1)),
    Row("cumsum(x, axis=0, reverse=1)", X, lambda torch, F, x: torch.flip(torch.cumsum(torch.flip(x, [0]), 0), [0])),
    # choices
    *(Row(f"{name}(x, axis={axis})", X,
          lambda torch, F, x, name=name, axis=axis: getattr(torch, name)(x, axis, True) + 1, "", FROM_1)
      for name in ("argmax", "argmin") for axis in (0, 1)),
    Row("argmax(x)", X, lambda torch, F, x: torch.argmax(x) + 1, "", FROM_1),
    Row("topk_positions(x, 2)", X, lambda torch, F, x: torch.topk(x, 2, 0).indices + 1, "", FROM_1),
    Row("topk_values(x, 2)", X, lambda torch, F, x: torch.topk(x, 2, 0).values),
    Row("topk_values(x, 3, axis=1)", X, lambda torch, F, x: torch.topk(x, 3, 1).values),
    *(Row(f"sort(x, axis={axis}, descending={down})", X,
          lambda torch, F, x, axis=axis, down=down: torch.sort(x, axis, bool(down)).values)
      for axis in (0, 1) for down in (0, 1)),
    Row("argsort(x, axis=1)", X, lambda torch, F, x: torch.argsort(x, 1) + 1, "", FROM_1),
    # look-ups
    Row("one_hot(at, 5)", {"at": np.array([[3.0, 1.0, 5.0]])},
        lambda torch, F, at: F.one_hot(places(at), 5).T, "", f"{FROM_1}; {ROWS}"),
    Row("gather(x, at)", {**X, "at": np.array([[4.0, 1.0, 4.0]])},
        lambda torch, F, x, at: torch.index_select(x, 1, places(at)), differs=FROM_1),
    Row("gather(x, at, axis=0)", {**X, "at": np.array([[3.0], [3.0]])},
        lambda torch, F, x, at: torch.index_select(x, 0, places(at)), differs=FROM_1),
    Row("embedding(x, at)", {**X, "at": np.array([[4.0, 1.0, 4.0]])},
        lambda torch, F, x, at: F.embedding(places(at), x.T).T, differs=f"{FROM_1}; {ROWS}"),
    Row("pick(x, at)", {**X, "at": np.array([[3.0, 1.0, 2.0, 3.0]])},
        lambda torch, F, x, at: torch.gather(x, 0, at.long() - 1), differs=FROM_1),
    Row("take_along(x, at)", {**X, "at": np.array([[3.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 1.0]])},
        lambda torch, F, x, at: torch.gather(x, 0, at.long() - 1), differs=FROM_1),
    # shapes
    Row("x.T", X, lambda torch, F, x: x.T),
    Row("flatten(x)", STACK, lambda torch, F, x: torch.flatten(x)[:, None]),
    Row("reshape(x, 2, 6)", X, lambda torch, F, x: torch.reshape(x, (2, 6))),
    Row("reshape(x, 2, 3, -1)", X, lambda torch, F, x: torch.reshape(x, (2, 3, -1))),
    Row("hstack(a, b)", TWO, lambda torch, F, a, b: torch.hstack((a, b)), "a b"),
    Row("vstack(a, b)", TWO, lambda torch, F, a, b: torch.vstack((a, b)), "a b"),
    Row("concat(a, b, axis=1)", TWO, lambda torch, F, a, b: torch.concat((a, b), 1), "a b"),
    Row("stack(a, b)", TWO, lambda torch, F, a, b: torch.stack((a, b)), "a b"),
    Row("diag(x)", {"x": normal(3, 1)}, lambda torch, F, x: torch.diag(x.ravel())),
    Row("diag(x)", X, lambda torch, F, x: torch.diag(x)[:, None]),
    Row("eye(n)", {"n": np.array([[3.0]])}, lambda torch, F, n: torch.eye(3), ""),
    Row("flip(x)", X, lambda torch, F, x: torch.flip(x, [0])),
    Row("roll(x, 2, axis=1)", X, lambda torch, F, x: torch.roll(x, 2, 1)),
    Row("pad(x, 1, 2, 0, 3, value=0.5)", X, lambda torch, F, x: F.pad(x, (0, 3, 1, 2), value=0.5)),
    # products
    Row("a @ b.T", TWO, lambda torch, F, a, b: a @ b.T, "a b"),
    Row("dot(a, b)", TWO, lambda torch, F, a, b: torch.dot(a.ravel(), b.ravel()), "a b"),
    Row("outer(a, b)", {"a": normal(3, 1), "b": normal(4, 1)},
        lambda torch, F, a, b: torch.outer(a.ravel(), b.ravel()), "a b"),
    Row("solve(a, b)", {"a": normal(4, 4) + 3 * np.eye(4), "b": normal(4, 2)},
        lambda torch, F, a, b: torch.linalg.solve(a, b), "a b"),
    # windows
    Row("conv2d(x, w, b)", IMAGE, with_bias("conv2d"), "x w b"),
    Row("conv2d(x, w)", {"x": IMAGE["x"], "w": IMAGE["w"]}, with_bias("conv2d"), "x w"),
    Row("conv2d(x, w, b, stride=2, padding=1)", IMAGE, with_bias("conv2d", stride=2, padding=1), "x w b"),
    Row("conv2d(x, w, b, padding=2, dilation=2)", IMAGE, with_bias("conv2d", padding=2, dilation=2), "x w b"),
    Row("conv2d(x, w, b, groups=2, stride=2)", GROUPS, with_bias("conv2d", groups=2, stride=2), "x w b"),
    Row("conv2d(x, w, b)", {**IMAGE, "x": normal(2, 4, 6, 5)}, with_bias("conv2d"), "x w b"),
    Row("conv2d(x, w, padding=1)", {"x": normal(5, 4), "w": normal(3, 3)},
        lambda torch, F, x, w: F.conv2d(x[None], w[None, None], padding=1)[0], "x w"),
    Row("conv2d(x, w)", {"x": normal(3, 5, 4), "w": normal(3, 3, 2)},
        lambda torch, F, x, w: F.conv2d(x, w[None])[0], "x w", "a filter over all channels without a side of its own"),
    Row("conv1d(x, w, b)", SERIES, with_bias("conv1d"), "x w b"),
    Row("conv1d(x, w, b, stride=2, padding=2, dilation=2)", SERIES,
        with_bias("conv1d", stride=2, padding=2, dilation=2), "x w b"),
    Row("conv_transpose2d(x, w, b)", BACK, with_bias("conv_transpose2d"), "x w b"),
    Row("conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1)", BACK,
        with_bias("conv_transpose2d", stride=2, padding=1, output_padding=1), "x w b"),
    Row("conv_transpose2d(x, w, b, groups=2, dilation=2)", BACK_GROUPS,
        with_bias("conv_transpose2d", groups=2, dilation=2), "x w b"),
    Row("max_pool2d(x)", STACK, lambda torch, F, x: F.max_pool2d(x, 2)),
    Row("max_pool2d(x, 3, stride=2, padding=1)", STACK, lambda torch, F, x: F.max_pool2d(x, 3, 2, 1)),
    Row("max_pool2d(x, 3, stride=1)", X, lambda torch, F, x: F.max_pool2d(x[None], 3, 1)[0]),
    Row("avg_pool2d(x)", STACK, lambda torch, F, x: F.avg_pool2d(x, 2)),
    Row("avg_pool2d(x, 3, stride=2, padding=1)", STACK, lambda torch, F, x: F.avg_pool2d(x, 3, 2, 1)),
    Row("global_avg_pool2d(x)", STACK, lambda torch, F, x: F.adaptive_avg_pool2d(x, 1)),
    Row("global_max_pool2d(x)", STACK, lambda torch, F, x: F.adaptive_max_pool2d(x, 1)),
    # norms
    Row("batch_norm(x, gamma, beta)", SCALED,
        lambda torch, F, x, gamma, beta: F.batch_norm(x.T, None, None, gamma.ravel(), beta.ravel(), training=True).T,
        "x gamma beta", ROWS),
    Row("batch_norm_inference(x, m, v, gamma, beta)",
        {"x": normal(6, 4), "m": normal(6, 1), "v": positive(6, 1), "gamma": normal(6, 1), "beta": normal(6, 1)},
        lambda torch, F, x, m, v, gamma, beta: F.batch_norm(x.T, m.ravel(), v.ravel(), gamma.ravel(), beta.ravel()).T,
        "x gamma beta", ROWS),
    Row("layer_norm(x, gamma, beta)", SCALED,
        lambda torch, F, x, gamma, beta: F.layer_norm(x.T, (6,), gamma.ravel(), beta.ravel()).T, "x gamma beta", ROWS),
    Row("normalized(x)", {"x": normal(6, 4)}, lambda torch, F, x: F.layer_norm(x.T, (6,)).T, "x", ROWS),
    Row("normalized(x, axis=1)", {"x": normal(6, 4)}, lambda torch, F, x: F.layer_norm(x, (4,)), "x"),
    Row("rms_normalized(x)", {"x": normal(6, 4)}, lambda torch, F, x: F.rms_norm(x.T, (6,), eps=1e-5).T, "x",
        f"{ROWS}; epsilon is the smallest step of the type there"),
    Row("rms_norm(x, gamma)", {"x": normal(6, 4), "gamma": normal(6, 1)},
        lambda torch, F, x, gamma: F.rms_norm(x.T, (6,), gamma.ravel(), 1e-5).T, "x gamma",
        f"{ROWS}; epsilon is the smallest step of the type there"),
    Row("group_norm(x, gamma, beta, groups=3)", SCALED,
        lambda torch, F, x, gamma, beta: F.group_norm(x.T, 3, gamma.ravel(), beta.ravel()).T, "x gamma beta", ROWS),
    Row("group_norm(x, gamma, beta, groups=2)",
        {"x": normal(4, 3, 2), "gamma": normal(4, 1, 1), "beta": normal(4, 1, 1, seed=1)},
        lambda torch, F, x, gamma, beta: F.group_norm(x[None], 2, gamma.ravel(), beta.ravel())[0], "x gamma beta"),
    # losses
    *(Row(f'{ours}(p, y, reduction="{how}")', ERRORS,
          lambda torch, F, p, y, theirs=theirs, how=how: getattr(F, theirs)(p, y, reduction=how), "p y")
      for ours, theirs in (("mse", "mse_loss"), ("mae", "l1_loss"), ("huber", "huber_loss"))
      for how in ("mean", "sum", "none")),
    Row("huber(p, y, delta=0.4)", ERRORS, lambda torch, F, p, y: F.huber_loss(p, y, delta=0.4), "p y"),
    Row("bce(p, y)", CHANCES, lambda torch, F, p, y: F.binary_cross_entropy(p, y), "p"),
    Row("bce_with_logits(p, y)", {"p": 3 * normal(3, 4), "y": shares(3, 4)},
        lambda torch, F, p, y: F.binary_cross_entropy_with_logits(p, y), "p y"),
    Row("softmax_cross_entropy(p, y)", {"p": 2 * normal(3, 4), "y": shares(3, 4)},
        lambda torch, F, p, y: F.cross_entropy(p.T, y.T, reduction="sum"), "p y", f"{ROWS}; {MEANS}"),
    Row("nll(x, at)", {"x": np.log(shares(3, 4)), "at": np.array([[3.0, 1.0, 2.0, 3.0]])},
        lambda torch, F, x, at: F.nll_loss(x.T, places(at), reduction="sum"), differs=f"{FROM_1}; {ROWS}; {MEANS}"),
    Row("kl_div(p, y)", CHANCES, lambda torch, F, p, y: F.kl_div(torch.log(y), p, reduction="sum"), "p y",
        f"log q comes first in PyTorch; {MEANS}"),
    Row("hinge(p, y)", {"p": normal(1, 5), "y": np.array([[1.0, -1.0, 1.0, 1.0, -1.0]])},
        lambda torch, F, p, y: torch.clamp(1 - p * y, min=0).sum(), "p", "PyTorch has no hinge loss of this form"),
    Row("triplet(a, p, n, margin=0.8)", {"a": normal(3, 4), "p": normal(3, 4, seed=1), "n": normal(3, 4, seed=2)},
        lambda torch, F, a, p, n: F.triplet_margin_loss(a.T, p.T, n.T, margin=0.8, eps=0, reduction="sum"), "a p n",
        f"{ROWS}; {MEANS}; it adds 1e-6 to the differences unless told not to"),
    # sequences
    Row("masked_fill(x, mask, value=-2)", {**X, "mask": (normal(3, 4) > 0).astype(float)},
        lambda torch, F, x, mask: x.masked_fill(mask.bool(), -2)),
    Row("causal_mask(x, value=0)", {"x": normal(4, 4)}, lambda torch, F, x: torch.triu(x),
        differs="keys go down here, across in PyTorch"),
]  # fmt: skip


ELSEWHERE = {  # compared where networks are compared, in test_gradient.py
    "add", "sub", "mul", "div", "neg", "cross_entropy", "matmul", "transpose", "pow", "copy",
}  # fmt: skip
CLAIMS = {"lt", "le", "gt", "ge", "eq", "ne", "both", "either", "negated"}
ALONE = {  # what PyTorch has no function for
    "power_slope", "xdivy", "keep", "first_max", "first_min", "size", "take", "put_back", "select", "select_back",
    "spread", "sum_to", "shaped", "grouped", "on_diagonal", "scatter", "put_along", "rows", "cols",
    "positional_encoding", "conv1d_input_grad", "conv1d_weight_grad", "conv2d_input_grad", "conv2d_weight_grad",
    "max_pool2d_grad", "avg_pool2d_grad", "zeros", "ones",
}  # fmt: skip


def test_every_function_is_compared_or_has_no_counterpart() -> None:
    called = {name for row in ROWS_OF_THE_TABLE for name in re.findall(r"(\w+)\(", row.formula)}
    assert called <= {*REGISTRY, *COMPOUNDS}
    assert {*REGISTRY, *COMPOUNDS} - called == ELSEWHERE | CLAIMS | ALONE


@pytest.mark.parametrize("row", ROWS_OF_THE_TABLE, ids=lambda row: row.formula)
def test_it_gives_what_pytorch_gives(row: Row) -> None:
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in row.given.items()}
    wrt = row.wrt.split()
    for name in wrt:
        tensors[name].requires_grad_()
    theirs = row.torch(torch, torch.nn.functional, *tensors.values()).to(torch.float64)
    weights = normal(*theirs.shape, seed=5) if theirs.ndim >= 2 else normal(1, 1, seed=5)
    steps = [f"o = {row.formula}", "L = sum(o * c)"]
    gradient = {"of": "L", "wrt": wrt} if wrt else None
    trace = solve_problem(Problem(given={**row.given, "c": weights}, steps=steps, gradient=gradient))
    ours = trace["o"]
    assert ours.shape == tuple(theirs.shape) or theirs.ndim < 2
    np.testing.assert_allclose(ours, theirs.detach().numpy().reshape(ours.shape), rtol=1e-11, atol=1e-12)
    if wrt:
        (theirs.reshape(ours.shape) * torch.tensor(weights)).sum().backward()
    for name in wrt:
        np.testing.assert_allclose(trace[f"dL/d{name}"], tensors[name].grad.numpy(), rtol=1e-10, atol=1e-11)
