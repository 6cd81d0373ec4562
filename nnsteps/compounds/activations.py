"""Activations made of other functions, each cell by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnsteps.compounds.record import Stable, compound
from nnsteps.ops import Look

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _normal(rng: Rng) -> Mapping[str, Any]:
    return {"x": 2 * rng.normal(size=(2, 3))}


compound(
    "clip(x, low=0, high=1)",
    "out = minimum(maximum(x, low), high)",
    doc="What is below low becomes low, what is above high becomes high. Convention: at a limit itself the slope is 1.",
    shapes="any -> same",
    sample=_normal,
    look=Look(written="{0} held between {low} and {high}"),
)

# --- like ReLU ---------------------------------------------------------------------------------------------------

compound(
    "prelu(x, alpha)",
    "out = where(x > 0, x, alpha * x)",
    doc="A negative number is multiplied by alpha, which is learned: one number, or one for each row.",
    shapes="(m, n), (1, 1) or (m, 1) -> (m, n)",
    grad={"x": "where(x > 0, g, alpha * g)", "alpha": "keep(g * x, x <= 0)"},
    sample=lambda rng: {"x": rng.normal(size=(2, 3)), "alpha": np.array([[0.2], [0.1]])},
    source="He et al. 2015",
    look=Look(gloss="a negative number shrinks"),
)
compound(
    "elu(x, alpha=1)",
    "below = alpha * (exp(minimum(x, 0)) - 1)",
    "out = where(x > 0, x, below)",
    doc="x above 0, alpha · (e^x − 1) below. Convention: the slope at 0 is alpha.",
    shapes="any -> same",
    grad={"x": "where(x > 0, g, g * (out + alpha))"},
    sample=lambda rng: {**_normal(rng), "alpha": 0.5},
    source="Clevert, Unterthiner and Hochreiter 2016",
    look=Look(gloss="bends to −alpha below 0"),
)
compound(
    "selu(x)",
    "out = 1.0507009873554805 * elu(x, alpha=1.6732632423543772)",
    doc="elu with the alpha and the scale that keep mean 0 and variance 1 through many layers.",
    shapes="any -> same",
    sample=_normal,
    source="Klambauer et al. 2017",
)
compound(
    "celu(x, alpha=1)",
    "below = alpha * (exp(minimum(x, 0) / alpha) - 1)",
    "out = where(x > 0, x, below)",
    doc="elu with x divided by alpha first, so that its slope at 0 is 1 for every alpha.",
    shapes="any -> same",
    grad={"x": "where(x > 0, g, g * (out + alpha) / alpha)"},
    sample=lambda rng: {**_normal(rng), "alpha": 0.5},
    source="Barron 2017",
)
compound(
    "softplus(x)",
    "out = log(1 + exp(x))",
    doc="log(1 + e^x): a smooth ReLU.",
    shapes="any -> same",
    stable=lambda options: Stable(
        "max(x) > 700",
        ("out = maximum(x, 0) + log(1 + exp(-abs(x)))",),
        "take the larger of x and 0 out first; the result is the same",
    ),
    grad={"x": "g * sigmoid(x)"},
    sample=_normal,
    source="Dugas et al. 2001; d softplus/dx = σ",
    look=Look(gloss="a smooth ReLU"),
)

# --- x times a gate ----------------------------------------------------------------------------------------------

compound(
    "gelu(x)",
    "share = (1 + erf(x / 1.4142135623730951)) / 2",
    "out = x * share",
    doc="x times the chance that a standard normal number is below x. Convention: exact, with erf; gelu_tanh is the "
    "approximation.",
    shapes="any -> same",
    grad={"x": "g * ((1 + erf(x / 1.4142135623730951)) / 2 + x * exp(-x * x / 2) * 0.3989422804014327)"},
    sample=_normal,
    source="Hendrycks and Gimpel 2016",
    look=Look(gloss="x times a smooth gate"),
)
compound(
    "gelu_tanh(x)",
    "u = 0.7978845608028654 * (x + 0.044715 * x ** 3)",
    "out = x / 2 * (1 + tanh(u))",
    doc="gelu by its approximation with tanh: x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 x³))), as in GPT-2.",
    shapes="any -> same",
    sample=_normal,
    source="Hendrycks and Gimpel 2016",
    look=Look(gloss="x times a smooth gate"),
)
compound(
    "silu(x)",
    "s = sigmoid(x)",
    "out = x * s",
    doc="x · sigmoid(x), also called swish.",
    shapes="any -> same",
    grad={"x": "g * (sigmoid(x) + out * (1 - sigmoid(x)))"},
    sample=_normal,
    source="Elfwing, Uchibe and Doya 2018",
    look=Look(gloss="x times its sigmoid"),
)
compound(
    "mish(x)",
    "out = x * tanh(softplus(x))",
    doc="x · tanh(softplus(x)).",
    shapes="any -> same",
    sample=_normal,
    source="Misra 2019",
)
compound(
    "hard_sigmoid(x)",
    "out = clip(x / 6 + 0.5, 0, 1)",
    doc="A straight line from 0 at −3 to 1 at 3, flat beyond. Convention: slope 1/6, as in PyTorch; ONNX has 0.2.",
    shapes="any -> same",
    sample=_normal,
    source="Howard et al. 2019",
)
compound(
    "hard_swish(x)",
    "out = x * hard_sigmoid(x)",
    doc="x · hard_sigmoid(x).",
    shapes="any -> same",
    sample=_normal,
    source="Howard et al. 2019",
)
compound(
    "softsign(x)",
    "out = x / (1 + abs(x))",
    doc="x / (1 + |x|): between −1 and 1.",
    shapes="any -> same",
    grad={"x": "g / (1 + abs(x)) ** 2"},
    sample=_normal,
    source="Turian, Bergstra and Bengio 2009",
)
