"""The reader: located nodes, numbers as people write them, and YAML that must not get any further."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnsteps.errors import FileError, LimitError, ReadError, StepsError
from nnsteps.limits import USUAL
from nnsteps.problem import Problem
from nnsteps.reader import Map, Node, Scalar, Seq, integer, number, read, scalars


def plain(node: Node) -> object:
    match node:
        case Scalar(text):
            return text
        case Seq(items):
            return [plain(item) for item in items]
        case Map(pairs):
            return {key.text: plain(value) for key, value in pairs}
    raise AssertionError(node)


def test_scalars_stay_the_text_that_was_written() -> None:
    text = "a: 010\nb: [no, 1e-3, 1:30, ~, '2']\nc:\n  - {d: 0x10}\n"
    assert plain(read(text, "a.yaml")) == {"a": "010", "b": ["no", "1e-3", "1:30", "~", "2"], "c": [{"d": "0x10"}]}


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("a: word", "word", 1, 4),
        ("a: 'word'", "word", 1, 5),
        ('é: ["x", "word"]', "word", 1, 11),
        ("a:\n  - ü: {b: word}", "word", 2, 12),
        ("a: |\n    word\n", "word\n", 2, 5),
        ("𝒳: word", "word", 1, 4),
        ("\ufeffa: word", "word", 1, 4),
        ("# é\r\na: word", "word", 2, 4),
    ],
)
def test_every_scalar_knows_where_its_first_character_stands(text: str, word: str, line: int, column: int) -> None:
    [found] = [scalar for scalar in scalars(read(text, "a.yaml")) if scalar.text == word]
    assert found.place is not None
    assert (found.place.line, found.place.column, found.place.exact) == (line, column, True)
    assert found.place.text[column - 1 :].startswith(word.strip())


@pytest.mark.parametrize("text", ["a: 'it''s'", 'a: "\\u0041b"', "a: one\n  two", "a: >\n  one\n  two\n"])
def test_a_text_that_is_not_what_is_seen_has_no_exact_place(text: str) -> None:
    place = list(scalars(read(text, "a.yaml")))[1].place
    assert place is not None
    assert not place.exact
    assert place.part(3, 1) == place


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1", -1), ("+1", 1), ("1.5", 1.5), (".5", 0.5), ("1.", 1), ("1e-3", 0.001), ("1E3", 1000),
        ("0", 0), ("0.5", 0.5), ("-0.5", -0.5), ("0e0", 0), ("1e+2", 100), 
        ("123456789012345678901234567890", 1.2345678901234568e29),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert number(Scalar(text)) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("−1", "Write -1 with the plain - of the keyboard."),
        ("1/3", "Write it as a decimal such as 0.3333, or compute it in a step."),
        ("010", "A leading 0 means base eight in some files. Write 10."),
        ("-010", "A leading 0 means base eight in some files. Write -10."),
        ("00", "Write 0."),
        ("1,5", "Write 1.5: the decimal point is a dot."),
        ("25%", "Write it as a decimal: 25% is 0.25."),
        ("1_000", "Write the digits without underscores."),
        ("1:30", "Times are not numbers: write the number of seconds, or quote it as a word."),
        ("0x10", "Write it in the decimal system."),
        ("0o7", "Write it in the decimal system."),
        ("yes", "Write 1."),
        ("False", "Write 0."),
        ("null", "Write 0 where nothing is meant."),
        ("~", "Write 0 where nothing is meant."),
        ("", "Write its value, such as 2 or [1, 2, 3]."),
        (".nan", "Every number of a problem is known. Leave the name out, or write its number."),
        ("-.inf", "Every number of a problem is finite; to mask a cell, use masked_fill in a step."),
        ("1e999", "The largest number is about 1.8e308."),
        ("1O", "Did you mean 10?"),
        ("l", "Did you mean 1?"),
        ("two", "A number looks like 2, -0.5 or 1e-3."),
        ("１", "A number looks like 2, -0.5 or 1e-3."),
        ("1e", "Write 1e-3, for example."),
        ("1 2", "Put commas between numbers, and brackets around them: [1, 2, 3]."),
        ("2*3", "Compute it in a step."),
        ("--1", "A number looks like 2, -0.5 or 1e-3."),
    ],
)
def test_what_is_no_number_is_refused_with_what_to_write(text: str, hint: str | None) -> None:
    with pytest.raises(StepsError) as caught:
        number(Scalar(text), "x")
    assert caught.value.hint == hint


def test_a_quoted_number_is_a_word() -> None:
    with pytest.raises(StepsError, match="is quoted"):
        number(Scalar("2", quoted=True))


def test_an_integer_is_whole() -> None:
    assert integer(Scalar("3")) == 3
    with pytest.raises(StepsError, match="whole"):
        integer(Scalar("3.5"))


def test_a_repeated_key_is_refused_with_both_lines() -> None:
    with pytest.raises(ReadError) as caught:
        read("a: 1\nb: 2\n'a': 3\n", "a.yaml")
    assert caught.value.place is not None
    assert caught.value.place.line == 3
    assert [place.line for place, _ in caught.value.also] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "steps: " + "[" * 100_000,
        "? " * 100_000,
        "[" * 50_000 + "]" * 50_000,
        "x: [" + "1, " * 300_000 + "1]",
        "a: " + "x" * 3_000_000,
        "\n".join("  " * k + "a:" for k in range(60)),
    ],
)
def test_too_much_is_one_limit_error_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(LimitError) as caught:
        read(text, "a.yaml")
    assert len(caught.value.report()) < 1_000
    assert time.process_time() - started < 10


def test_an_alias_bomb_ends_at_its_first_anchor() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 60)]
    with pytest.raises(ReadError, match="no anchors"):
        read("\n".join(lines), "a.yaml")


def test_limits_can_be_raised_and_lowered() -> None:
    with pytest.raises(LimitError):
        read("[[1]]", "a.yaml", {**USUAL, "nesting": 1})
    text = "given:\n  x: [1, 2, 3]\nsteps:\n  - y = x\n"
    with pytest.raises(LimitError, match="x has 3 numbers; 2 are allowed"):
        Problem.read(text, "a.yaml", limits={"numbers": 2})
    assert Problem.read(text, "a.yaml", limits={"numbers": 3}).given


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only words\n", b"---\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_as_such(data: bytes) -> None:
    with pytest.raises(FileError, match="nothing in this file"):
        read(data, "a.yaml")


@pytest.mark.parametrize("data", [b"\xff\xfea\0", b"a: \0", b"\x89PNG\r\n\x1a\n\0"])
def test_a_binary_file_is_told_as_such(data: bytes) -> None:
    with pytest.raises(FileError, match="not a text file"):
        read(data, "a.yaml")


def test_text_in_another_encoding_is_told_with_its_line() -> None:
    with pytest.raises(FileError, match="not UTF-8 from line 2"):
        read(b"a: b\nc: \xe9\n", "a.yaml")


_bits = st.sampled_from(
    ["a", "x1", ":", ": ", " ", "\n", "\n  ", "\n- ", "- ", "[", "]", "{", "}", ",", "'", '"', "|", ">", "&", "*", "!",
     "%", "@", "`", "#", " #", "\t", "1", "=", "?", "? ", "---", "...", "<<", "\\", "é",
     "steps:\n- ", "given:\n  ", "\u2028"]
)  # fmt: skip


@given(st.text() | st.binary() | st.lists(_bits, max_size=30).map("".join))
def test_anything_is_read_or_refused_with_a_report(data: str | bytes) -> None:
    for take in (read, Problem.read):
        try:
            take(data, "a.yaml")
            report = ""
        except StepsError as error:
            report = error.report(60)
        assert report.replace("\n", "").isprintable()
