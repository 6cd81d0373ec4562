"""Worked lines as text: where one that is too long is broken."""

from __future__ import annotations

import pytest

from nnsteps.document import Sum, Term, Work
from nnsteps.render.canvas import columns
from nnsteps.render.worklines import Setting, lines_for

LOSS = "(−(1·log 0.88 + (1 − 1)·log (1 − 0.88)) − (0·log 0.26 + (1 − 0)·log (1 − 0.26))) ÷ 2"
BROKEN = [
    (LOSS, 100, [f"{LOSS}  =  0.21"]),
    (
        LOSS,
        50,
        ["(−(1·log 0.88 + (1 − 1)·log (1 − 0.88))", "  − (0·log 0.26 + (1 − 0)·log (1 − 0.26))) ÷ 2", "  = 0.21"],
    ),
    ("max(a·b, c·d, e·f)", 14, ["max(a·b, c·d,", "  e·f) = 0.21"]),
    ("(a + b) ÷ (c + d)", 12, ["(a + b)", "  ÷ (c + d)", "  = 0.21"]),
]


@pytest.mark.parametrize(("text", "width", "expected"), BROKEN)
def test_a_long_line_is_broken_where_its_brackets_hold_least(text: str, width: int, expected: list[str]) -> None:
    (lines,) = lines_for([Work(0, (Sum((Term("+", text),), "=", "0.21"),))], width, Setting())
    assert ["".join(part for part, _ in line) for line in lines] == expected
    assert all(columns(line) <= width for line in expected)
