"""The vocabulary of formulas against the ONNX reference evaluator, for the operators that both have.

A row says the formula, the ONNX operator with its inputs and attributes, and in `differs` where the conventions are
different: ONNX counts positions from 0 (ours from 1), has other defaults for some activations, and keeps examples in
rows (ours are columns). Its attributes are in single precision, so operators with fractions agree to that. Gelu is
compared with PyTorch only: the evaluator has it for whole models alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

from nnsteps import Problem
from nnsteps.solver import solve_problem

Array = np.ndarray


class Row(NamedTuple):
    formula: str
    operator: str
    given: Mapping[str, Array]
    attributes: Mapping[str, Any] = {}
    inputs: Callable[..., tuple[Array, ...]] = lambda *arrays: arrays  # ours as ONNX takes them
    result: Callable[[Array], Array] = lambda array: array  # that of ONNX as ours
    differs: str = ""


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed + 5 * sum(shape) + len(shape)).normal(size=shape)


X = {"x": 2 * normal(3, 4)}
P = {"x": np.abs(normal(3, 4)) + 0.1}
TWO = {"a": normal(3, 4), "b": normal(3, 4, seed=1)}
IMAGE = {"x": normal(4, 6, 5), "w": normal(6, 2, 3, 2), "b": normal(6, 1)}
BACK = {"x": normal(4, 3, 3), "w": normal(4, 2, 3, 2), "b": normal(2, 1)}
STACK = {"x": normal(3, 6, 5)}
SCALED = {"x": normal(6, 4), "gamma": normal(6, 1), "beta": normal(6, 1, seed=1)}
SINGLE = {"Erf", "HardSwish", "HardSigmoid", "Selu", "LeakyRelu", "LayerNormalization", "BatchNormalization"}
FROM_1 = "positions count from 0 in ONNX"


def alone(*arrays: Array) -> tuple[Array, ...]:
    """One example as a batch of one; a bias as a list."""
    first, *others = arrays
    return (first[None], *(other.ravel() if other.ndim == 2 else other for other in others))


def first(array: Array) -> Array:
    return array[0]


EACH = {
    "Exp": "exp", "Abs": "abs", "Sin": "sin", "Cos": "cos", "Erf": "erf", "Tanh": "tanh", "Sigmoid": "sigmoid",
    "Relu": "relu", "Floor": "floor", "Sign": "sign", "Neg": "-", "Softplus": "softplus", "Softsign": "softsign",
    "Mish": "mish", "HardSwish": "hard_swish", "Elu": "elu", "Selu": "selu", "Celu": "celu",
    "LeakyRelu": "leaky_relu",
}  # fmt: skip
REDUCED = {"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max", "ReduceMin": "min", "ReduceL2": "norm",
           "ReduceLogSumExp": "logsumexp"}  # fmt: skip

ROWS = [
    *(Row(f"{ours}(x)", theirs, X) for theirs, ours in EACH.items()),
    *(Row(f"{ours}(x)", theirs, P) for theirs, ours in {"Log": "log", "Sqrt": "sqrt"}.items()),
    Row("hard_sigmoid(x)", "HardSigmoid", X, {"alpha": 1 / 6, "beta": 0.5}, differs="alpha is 0.2 in ONNX"),
    Row("elu(x, alpha=0.5)", "Elu", X, {"alpha": 0.5}),
    Row("leaky_relu(x, alpha=0.25)", "LeakyRelu", X, {"alpha": 0.25}),
    Row("prelu(x, alpha)", "PRelu", {**X, "alpha": normal(3, 1)}),
    Row("clip(x, -0.5, 1)", "Clip", X, inputs=lambda x: (x, np.array(-0.5), np.array(1.0))),
    Row("softmax(x)", "Softmax", X, {"axis": 0}, differs="along the last axis in ONNX unless said"),
    Row("log_softmax(x, axis=1)", "LogSoftmax", X, {"axis": 1}),
    *(Row(f"{ours}(x, axis={axis})", theirs, X, inputs=lambda x, axis=axis: (x, np.array([axis])))
      for theirs, ours in REDUCED.items() for axis in (0, 1)),
    Row("norm(x, axis=0, p=1)", "ReduceL1", X, inputs=lambda x: (x, np.array([0]))),
    Row("argmax(x, axis=0)", "ArgMax", X, {"axis": 0}, result=lambda at: at + 1, differs=FROM_1),
    Row("argmin(x, axis=1)", "ArgMin", X, {"axis": 1}, result=lambda at: at + 1, differs=FROM_1),
    Row("topk_values(x, 2)", "TopK", X, {"axis": 0}, lambda x: (x, np.array([2]))),
    Row("cumsum(x, axis=1)", "CumSum", X, inputs=lambda x: (x, np.array(1))),
    Row("cumsum(x, axis=0, reverse=1)", "CumSum", X, {"reverse": 1}, lambda x: (x, np.array(0))),
    Row("gather(x, at)", "Gather", {**X, "at": np.array([[4.0, 1.0, 4.0]])}, {"axis": 1},
        lambda x, at: (x, at.ravel().astype(np.int64) - 1), differs=FROM_1),
    Row("a @ b.T", "MatMul", TWO, inputs=lambda a, b: (a, b.T)),
    Row("x.T", "Transpose", X),
    Row("concat(a, b, axis=1)", "Concat", TWO, {"axis": 1}),
    Row("reshape(x, 2, 6)", "Reshape", X, inputs=lambda x: (x, np.array([2, 6]))),
    Row("pad(x, 1, 2, 0, 3)", "Pad", X, inputs=lambda x: (x, np.array([1, 0, 2, 3]), np.array(0.0))),
    Row("eye(n)", "EyeLike", {"n": np.array([[3.0]])}, inputs=lambda n: (np.zeros((3, 3)),)),
    Row("a ** b", "Pow", {"a": np.abs(TWO["a"]), "b": TWO["b"]}),
    Row("where(a > 0, a, b)", "Where", TWO, inputs=lambda a, b: (a > 0, a, b)),
    Row("conv2d(x, w, b, stride=2, padding=1, groups=2)", "Conv", IMAGE,
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "group": 2}, alone, first),
    Row("conv2d(x, w, b, dilation=2, groups=2)", "Conv", IMAGE, {"dilations": [2, 2], "group": 2}, alone, first),
    Row("conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1)", "ConvTranspose", BACK,
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}, alone, first),
    Row("max_pool2d(x, 3, stride=2, padding=1)", "MaxPool", STACK,
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, alone, first),
    Row("avg_pool2d(x, 3, stride=2, padding=1)", "AveragePool", STACK,
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}, alone, first,
        "padding is left out of the average in ONNX unless asked"),
    Row("global_avg_pool2d(x)", "GlobalAveragePool", STACK, {}, alone, first),
    Row("global_max_pool2d(x)", "GlobalMaxPool", STACK, {}, alone, first),
    Row("layer_norm(x, gamma, beta)", "LayerNormalization", SCALED, {"epsilon": 1e-5},
        lambda x, gamma, beta: (x.T, gamma.ravel(), beta.ravel()), np.transpose, "features stand in columns in ONNX"),
    Row("batch_norm_inference(x, m, v, gamma, beta)", "BatchNormalization",
        {"x": normal(6, 4), "m": normal(6, 1), "v": np.abs(normal(6, 1, seed=2)), "gamma": normal(6, 1),
         "beta": normal(6, 1, seed=1)},
        {"epsilon": 1e-5}, lambda x, m, v, gamma, beta: (x.T, gamma.ravel(), beta.ravel(), m.ravel(), v.ravel()),
        np.transpose, "features stand in columns in ONNX"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.operator}: {row.formula}")
def test_it_gives_what_the_onnx_reference_gives(row: Row) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    inputs = row.inputs(*row.given.values())
    labels = [f"input{k}" for k in range(len(inputs))]
    outputs = ["result", "second"][: 2 if row.operator == "TopK" else 1]
    node = onnx.helper.make_node(row.operator, labels, outputs, **row.attributes)
    (theirs, *_) = ReferenceEvaluator(node).run(None, dict(zip(labels, inputs, strict=True)))
    ours = solve_problem(Problem(given=dict(row.given), steps=[f"o = {row.formula}"]))["o"]
    single = row.operator in SINGLE
    expected = np.asarray(row.result(theirs), dtype=np.float64)
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-6 if single else 1e-9, atol=1e-7 if single else 1e-12)
