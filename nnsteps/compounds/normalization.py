"""Normalisation: centre numbers, divide by their spread, then stretch and shift. Epsilon stands inside the root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nnsteps.compounds.record import along, compound
from nnsteps.ops import Look

if TYPE_CHECKING:
    from numpy.random import Generator as Rng


def _sample(rng: Rng) -> Mapping[str, Any]:
    return {"x": rng.normal(size=(4, 3)), "gamma": rng.normal(size=(4, 1)), "beta": rng.normal(size=(4, 1))}


compound(
    "normalized(x, axis=0, epsilon=1e-5)",
    doc="Each column (axis=1: each row) centred and divided by its spread, so that it has mean 0 and variance 1. "
    "Convention: ddof=0.",
    shapes="(m, n) -> (m, n)",
    by=lambda options: (
        f"m = mean(x{along(options)})",
        f"v = var(x{along(options)})",
        "out = (x - m) / sqrt(v + epsilon)",
    ),
    grad=lambda options, shapes: {
        "x": f"(g - mean(g{along(options)}) - out * mean(g * out{along(options)})) / sqrt(v + epsilon)"
    },
    sample=lambda rng: {"x": rng.normal(size=(4, 3))},
    source="Ioffe and Szegedy 2015, section 3, whose three gradients are one here",
    look=Look(gloss="centred, then over the spread"),
)
compound(
    "batch_norm(x, gamma, beta, epsilon=1e-5)",
    "h = normalized(x, axis=1, epsilon=epsilon)",
    "out = gamma * h + beta",
    doc="Each feature (row) over the batch: centred, divided by its spread, stretched and shifted. Convention: the "
    "variance divided by how many there are (ddof=0), in training mode.",
    shapes="(m, n), (m, 1), (m, 1) -> (m, n)",
    sample=_sample,
    source="Ioffe and Szegedy 2015, algorithm 1",
    look=Look(gloss="each row centred and scaled"),
)
compound(
    "batch_norm_inference(x, m, v, gamma, beta, epsilon=1e-5)",
    "h = (x - m) / sqrt(v + epsilon)",
    "out = gamma * h + beta",
    doc="Batch normalisation after training, with the mean m and the variance v that were kept.",
    shapes="(m, n), (m, 1), (m, 1), (m, 1), (m, 1) -> (m, n)",
    sample=lambda rng: {**_sample(rng), "m": rng.normal(size=(4, 1)), "v": rng.uniform(0.5, 2, size=(4, 1))},
    source="Ioffe and Szegedy 2015, algorithm 2",
)
compound(
    "layer_norm(x, gamma, beta, epsilon=1e-5)",
    "h = normalized(x, epsilon=epsilon)",
    "out = gamma * h + beta",
    doc="Each column: centred, divided by its spread, stretched and shifted. Convention: ddof=0.",
    shapes="(m, n), (m, 1), (m, 1) -> (m, n)",
    sample=_sample,
    source="Ba, Kiros and Hinton 2016, eq. 4",
    look=Look(gloss="each column centred and scaled"),
)
compound(
    "rms_normalized(x, epsilon=1e-5)",
    "r = sqrt(mean(x ** 2, axis=0) + epsilon)",
    "out = x / r",
    doc="Each column divided by the root of its mean square.",
    shapes="(m, n) -> (m, n)",
    grad={"x": "(g - out * mean(g * out, axis=0)) / r"},
    sample=lambda rng: {"x": rng.normal(size=(4, 3))},
    source="Zhang and Sennrich 2019, eq. 4",
    look=Look(gloss="each column over its mean size"),
)
compound(
    "rms_norm(x, gamma, epsilon=1e-5)",
    "h = rms_normalized(x, epsilon=epsilon)",
    "out = gamma * h",
    doc="Each column divided by the root of its mean square, then stretched. PyTorch's epsilon is smaller.",
    shapes="(m, n), (m, 1) -> (m, n)",
    sample=lambda rng: {"x": rng.normal(size=(4, 3)), "gamma": rng.normal(size=(4, 1))},
    source="Zhang and Sennrich 2019",
    look=Look(gloss="each column over its mean size"),
)
compound(
    "group_norm(x, gamma, beta, groups=1, epsilon=1e-5)",
    "u = grouped(x, groups=groups)",
    "h = shaped(normalized(u, axis=1, epsilon=epsilon), x)",
    "out = gamma * h + beta",
    doc="Features in groups of neighbours, each group of each column centred and scaled; of a stack of tables each "
    "group of channels (gamma and beta are then c×1×1). Convention: ddof=0.",
    shapes="(m, n), (m, 1), (m, 1) -> (m, n); (c, m, n), (c, 1, 1), (c, 1, 1) -> (c, m, n)",
    sample=lambda rng: {**_sample(rng), "groups": 2},
    source="Wu and He 2018",
)
