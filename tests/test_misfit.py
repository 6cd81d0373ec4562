"""Arrays that do not fit: the picture, and the report that it stands in."""

from __future__ import annotations

import numpy as np
import pytest

from nnsteps import Problem, misfit
from nnsteps.cli.output import in_ascii
from nnsteps.errors import ShapeError
from nnsteps.solver import solve_problem

MLP = """\
given:
  x: [2, 1, 3, 5]
  W1: [[1, -1, 1], [1, 1, 0]]
steps:
  - Layer 1:
      - z1 = W1 @ x
"""

REPORT = """\
mlp.yaml:6:17: W1 (2×3) cannot be multiplied by x (4×1)
    6 │       - z1 = W1 @ x
      │                 ^

                       x
                     ▏  2 ▕ 1
                     ▏  1 ▕ 2
                     ▏  3 ▕ 3
                     ▏  5 ▕ 4   row 4 has no partner: W1 has no column 4
   ┏━ W1 ━━━━━━━┓       ↓
   ┃  1  −1   1 ┃ ─▸    ?
   ┃  1   1   0 ┃ ─▸    ?
   ┗━━━━━━━━━━━━┛
      1   2   3

  W1 has 3 columns, so x needs 3 rows; it has 4.
  W1 is given in line 3, x in line 2.
"""


def refused(text: str) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        solve_problem(Problem.read(text, "mlp.yaml"))
    return caught.value


def drawn(lines: tuple[str, ...]) -> str:
    return "\n".join(lines)


def test_the_report_shows_both_arrays_and_where_they_are_given() -> None:
    assert refused(MLP).report() == REPORT


def test_in_ascii_the_picture_keeps_its_columns() -> None:
    picture = refused(MLP).picture
    assert picture
    for line in picture:
        assert in_ascii(line).isascii()
        assert len(in_ascii(line)) == len(line)


def test_a_picture_that_is_wider_than_the_report_is_left_out() -> None:
    error = refused(MLP)
    assert "┏━ W1" not in error.report(60)
    assert "it has 4." in error.report(60)


def test_columns_without_a_row_are_told_under_the_left_factor() -> None:
    picture = misfit.of_product("z", np.ones((1, 4)), "V", np.array([[0.5, 1], [10, -2]]), framed=False)
    assert drawn(picture) == (
        "                              V\n"
        "                         ▏ 0.5    1 ▕ 1\n"
        "                         ▏  10   −2 ▕ 2\n"
        "           z                 ↓    ↓\n"
        "   ▏  1   1   1   1 ▕ ─▸     ?    ?\n"
        "      1   2   3   4     columns 3 to 4 have no partner: V has 2 rows"
    )


def test_cell_by_cell_the_rows_are_numbered_where_they_differ() -> None:
    picture = misfit.side_by_side("W @ a", np.array([[5.0], [6.0]]), "b", np.array([[1.0], [2.0], [3.0]]))
    assert drawn(picture) == (
        "   W @ a        b\n"
        "   ▏  5 ▕ 1   ▏  1 ▕ 1\n"
        "   ▏  6 ▕ 2   ▏  2 ▕ 2\n"
        "              ▏  3 ▕ 3   row 3 of b has no partner: W @ a has no row 3"
    )


def test_cell_by_cell_the_columns_are_numbered_where_they_differ() -> None:
    picture = misfit.side_by_side("A", np.ones((2, 4)), "B", np.ones((2, 2)))
    assert drawn(picture) == (
        "           A                  B\n"
        "   ▏  1   1   1   1 ▕     ▏  1   1 ▕\n"
        "   ▏  1   1   1   1 ▕     ▏  1   1 ▕\n"
        "      1   2   3   4          1   2     columns 3 to 4 of A have no partner: B has 2 columns"
    )


@pytest.mark.parametrize("shape", [(9, 2), (2, 9), (2, 2, 2)])
def test_what_is_large_or_has_more_than_two_sides_is_not_drawn(shape: tuple[int, ...]) -> None:
    large, small = np.ones(shape), np.ones((3, 1))
    assert misfit.of_product("A", large, "b", small) == ()
    assert misfit.side_by_side("b", small, "A", large) == ()


def test_in_python_there_is_a_picture_and_no_line() -> None:
    with pytest.raises(ShapeError) as caught:
        solve_problem(Problem(given={"W": [[1, 2]], "x": [1, 2, 3]}, steps=["z = W @ x"]))
    assert caught.value.picture
    assert caught.value.hint == "W has 2 columns, so x needs 2 rows; it has 3."
