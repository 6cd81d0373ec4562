"""The last parts of a page: the update, the answers, what was checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnsteps import document as doc
from nnsteps.document import Answer, Answers, Caption, Frame, Frames, Section, Work
from nnsteps.notation import caption
from nnsteps.records import FORWARD, UPDATE, Step
from nnsteps.view import Context
from nnsteps.working import core, parts_of, with_hand

if TYPE_CHECKING:
    from nnsteps.trace import Trace
    from nnsteps.verify import Report

MOST_ANSWERS = 10
MOST_ASKED = 24  # of the answers that were asked for, however many they are
MOST_SHORT = 12  # numbers of a gradient, or of all new values together, that are listed again
MOST_CHANGED = 1_000  # cells whose change is given enough digits to show


def update_section(page: Context, steps: list[Step], drawn: Sequence[tuple[int, ...]]) -> Section:
    """The new values, in the frames that the old ones were `drawn` in."""
    trace, writer = page.trace, page.writer
    new = {step.of: step for step in steps if step.of is not None}
    groups: list[list[Step]] = []
    for frame in dict.fromkeys(drawn):
        group = [new.pop(node) for node in frame if node in new]
        if group:
            groups.append(group)
    groups += [[step] for step in new.values()]
    frames = []
    for group in groups:
        parts = []
        work: Work | None = None
        for step in group:
            old, value = trace.value(step.of or 0), trace.value(step.node)
            if page.view.digits is None and value.size <= MOST_CHANGED:
                writer.show_change(step.node, step.of or 0)
            same = (
                {at: doc.UNCHANGED for at in np.ndindex(*value.shape) if _same(float(value[at]), float(old[at]))}
                if value.ndim == 2
                else {}
            )
            role = doc.BIAS if page.roles.get(step.of or -1) == doc.BIAS else doc.NEW
            parts.append(
                writer.grid(
                    step.node, role, name=page.name(step.key), marks=same, blank=page.blanks.get(step.node, frozenset())
                )
            )
            if work is None and page.view.work != "none" and not page.view.blank:
                work = _update_work(page, step)
        frames.append((Frame(tuple(parts), "learnable"), work))
    return Section(
        "UPDATE", UPDATE, "every number in a heavy frame takes a small step downhill",
        (Frames(_update_captions(page, steps), tuple(frames), _unchanged(page, steps)),),
    )  # fmt: skip


def _same(new: float, old: float) -> bool:
    """Whether an update left a number as it was, but for its last bits."""
    return abs(new - old) <= 1e-12 * abs(old)


def _unchanged(page: Context, steps: list[Step]) -> str:
    """What the grey numbers of an update are."""
    pairs = [(page.trace.value(s.node), page.trace.value(s.of or 0)) for s in steps]
    same = any(_same(a, b) for new, old in pairs for a, b in zip(new.flat, old.flat, strict=True))
    return "grey: unchanged, its gradient is 0" if same and not page.view.blank else ""


def _update_work(page: Context, step: Step) -> Work | None:
    trace, writer = page.trace, page.writer
    old, value = trace.value(step.of or 0), trace.value(step.node)
    changed = [at for at in np.ndindex(*value.shape) if not _same(float(value[at]), float(old[at]))]
    if not changed:
        return None
    at = tuple(int(k) for k in changed[0])
    node = core(trace, step.node)
    (line,) = writer.sums([(trace.explain(node, at), float(trace.value(node)[at]), node)])
    if node != step.node:
        line = with_hand(line, writer.text(step.node, float(value[at])))
    return Work(
        None,
        (line,),
        where="[" + ",".join(str(k + 1) for k in at) + "]",
        cell=writer.name(step.node) + writer.place(at, value.shape),
    )


def _update_captions(page: Context, steps: list[Step]) -> tuple[Caption, ...]:
    ascii = page.view.ascii
    span = f"{steps[0].index}{'-' if ascii else '–'}{steps[-1].index}" if len(steps) > 1 else str(steps[0].index)
    if len(steps) <= 2:
        return tuple(Caption(str(s.index), f"{page.name(s.key)} = {caption(s.formula, ascii=ascii)}") for s in steps)
    out: list[Caption] = []
    for letter, mine in (
        ("W", [s for s in steps if page.roles.get(s.of or -1) != doc.BIAS]),
        ("b", [s for s in steps if page.roles.get(s.of or -1) == doc.BIAS]),
    ):
        if mine:
            formula = caption(mine[0].formula, ascii=ascii)
            key = page.name(page.trace.keys[mine[0].of or 0])
            text = f"new {letter} = " + formula.replace(key, letter)
            out.append(Caption(span if not out else "", text))
    return tuple(out)


def answer_section(page: Context) -> Section:
    """The final values, by hand and exactly, and what was checked."""
    compare = page.exact is not None and any(step.by_hand is not None for step in page.trace.steps)
    about = "~" if page.view.ascii else "≈"
    columns = (f"by hand {about}", "exact") if compare else ()
    rows = []
    listed, left_out = _final_steps(page)
    for step in listed:
        rows.append(Answer(_called(page, step), _both(page, step) if compare else (_value(page, step.node),)))
    below = [_elsewhere(page, left_out)] if left_out else []
    return Section("ANSWERS", doc.ANSWERS, "", (Answers(columns, tuple(rows), (*below, *_below(page, compare))),))


def _called(page: Context, step: Step) -> str:
    """The name of a result; of the columns of a loop the first and the last."""
    names = [page.name(page.trace.keys[column]) for column in page.trace.columns.get(step.node, ())]
    return f"{names[0]} to {names[-1]}" if names else page.name(step.key)


def _final_steps(page: Context) -> tuple[list[Step], list[Step]]:
    """The steps whose values are listed again, and those that are too many or too large for it, in order.

    What is asked for comes before what is rounded by hand and what the layers hand back.
    """
    trace = page.trace
    if page.view.compare:
        return [step for step in trace.steps if step.kind != UPDATE], []
    used = {node for step in trace.steps if step.kind == FORWARD for node in step.uses.values()}
    losses = {g.loss for g in trace.gradients}
    gradients = {g.node for g in trace.gradients}
    few_new = sum(trace.value(step.node).size for step in trace.steps if step.kind == UPDATE) <= MOST_SHORT
    few_learnable = _has_turns(trace) or sum(trace.value(node).size for node in page.learnable) <= MOST_SHORT
    asked, others, large = list[Step](), list[Step](), list[Step]()
    for step in trace.steps:
        if step.kind == FORWARD:
            if step.node not in used or step.node in losses:
                asked.append(step)
            elif page.roles.get(step.node) == doc.OUTPUT or step.by_hand is not None:
                others.append(step)
        elif step.kind == UPDATE:
            (asked if few_new else large).append(step)
        elif step.node in gradients:
            (asked if _is_short(page, step, few_learnable) else large).append(step)
        elif "@" not in step.name and _is_of_a_layer(page, step):
            others.append(step)
    room = max(0, MOST_ANSWERS - len(asked))
    listed = {id(step) for step in (*asked[:MOST_ASKED], *others[:room])}
    wanted = [*asked, *large, *(step for step in others if step.kind == FORWARD)]
    left_out = {id(step) for step in wanted} - listed
    return [s for s in trace.steps if id(s) in listed], [s for s in trace.steps if id(s) in left_out]


def _is_short(page: Context, step: Step, few_learnable: bool) -> bool:
    """Whether a gradient that was asked for is listed again: of many learnable numbers none, of layers all."""
    short = page.trace.value(step.node).size <= MOST_SHORT and (few_learnable or step.of not in page.learnable)
    return short or _is_of_a_layer(page, step)


def _is_of_a_layer(page: Context, step: Step) -> bool:
    """Whether a gradient is that of a weighted sum of a network that is gone through once."""
    return not _has_turns(page.trace) and _is_pre_activation(page, step.of)


def _has_turns(trace: Trace) -> bool:
    return any(step.turns for step in trace.steps)


def _elsewhere(page: Context, steps: list[Step]) -> tuple[str, tuple[str, ...]]:
    """Where the answers stand that are not listed again."""
    results = "1 result" if len(steps) == 1 else f"{len(steps)} results"
    where = spans([step.index for step in steps], "-" if page.view.ascii else "–")
    return "more", (f"{results}, above in {'step' if len(steps) == 1 else 'steps'} {where}",)


def spans(numbers: Sequence[int], dash: str) -> str:
    """Rising numbers in words, neighbours as one span: 3, 5–7 and 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [t for r in runs for t in ([f"{r[0]}{dash}{r[-1]}"] if len(r) > 2 else [str(k) for k in r])]
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _is_pre_activation(page: Context, node: int | None) -> bool:
    """Whether a value is a weighted sum: z = W a + b."""
    return node is not None and bool(parts_of(page.trace, node)[0])


