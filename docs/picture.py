"""The picture of a page in the README: `python docs/picture.py` writes docs/backprop.svg from the real page."""

from __future__ import annotations

from html import escape
from pathlib import Path

from nnsteps.collection import find
from nnsteps.layout import View, page
from nnsteps.render.canvas import Line, columns
from nnsteps.render.colours import style_of
from nnsteps.render.terminal import draw
from nnsteps.solver import Settings, solve_problem
from nnsteps.verify import check

FILE = Path(__file__).parent / "backprop.svg"
WIDTH, CELL, ROW, EDGE = 100, 7.8, 17, 16
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def picture() -> str:
    """The page of backprop as SVG."""
    problem = find("backprop")
    view = View(width=WIDTH, checked=check(problem))
    document = page(solve_problem(problem), view, solve_problem(problem, Settings(exact=True)))
    return svg(draw(document, WIDTH))


def svg(lines: list[Line]) -> str:
    """Lines of a terminal page as a drawing; every text is stretched to its columns, whatever the font."""
    width, height = WIDTH * CELL + 2 * EDGE, len(lines) * ROW + 2 * EDGE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'font-family="{FONT}" font-size="13" role="img" aria-label="nnsteps solve backprop">',
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
    ]
    for row, line in enumerate(lines):
        column = 0
        for text, role in line:
            out += _segment(text, role, column, row)
            column += columns(text)
    return "\n".join([*out, "</svg>", ""])


def _segment(text: str, role: str, column: int, row: int) -> list[str]:
    style = style_of(role)
    x, y, width = EDGE + column * CELL, EDGE + row * ROW, columns(text) * CELL
    out = []
    if style.bgcolor is not None and style.bgcolor.triplet is not None:
        fill = style.bgcolor.triplet.hex
        out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW}" fill="{fill}"/>')
    bare = text.strip(" ")
    if not bare:
        return out
    before = len(text) - len(text.lstrip(" "))
    ink = style.color.triplet.hex if style.color is not None and style.color.triplet is not None else "#1a1a1a"
    looks = ' font-weight="bold"' * bool(style.bold) + ' font-style="italic"' * bool(style.italic)
    looks += ' text-decoration="line-through"' * bool(style.strike)
    out.append(
        f'<text x="{x + before * CELL:.1f}" y="{y + ROW - 4}" textLength="{columns(bare) * CELL:.1f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{ink}" xml:space="preserve"{looks}>{escape(bare)}</text>'
    )
    return out


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
