"""A trace as HTML for a notebook: the terminal page, with its colours. Knows nothing that the page does not."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from nnsteps.layout import View, page
from nnsteps.render.colours import style_of
from nnsteps.render.terminal import draw

if TYPE_CHECKING:
    from nnsteps.trace import Trace

WIDTH = 100


def page_html(trace: Trace) -> str:
    """The page of a trace as one <pre> element."""
    rows = ("".join(_span(text, role) for text, role in line) for line in draw(page(trace, View(width=WIDTH)), WIDTH))
    return '<pre style="line-height:1.25;font-family:monospace">' + "\n".join(rows) + "</pre>"


def _span(text: str, role: str) -> str:
    style = style_of(role)
    css = []
    if style.color is not None and style.color.triplet is not None:
        css.append(f"color:{style.color.triplet.hex}")
    if style.bgcolor is not None and style.bgcolor.triplet is not None:
        css.append(f"background:{style.bgcolor.triplet.hex}")
    css += ["font-weight:bold"] * bool(style.bold) + ["font-style:italic"] * bool(style.italic)
    css += ["text-decoration:line-through"] * bool(style.strike)
    body = html.escape(text)
    return f'<span style="{";".join(css)}">{body}</span>' if css else body
