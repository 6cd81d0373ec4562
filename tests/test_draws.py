"""Numbers drawn by name, against a second reading of how they are drawn, written from the words in nnsteps.draws."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter

import pytest

from nnsteps import ids
from nnsteps.draws import Draws
from nnsteps.ids import Id

WORD = 4_294_967_296


def digest(*fields: object) -> str:
    return hashlib.new("sha256", b"\x00".join(str(field).encode("utf-8") for field in fields)).hexdigest()


def number(n: int, index: int, *what: object) -> int:
    """One number by the rules: word by word as hexadecimal text, the limit by counting down."""
    word = int(digest(1, *what, index // 8)[8 * (index % 8) :][:8], 16)
    limit = n * (WORD // n)
    turn = 0
    while word >= limit:
        turn += 1
        word = int(digest(1, *what, index, turn)[:8], 16)
    return word % n


WHAT = ("backprop", 7, "3", 15)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 1000, 99_991, 2**31 + 1, 3 * 2**30, WORD - 1, WORD])
def test_numbers_are_those_of_an_independent_reading(n: int) -> None:
    assert Draws(*WHAT).numbers(n, "W1", 40) == [number(n, k, *WHAT, "W1") for k in range(40)]


def test_with_the_largest_remainders_some_numbers_are_drawn_again() -> None:
    n = 2**31 + 1  # every second word is too large
    first = [int(digest(1, *WHAT, "x", k // 8)[8 * (k % 8) :][:8], 16) for k in range(40)]
    again = [k for k in range(40) if first[k] >= n]
    assert 10 < len(again) < 30
    drawn = Draws(*WHAT).numbers(n, "x", 40)
    assert [k for k in range(40) if drawn[k] != first[k]] == again


@pytest.mark.parametrize("what", [("a/b c", 0, "x", 0), ("größer", 10**15, "student_1", 10**8)])
def test_any_name_seed_and_variant_can_be_drawn_for(what: tuple[str, int, str, int]) -> None:
    assert Draws(*what).numbers(6, "W₁", 9) == [number(6, k, *what, "W₁") for k in range(9)]


def test_an_order_is_that_of_an_independent_shuffle() -> None:
    for length in (1, 2, 5, 12):
        places = list(range(length))
        for last in reversed(range(1, length)):
            other = number(last + 1, last, *WHAT, "P")
            places[last], places[other] = places[other], places[last]
        assert Draws(*WHAT).order(length, "P") == places


def test_all_numbers_are_equally_likely() -> None:
    counts = Counter(itertools.chain(*(Draws("p", 1, str(k), 0).numbers(5, "x", 10) for k in range(1000))))
    assert all(1850 < counts[value] < 2150 for value in range(5))  # 2000 ± 3.75 standard deviations


def test_all_orders_are_equally_likely() -> None:
    counts = Counter(tuple(Draws("p", 1, str(k), 0).order(3, "x")) for k in range(6000))
    assert len(counts) == 6
    assert all(890 < count < 1110 for count in counts.values())  # 1000 ± 3.8 standard deviations


def test_a_longer_value_begins_like_a_shorter_one() -> None:
    assert Draws(*WHAT).numbers(10, "x", 20)[:5] == Draws(*WHAT).numbers(10, "x", 5)


def test_each_part_of_the_key_matters() -> None:
    keys = [WHAT, ("other", 7, "3", 15), ("backprop", 8, "3", 15), ("backprop", 7, "4", 15), ("backprop", 7, "3", 16)]
    drawn = [tuple(Draws(*key).numbers(1000, name, 8)) for key in keys for name in ("x", "y")]
    assert len(set(drawn)) == len(drawn)


# --- ids ---------------------------------------------------------------------------------------------------------

NUMBERS = {"x": b"1,2", "W": b"3,4,5", "b": b"6", "c": b"7"}


def without(*names: str) -> dict[str, bytes]:
    return {name: value for name, value in NUMBERS.items() if name not in names}


def test_an_id_is_read_as_it_was_written() -> None:
    for id in (Id("backprop", 7, "3", 15, "3f9a2c81d0"), Id("my-own-2.5.1-x", 0, "s12_ab", 0, "0000000000")):
        assert ids.parse(str(id)) == id


@pytest.mark.parametrize(
    "text",
    ["backprop", "backprop-7.3-3f9a2c81d0", "backprop-7.3.1-3f9a2c81d", "backprop-07.3.1-3f9a2c81d0",
     "x-1.a-b.1-0000000000", "-1.1.1-0000000000", "backprop-7.3.1-3F9A2C81D0", "backprop-7.3.-1-3f9a2c81d0"],
)  # fmt: skip
def test_what_is_no_id_is_not_taken_for_one(text: str) -> None:
    assert ids.parse(text) is None


def test_the_order_of_the_names_does_not_matter() -> None:
    assert ids.hash_of(NUMBERS) == ids.hash_of(dict(reversed(NUMBERS.items())))


def test_the_same_numbers_are_recognised() -> None:
    assert ids.compare(ids.hash_of(NUMBERS), NUMBERS) == ((), False)


@pytest.mark.parametrize("new", [("x",), ("W", "b"), ("W", "b", "c"), ("W", "b", "c", "x")])
def test_new_variables_are_named(new: tuple[str, ...]) -> None:
    assert ids.compare(ids.hash_of(without(*new)), NUMBERS) == (new, False)


@pytest.mark.parametrize("lost", ["x", "W", "b", "c"])
def test_a_lost_variable_is_noticed(lost: str) -> None:
    assert ids.compare(ids.hash_of(NUMBERS), without(lost)) == ((), True)


def test_a_variable_under_another_name_is_one_lost_and_one_new() -> None:
    assert ids.compare(ids.hash_of(NUMBERS), {**without("b"), "bias": b"6"}) == (("bias",), True)


def test_a_changed_number_is_never_taken_for_the_old_one() -> None:
    accepted = 0
    for k in range(2000):
        changed = {**NUMBERS, "b": b"%d" % (100 + k)}
        accepted += ids.compare(ids.hash_of(NUMBERS), changed) is not None
        accepted += ids.compare(ids.hash_of(NUMBERS), {**changed, "new": b"1"}) is not None
        accepted += ids.compare(ids.hash_of({**NUMBERS, "old": b"9"}), changed) is not None
    assert accepted <= 1  # one in some 2¹⁶ by chance


def test_all_changed_numbers_are_not_taken_for_the_old_ones() -> None:
    for k in range(500):
        changed = {name: value + b"%d" % k for name, value in NUMBERS.items()}
        found = ids.compare(ids.hash_of(NUMBERS), changed)
        assert found is None


def test_a_simple_student_id_stands_as_it_is_and_any_other_as_a_hash() -> None:
    assert ids.variant_key("s123_A") == "s123_A"
    others = ["müller, anna", "a b", "", "1.2", "x" * 25, "=1+1"]
    keys = [ids.variant_key(other) for other in others]
    assert len(set(keys)) == len(keys)
    assert all(ids.parse(f"p-1.{key}.0-0123456789") for key in keys)
