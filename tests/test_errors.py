"""The report of an error: where, what, the line with its marks, the picture, the hint."""

import pytest

from nnsteps.errors import BadValue, Place, ShapeError, StepsError, UsageError, nearest

LINE = "      - z1 = W1 @ x + b1"


def test_a_report_shows_the_line_the_picture_and_the_hint() -> None:
    error = ShapeError(
        "W₁ (2×3) cannot be multiplied by x (4×1)",
        place=Place("mlp.yaml", 9, 17, 1, LINE),
        picture=("   ┏━ W₁ ━┓", "   ┗━━━━━━┛"),
        hint="W₁ has 3 columns, so x needs 3 rows.",
    )
    assert error.report() == (
        "mlp.yaml:9:17: W₁ (2×3) cannot be multiplied by x (4×1)\n"
        "    9 │       - z1 = W1 @ x + b1\n"
        "      │                 ^\n"
        "\n"
        "   ┏━ W₁ ━┓\n"
        "   ┗━━━━━━┛\n"
        "\n"
        "  W₁ has 3 columns, so x needs 3 rows.\n"
    )


def test_two_places_are_shown_in_the_order_of_the_file() -> None:
    error = BadValue(
        "b1 is given twice",
        place=Place("mlp.yaml", 7, 3, 2, "  b1: [-5, 1]"),
        also=((Place("mlp.yaml", 5, 3, 2, "  b1: [-5, 0]"), "given first in line 5"),),
        here="and again here",
    )
    assert error.report() == (
        "mlp.yaml:7:3: b1 is given twice\n"
        "    5 │   b1: [-5, 0]\n"
        "      │   ── given first in line 5\n"
        "    ⋮ │\n"
        "    7 │   b1: [-5, 1]\n"
        "      │   ^^ and again here\n"
    )


def test_two_places_in_one_line_show_it_once() -> None:
    place = Place("a.yaml", 1, 1, 1, "a: 1, a: 2")
    error = BadValue("twice", place=place.part(6, 1), also=((place, "first"),))
    assert error.report() == "a.yaml:1:7: twice\n    1 │ a: 1, a: 2\n      │ ─ first\n      │       ^\n"


def test_without_a_place_the_prefix_is_what_was_named() -> None:
    error = UsageError("there is no problem or file of this name", where="backprob", hint="Did you mean backprop?")
    assert error.report() == "backprob: there is no problem or file of this name\n\n  Did you mean backprop?\n"
    assert str(StepsError("only this")) == "only this"


@pytest.mark.parametrize("column", [1, 250, 499])
def test_a_long_line_is_cut_round_the_mark(column: int) -> None:
    text = "a" * (column - 1) + "X" + "a" * (500 - column)
    _, source, caret = BadValue("here", place=Place("a.yaml", 1, column, 1, text)).report(60).splitlines()
    assert len(source) <= 60
    assert source[caret.index("^")] == "X"


def test_wide_and_combining_characters_keep_the_mark_in_its_column() -> None:
    report = BadValue("here", place=Place("a.yaml", 1, 5, 1, "日本e\u0301X")).report()
    assert report.splitlines()[-1] == "      │      ^"


def test_nothing_in_a_report_reaches_the_terminal_as_a_command() -> None:
    text = "x: \x1b[2J\t\u202e"
    error = BadValue(text, place=Place("\x07.yaml", 1, 4, 1, text), hint=text, here=text, picture=(text,))
    report = error.report()
    assert report.replace("\n", "").isprintable()
    assert "\\x1b[2J\\t\\u202e" in report


def test_a_report_is_the_text_of_its_segments() -> None:
    error = BadValue("b is wrong", place=Place("a.yaml", 1, 1, 1, "b: 2"), hint="Write 1.")
    roles = [[role for role, _ in line] for line in error.lines()]
    assert roles == [["place", "error"], ["grey", "source"], ["grey", "caret"], [], ["hint"]]


def test_hints_and_messages_are_folded_at_the_width() -> None:
    error = BadValue("word " * 30, where="a.yaml", hint="hint " * 30 + "\n" + "more")
    lines = error.report(50).splitlines()
    assert max(map(len, lines)) <= 50
    assert lines[-1] == "  more"


def test_an_error_as_json_has_nulls_where_there_is_no_place() -> None:
    first = {"code": "value", "message": "m", "file": "a.yaml", "line": 2, "column": 3, "hint": "h"}
    error = BadValue("m", place=Place("a.yaml", 2, 3), hint="h")
    assert error.as_json() == {"version": 1, "error": first, "errors": [first]}
    assert UsageError("m", where="x").as_json()["error"] == {
        "code": "usage", "message": "m", "file": "x", "line": None, "column": None,
    }  # fmt: skip


def test_every_kind_of_error_stands_in_the_drawing_with_its_code() -> None:
    for kind in StepsError.__subclasses__():
        assert any(line.split()[1:3] == [kind.__name__, kind.code] for line in (StepsError.__doc__ or "").split("\n"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [("relo", "relu"), ("RELU", "relu"), ("softmx", "softmax"), ("re1u", "relu"), ("xyz", None), ("", None)],
)
def test_the_nearest_word_is_suggested(word: str, expected: str | None) -> None:
    assert nearest(word, ["relu", "softmax", "exp"]) == expected
