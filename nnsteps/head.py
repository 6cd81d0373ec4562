"""The head of a page: what is given, what is asked, and the map of the values' way."""

from __future__ import annotations

from nnsteps import document as doc
from nnsteps import roles
from nnsteps.document import Chip
from nnsteps.families import split_name
from nnsteps.records import FORWARD, UPDATE
from nnsteps.view import Context

MOST_DOTS = 8
MOST_WORDS = 12  # of a list that is written out
MOST_SHOWN = 4  # members that are written out one by one


def head(page: Context) -> tuple[tuple[str, str], ...]:
    """The labelled lines under the title."""
    about = "~" if page.view.ascii else "≈"
    lines = [("given", _given_line(page)), ("find", _find_line(page))]
    if any(step.by_hand is not None for step in page.trace.steps):
        exact = "; everything else is exact, and rounded only on paper" if page.view.rounding == "inside" else ""
        lines.append((about, "marks a number rounded by hand" + exact))
    if page.view.rounding == "each-step":
        lines.append(("rounding", "at each step: every number is computed from the numbers as shown"))
    elif page.view.rounding == "fractions":
        lines.append(("rounding", "none where a short fraction is exact"))
    lines += [
        ("note", page.writer.words(text)) for text in (*page.trace.problem.conventions, *page.trace.problem.notes)
    ]
    return tuple((label, text) for label, text in lines if text)


def _given_line(page: Context) -> str:
    """What is given: short columns in full, other values by their shape, learnable numbers by their count."""
    trace, parts = page.trace, []
    for group in _groups(page):
        parts.append(_family(page, group) if len(group) > 1 else _single(page, group[0]))
    count = sum(trace.value(node).size for node in page.learnable)
    if count:
        number = "number" if count == 1 else "numbers"
        in_frames = set(page.learnable) <= roles.weights(trace) | roles.biases(trace)
        frame = ", in the heavy " + ("frame" if len(page.learnable) < 3 else "frames") if in_frames else ""
        how_many = "the" if page.view.blank else str(count)  # a question may ask for the count
        parts.append(f"{'and ' if parts else ''}{how_many} learnable {number}{frame}")
    return "    ".join(parts)


def _groups(page: Context) -> list[list[str]]:
    """The given names that are no learnable numbers; members of a family that belong together in one group."""
    groups: dict[str, list[str]] = {}
    for name, node in page.trace.given.items():
        if node not in page.learnable:
            given = page.trace.problem.given[name]
            initial = given.key and isinstance(given.key[0], int) and given.key[0] < 1  # h[0] is no h[1]
            groups.setdefault(name if initial or not given.family else given.family, []).append(name)
    return list(groups.values())


def _single(page: Context, name: str) -> str:
    trace, node = page.trace, page.trace.given[name]
    value, shown = trace.value(node), page.name(name)
    if node in trace.wordy and value.size > MOST_WORDS:
        return f"{shown}: {value.size} words"
    if value.shape[-1] == 1 and value.ndim == 2 and value.size <= 12 and node not in page.blanks:
        return f"{shown} = {page.writer.vector(node)}"
    return f"{shown} {page.shape(value.shape)}"


def _family(page: Context, names: list[str]) -> str:
    """Members together: single numbers as a list, others by how many there are."""
    trace = page.trace
    family = trace.problem.given[names[0]].family
    nodes = [trace.given[name] for name in names]
    shapes = {trace.value(node).shape for node in nodes}
    if shapes == {(1, 1)} and len(nodes) <= MOST_WORDS and not set(nodes) & set(page.blanks):
        return f"{page.name(family)} = " + ", ".join(page.writer.vector(node) for node in nodes)
    if len(nodes) <= MOST_SHOWN and all(trace.value(node).size <= MOST_WORDS for node in nodes):
        return "    ".join(_single(page, name) for name in names)
    what = "lists of words" if all(node in trace.wordy for node in nodes) else "members"
    shape = f", each {page.shape(shapes.pop())}" if len(shapes) == 1 and what == "members" else ""
    return f"{page.name(family)}: {len(nodes)} {what}{shape}"


