"""Families: values under one name, told apart by an index. How members are written, named and put in order.

A member's name is its family's with the index in brackets: h[2], w[1,2], expert[A]. An index is one or more whole
numbers or words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Key: TypeAlias = tuple[int | str, ...]

_NUMBER = re.compile(r"-?\d{1,9}")
_RANGE = re.compile(r"\s*(-?\d{1,9})\s*\.\.\s*(-?\d{1,9})\s*")
_MEMBER = re.compile(r"\s*(?P<family>[^\[\]]+?)\s*\[(?P<key>.*)\]\s*")


def member_name(family: str, key: Key) -> str:
    """The name of a member: h[2], w[1,2], expert[A]."""
    return f"{family}[{','.join(map(str, key))}]"


def split_name(text: str) -> tuple[str, str] | None:
    """Family and index of a name as it is written in a file; None for a plain name."""
    found = _MEMBER.fullmatch(text)
    return (found["family"], found["key"]) if found else None


def key_of(text: str) -> Key:
    """The index that a text writes: 2 -> (2,); 1, 2 -> (1, 2); A or "A" -> ("A",)."""
    return tuple([_part(part) for part in text.split(",")])


def range_of(text: str) -> range | None:
    """The numbers of 1..4, or of 4..1 downwards; None for any other text."""
    found = _RANGE.fullmatch(text)
    return counted(int(found[1]), int(found[2])) if found else None


def counted(low: int, high: int) -> range:
    """The whole numbers from one to the other, both included, downwards where the second is smaller."""
    return range(low, high + 1) if low <= high else range(low, high - 1, -1)


def _part(text: str) -> int | str:
    word = text.strip()
    if _NUMBER.fullmatch(word):
        return int(word)
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


@dataclass(slots=True)
class Family:
    """The members of one name, in the order in which they came to be."""

    name: str
    members: dict[Key, str] = field(default_factory=dict)

    def add(self, key: Key) -> str:
        """Let there be a member; gives its name."""
        return self.members.setdefault(key, member_name(self.name, key))

    @property
    def is_numbered(self) -> bool:
        """Whether its members are told apart by numbers only."""
        return all(isinstance(part, int) for key in self.members for part in key)

    def takes(self, key: Key) -> bool:
        """Whether a new index is like those that are there: as many parts, each a number or a word as theirs."""
        other = next(iter(self.members))
        kinds = [[isinstance(part, int) for part in index] for index in (key, other)]
        return kinds[0] == kinds[1]

    def whole(self) -> list[str]:
        """What the family stands for as a whole: its members numbered from 1, in order; labelled ones as they came."""
        if not self.is_numbered:
            return list(self.members.values())
        chosen = [key for key in self.members if all(isinstance(part, int) and part >= 1 for part in key)]
        return [self.members[key] for key in sorted(chosen, key=lambda key: [int(part) for part in key])]

    def find(self, key: Key) -> str | None:
        """The member of an index; in a labelled family a number means the k-th in its order."""
        if key in self.members:
            return self.members[key]
        if len(key) == 1 and isinstance(key[0], int) and not self.is_numbered and 1 <= key[0] <= len(self.members):
            return list(self.members.values())[key[0] - 1]
        return None

    def between(self, low: int | None, high: int | None) -> list[str]:
        """The members from one number to another, both included."""
        if not self.is_numbered:
            return self.whole()[(low or 1) - 1 : high]
        numbers = sorted(int(key[0]) for key in self.members if len(key) == 1)
        first = low if low is not None else 1
        return [self.members[k,] for k in numbers if k >= first and (high is None or k <= high)]

    def labels(self) -> Iterator[int | str]:
        """What a loop over the family runs through: its words, or its numbers from 1."""
        seen: dict[int | str, None] = {}
        for key in self.members:
            if not isinstance(key[0], int) or key[0] >= 1:
                seen[key[0]] = None
        yield from seen


def families_of(keys: Iterable[tuple[str, Key]]) -> Mapping[str, Family]:
    """The families of some members."""
    found: dict[str, Family] = {}
    for name, key in keys:
        found.setdefault(name, Family(name)).add(key)
    return found
