"""The golden variants: sheets that may never change. Write them with: python -m tests.practice_cases

The file pins what was handed out: it was computed once. That the numbers are the right ones is tested elsewhere,
against an independent reading of how numbers are drawn.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nnsteps.collection import find
from nnsteps.practice import Practice
from nnsteps.trace import as_lists

FILE = Path(__file__).parent / "practice" / "variants.json"
PROBLEMS = ("matrix-multiplication", "single-neuron", "hidden-layer", "backprop", "softmax")
SEED, VARIANTS = 7, range(1, 11)


def made(name: str) -> list[dict[str, Any]]:
    """The id and the drawn numbers of ten variants of a problem."""
    practice = Practice(find(name))
    variants = [practice.variant(SEED, str(number)) for number in VARIANTS]
    return [
        {"id": str(variant.id), "numbers": {name: as_lists(value) for name, value in variant.numbers.items()}}
        for variant in variants
    ]


def write() -> None:
    """Write the file."""
    lines = [
        f"{json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(variant)}" for variant in made(name)) + "\n]"
        for name in PROBLEMS
    ]
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
