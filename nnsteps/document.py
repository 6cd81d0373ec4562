"""The blocks a page is made of. Knows no format, no width and no operation.

Theory of operation. A `Document` is a head and sections. What is calculated stands on *spines*: runs of `Link`s hung
under each other, each with the numbers it gives (`out`), what stands left of them (a frame of learnable numbers, or the
operands with their signs), the arithmetic for its rows, and perhaps a corner to the right (a gradient's frame). A
renderer decides what fits where; it never looks anything up and never computes.

Texts are written with the signs of paper or of ASCII before they come here, because their lengths differ. Blocks are
named tuples, not dataclasses: there are many kinds, and a dataclass costs five times as much to define at start-up.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from nnsteps.scalar import Ref, Tree

# roles of numbers, which renderers turn into colours
GIVEN, WEIGHT, BIAS, PASSING, OUTPUT, LOSS, GRADIENT, NEW = (
    "given", "weight", "bias", "passing", "output", "loss", "gradient", "new",
)  # fmt: skip
ACTIVATION = ("activation1", "activation2", "activation3")
# what a cell may be marked with
CROSSED, ZEROED, UNCHANGED, BLANK, CHOSEN = "crossed", "zeroed", "unchanged", "blank", "chosen"
# the colour of a pass
FORWARD, BACKWARD, UPDATE, ANSWERS = "forward", "backward", "update", "answers"


class Cell(NamedTuple):
    """One number (or word) as it is written; `ref` is the recorded cell that it shows."""

    text: str
    mark: str = ""
    ref: Ref | None = None


class Grid(NamedTuple):
    """Numbers in rows and columns. Long sides are folded: a row or column of None stands for those left out."""

    name: str
    cells: tuple[tuple[Cell, ...] | None, ...]
    role: str
    shape: tuple[int, ...]
    folded: str = ""  # "48 more rows, done the same way"
    title: str = ""  # the name of a part in a longer grid: "matrix 2"
    tops: tuple[str, ...] = ()  # what stands over the columns: words, or t = 1, t = 2
    sides: tuple[str, ...] = ()  # what stands left of the rows
    spaced: bool = False  # every column is a value of its own: one time step

    @property
    def width(self) -> int:
        """How many columns are drawn."""
        return max((len(row) for row in self.cells if row is not None), default=0)


class Frame(NamedTuple):
    """Grids of equal height in one frame: the weights, and the bias as the last part."""

    parts: tuple[Grid, ...]
    kind: str  # learnable, gradient, or plain


class Sign(NamedTuple):
    """An operator between two grids."""

    text: str


class Words(NamedTuple):
    """A few words beside each row of a grid: `> 0  pass`."""

    rows: tuple[str, ...]


Part = Frame | Grid | Sign | Words


class Term(NamedTuple):
    """A term of a sum: sign, text; `zero` if it adds nothing, `idle` if its weight is 0."""

    sign: str
    text: str
    zero: bool = False
    idle: bool = False


class Sum(NamedTuple):
    """terms = result. The relation is `=` only where the operands as shown give the result as shown."""

    terms: tuple[Term, ...]
    relation: str
    result: str
    by_hand: str = ""  # the value written by hand: ≈ 0.5
    aside: str = ""  # said in grey behind it: exact 1.73


class Work(NamedTuple):
    """One worked line: one or more sums side by side, or words. `row` is the row of `out` it belongs to."""

    row: int | None
    sums: tuple[Sum, ...] = ()
    words: str = ""
    where: str = ""  # "column 2": said in grey
    cell: str = ""  # the cell it explains: z₁[2]


class Caption(NamedTuple):
    """The number and the formula of a step, a gloss in a few plain words, and the author's own short note."""

    number: str
    text: str
    gloss: str = ""
    by_hand: str = ""  # "≈ one decimal"
    note: str = ""  # what the author says of the step


class Corner(NamedTuple):
    """A product to the right of the spine: the spine's numbers times `top`."""

    captions: tuple[Caption, ...]
    top: Grid
    ones: bool  # the last part is the product with ones
    frame: Frame
    work: tuple[Work, ...] = ()


class Link(NamedTuple):
    """One result on a spine. kind: start (printed to begin with), product (a frame left, the spine above), or under."""

    kind: str
    out: Grid
    caption: Caption | None = None
    heading: str = ""
    heading_words: str = ""
    left: tuple[Part, ...] = ()
    beside: Grid | None = None  # a given of the same height that the next step needs
    ones: bool = False
    work: tuple[Work, ...] = ()
    notes: tuple[str, ...] = ()
    corners: tuple[Corner, ...] = ()
    above: bool = False  # names stand above the numbers; `left` explains them, `work` says the same in lines
    arithmetic: bool = False  # the place to its right is for its own worked lines
    sibling: bool = False  # a product with the same factor above as the one before it, which stands between them
    downwards: bool = True  # its columns come from the columns above; else the block above is taken as a whole
    says: tuple[str, ...] = ()  # sentences of the author that belong after it


class Spine(NamedTuple):
    """Links hung under each other. `carries`: the grid of one link is that of another, one turn earlier: (to, from)."""

    links: tuple[Link, ...]
    carries: tuple[tuple[int, int], ...] = ()


class Turns(NamedTuple):
    """The arithmetic of a loop: for each cell of a step a column of sums, one line for each turn."""

    turns: tuple[str, ...]  # t = 1, t = 2
    columns: tuple[tuple[str, tuple[Sum, ...]], ...]


class Frames(NamedTuple):
    """Frames next to each other, each with its captions and one worked line."""

    captions: tuple[Caption, ...]
    frames: tuple[tuple[Frame, Work | None], ...]
    gloss: str = ""


class Prose(NamedTuple):
    """A paragraph. `role` is plain or grey."""

    text: str
    role: str = "plain"


class Answer(NamedTuple):
    """One final value: by hand and exactly (or only one of the two)."""

    name: str
    values: tuple[Grid | str, ...]


class Answers(NamedTuple):
    """The table of final values, and what is said under it."""

    columns: tuple[str, ...]
    rows: tuple[Answer, ...]
    below: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (label, lines)


Block = Spine | Frames | Prose | Turns | Answers


class Section(NamedTuple):
    """A part of the page under a badge."""

    badge: str
    kind: str
    words: str
    blocks: tuple[Block, ...]


class Chip(NamedTuple):
    """A value in the map at the top: its name, and dots for its length or its shape."""

    name: str
    size: str
    role: str
    arrow: tuple[str, ...] = ()  # what leads to it: the names of the numbers used
    learnable: bool = False


class Numbers(Protocol):
    """Every recorded cell behind a page, for formats whose numbers stay alive."""

    def value(self, ref: Ref) -> float:
        """The recorded number."""

    def name(self, ref: Ref) -> str:
        """What the value that a cell belongs to is called on the page."""

    def tree(self, ref: Ref) -> Tree:
        """The arithmetic of a cell over cells of named values; the cell itself where it is given.

        Where a value was picked among several of one shape, the tree holds choose(k, first, second, …).
        """

    def guards(self) -> tuple[Tree, ...]:
        """What must give 1 for the steps to be the right ones: the conditions that decided which steps there are."""


class Document(NamedTuple):
    """A page."""

    title: str
    source: str
    about: str
    map: tuple[Chip, ...]
    head: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    numbers: Numbers | None = None
