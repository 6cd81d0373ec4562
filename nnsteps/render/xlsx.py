"""Pages to a workbook: the by-hand picture with live formulas, one worksheet a problem. Computes no page.

Theory of operation. A page is drawn on squared paper (`xlsx_page`), every number gets its cell (`xlsx_live`), then both
are written with XlsxWriter, formulas together with the recorded values, because not every program calculates when it
opens a file. Formulas use what Excel 2010 and LibreOffice share; there are no macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from nnsteps.document import GIVEN, PASSING, Document
from nnsteps.errors import UsageError
from nnsteps.render.xlsx_formula import Address, cell_name
from nnsteps.render.xlsx_live import CHANGED, Entry, Further, Live
from nnsteps.render.xlsx_looks import GLOSS, HEADING, LABEL, WARNING, role_look
from nnsteps.render.xlsx_page import STATUS, Page
from nnsteps.render.xlsx_squares import Look, Square

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from nnsteps.render.formats import Page as Leaf
    from nnsteps.render.formats import Sheet

LONGEST_NAME = 31  # letters of a worksheet's name
MADE = datetime(2000, 1, 1)  # files are the same bytes whenever they are made
FURTHER = "Further values"
PARTS = "Parts of formulas"
GUARDS = "A 1 for each choice that decided the steps, as long as it is still the same"


def write(sheet: Sheet) -> bytes:
    """The pages of a sheet as one workbook."""
    title = sheet.title or " · ".join(dict.fromkeys(page.document.title for page in sheet.pages))
    return _workbook(
        title, [_Leaf(_leaf_name(page, sheet), page.document, page.is_blank, page.points) for page in sheet.pages]
    )


def xlsx(document: Document, *, blank: bool = False) -> bytes:
    """One page as a workbook; `blank` leaves the asked cells empty.

    Errors: UsageError where XlsxWriter is not installed.
    """
    return _workbook(document.title, [_Leaf(document.title, document, blank)])


def sheet_of(title: str, documents: Iterable[Document], *, blank: bool = False) -> bytes:
    """Several pages as one workbook, a worksheet each."""
    return _workbook(title, [_Leaf(document.title, document, blank) for document in documents])


class _Leaf(NamedTuple):
    """One worksheet: its name, the page, whether its asked cells are empty, what it is worth."""

    name: str
    document: Document
    is_blank: bool
    points: str = ""


def _leaf_name(page: Leaf, sheet: Sheet) -> str:
    """The name of a worksheet; where a sheet has both, a key says that it is one."""
    return f"{page.name} key" if sheet.is_blank and not page.is_blank else page.name


def _workbook(title: str, leaves: Iterable[_Leaf]) -> bytes:
    try:
        from xlsxwriter import Workbook
    except ImportError:
        raise UsageError(
            "spreadsheets need XlsxWriter, which is not installed", where="xlsx", hint="pip install 'nnsteps[xlsx]'"
        ) from None
    out = BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": MADE})
    writer = _Writer(book)
    for leaf in leaves:
        writer.page(leaf)
    book.close()
    return out.getvalue()


@dataclass
class _Writer:
    """Writes pages into one workbook; equal looks share a format."""

    book: Workbook
    formats: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def page(self, leaf: _Leaf) -> None:
        """One page as a worksheet."""
        document = leaf.document
        sheet = self.book.add_worksheet(self._name(leaf.name))
        page = Page(document, leaf.is_blank, leaf.points)
        page.draw()
        squares = page.squares
        live = None
        if document.numbers is not None:
            row = squares.last_row + 4
            live = Live(document.numbers, squares.places, frozenset(squares.words), frozenset(squares.asked), row, 1)
        for place, square in sorted(squares.squares.items(), key=lambda pair: pair[0]):
            self._square(sheet, place, square, live)
        last = squares.last_row
        if live is not None:
            last = self._below(sheet, live, squares.last_row + 2)
            self._status(sheet, live, (last, max(squares.last_column, squares.widest)))
            self._grey_zeros(sheet, page)
        self._set_up(sheet, page.unit, last, max(squares.last_column, squares.widest))

    # --- cells ---

    def _square(self, sheet: Worksheet, place: Address, square: Square, live: Live | None) -> None:
        look = self._format(square.look)
        row, column = place
        if square.ref is not None and square.is_word and live is not None:
            word = live.word(square.ref, square.text)
            if word is None:
                sheet.write_string(row, column, square.text, look)
            else:
                sheet.write_formula(row, column, word[0], look, word[1])
        elif square.ref is not None and live is not None:
            entry = live.answer(square.ref) if square.is_answer else live.entry(square.ref, place)
            self._entry(sheet, place, entry, look)
        elif square.claim is not None and live is not None:
            said = live.said(*square.claim)
            if said is not None:
                sheet.write_formula(row, column, said[0], look, said[1])
        elif len(square.runs) > 1:
            parts = [part for text, look in square.runs for part in (self._format(look), text)]
            sheet.write_rich_string(row, column, *parts)
        elif square.text:
            sheet.write_string(row, column, square.text, look if square.look else self._format(square.runs[0][1]))
        else:
            sheet.write_blank(row, column, None, look)

    def _entry(self, sheet: Worksheet, place: Address, entry: Entry | None, look: Format) -> None:
        row, column = place
        if entry is None:
            sheet.write_blank(row, column, None, look)
        elif entry.formula:
            sheet.write_formula(row, column, entry.formula, look, entry.value)
        else:
            sheet.write_number(row, column, entry.value, look)

    def _format(self, look: Look) -> Format:
        key = tuple(sorted(look.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format(dict(_borders(look)))
        return self.formats[key]

    # --- below the page ---

    def _below(self, sheet: Worksheet, live: Live, row: int) -> int:
        """Values that are nowhere drawn, parts of formulas, the conditions of the route; gives the last row."""
        if not live.further and not live.parts:
            return row - 2
        sheet.write_string(row, 0, FURTHER, self._format(HEADING))
        for further in live.further:
            self._further(sheet, further, live)
        guards = set(live.guards)
        look = self._format({**role_look(PASSING), "num_format": "General"})
        for place, entry in live.parts.items():
            self._entry(sheet, place, entry, look)
        last = max((place[0] for place in live.parts), default=live.row - 1)
        words = [PARTS] if set(live.parts) - guards else []
        words += [GUARDS] if guards else []
        if live.parts:
            sheet.write_string(last + 1, 1, "; ".join(words), self._format(GLOSS))
        return last + 1

    def _further(self, sheet: Worksheet, further: Further, live: Live) -> None:
        is_given = all(live.tree(ref) == ref for ref, _ in further.cells)
        look = self._format({**role_look(GIVEN if is_given else PASSING), "num_format": "General"})
        first = further.cells[0][1]
        if further.name:
            sheet.write_string(first[0] - 1, first[1], further.name, self._format(LABEL))
        for ref, place in further.cells:
            if live.tree(ref) == ref or not live.asked:
                self._entry(sheet, place, live.entry(ref, place), look)

    # --- what follows a change ---

    def _status(self, sheet: Worksheet, live: Live, last: Address) -> None:
        """Says in the frozen rows that the steps would now be others, and greys the numbers of the old ones."""
        if not live.guards:
            return
        sheet.write_formula(STATUS, 0, f'=IF({live.holds()},"","{CHANGED}")', self._format(WARNING), "")
        claim = re.sub(r"([A-Z]+)([0-9]+)", r"$\1$\2", live.holds())
        grey = self.book.add_format({"font_color": "#A6A6A6", "font_strikeout": True})
        sheet.conditional_format(
            STATUS + 1, 0, *last, {"type": "formula", "criteria": f"=NOT({claim})", "format": grey}
        )

    def _grey_zeros(self, sheet: Worksheet, page: Page) -> None:
        """What a gate has set to 0 is dark, as on the sheets."""
        if not page.squares.gates:
            return
        dark = self.book.add_format({"bg_color": "#7F7F7F"})
        for row, column, last_row, last_column in page.squares.gates:
            name = cell_name((row, column))
            sheet.conditional_format(
                row, column, last_row, last_column,
                {"type": "formula", "criteria": f"=AND(ISNUMBER({name}),{name}=0)", "format": dark},
            )  # fmt: skip

    # --- the worksheet ---

    def _set_up(self, sheet: Worksheet, unit: float, last_row: int, last_column: int) -> None:
        sheet.set_column(0, max(last_column, 16), unit)
        sheet.freeze_panes(STATUS + 1, 0)
        sheet.set_paper(9)
        if last_column * unit > 90:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.print_area(0, 0, last_row, last_column)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.ignore_errors({"formula_differs": "A1:XFD1048576", "formula_range": "A1:XFD1048576"})

    def _name(self, title: str) -> str:
        """A name that a worksheet may have, and that no other has."""
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title).strip().strip("'").strip() or "Sheet"
        plain = "History." if plain.lower() == "history" else plain
        name, count = plain[:LONGEST_NAME].rstrip("' "), 1
        while name.lower() in self.names:
            count += 1
            ending = f" ({count})"
            name = plain[: LONGEST_NAME - len(ending)] + ending
        self.names.add(name.lower())
        return name


def _borders(look: Look) -> Iterable[tuple[str, Any]]:
    """The properties of a look; a border on all sides comes before those of single sides."""
    yield from sorted(look.items(), key=lambda pair: pair[0] not in ("border", "border_color"))
