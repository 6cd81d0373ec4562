"""What practice sheets cost: `python benchmarks/practice.py`. Run on demand, never by the tests.

For each problem: accepted variants per second, solved but not drawn; and worksheets with their keys in Markdown, each
key checked before it is written. One process, one thread; the best of some rounds, because the machine has other work.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: several threads measure the machine's other work

from nnsteps.cli.practice import Order, Sheets
from nnsteps.collection import find
from nnsteps.practice import Practice

PROBLEMS = ("backprop", "self-attention", "rnn")
ROUNDS, SECONDS = 6, 1.5


def per_second(make: Callable[[int], object], numbers: Iterator[int]) -> float:
    """How often `make` is done in a second of this process, in the best round."""
    best = 0.0
    for _ in range(ROUNDS):
        start, done = time.process_time(), 0
        while (spent := time.process_time() - start) < SECONDS:
            make(next(numbers))
            done += 1
        best = max(best, done / spent)
    return best


def main() -> None:
    """Measure everything."""
    print(f"{'problem':<16} {'variants/s':>11} {'attempts each':>14} {'ms an attempt':>14} {'pairs/s':>9}")
    for name in PROBLEMS:
        practice, numbers = Practice(find(name)), itertools.count(1)
        variants = per_second(lambda k, practice=practice: practice.variant(1, str(k)).by_hand, numbers)
        share = practice.attempts / next(numbers)
        sheets = Sheets(Order(name, to="markdown", folder="."), practice, "separate")
        pairs = per_second(lambda k, sheets=sheets: list(sheets.files(sheets.source.variant(1, str(k)))), numbers)
        print(f"{name:<16} {variants:11.0f} {share:14.1f} {1000 / variants / share:14.3f} {pairs:9.1f}", flush=True)


if __name__ == "__main__":
    main()
