"""A trace to a page: which steps, in which sections. Knows no format; widths are a renderer's business."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import groupby

from nnsteps.asides import placed, sentence
from nnsteps.captions import Captions
from nnsteps.document import Document, Link, Prose, Section, Spine
from nnsteps.endings import answer_section, check_section, update_section
from nnsteps.errors import UsageError, nearest
from nnsteps.formula import Call
from nnsteps.head import head, map_of
from nnsteps.notation import pretty
from nnsteps.recorded import Recorded
from nnsteps.records import BACKWARD, FORWARD, UPDATE, Aside, Step
from nnsteps.spines import Builder
from nnsteps.strips import drawn
from nnsteps.trace import Trace
from nnsteps.turns import folded
from nnsteps.view import Context, View
from nnsteps.worked import Worker
from nnsteps.working import is_picture_of_products, parts_of

__all__ = ["View", "page"]


def page(trace: Trace, view: View | None = None, exact: Trace | None = None) -> Document:
    """The page of a trace; `exact` is the exact trace of the same problem, where the trace is by hand.

    Errors: UsageError for a step that does not exist.
    """
    view, recorded = view or View(), trace
    if view.step is None and view.until is None:
        trace, exact = drawn(trace), drawn(exact) if exact is not None else None
    context = Context.of(trace, view, exact)
    steps = _chosen(context)
    problem, view, words = trace.problem, context.view, context.writer.words
    sections = list(_sections(context, steps))
    one_step, part = view.step is not None, view.only is not None or view.until is not None
    if not one_step and not part:
        sections.append(check_section(context) if view.blank else answer_section(context))
    return Document(
        words(problem.title),
        words(problem.source or ""),
        "" if one_step else words((problem.about or "").strip()),
        () if one_step or view.only else map_of(context),
        () if one_step or view.only else head(context),
        tuple(sections),
        Recorded(recorded, context.writer),
    )


# --- which steps -------------------------------------------------------------------------------------------------


def _chosen(context: Context) -> list[Step]:
    view, steps = context.view, list(context.trace.steps)
    if view.step is not None:
        steps = [_one(steps, view.step)]
    if view.until is not None:
        if not 1 <= view.until <= len(steps):
            raise UsageError(f"there is no step {view.until}", where="--until", hint=f"There are {len(steps)} steps.")
        steps = steps[: view.until]
    if view.only is not None:
        kinds = ", ".join(dict.fromkeys(step.kind for step in steps))
        steps = [step for step in steps if step.kind == view.only]
        if not steps:
            name = context.trace.problem.name
            raise UsageError(f"{name} has no {view.only} steps", where="--only", hint=f"It has: {kinds}.")
    return steps


def _one(steps: list[Step], wanted: str) -> Step:
    """The step of a number or a name."""
    if wanted.lstrip("-").isdigit():
        if not 1 <= int(wanted) <= len(steps):
            raise UsageError(f"there is no step {wanted}", where="--step", hint=f"There are {len(steps)} steps.")
        return steps[int(wanted) - 1]
    for step in reversed(steps):
        if wanted in (step.key, step.name, pretty(step.key)):
            return step
    near = nearest(wanted, [step.key for step in steps])
    hint = f"Did you mean {near}?" if near else None
    raise UsageError(f"there is no step called {wanted}", where="--step", hint=hint)


# --- sections ----------------------------------------------------------------------------------------------------


def _sections(context: Context, steps: list[Step]) -> Iterable[Section]:
    view, blanks = context.view, context.blanks
    printed: set[int] = set()
    seen: set[str] = set()
    worker = Worker(context.trace, context.writer, context.exact, view.work, blanks, printed)
    captions = Captions(context.trace, context.writer, blanks)
    frames: list[tuple[int, ...]] = []
    asides = [] if context.view.step else sorted(context.trace.asides, key=lambda aside: aside.after)
    backward = any(step.kind == BACKWARD for step in context.trace.steps)
    shown = folded(steps)
    hidden = {step.turns for step in steps} - {step.turns for step in shown if isinstance(step, Step)}
    ends = {aside.turns[-1].loop: aside for aside in asides if aside.kind == "until" and aside.turns}
    asides = [
        aside
        for aside in asides
        if aside.turns not in hidden and (aside.kind != "until" or ends.get(aside.turns[-1].loop) is aside)
    ]
    runs = _runs(shown)
    learnable = {*context.learnable, *(step.node for step in context.trace.steps if step.kind == UPDATE)}
    framed = _frames(context.trace) if any(kind == UPDATE for kind, _ in runs) else {}
    starts = [next((step.index for step in run if isinstance(step, Step)), 0) for _, run in runs]
    for (kind, run), after in zip(runs, [*starts[1:], math.inf], strict=True):
        mine = [step for step in run if isinstance(step, Step)]
        if kind == UPDATE:
            around = sorted({frame for step in mine for frame in framed.get(step.of or 0, ())})
            section = update_section(context, mine, [*frames, *(frame for _, frame in around)])
            now, asides = placed(asides, after)
            said = [sentence(context.trace, context.writer, aside, blanks) for aside in now if aside.kind == "say"]
            yield section._replace(blocks=(*section.blocks, *map(Prose, said)))
            continue
        builder = Builder(
            context.trace, context.writer, learnable, worker, captions, blanks, dict(context.roles),
            printed, frames,
        )  # fmt: skip
        asides = _hang_up(context, builder, run, asides, after)
        spines = builder.done()
        closing = tuple([Prose(text) for text in builder.closing])
        if backward and not (kind in seen and mine[0].heading and kind == FORWARD):
            words = _words(context, kind, spines) if kind not in seen else ""
            yield Section(kind.upper(), kind, words, (*spines, *closing))
            seen.add(kind)
        else:
            *sections, final = _by_heading(context, spines)
            yield from sections
            yield final._replace(blocks=(*final.blocks, *closing))
        strips = [step.node for step in mine if step.node in context.trace.columns]
        tables = [worker.turns(list(nodes)) for _, nodes in groupby(strips, context.trace.over_columns)]
        found = tuple([table for table in tables if table is not None])
        if found:
            yield Section("WORKED LINES", kind, "every number of the loop, one turn to a line", found)


def _hang_up(
    context: Context, builder: Builder, run: list[Step | str], asides: list[Aside], after: float
) -> list[Aside]:
    """Hang up the steps of a run with what is said between them; gives what is said later, from step `after` on."""
    trace, writer = context.trace, context.writer
    last: Step | None = None
    for step in run:
        if isinstance(step, str):
            builder.say(writer.words(step), grey=True)
            continue
        now, asides = placed(asides, step.index)
        for aside in now:
            if not context.blanks or aside.kind == "say":
                other = last is not None and aside.turns not in ((), last.turns)
                ahead = aside.kind == "when" or (other and aside.kind != "until")
                text = sentence(trace, writer, aside, blanks=context.blanks)
                builder.say(text, ahead=ahead, grey=aside.kind != "say")
        if last is not None and last.node in trace.columns and step.index > last.index + 1:
            builder.say(writer.words(_other_turns(trace, last, step.index - 1)), grey=True)
        builder.add(step)
        last = step
    now, asides = placed(asides, after)
    for aside in now:
        text = sentence(trace, writer, aside, blanks=context.blanks)
        if aside.kind == "say" and after == math.inf:
            builder.closing.append(text)  # the last word has the whole width
        elif not context.blanks or aside.kind == "say":
            builder.say(text, grey=aside.kind != "say")
    return asides


def _other_turns(trace: Trace, last: Step, until: int) -> str:
    """Where the numbers of the steps are that a loop drawn as one leaves out."""
    first, *others = trace.over_columns(last.node)[1:]
    joined = "and" if len(others) == 1 else "to"
    turns = f"{first} {joined} {others[-1].partition(' = ')[2]}" if others else first
    return f"steps {last.index + 1} to {until}: the same for {turns}"


def _frames(trace: Trace) -> dict[int, list[tuple[int, tuple[int, ...]]]]:
    """For each value the frames that it stands in, numbered: the factors of a sum of products and its bias."""
    found: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    number = 0
    for step in trace.steps:
        for node in range(step.node, step.first - 1, -1):
            if step.kind == FORWARD and is_picture_of_products(trace, node):
                products, others = parts_of(trace, node)
                frame = (*(trace.nodes[product].inputs[0] for product in products), *others)
                number += 1
                for part in frame:
                    found.setdefault(part, []).append((number, frame))
    return found


def _runs(steps: Iterable[Step | str]) -> list[tuple[str, list[Step | str]]]:
    """Neighbouring steps of one kind; a sentence about turns that are left out stays with the steps before it."""
    runs: list[tuple[str, list[Step | str]]] = []
    for step in steps:
        kind = _kind(step) if isinstance(step, Step) else runs[-1][0]
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(step)
    return runs


def _kind(step: Step) -> str:
    """The pass that a step belongs to; a gradient under a name of the author's is a backward step."""
    asked = isinstance(step.formula, Call) and step.formula.fn == "grad"
    return BACKWARD if asked else step.kind


