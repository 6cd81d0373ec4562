"""The table of export formats, and what every one of them is given. Knows no format from inside.

A format is a module of this package with one function, `write(sheet)`, that gives text, or bytes where the table says
so. Modules are imported when they are asked for, so that nobody pays for a format that is not used.

To add a format: one file with `write`, and one line in FORMATS.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from nnsteps.document import Document


class Page(NamedTuple):
    """One problem of a sheet: its page, its name, whether cells are left blank, and what it is worth."""

    document: Document
    name: str
    is_blank: bool = False
    points: str = ""  # "10", or nothing
    key: Document | None = None  # of a worksheet: the same page filled in, for formats that leave as much room


class Sheet(NamedTuple):
    """What is written into one file: pages in order, worksheets before their keys."""

    pages: tuple[Page, ...]
    title: str = ""  # of the whole sheet, where it has one of its own
    flavor: str = ""  # one of the format's flavors; its first by default
    is_fragment: bool = False  # without what makes it a file of its own

    @property
    def is_blank(self) -> bool:
        """Whether there is anything to fill in."""
        return any(page.is_blank for page in self.pages)


class Format(NamedTuple):
    """One line of the table."""

    name: str
    suffix: str
    module: str
    is_text: bool = True
    extra: str = ""  # the optional dependencies that it needs: nnsteps[xlsx]
    package: str = ""  # the package that those are known by
    flavors: tuple[str, ...] = ()
    has_fragments: bool = False
    folds: bool = True  # whether the middle of long sides may be left out

    def write(self, sheet: Sheet) -> str | bytes:
        """The sheet in this format. Errors: ImportError where `package` is not installed."""
        text: str | bytes = import_module(self.module).write(sheet)
        return text


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("markdown", ".md", "nnsteps.render.markdown", flavors=("github", "pandoc")),
        Format("latex", ".tex", "nnsteps.render.latex", has_fragments=True),
        Format("html", ".html", "nnsteps.render.html", has_fragments=True),
        Format("xlsx", ".xlsx", "nnsteps.render.xlsx", is_text=False, extra="xlsx", package="xlsxwriter", folds=False),
    )
}
