"""What nnsteps costs, as ratios of one run: `python benchmarks/run.py`. Run on demand, never by the tests.

a  the whole process `nnsteps solve backprop`, against importing what it is made of
b  the whole process `nnsteps --help`, against importing typer
c  an MLP 784-512-256-10 with 64 examples, forward and backward, against the same in plain NumPy: time, memory, and
   how long it takes to ask for one cell
"""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: several threads measure the machine's other work

import numpy as np

import nnsteps
from nnsteps.solver import solve_problem

SIDES = (784, 512, 256, 10)
BATCH = 64
ROUNDS = 15
BARE = "import numpy, yaml, rich.console, rich.table, typer"
Arrays = dict[str, np.ndarray]


def processes(ours: list[str], bare: str) -> tuple[float, float]:
    """Median seconds of our command and of a bare interpreter with some imports, taken in turns."""
    commands = ([sys.executable, "-m", "nnsteps", *ours], [sys.executable, "-c", bare])
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS + 1):
        for command, times in zip(commands, seconds, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.PIPE, env=env)  # a pipe, as in `| less`
            if turn:  # the first turn fills the caches
                times.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def numbers() -> Arrays:
    """The network and a batch, always the same."""
    rng = np.random.default_rng(1)
    given: Arrays = {"X": rng.uniform(size=(SIDES[0], BATCH))}
    for layer, (before, after) in enumerate(itertools.pairwise(SIDES), start=1):
        given[f"W{layer}"] = rng.normal(size=(after, before)) / before**0.5
        given[f"b{layer}"] = rng.normal(size=(after, 1))
    given["target"] = np.eye(SIDES[-1])[:, rng.integers(0, SIDES[-1], BATCH)]
    return given


def problem(given: Arrays) -> nnsteps.Problem:
    """The network in the problem language."""
    names = [f"{letter}{layer}" for layer in range(len(SIDES) - 1, 0, -1) for letter in "Wb"]
    return nnsteps.Problem(
        given=given,
        steps=[
            "z1 = W1 @ X + b1", "a1 = relu(z1)", "z2 = W2 @ a1 + b2", "a2 = relu(z2)", "z3 = W3 @ a2 + b3",
            "y = softmax(z3)", "L = cross_entropy(y, target)",
        ],
        gradient={"of": "L", "wrt": names},
    )  # fmt: skip


def plain(given: Arrays) -> Arrays:
    """The same by hand in NumPy. Keeps what a backward pass needs, and the gradients."""
    n = dict(given)
    n["z1"] = n["W1"] @ n["X"] + n["b1"]
    n["a1"] = np.maximum(n["z1"], 0)
    n["z2"] = n["W2"] @ n["a1"] + n["b2"]
    n["a2"] = np.maximum(n["z2"], 0)
    n["z3"] = n["W3"] @ n["a2"] + n["b3"]
    e = np.exp(n["z3"] - n["z3"].max(axis=0))
    n["y"] = e / e.sum(axis=0)
    n["L"] = -(n["target"] * np.log(n["y"])).sum().reshape(1, 1)
    n["dz3"] = n["y"] - n["target"]
    n["dW3"], n["db3"] = n["dz3"] @ n["a2"].T, n["dz3"].sum(axis=1, keepdims=True)
    n["da2"] = n["W3"].T @ n["dz3"]
    n["dz2"] = np.where(n["z2"] > 0, n["da2"], 0)
    n["dW2"], n["db2"] = n["dz2"] @ n["a1"].T, n["dz2"].sum(axis=1, keepdims=True)
    n["da1"] = n["W2"].T @ n["dz2"]
    n["dz1"] = np.where(n["z1"] > 0, n["da1"], 0)
    n["dW1"], n["db1"] = n["dz1"] @ n["X"].T, n["dz1"].sum(axis=1, keepdims=True)
    return n


def in_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of two calls, taken in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(3 * ROUNDS + 1):
        for call, times in zip((one, other), seconds, strict=True):
            gc.collect()
            start = time.perf_counter()
            result = call()
            end = time.perf_counter()
            del result
            if turn:
                times.append(end - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def kept(make: Callable[[], object]) -> int:
    """The bytes that a result keeps alive, arrays and all that belongs to them."""
    make()  # what is made once only, such as read rules, is not counted
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = make()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return after - before


def warm_memory() -> None:
    """Let the allocator keep what is freed, so that neither side pays for fresh pages and the other not."""
    np.empty(30 * 2**20, dtype=np.uint8)


def mlp() -> None:
    """Measure the network."""
    warm_memory()
    given = numbers()
    built = problem(given)
    trace, expected = solve_problem(built), plain(given)
    for name in ("W1", "b1", "W2", "b2", "W3", "b3"):
        np.testing.assert_allclose(trace[f"dL/d{name}"], expected[f"d{name}"], rtol=1e-9, atol=1e-12)

    ours, bare = in_turns(lambda: solve_problem(built), lambda: plain(given))
    show("c  MLP, forward and backward, time", ours, bare, 1.3)
    weights = sum(value.nbytes for value in given.values())
    show_bytes(
        "c  MLP, memory kept, given numbers included",
        kept(lambda: solve_problem(built)) + weights,
        kept(lambda: plain(given)) + weights,
        1.5,
    )
    show_bytes(
        "   without the given numbers, which nobody copies",
        kept(lambda: solve_problem(built)),
        kept(lambda: plain(given)),
        1.5,
    )
    for cell in ("z1[7,3]", "dL/dW1[7,400]", "dL/dW2[100,200]", "L"):
        start = time.perf_counter()
        trace.why(cell)
        whole = time.perf_counter() - start
        start = time.perf_counter()
        step = next(step for step in trace.steps if step.key == cell.split("[")[0])
        trace.explain(step.node, (0,) * trace.value(step.node).ndim)
        one = time.perf_counter() - start
        found = f"{1000 * one:7.2f} ms for its line, {1000 * whole:7.2f} ms for why"
        print(f"c  one cell, {cell:<18} {found}   (at most 10 ms)")


def show(what: str, ours: float, bare: float, most: float) -> None:
    """One measured ratio."""
    ratio = f"{1000 * ours:8.1f} ms / {1000 * bare:8.1f} ms = {ours / bare:5.2f}"
    print(f"{what:<52} {ratio}   (at most {most})", flush=True)


def show_bytes(what: str, ours: int, bare: int, most: float) -> None:
    """One measured ratio of bytes."""
    ratio = f"{ours / 2**20:7.2f} MiB / {bare / 2**20:7.2f} MiB = {ours / bare:5.2f}"
    print(f"{what:<52} {ratio}   (at most {most})", flush=True)


def main() -> None:
    """Measure everything."""
    if "--mlp" not in sys.argv:
        show("a  nnsteps solve backprop", *processes(["solve", "backprop"], BARE), 1.5)
        show("b  nnsteps --help", *processes(["--help"], "import typer"), 1.3)
    mlp()


if __name__ == "__main__":
    main()
