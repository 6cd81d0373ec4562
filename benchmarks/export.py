"""What exporting costs: `python benchmarks/export.py`. Run on demand, never by the tests.

For Markdown, LaTeX and HTML: how many problems a second are written from solved traces, how many with everything
(solve, page, write), and which share of that time is solving. The check before every key is measured by itself.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: several threads measure the machine's other work

from nnsteps.collection import bundled
from nnsteps.layout import page
from nnsteps.problem import Problem
from nnsteps.render.formats import FORMATS, Page, Sheet
from nnsteps.solver import Settings, solve_problem
from nnsteps.trace import Trace
from nnsteps.verify import check
from nnsteps.view import View

ROUNDS = 5
EXACT = Settings(exact=True, rounding="inside")
Solved = list[tuple[Problem, Trace, Trace]]


def median(work: Callable[[], object]) -> float:
    """Median seconds; the first round fills the caches."""
    times = []
    for turn in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        if turn:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def solved(problems: list[Problem]) -> Solved:
    """Every problem by hand and exactly: a key shows both."""
    return [(problem, solve_problem(problem), solve_problem(problem, EXACT)) for problem in problems]


def sheets(traces: Solved) -> list[Sheet]:
    """The key of each."""
    return [Sheet((Page(page(trace, View(), exact), problem.name),)) for problem, trace, exact in traces]


def main() -> None:
    """Measure, and print a line for each format."""
    problems = list(bundled())
    traces = solved(problems)
    solving, laying_out = median(lambda: solved(problems)), median(lambda: sheets(traces))
    checking = median(lambda: [check(problem) for problem in problems])
    keys = sheets(traces)
    print(f"{len(problems)} problems   solve {solving:.2f} s   pages {laying_out:.2f} s   checks {checking:.2f} s")
    for name in sys.argv[1:] or ["markdown", "latex", "html"]:
        writing = median(lambda form=FORMATS[name]: [form.write(key) for key in keys])
        whole = solving + laying_out + writing
        print(
            f"{name:<10} {len(problems) / (laying_out + writing):6.0f} problems/s from traces"
            f"   {len(problems) / whole:6.0f} with solving   {solving / whole:4.0%} of that is solving"
        )


if __name__ == "__main__":
    main()
