"""Whole numbers drawn by name: the same on every machine, for ever. Knows no problems and no arrays.

Theory of operation. A number is never taken from a stream. It is a part of the SHA-256 of what it is for: the text

    generator version, problem, seed, variant, attempt, variable, block

joined by zero bytes, as UTF-8. The digest is read as eight 32-bit words, big end first: word k of block b is the number
with index 8b + k. So each number stands alone: a variable that is added, removed or moved in a file leaves every other
number as it was. A word gives a number below n by its remainder, if it lies below the largest multiple of n that is not
above 2³², so that all n are equally likely. If it does not, it is replaced by the first word of the digest of the same
text with the index in place of the block, and a round number (1, 2, …) as one more part.

To change anything here is to change every sheet that was ever handed out: raise GENERATOR.
"""

from __future__ import annotations

from hashlib import sha256
from struct import unpack

GENERATOR = 1
WORDS = 2**32  # how many values a word has; the most that can be drawn from


class Draws:
    """The numbers of one attempt at one variant of a problem."""

    __slots__ = ("_key", "attempt", "seed", "variant")

    def __init__(self, problem: str, seed: int, variant: str, attempt: int) -> None:
        self.seed, self.variant, self.attempt = seed, variant, attempt
        self._key = f"{GENERATOR}\0{problem}\0{seed}\0{variant}\0{attempt}\0".encode()

    def numbers(self, n: int, variable: str, count: int) -> list[int]:
        """As many numbers from 0 to n − 1."""
        limit, words = WORDS - WORDS % n, self._words(variable, count)
        if max(words) >= limit:
            return [(word if word < limit else self._again(variable, k, limit)) % n for k, word in enumerate(words)]
        return [word % n for word in words]

    def order(self, length: int, variable: str) -> list[int]:
        """The places 0 to length − 1 in some order, all orders equally likely (Fisher and Yates, from the last on)."""
        places, words = list(range(length)), self._words(variable, length)
        for last in range(length - 1, 0, -1):
            word, limit = words[last], WORDS - WORDS % (last + 1)
            other = (word if word < limit else self._again(variable, last, limit)) % (last + 1)
            places[last], places[other] = places[other], places[last]
        return places

    def words(self, variable: str, count: int) -> bytes:
        """At least as many words, before any is replaced: 4 bytes each, big end first."""
        key = self._key + variable.encode() + b"\0"
        found = sha256(key + b"0").digest()
        for block in range(1, (count + 7) // 8):
            found += sha256(key + b"%d" % block).digest()
        return found

    def _words(self, variable: str, count: int) -> tuple[int, ...]:
        found = self.words(variable, count)
        return unpack(f">{len(found) // 4}I", found)[:count]

    def _again(self, variable: str, index: int, limit: int) -> int:
        """The first word below the limit, round by round."""
        turn, word = 0, limit
        while word >= limit:
            turn += 1
            word = unpack(">8I", sha256(self._key + f"{variable}\0{index}\0{turn}".encode()).digest())[0]
        return word
