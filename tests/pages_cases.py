"""The golden pages: what is drawn, and how wide. Rewrite them with: python -m tests.pages_cases"""

from __future__ import annotations

from pathlib import Path

import nnsteps
from nnsteps.collection import find
from nnsteps.layout import View, page
from nnsteps.problem import Problem
from nnsteps.render.terminal import draw, plain
from nnsteps.verify import check

FOLDER = Path(__file__).parent / "pages"

BATCH = Problem(
    title="Two sigmoid layers, a batch of three",
    given={
        "X": [[1, 2, -1], [0.5, -1, 2]],
        "W": [[1, -1], [0.5, 2]],
        "b": [0.5, -0.5],
        "V": [[1, -1]],
        "c": 0.25,
        "t": [[1, 0, 1]],
    },
    steps=["h = tanh(W @ X + b)", "p = sigmoid(V @ h + c)", "L = bce(p, t)"],
    gradient={"of": "L", "wrt": ["W", "b", "V", "c"]},
    update={"rule": "sgd", "rate": 0.5},
)

PAGES = {
    "backprop-100": ("backprop", {"width": 100}),
    "backprop-60": ("backprop", {"width": 60}),
    "rnn-100": ("rnn", {"width": 100}),
    "mixture-of-experts-100": ("mixture-of-experts", {"width": 100}),
    "vector-database-100": ("vector-database", {"width": 100}),
    "backprop-through-time-100": ("backprop-through-time", {"width": 100}),
    "backprop-100-ascii": ("backprop", {"width": 100, "ascii": True}),
    "backprop-show-100": ("backprop", {"width": 100, "blank": True}),
    "backprop-exact-compare-80": ("backprop", {"width": 80, "compare": True}),
    "three-inputs-100-all": ("three-inputs", {"width": 100, "work": "all"}),
    "four-neurons-80": ("four-neurons", {"width": 80}),
    "batch-120": (BATCH, {"width": 120}),
    "batch-40": (BATCH, {"width": 40}),
}  # fmt: skip


def drawn(case: str) -> str:
    """The page of a case."""
    source, options = PAGES[case]
    problem = find(source) if isinstance(source, str) else source
    view = View(**options, checked=check(problem) if case == "backprop-100" else None)
    document = page(nnsteps.solve(problem), view, nnsteps.solve(problem, exact=True))
    return plain(draw(document, view.width, view.ascii))


if __name__ == "__main__":
    for case in PAGES:
        (FOLDER / f"{case}.txt").write_text(drawn(case), encoding="utf-8")