def _value(page: Context, node: int) -> doc.Grid | str:
    value = page.trace.value(node)
    if node in page.trace.columns and value.shape[0] == 1:
        return page.writer.vector(node).strip("()")
    if value.ndim == 2 and (value.shape[1] == 1 or node in page.trace.wordy) and value.size <= 12:
        return page.writer.vector(node)
    if value.size > 60:
        return f"{page.shape(value.shape)}, above"
    role = page.roles.get(node, doc.OUTPUT)
    return page.writer.grid(node, role if role != doc.PASSING else doc.OUTPUT, name="")


def _both(page: Context, step: Step) -> tuple[doc.Grid | str, ...]:
    assert page.exact is not None
    mine = _value(page, step.node)
    other = page.exact.names.get(step.name)
    if other is None:
        return (mine, "")
    versions = page.trace.names[step.name]
    node = other[versions.index(step.node)] if step.node in versions and len(other) == len(versions) else other[-1]
    ours, theirs = page.trace.value(step.node), page.exact.value(node)
    if ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-12, atol=1e-14):
        return (mine, "the same")
    exact = _value(Context.of(page.exact, page.view, None), node)
    return (mine, exact if isinstance(exact, str) else _without_refs(exact))


def _without_refs(grid: doc.Grid) -> doc.Grid:
    """A grid of another trace, whose cells are none of this page."""
    rows = [None if row is None else tuple([cell._replace(ref=None) for cell in row]) for row in grid.cells]
    return grid._replace(cells=tuple(rows))


