"""Words that formats share: lines that a terminal sets with wide gaps as sentences, points. Knows no format."""

from __future__ import annotations

import re


def listed(text: str) -> str:
    """A line whose parts stand apart as a list: "A 2×2    B 2×3" -> "A 2×2, B 2×3"."""
    return re.sub(r"(?<![:,;]) {2,}(?=\S)", ", ", text.strip()).replace("  ", " ")


def worth(points: str) -> str:
    """What a problem is worth, in words: 10 points."""
    return f"{points} point{'' if points == '1' else 's'}"