def _by_heading(context: Context, spines: tuple[Spine, ...]) -> Iterable[Section]:
    """Without a backward pass a heading that begins a spine of its own becomes the badge, until the next one does."""
    found: list[tuple[str, list[Spine]]] = []
    for spine in spines:
        headings = [link.heading for link in spine.links if link.heading]
        first = next((link for link in spine.links if link.kind != "start"), None)
        if headings and len(spines) > 1 and first is not None and first.heading:
            links = tuple(link._replace(heading="") if link is first else link for link in spine.links)
            found.append((_badge(headings[0]), [spine._replace(links=links)]))
        elif found:
            found[-1][1].append(spine)
        else:
            found.append(("", [spine]))
    for badge, inside in found:
        words = "" if badge else _words(context, FORWARD, tuple(inside))
        yield Section(badge or FORWARD.upper(), FORWARD, words, tuple(inside))


def _badge(heading: str) -> str:
    """A heading as a badge; the turn of a loop keeps its letters."""
    return heading if " = " in heading else heading.upper()


def _words(context: Context, kind: str, spines: tuple[Spine, ...]) -> str:
    """The few words at the end of a section's rule."""
    if kind == BACKWARD:
        every = all(gradient.wrt in context.learnable for gradient in context.trace.gradients)
        return f"from the loss back to {'every weight' if every else 'what is asked'}"
    links: list[Link] = [link for spine in spines for link in spine.links]
    if all(link.kind == "start" for link in links):
        return ""
    loss = any(link.out.role == "loss" for link in links)
    start = next((link.out.name for link in links if link.kind == "start"), "")
    if len(spines) > 1 or not start:
        return "from what is given to the loss" if loss else "from what is given to what is asked"
    return f"from {start} down to {'the loss' if loss else links[-1].out.name}"