def _below(page: Context, compare: bool) -> Iterable[tuple[str, tuple[str, ...]]]:
    trace = page.trace
    if page.view.compare and compare:
        yield "largest gap", (_gap(page),)
    count = sum(trace.value(node).size for node in page.learnable)
    if count:
        sizes = "  ".join(f"{page.name(name)} {trace.value(node).size}" for node, name in page.learnable.items())
        yield "learnable", (f"{count} number{'s' if count > 1 else ''}:  {sizes}",)
    if page.view.checked is not None:
        yield _checked(page, page.view.checked)


def _checked(page: Context, report: Report) -> tuple[str, tuple[str, ...]]:
    """What the self-check compared, and what it found."""
    from nnsteps.verify import counted

    if not report.ok:
        return "WRONG", tuple(page.writer.words(failure) for failure in report.failures)
    lines = [f"{counted(report.steps, 'step')} and {counted(report.lines, 'worked line')}, each computed twice"]
    if report.gradients:
        exact = " (exact values)" if any(step.by_hand is not None for step in page.trace.steps) else ""
        lines.append(f"{counted(report.gradients, 'gradient')}{exact} against finite differences")
    if report.answers:
        lines.append(f"{counted(report.answers, 'published answer')}, all equal")
    return "ok checked" if page.view.ascii else "✓ checked", tuple(lines)


def _gap(page: Context) -> str:
    assert page.exact is not None
    gaps = []
    for step in page.trace.steps:
        if step.name in page.exact.names and step.kind != UPDATE:
            ours, theirs = page.trace.value(step.node), page.exact[step.name]
            if ours.shape == theirs.shape:
                at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(ours - theirs))), ours.shape))
                gaps.append((float(abs(ours - theirs)[at]), step, at, float(ours[at]), float(theirs[at])))
    size, step, at, by_hand, exact = max(gaps, key=lambda gap: gap[0])
    if size == 0:
        return "none"
    w = page.writer
    where = w.name(step.node) + w.place(at, page.trace.value(step.node).shape)
    return f"{w.alone(size)}, at {where}: {w.alone(by_hand)} by hand, {w.alone(exact)} exact"


def check_section(page: Context) -> Section:
    """What to do after an exercise."""
    name = page.trace.problem.name
    lines = (
        (f"nnsteps solve {name}", ("every step worked out",)),
        (f"nnsteps why {name} CELL", ("where one number comes from",)),
    )
    return Section("CHECK", doc.ANSWERS, "", (Answers((), (), lines),))
