"""Text, names and tags of HTML. Knows no page.

Everything an author wrote passes through `text` or `tag`; nothing else makes markup of it.
"""

from __future__ import annotations

from html import escape

from nnsteps.errors import harmless, visible
from nnsteps.render.mathml import mathml

VOID = {"br", "col"}
SMALL = frozenset("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀⁿ")


def text(words: str) -> str:
    """Words as they stand between tags."""
    return escape(harmless(words), quote=False)


def tag(name: str, *inside: str, **attributes: str | int) -> str:
    """An element with attributes, those left out that are empty. Example: tag("td", "3", class_="given")."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{written}>" if name in VOID else f"<{name}{written}>{''.join(inside)}</{name}>"


def hidden(words: str) -> str:
    """Words for a screen reader only."""
    return tag("span", text(words), class_="heard") if words else ""


def maths(formula: str) -> str:
    """A formula or a name."""
    return mathml(formula) if formula else ""


def name_tag(name: str) -> str:
    """The name of a block beside it."""
    return tag("span", maths(name), class_="name")


def rem(size: float) -> str:
    """A length, the same digits on every machine."""
    return f"{size:.2f}".rstrip("0").rstrip(".") + "rem"


def breadth(formula: str) -> float:
    """About how many digits wide a formula is drawn: marks above and below the line are small."""
    return sum(0.6 if char in SMALL else 0.5 if char == " " else 1.0 for char in visible(formula))
