"""What practice sheets cost: `python benchmarks/practice.py`. Run on demand, never by the tests.

For each problem: accepted variants per second, solved but not drawn; and worksheets with their keys in Markdown, each
key checked before it is written. One process, one thread; the best of some rounds, because the machine has other work.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: several threads measure the machine's other work

from nnsteps.cli.practice import Order, Sheets
from nnsteps.collection import find
from nnsteps.practice import Practice
from nnsteps.trace import Trace

PROBLEMS = ("backprop", "self-attention", "rnn")
ROUNDS, SECONDS = 6, 1.5


def per_second(made: Iterator[object]) -> float:
    """How many are made in a second of this process, in the best round."""
    best = 0.0
    for _ in range(ROUNDS):
        start, done = time.process_time(), 0
        while (spent := time.process_time() - start) < SECONDS:
            next(made)
            done += 1
        best = max(best, done / spent)
    return best


def solved(practice: Practice) -> Iterator[Trace]:
    """Variants without end, solved by hand."""
    for variant in practice.variants(1, map(str, itertools.count(1))):
        yield variant.by_hand


def written(sheets: Sheets) -> Iterator[list[tuple[str, str | bytes]]]:
    """Worksheets and keys without end."""
    for variant in sheets.source.variants(2, map(str, itertools.count(1))):
        yield list(sheets.files(variant))


def main() -> None:
    """Measure everything."""
    print(f"{'problem':<16} {'variants/s':>11} {'attempts each':>14} {'ms an attempt':>14} {'pairs/s':>9}")
    for name in PROBLEMS:
        practice = Practice(find(name))
        variants = per_second(solved(practice))
        share = practice.attempts / practice.accepted
        pairs = per_second(written(Sheets(Order(name, to="markdown", folder="."), practice, "separate")))
        print(f"{name:<16} {variants:11.0f} {share:14.1f} {1000 / variants / share:14.3f} {pairs:9.1f}", flush=True)


if __name__ == "__main__":
    main()
