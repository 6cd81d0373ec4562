"""Roles to colours. One palette for dark and light terminals: black on pale fills, inks readable on both."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style

FILLS = {
    "given": "#FFF2CC", "weight": "", "bias": "#CFCFCF", "passing": "", "output": "#D2EEF2", "loss": "#FFF176",
    "activation1": "#E2F0D9", "activation2": "#C5E0B4", "activation3": "#A9D18E", "gradient": "#C4D5FF", "new": "",
    "crossed": "#9C9C9C", "zeroed": "#9C9C9C", "blank": "#FBE5D6", "wrong": "#FFC7CE",
}  # fmt: skip
BADGES = {"forward": "#F6B26B", "backward": "#8FB4FF", "update": "#F4B6B6", "answers": "#BFE3C0"}
INKS = {"forward": "#C86400", "backward": "#2F7BF6", "update": "#E04A4A", "answers": "#808080"}
LEARNABLE, GREY, BAR, CHECKED = "#F01818", "#808080", "#868686", "#268A3A"


@lru_cache(maxsize=256)
def style_of(role: str) -> Style:
    """The style of a role: `fill given`, `ink forward`, `badge backward`, `grey`, …"""
    kind, _, what = role.partition(" ")
    match kind:
        case "fill":
            return _fill(what)
        case "bar":
            return Style(color=BAR, bgcolor=FILLS.get(what.removeprefix("fill "), "") or None)
        case "badge":
            return Style(color="#000000", bgcolor=BADGES[what], bold=True)
        case "ink" | "rule" | "number":
            return Style(color=INKS[what], bold=kind == "number")
        case "unchanged":
            return Style(color="#6E6E6E" if what else GREY, bgcolor=FILLS["bias"] if what else None)
    return _PLAIN.get(role, Style())


def _fill(what: str) -> Style:
    colour = FILLS.get(what, "")
    if not colour:
        return Style(bold=what == "new")
    if what == "gradient":
        return Style(color="#0B3D91", bgcolor=colour, bold=True)
    return Style(
        color="#9A7350" if what == "blank" else "#000000", bgcolor=colour, strike=what == "crossed", bold=what == "loss"
    )


_PLAIN = {
    "title": Style(bold=True), "bold": Style(bold=True), "name": Style(bold=True), "result": Style(bold=True),
    "grey": Style(color=GREY), "gloss": Style(color=GREY, italic=True), "learnable": Style(color=LEARNABLE),
    "carry": Style(color="#4E9A2A"),
    "learnable bold": Style(color=LEARNABLE, bold=True), "backward": Style(color=INKS["backward"]),
    "accent": Style(color=INKS["forward"], bold=True), "checked": Style(color=CHECKED, bold=True),
    "error": Style(color=LEARNABLE, bold=True),
}  # fmt: skip
