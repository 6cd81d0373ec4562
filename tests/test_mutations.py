"""The laws catch wrong records. A few here; `python -m tests.mutations` tries as many as one likes."""

from __future__ import annotations

from nnsteps.ops import REGISTRY
from tests.mutations import EQUIVALENT, Mutant, mutants, survives


def test_right_records_survive() -> None:
    for name in ("tanh", "matmul", "reshape", "conv2d_input_grad"):
        assert survives(Mutant(REGISTRY, name, REGISTRY[name], "nothing"))


def test_wrong_records_are_caught() -> None:
    right = dict(REGISTRY)
    survivors = [mutant for mutant in mutants(20, seed=3) if survives(mutant)]
    assert [mutant for mutant in survivors if (mutant.name, mutant.change) not in EQUIVALENT] == []
    assert right == REGISTRY, "all is as it was"