def _find_line(page: Context) -> str:
    """What is asked: the results that nothing else uses, the gradients, the update."""
    trace = page.trace
    if page.asked:
        return ", ".join(page.name(asked) for asked in page.asked)
    used = {node for step in trace.steps if step.kind == FORWARD for node in step.uses.values()}
    last = {step.name: step.key for step in trace.steps}
    finals = [step.key for step in trace.steps if step.kind == FORWARD and step.node not in used]
    finals = [key for key in finals if last[key.split("#")[0]] == key]  # of a name the last value only
    losses = list(dict.fromkeys(gradient.loss_name for gradient in trace.gradients))
    text = ", ".join(_together(page, list(dict.fromkeys([*finals, *losses]))))
    if trace.gradients:
        text += f", {'its' if len(losses) == 1 else 'their'} gradient{_with_respect_to(page)}"
    if any(step.kind == UPDATE for step in trace.steps):
        text += ", then the new values"
    return text


def _together(page: Context, keys: list[str]) -> list[str]:
    """Names in a list; members of one family as the first to the last."""
    trace, out, families = page.trace, [], dict[str, list[str]]()
    for key in keys:
        node = trace.by_key.get(key, -1)
        members = [trace.keys.get(column, key) for column in trace.columns.get(node, ())] or [key]
        family = (split_name(key) or (key, ""))[0]
        if family not in families:
            out.append(family)
        families.setdefault(family, []).extend(members)
    listed = []
    made = [
        trace.keys.get(column, step.key)
        for step in trace.steps
        if step.kind == FORWARD
        for column in trace.columns.get(step.node, (step.node,))
    ]
    for family in out:
        names = families[family]
        if len(names) > 1:  # where some members are ends, all that the steps made are shown
            names = [key for key in made if key.partition("[")[0] == family] or names
        if len(names) > 2:
            listed.append(f"{page.name(names[0])} to {page.name(names[-1])}")
        else:
            listed += [page.name(name) for name in names]
    return listed


def _with_respect_to(page: Context) -> str:
    wrt = sorted({gradient.wrt for gradient in page.trace.gradients})
    if any(node not in page.learnable for node in wrt):
        return " with respect to " + ", ".join(page.name(page.trace.keys[node]) for node in wrt)
    count = sum(page.trace.value(node).size for node in wrt)
    if page.view.blank:
        return " for each of them"
    return f" for each of the {count}" if count > 1 else ""


def map_of(page: Context) -> tuple[Chip, ...]:
    """The way of the values, where every result hangs on the one before."""
    trace, chips, arrow = page.trace, [], []
    if any(step.turns for step in trace.steps):
        return ()  # a way that is gone several times is no line
    here: int | None = None
    weights = False
    for step in trace.steps:
        if step.kind != FORWARD:
            break
        data = [n for n in step.uses.values() if n not in page.learnable]
        if here is None:
            starts = [n for n in data if n in trace.given.values()]
            if len(starts) != 1:
                return ()
            here = starts[0]
            chips.append(_chip(page, here, (), False))
        if here not in data:
            return ()
        for name, node in step.uses.items():
            if node in page.learnable or (node != here and node in trace.given.values()):
                arrow.append(page.name(name))
                weights |= node in page.learnable
            elif node != here:
                return ()
        here = step.node
        if page.roles.get(here) != doc.PASSING:
            chips.append(_chip(page, here, tuple(arrow), weights))
            arrow, weights = [], False
    return tuple(chips) if len(chips) > 1 else ()


def _chip(page: Context, node: int, arrow: tuple[str, ...], learnable: bool) -> Chip:
    value = page.trace.value(node)
    dot = "o" if page.view.ascii else "●"
    if set(value.shape) == {1}:
        size = ""
    elif value.ndim == 2 and value.shape[1] == 1 and value.size <= MOST_DOTS:
        size = dot * value.size
    else:
        size = page.shape(value.shape)
    return Chip(page.writer.name(node), size, page.roles.get(node, doc.GIVEN), arrow, learnable)
