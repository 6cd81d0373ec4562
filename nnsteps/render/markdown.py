"""A sheet as Markdown: headings, prose, and formulas that GitHub, pandoc, Obsidian and Jupyter set. Computes nothing.

Theory of operation. All numbers stand in formulas, never in pipe tables, but for the answers at the end. GitHub and
GitLab read formulas from code (`$`…`$` and fenced blocks called math), so no Markdown can act inside of them; other
readers know $…$ and $$…$$. Every letter of prose that could be markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from nnsteps import document as doc
from nnsteps.document import Answer, Answers, Caption, Corner, Document, Frames, Link, Prose, Section, Spine, Turns
from nnsteps.render import formulas
from nnsteps.render.formats import Page, Sheet
from nnsteps.render.formulas import matrix
from nnsteps.render.maths import is_list_of_numbers
from nnsteps.render.prose import listed, worth
from nnsteps.render.sums import turned, worked
from nnsteps.render.tex import tex

GITHUB, PANDOC = "github", "pandoc"
NAME_LINE = "Name: ______________________________ Date: ______________"


def write(sheet: Sheet) -> str:
    """The sheet as Markdown."""
    return _Writer(sheet).text()


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """Prose in which nothing is markup. Example: escaped("2 * x_1 <b>") -> r"2 \\* x\\_1 \\<b\\>"."""
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_{}\[\]<>#&|~^@!])", r"\\\1", text).replace("$", "&#36;")
    text = text.replace("://", r":\//").replace("www.", r"www\.")
    text = re.sub(r"^(\d+)([.)])", r"\1\\\2", text)
    return re.sub(r"^([-+=:%])", r"\\\1", text)


class _Writer:
    """Writes the paragraphs of a sheet in order."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.is_pandoc = sheet.flavor == PANDOC
        self.level = 2 if sheet.title or len(sheet.pages) > 1 else 1

    def text(self) -> str:
        return "\n\n".join(part for part in self.sheet_parts() if part) + "\n"

    def sheet_parts(self) -> Iterator[str]:
        sheet = self.sheet
        if sheet.title:
            yield f"# {escaped(sheet.title)}"
        if sheet.is_blank:
            yield NAME_LINE
        for place, page in enumerate(sheet.pages):
            if place:
                yield "---"
            yield from self.page(page)

    # --- formulas in text ---

    def inline(self, formula: str) -> str:
        return f"${formula}$" if self.is_pandoc else f"$`{formula}`$"

    def name(self, text: str) -> str:
        return self.inline(tex(text)) if text else ""

    def display(self, formula: str) -> str:
        return f"$$\n{formula}\n$$" if self.is_pandoc else f"```math\n{formula}\n```"

    def heading(self, depth: int, text: str) -> str:
        return "#" * (self.level + depth) + " " + text

    # --- a page ---

    def page(self, page: Page) -> Iterator[str]:
        document = page.document
        key = ": key" if self.sheet.is_blank and not page.is_blank else ""
        points = f" ({worth(page.points)})" if page.points else ""
        yield self.heading(0, escaped(document.title) + key + points)
        yield f"*{escaped(document.source)}*" if document.source else ""
        yield escaped(document.about)
        yield self.map(document)
        yield "\n".join(f"- **{escaped(label)}** {escaped(listed(text))}" for label, text in document.head)
        for section in document.sections:
            yield from self.section(section)
        yield f"*nnsteps: {escaped(page.name)}*"

    def map(self, document: Document) -> str:
        """The way of the values, each arrow with what is used on it."""
        formula = ""
        for place, chip in enumerate(document.map):
            if place:
                formula += rf" \xrightarrow{{{tex(', '.join(chip.arrow))}}} " if chip.arrow else r" \to "
            formula += tex(chip.name)
        return self.inline(formula) if formula else ""

    def section(self, section: Section) -> Iterator[str]:
        words = f" · {escaped(section.words)}" if section.words else ""
        yield self.heading(1, escaped(section.badge) + words)
        for block in section.blocks:
            match block:
                case Spine():
                    yield from self.spine(block)
                case Frames():
                    yield from self.frames(block)
                case Turns():
                    for name, sums in block.columns:
                        yield self.display(turned(name, block.turns, sums))
                case Prose():
                    yield escaped(block.text)
                case Answers():
                    yield from self.answers(block)

    # --- results ---

    def spine(self, spine: Spine) -> Iterator[str]:
        for link, equation in zip(spine.links, formulas.equations(spine), strict=True):
            if link.heading:
                yield self.heading(2, escaped(link.heading))
            yield f"*{escaped(link.heading_words)}*" if link.heading_words else ""
            if link.caption is not None:
                yield self.caption(link.caption)
            if equation is not None:
                yield self.display(equation.text())
            yield escaped(link.out.folded)
            yield from self.work(link)
            for corner in link.corners:
                yield from self.corner(link, corner)
            for sentence in link.says:
                yield escaped(sentence)

    def work(self, link: Link) -> Iterator[str]:
        formula = worked(link.work) if not (link.above and link.left) else ""  # the equation says it already
        yield self.display(formula) if formula else ""
        for work in link.work:
            yield escaped(work.words)
        for note in link.notes:
            yield escaped(note)

    def caption(self, caption: Caption) -> str:
        number = f"**{escaped(caption.number)}** " if caption.number else ""
        more = [escaped(text) for text in (caption.by_hand, caption.gloss, caption.note) if text]
        return number + self.name(caption.text) + "".join(f" · {text}" for text in more)

    def corner(self, link: Link, corner: Corner) -> Iterator[str]:
        """A product to the right of the spine, and the sum of its rows."""
        first, *others = corner.frame.parts
        left = (matrix(link.out, crossed=False), matrix(corner.top))
        products = [formulas.equation(left, [link.out, corner.top], first)]
        products += [matrix(part) for part in others]
        captions = list(corner.captions)
        for place, formula in enumerate(products):
            mine = captions[place : place + 1] if place + 1 < len(products) else captions[place:]
            for caption in mine:
                yield self.caption(caption)
            yield self.display(formula)
            if place == 0:
                work = worked(corner.work)
                yield self.display(work) if work else ""

    # --- the update ---

    def frames(self, block: Frames) -> Iterator[str]:
        for caption in block.captions:
            yield self.caption(caption)
        yield f"*{escaped(block.gloss)}*" if block.gloss else ""
        for frame, work in block.frames:
            yield self.display(formulas.part_text(frame))
            yield self.display(worked([work._replace(where="")])) if work is not None else ""

    # --- the end ---

    def answers(self, block: Answers) -> Iterator[str]:
        texts = [value for row in block.rows for value in (row.name, *row.values) if isinstance(value, str)]
        grids = any(isinstance(value, doc.Grid) for row in block.rows for value in row.values)
        if block.columns and not grids and not any("|" in text for text in texts):
            yield self.table(block.columns, block.rows)
        else:
            for row in block.rows:
                yield from self.answer(row, block.columns)
        yield "\n".join(
            f"- **{escaped(label)}** {'; '.join(escaped(listed(text)) for text in texts)}"
            for label, texts in block.below
        )

    def table(self, columns: Sequence[str], rows: Iterable[Answer]) -> str:
        """The answers side by side: short vectors only, so that no cell holds a line break or a bar."""
        lines = [["", *(escaped(column) for column in columns)], ["---"] * (len(columns) + 1)]
        for row in rows:
            lines.append([self.name(row.name), *(self.value(str(value)) for value in row.values)])
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def answer(self, row: Answer, columns: Sequence[str]) -> Iterator[str]:
        """One answer as an equation: by hand, then exactly."""
        labels = [f" ({escaped(column)})" for column in columns] or [""]
        for value, label in zip(row.values, labels, strict=False):
            if isinstance(value, doc.Grid):
                yield f"{self.name(row.name)}{label}:" if label else ""
                yield self.display(rf"{tex(row.name)} = {matrix(value)}")
                yield escaped(value.folded)
            elif is_list_of_numbers(value):
                yield self.name(f"{row.name} = {value}") + label
            elif value:
                yield f"{self.name(row.name)}: {escaped(value)}{label}"

    def value(self, text: str) -> str:
        return self.inline(tex(text)) if is_list_of_numbers(text) else escaped(text)
