"""Pages and the ids of practice sheets are the same bytes whatever the processor."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from nnsteps import collection, practice, solve
from nnsteps.layout import page
from nnsteps.render import terminal
from nnsteps.view import View
a, b = (np.random.default_rng(k).normal(size=(200, 200)) for k in (1, 2))
print((a @ b).tobytes().hex()[:4000], file=sys.stderr)
for name in {names!r}:
    problem = collection.find(name)
    trace = solve(problem)
    print(terminal.plain(terminal.draw(page(trace, View(work="all")), 100, False)))
    source = practice.Practice(problem)
    for key in ("1", "2"):
        variant = source.variant(7, key)
        print(variant.id, source.text(variant))
"""
NAMES = ["backprop", "gan", "lstm", "self-attention", "autoencoder", "softmax"]
CORES = ("Haswell", "Prescott")


def has_openblas() -> bool:
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[call-overload,index]
    return "openblas" in str(blas.get("name", "")).lower()


@pytest.mark.slow
@pytest.mark.skipif(not has_openblas(), reason="NumPy multiplies without OpenBLAS")
def test_pages_and_ids_do_not_depend_on_the_processor() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM.format(names=NAMES)], capture_output=True, check=True, timeout=300,
            env={**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": threads},
        )
        for core, threads in zip(CORES, ("1", "2"), strict=True)
    ]  # fmt: skip
    if runs[0].stderr == runs[1].stderr:
        pytest.skip(f"products are the same bits as {CORES[0]} and as {CORES[1]}: this NumPy cannot tell them apart")
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) > 10_000
