"""What may stand in a list of steps, and what an item gives, needs and holds. Reads nothing and computes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nnsteps.errors import Place, StepsError
from nnsteps.formula import Expr, Index, Name, Slice, mentioned, names
from nnsteps.reader import Node

# rule: its own options, besides rate
RULES: Mapping[str, tuple[str, ...]] = {"sgd": ()}
GRADIENTS = "∂"  # stands for all gradients where names are told: an update needs them


@dataclass(frozen=True, slots=True)
class StepItem:
    """`target = formula`, with what a person writes down instead and what is said beside it."""

    target: Name | Index
    formula: Expr
    text: str
    place: Place | None = None
    by_hand: Expr | None = None
    by_hand_text: str | None = None
    by_hand_place: Place | None = None
    note: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    items: "tuple[Item, ...]"
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class GradientItem:
    """The gradient of a loss; an empty `wrt` means all given names that it uses."""

    of: Expr
    of_place: Place | None = None
    wrt: tuple[Expr, ...] = ()
    wrt_places: tuple[Place | None, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class UpdateItem:
    rule: str
    rate: Expr
    place: Place | None = None
    rate_place: Place | None = None
    options: Mapping[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loop:
    """for NAME in LOW..HIGH, or in a family or list of words (`over`); ends early where `until` holds after a turn."""

    name: str
    items: "tuple[Item, ...]"
    low: Expr | None = None
    high: Expr | None = None
    over: Name | None = None
    until: Expr | None = None
    place: Place | None = None
    bound_places: tuple[Place | None, Place | None] = (None, None)  # of `low` (or `over`) and `high`
    until_place: Place | None = None


@dataclass(frozen=True, slots=True)
class When:
    condition: Expr
    items: "tuple[Item, ...]"
    otherwise: "tuple[Item, ...]" = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """The steps of an earlier heading once more, with the values of now."""

    title: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence: its texts, and between them formulas whose values are said."""

    parts: tuple[str | Expr, ...]
    places: tuple[Place | None, ...]  # of each part
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """What stands for an item that cannot be read: what is wrong with it, and the names that it would have given."""

    mistake: StepsError
    text: str
    names: tuple[str, ...] = ()


Item: TypeAlias = StepItem | Heading | GradientItem | UpdateItem | Loop | When | Repeat | Say | Broken


def results(listed: tuple[Item, ...]) -> Iterator[str]:
    """The names that get a value in the items, in their order."""
    for part in listed:
        match part:
            case StepItem(target=target):
                yield names(target)[0]
            case Broken(names=lost):
                yield from lost
        yield from results(inside(part))


def steps_in(listed: tuple[Item, ...]) -> Iterator[tuple[int, str, StepItem]]:
    """Every step that stands in a file, with its line and the name that it gives a value."""
    for part in listed:
        if isinstance(part, StepItem) and part.place is not None:
            yield part.place.line, names(part.target)[0], part
        yield from steps_in(inside(part))


def inside(part: Item) -> tuple[Item, ...]:
    """The items that an item holds."""
    match part:
        case Heading(items=items) | Loop(items=items):
            return items
        case When(items=items, otherwise=otherwise):
            return (*items, *otherwise)
    return ()


def needs(part: Item) -> set[str]:
    """What an item itself is computed from, not those inside it: names of values and functions, a heading."""
    match part:
        case StepItem(target=target, formula=right, by_hand=by_hand):
            index = target.items if isinstance(target, Index) else ()
            formulas: tuple[Expr | Slice | None, ...] = (right, by_hand, *index)
        case GradientItem(of=of):
            formulas = (of,)
        case UpdateItem(rate=rate):
            return {GRADIENTS, *mentioned(rate)}
        case Loop(low=low, high=high, over=over):
            formulas = (low, high, over)
        case When(condition=condition):
            formulas = (condition,)
        case Say(parts=parts):
            formulas = tuple([said for said in parts if not isinstance(said, str)])
        case Repeat(title=title):
            return {title}
        case _:
            return set()
    return {name for tree in formulas if tree is not None for name in mentioned(tree)}


def broken(listed: tuple[Item, ...]) -> Iterator[Broken]:
    """Those that cannot be read."""
    for part in listed:
        if isinstance(part, Broken):
            yield part
        yield from broken(inside(part))
