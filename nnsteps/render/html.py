"""Pages as one HTML file that needs no network. Computes nothing.

Theory of operation. A page is an article: title, map, head, then sections that fold. Spines are drawn by `html_spine`,
their tables by `html_grid`, worked lines by `html_work`; `html_style` holds the palette and the style sheet, and
`html_script` the few lines that let a number point at what it came from. Without a script, without colours and without
a screen the page says the same.

A worksheet has the geometry of its key: cells are as wide as their place asks for, and where the key has worked lines
the worksheet leaves room for as many, if it is given the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nnsteps.document import Answers, Block, Chip, Document, Frames, Grid, Prose, Section, Spine, Turns, Work
from nnsteps.render import html_work
from nnsteps.render.formats import Page, Sheet
from nnsteps.render.html_grid import Tables
from nnsteps.render.html_links import Links
from nnsteps.render.html_script import SCRIPT
from nnsteps.render.html_spine import Spines
from nnsteps.render.html_style import STYLE
from nnsteps.render.html_text import maths, tag, text


def html(document: Document, *, blank: bool = False, fragment: bool = False, key: Document | None = None) -> str:
    """One page as a file, or as a `fragment` for another one.

    `blank` asks for a name and leaves room to work: as much as the `key` takes, where it is given.
    """
    return _file(document.title, _article(document, is_blank=blank, key=key), is_fragment=fragment)


def write(sheet: Sheet) -> str:
    """A sheet of pages as one file; a worksheet has the geometry of its key, if that is in the sheet."""
    is_alone = len(sheet.pages) == 1 and not sheet.title
    title = sheet.title or sheet.pages[0].document.title
    keys = {page.name: page.document for page in sheet.pages if not page.is_blank}
    head = "" if is_alone else tag("header", tag("h1", text(title)), class_="sheet")
    articles = (
        _article(
            page.document,
            is_blank=page.is_blank,
            key=(page.key or keys.get(page.name)) if page.is_blank else None,
            level=1 if is_alone else 2,
            points=page.points,
            badge="key" if _is_key(page, sheet) else "",
        )
        for page in sheet.pages
    )
    return _file(title, head + "".join(articles), is_fragment=sheet.is_fragment)


def _is_key(page: Page, sheet: Sheet) -> bool:
    """Whether the worksheet of a page is in the same file."""
    return not page.is_blank and any(other.is_blank and other.name == page.name for other in sheet.pages)


def _file(title: str, body: str, *, is_fragment: bool) -> str:
    style, page, script = f"<style>{STYLE}</style>", tag("div", body, class_="nnsteps"), f"<script>{SCRIPT}</script>"
    if is_fragment:
        return f"{style}\n{page}\n{script}\n"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n{style}\n</head>\n<body>\n{page}\n{script}\n</body>\n</html>\n"
    )


# --- a page ------------------------------------------------------------------------------------------------------


def _article(
    document: Document, *, is_blank: bool, key: Document | None, level: int = 1, points: str = "", badge: str = ""
) -> str:
    title = [text(document.title)]
    title += [" " + tag("span", text(badge), class_="key-badge")] if badge else []
    title += [" " + tag("span", text(_worth(points)), class_="points")] if points else []
    source = tag("p", text(document.source), class_="origin") if document.source else ""
    name = tag("p", tag("span", "Name"), tag("span", "Date"), class_="pupil")
    page = _Sections(Tables(Links(document.numbers)), level, is_blank)
    others = _matching(document, key)
    return tag(
        "article",
        tag("header", tag(f"h{level}", *title), source, class_="title"),
        name if is_blank else "",
        tag("p", text(document.about), class_="about") if document.about else "",
        _map(document.map),
        _labelled(((label, (words,)) for label, words in document.head), "head"),
        *(page.section(section, other) for section, other in zip(document.sections, others, strict=True)),
        class_="worksheet" if is_blank else "answer-key",
    )


def _worth(points: str) -> str:
    return f"{points} point" if points == "1" else f"{points} points"


def _matching(document: Document, key: Document | None) -> list[Section | None]:
    """The section of the key that goes with each of the page, where there is one; a key may have more of them."""
    waiting = list(key.sections) if key is not None else []
    out: list[Section | None] = []
    for mine in document.sections:
        alike = [(other.badge, len(other.blocks)) == (mine.badge, len(mine.blocks)) for other in waiting]
        place = alike.index(True) if True in alike else None
        out.append(waiting[place] if place is not None else None)
        waiting = waiting[place + 1 :] if place is not None else waiting
    return out


def _map(chips: Sequence[Chip]) -> str:
    """The way of the values, from left to right."""
    out = []
    for place, chip in enumerate(chips):
        if place:
            names = " ".join(tag("span", maths(name)) for name in chip.arrow)
            used = tag("span", names, class_="learnable" if chip.learnable else "used") if names else ""
            out.append(tag("span", used, tag("span", "▸", aria_hidden="true"), class_="way"))
        out.append(tag("span", maths(chip.name), " ", text(chip.size), class_=f"chip {chip.role}"))
    return tag("p", *out, class_="map") if out else ""


def _labelled(rows: Iterable[tuple[str, Sequence[str]]], kind: str) -> str:
    """Labels, and what is said of each."""
    items = [
        tag("div", tag("dt", text(label)), tag("dd", "<br>".join(text(words) for words in said)))
        for label, said in rows
    ]
    return tag("dl", *items, class_=kind) if items else ""


@dataclass(frozen=True, slots=True)
class _Sections:
    """Writes the sections of one page."""

    tables: Tables
    level: int
    is_blank: bool

    def section(self, section: Section, key: Section | None) -> str:
        words = tag("span", text(section.words), class_="words") if section.words else ""
        badge = tag(f"h{self.level + 1}", text(section.badge))
        others = key.blocks if key is not None else (None,) * len(section.blocks)
        blocks = (self._block(block, other, section) for block, other in zip(section.blocks, others, strict=True))
        summary = tag("summary", badge, tag("span", class_="rule"), words)
        return tag("details", summary, *blocks, class_=f"section {section.kind}", open="open")

    def _block(self, block: Block, key: Block | None, section: Section) -> str:
        match block:
            case Spine():
                label = f"{section.badge.lower()}: {block.links[0].out.name} to {block.links[-1].out.name}"
                spines = Spines(self.tables, section.kind, self.level + 2, self.is_blank)
                return spines.spine(block, key if isinstance(key, Spine) else None, label)
            case Frames():
                return self._frames(block, key if isinstance(key, Frames) else None, section.kind)
            case Prose():
                return tag("p", text(block.text), class_="prose" if block.role == "plain" else "prose grey")
            case Turns():
                return tag("div", html_work.turns(block, section.kind), class_="scroll", tabindex=0, role="region")
            case Answers():
                return _answers(block)

    def _frames(self, block: Frames, key: Frames | None, kind: str) -> str:
        """Frames next to each other, under their captions."""
        captions = [tag("p", html_work.caption(one, kind), class_="caption") for one in block.captions]
        captions += [tag("p", text(block.gloss), class_="gloss")] if block.gloss else []
        drawn = []
        for place, (frame, work) in enumerate(block.frames):
            other = key.frames[place][1] if key is not None and place < len(key.frames) else None
            table = self.tables.frame(frame, self.tables.widths(frame))
            drawn.append(tag("div", table, self._work(work, other, kind), class_="block"))
        return tag("div", *captions, class_="captions") + tag("div", *drawn, class_="frames")

    def _work(self, work: Work | None, key: Work | None, kind: str) -> str:
        """The worked line under a frame, or room for it."""
        both = [html_work.lines([one._replace(row=0)], (), 1) if one is not None else [] for one in (work, key)]
        return html_work.listed(both[0], kind, html_work.count(both[1]) if self.is_blank else 0)


# --- answers -----------------------------------------------------------------------------------------------------


def _answers(block: Answers) -> str:
    head = "".join(tag("th", text(column), scope="col") for column in block.columns)
    rows = (
        tag("tr", tag("th", maths(row.name), scope="row"), *(tag("td", _answer(value)) for value in row.values))
        for row in block.rows
    )
    top = tag("thead", tag("tr", tag("td"), head)) if head else ""
    table = tag("table", top, tag("tbody", *rows), class_="answers") if block.rows else ""
    return (tag("div", table, class_="scroll") if table else "") + _labelled(block.below, "below")


def _answer(value: Grid | str) -> str:
    """A final value. It has no links: the exact one belongs to another solution, whose cells are not on the page."""
    tables = Tables(Links(None))
    return text(value) if isinstance(value, str) else tables.grid(value, tables.width(value), topped=True)


__all__ = ["html", "write"]
