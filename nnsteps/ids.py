"""The id of a variant: which numbers it has, and whether they are still the same. Knows no problem files.

    backprop-7.3.15-3f9a2c81d0     problem, seed . variant . attempt, and a hash of the numbers

Theory of operation. A file may change after sheets were handed out, and a sheet must never come back with other
numbers. Each drawn variable has a code below a prime: 6 bits from its name, 14 from its name and numbers. The id holds
the sum and the sum of the squares of all codes, modulo the prime. If both agree, all is as it was. Otherwise some of
today's variables may be new: leave a few of them out and compare again. What is then missing from the sums may be the
code of one variable that the file has lost, which it is only if the two sums tell of the same code. Where that code has
the name of a variable of today, the variable is not lost: its numbers have changed. (Of two lost variables two sums
cannot tell; such a sheet is refused.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from typing import NamedTuple

PRIME = 1_048_573  # the largest below 2²⁰, so that a sum has five hexadecimal digits
NAMES, NUMBERS = 63, 2**14
MOST_NEW, MOST_NEW_WITH_LOSS = 4, 2

_ID = re.compile(
    r"(?P<problem>.+)-(?P<seed>0|[1-9][0-9]{0,17})\.(?P<variant>[A-Za-z0-9_]+)\.(?P<attempt>0|[1-9][0-9]{0,8})"
    r"-(?P<hash>[0-9a-f]{10})"
)
_SIMPLE = re.compile(r"[A-Za-z0-9_]{1,24}")


class Id(NamedTuple):
    """What a variant is rebuilt from."""

    problem: str
    seed: int
    variant: str
    attempt: int
    hash: str

    def __str__(self) -> str:
        return f"{self.problem}-{self.seed}.{self.variant}.{self.attempt}-{self.hash}"


class Changes(NamedTuple):
    """How the variables of a file differ from those of an id."""

    new: tuple[str, ...]
    lost: bool


def parse(text: str) -> Id | None:
    """The id that a text writes, or None."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    return Id(found["problem"], int(found["seed"]), found["variant"], int(found["attempt"]), found["hash"])


def variant_key(student: str) -> str:
    """How a student's id stands in the id of a sheet: itself where it is simple, else a hash of it."""
    return student if _SIMPLE.fullmatch(student) else "x" + sha256(student.encode()).hexdigest()[:12]


def hash_of(numbers: Mapping[str, bytes]) -> str:
    """The hash of drawn numbers, in bytes, by name."""
    return "{:05x}{:05x}".format(*_sums([_code(name, part) for name, part in numbers.items()]))


def compare(written: str, numbers: Mapping[str, bytes]) -> Changes | None:
    """How the drawn numbers differ from those that a hash was made of; None where a shared number is another one."""
    codes = {name: _code(name, part) for name, part in numbers.items()}
    wanted = int(written[:5], 16), int(written[5:], 16)
    names = sorted(codes)
    for new in _some(names, MOST_NEW):
        if _missing(wanted, codes, new) == (0, 0):
            return Changes(new, lost=False)
    for new in _some(names, MOST_NEW_WITH_LOSS):
        lost, square = _missing(wanted, codes, new)
        is_one = lost * lost % PRIME == square and lost % NUMBERS and lost // NUMBERS < NAMES
        if is_one and lost // NUMBERS not in [_tag(name) for name in new]:
            return Changes(new, lost=True)
    return None


def _some(names: list[str], most: int) -> Iterator[tuple[str, ...]]:
    for size in range(min(most, len(names)) + 1):
        yield from combinations(names, size)


def _missing(wanted: tuple[int, int], codes: Mapping[str, int], new: tuple[str, ...]) -> tuple[int, int]:
    """What the sums of the variables that are not new lack."""
    first, second = _sums([code for name, code in codes.items() if name not in new])
    return (wanted[0] - first) % PRIME, (wanted[1] - second) % PRIME


def _sums(codes: list[int]) -> tuple[int, int]:
    return sum(codes) % PRIME, sum(code * code for code in codes) % PRIME


def _code(name: str, numbers: bytes) -> int:
    digest = sha256(name.encode() + b"\0" + numbers).digest()
    return _tag(name) * NUMBERS + 1 + int.from_bytes(digest[:8], "big") % (NUMBERS - 1)


@lru_cache(maxsize=256)
def _tag(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") % NAMES
