"""A trace to a page: head, map, sections, answers. Knows no format; widths are a renderer's business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnsteps import document as doc
from nnsteps import roles
from nnsteps.document import Answer, Answers, Caption, Chip, Document, Frame, Frames, Section, Work
from nnsteps.errors import UsageError, nearest
from nnsteps.formula import names as names_in
from nnsteps.notation import pretty
from nnsteps.ops import side_text
from nnsteps.spines import Builder
from nnsteps.trace import BACKWARD, FORWARD, UPDATE, Step, Trace
from nnsteps.working import Writer, is_product, look

if TYPE_CHECKING:
    from nnsteps.verify import Report

WORDS = {
    FORWARD: "from {start} down to {end}",
    BACKWARD: "from the loss back to every weight",
    UPDATE: "a small step downhill",
}
MOST_ANSWERS = 8
MOST_DOTS = 8


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a trace, and how its numbers are written."""

    width: int = 100
    ascii: bool = False
    work: str = "lines"
    blank: bool = False
    only: str | None = None
    step: str | None = None
    until: int | None = None
    compare: bool = False
    digits: int | None = None
    rounding: str = "inside"
    checked: Report | None = None


def page(trace: Trace, view: View | None = None, exact: Trace | None = None) -> Document:
    """The page of a trace; `exact` is the exact trace of the same problem, where the trace is by hand.

    Errors: UsageError for a step that does not exist.
    """
    return _Page(trace, view or View(), exact).document()


class _Page:
    def __init__(self, trace: Trace, view: View, exact: Trace | None) -> None:
        self.trace, self.view, self.exact = trace, view, exact
        self.writer = Writer(trace, ascii=view.ascii, digits=view.digits, rounding=view.rounding)
        self.learnable = {trace.given[name]: name for name in roles.learnable(trace)}
        self.steps = self._chosen()
        self.roles = self._roles()
        self.blanks = frozenset(node.id for node in trace.nodes if node.op is not None) if view.blank else frozenset()
        self.frames: list[tuple[int, ...]] = []

    # --- which steps ---

    def _chosen(self) -> list[Step]:
        view, steps = self.view, list(self.trace.steps)
        if view.step is not None:
            steps = [self._one(view.step)]
        if view.until is not None:
            if not 1 <= view.until <= len(steps):
                raise UsageError(
                    f"there is no step {view.until}", where="--until", hint=f"There are {len(steps)} steps."
                )
            steps = steps[: view.until]
        if view.only is not None:
            steps = [step for step in steps if step.kind == view.only]
            if not steps:
                kinds = ", ".join(dict.fromkeys(step.kind for step in self.trace.steps))
                raise UsageError(
                    f"{self.trace.problem.name} has no {view.only} steps", where="--only", hint=f"It has: {kinds}."
                )
        return steps

    def _one(self, wanted: str) -> Step:
        steps = self.trace.steps
        if wanted.lstrip("-").isdigit():
            if not 1 <= int(wanted) <= len(steps):
                raise UsageError(f"there is no step {wanted}", where="--step", hint=f"There are {len(steps)} steps.")
            return steps[int(wanted) - 1]
        for step in reversed(steps):
            if wanted in (step.key, step.name, pretty(step.key)):
                return step
        near = nearest(wanted, [step.key for step in steps])
        raise UsageError(
            f"there is no step called {wanted}", where="--step", hint=f"Did you mean {near}?" if near else None
        )

    # --- what numbers are for ---

    def _roles(self) -> dict[int, str]:
        trace = self.trace
        out: dict[int, str] = {
            node: doc.WEIGHT if node in self.learnable else doc.GIVEN for node in trace.given.values()
        }
        for node in roles.biases(trace):
            out[node] = doc.BIAS if node in self.learnable else out[node]
        users: dict[int, list[Step]] = {}
        for step in trace.steps:
            if step.kind == FORWARD:
                for node in step.uses.values():
                    users.setdefault(node, []).append(step)
        losses = {gradient.loss for gradient in trace.gradients}
        level = 0
        for step in trace.steps:
            node = step.node
            if step.kind == BACKWARD:
                out.setdefault(node, doc.GRADIENT)
            elif step.kind == UPDATE:
                out[node] = doc.NEW
            elif node in losses:
                out[node] = doc.LOSS
            else:
                then = users.get(node, [])
                if not then or all(user.node in losses for user in then):
                    out[node] = doc.OUTPUT
                elif len(then) == 1 and not self._multiplied(node):
                    out[node] = doc.PASSING
                else:
                    out[node] = doc.ACTIVATION[min(level, 2)]
                    level += 1
        return out

    def _multiplied(self, node: int) -> bool:
        return any(
            node in self.trace.nodes[i].inputs for i in range(len(self.trace.nodes)) if is_product(self.trace, i)
        )

    # --- the page ---

    def document(self) -> Document:
        trace, view = self.trace, self.view
        problem = trace.problem
        sections = tuple(self._sections())
        whole = view.step is None
        if whole and view.only is None and view.until is None:
            sections = (*sections, self._check_section() if view.blank else self._answer_section())
        return Document(
            self.writer.words(problem.title),
            self.writer.words(problem.source or ""),
            self.writer.words((problem.about or "").strip()) if whole else "",
            self._map() if whole and view.only is None else (),
            self._head() if whole and view.only is None else (),
            sections,
        )

    def _builder(self, like: Builder | None = None) -> Builder:
        return Builder(
            self.trace, self.writer, set(self.learnable), self.exact if self.view.compare or self.trace.problem else None,
            self.view.work, self.blanks, self.roles,
            printed=like.printed if like else set(), glossed=like.glossed if like else set(), frames=self.frames,
        )  # fmt: skip

    def _sections(self) -> Iterable[Section]:
        builder: Builder | None = None
        for kind, steps in _runs(self.steps):
            if kind == UPDATE:
                yield self._update_section(steps)
                continue
            builder = self._builder(builder)
            for step in steps:
                builder.add(step)
            spines = builder.done()
            backward = any(step.kind == BACKWARD for step in self.trace.steps)
            if kind == BACKWARD or backward:
                yield Section(_badge(kind), kind, self._words(kind, spines), spines)
            else:
                yield from self._by_heading(spines)

    def _by_heading(self, spines: tuple[doc.Spine, ...]) -> Iterable[Section]:
        """Without a backward pass a heading that begins a spine of its own becomes the badge."""
        found: list[tuple[str, list[doc.Spine]]] = []
        for spine in spines:
            headings = [link.heading for link in spine.links if link.heading]
            if headings and len(headings) == 1 and (found or len(spines) > 1):
                links = tuple(replace(link, heading="") for link in spine.links)
                found.append((headings[0].upper(), [doc.Spine(links)]))
            elif found and not headings:
                found[-1][1].append(spine)
            else:
                found.append((_badge(FORWARD), [spine]))
        for badge, inside in found:
            words = self._words(FORWARD, tuple(inside)) if badge == _badge(FORWARD) else ""
            yield Section(badge, FORWARD, words, tuple(inside))

    def _words(self, kind: str, spines: tuple[doc.Spine, ...]) -> str:
        if kind != FORWARD:
            return WORDS[kind]
        links = [link for spine in spines for link in spine.links]
        loss = any(link.out.role == doc.LOSS for link in links)
        start = next((link.out.name for link in links if link.kind == "start"), "")
        if len(spines) > 1 or not start:
            return "from what is given to the loss" if loss else "from what is given to what is asked"
        return WORDS[FORWARD].format(start=start, end="the loss" if loss else links[-1].out.name)

    # --- head ---

    def _head(self) -> tuple[tuple[str, str], ...]:
        about = "~" if self.view.ascii else "≈"
        lines = [("given", self._given_line()), ("find", self._find_line())]
        if any(step.by_hand is not None for step in self.trace.steps):
            lines.append((about, "marks a number rounded by hand; everything else is exact, and rounded only on paper"))
        if self.view.rounding == "each-step":
            lines.append(("rounding", "at each step: every number is computed from the numbers as shown"))
        elif self.view.rounding == "fractions":
            lines.append(("rounding", "none where a short fraction is exact"))
        lines += [
            ("note", self.writer.words(text)) for text in (*self.trace.problem.conventions, *self.trace.problem.notes)
        ]
        return tuple((label, text) for label, text in lines if text)

    def _given_line(self) -> str:
        trace, parts = self.trace, []
        for name, node in trace.given.items():
            if node in self.learnable:
                continue
            value = trace.value(node)
            shown = pretty(name, ascii=self.view.ascii)
            if value.shape[-1] == 1 and value.ndim == 2 and value.size <= 12:
                parts.append(f"{shown} = {self.writer.vector(node)}")
            else:
                parts.append(f"{shown} {self._shape(value.shape)}")
        count = sum(trace.value(node).size for node in self.learnable)
        if count:
            parts.append(
                f"{'and ' if parts else ''}{count} learnable number{'s' if count > 1 else ''}, in the heavy frame{'s' if len(self.learnable) > 2 else ''}"
            )
        return "    ".join(parts)

    def _shape(self, shape: tuple[int, ...]) -> str:
        return side_text(shape).replace("×", "x") if self.view.ascii else side_text(shape)

    def _find_line(self) -> str:
        trace = self.trace
        used = {node for step in trace.steps if step.kind == FORWARD for node in step.uses.values()}
        finals = [step for step in trace.steps if step.kind == FORWARD and step.node not in used]
        finals = [
            step
            for step in finals
            if trace.names[step.name][-1] == step.node or step.node in {g.loss for g in trace.gradients}
        ]
        losses = list(dict.fromkeys(g.loss_name for g in trace.gradients))
        names = list(
            dict.fromkeys(
                [pretty(step.key, ascii=self.view.ascii) for step in finals]
                + [pretty(n, ascii=self.view.ascii) for n in losses]
            )
        )
        text = ", ".join(names)
        wrt = {g.wrt for g in trace.gradients}
        if wrt:
            asked = [n for n in wrt if n in self.learnable]
            count = sum(trace.value(n).size for n in asked)
            whose = "its" if len(losses) == 1 else "their"
            if asked and len(asked) == len(wrt):
                text += f", {whose} gradient for each of the {count}" if count > 1 else f", {whose} gradient"
            else:
                keys = [pretty(trace.keys[n], ascii=self.view.ascii) for n in sorted(wrt)]
                text += f", {whose} gradient with respect to {', '.join(keys)}"
        updates = [step for step in trace.steps if step.kind == UPDATE]
        if updates:
            text += ", then the new values"
        return text

    # --- map ---

    def _map(self) -> tuple[Chip, ...]:
        """The way of the values, where every result hangs on the one before."""
        trace, chips, arrow = self.trace, [], []
        here: int | None = None
        weights = False
        for step in trace.steps:
            if step.kind != FORWARD:
                break
            data = [n for n in step.uses.values() if n not in self.learnable]
            if here is None:
                starts = [n for n in data if n in trace.given.values()]
                if len(starts) != 1:
                    return ()
                here = starts[0]
                chips.append(self._chip(here, (), False))
            if here not in data:
                return ()
            for name, node in step.uses.items():
                if node in self.learnable or (node != here and node in trace.given.values()):
                    arrow.append(pretty(name, ascii=self.view.ascii))
                    weights |= node in self.learnable
                elif node != here:
                    return ()
            here = step.node
            if self.roles.get(here) != doc.PASSING:
                chips.append(self._chip(here, tuple(arrow), weights))
                arrow, weights = [], False
        return tuple(chips) if len(chips) > 1 else ()

    def _chip(self, node: int, arrow: tuple[str, ...], learnable: bool) -> Chip:
        value = self.trace.value(node)
        dot = "o" if self.view.ascii else "●"
        if set(value.shape) == {1}:
            size = ""
        elif value.ndim == 2 and value.shape[1] == 1 and value.size <= MOST_DOTS:
            size = dot * value.size
        else:
            size = self._shape(value.shape)
        return Chip(self.writer.name(node), size, self.roles.get(node, doc.GIVEN), arrow, learnable)

    # --- update ---

    def _update_section(self, steps: list[Step]) -> Section:
        trace, writer = self.trace, self.writer
        new = {step.of: step for step in steps if step.of is not None}
        groups: list[list[Step]] = []
        for frame in dict.fromkeys(self.frames):
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
                same = (
                    {at: doc.UNCHANGED for at in np.ndindex(*value.shape) if value[at] == old[at]}
                    if value.ndim == 2
                    else {}
                )
                role = doc.BIAS if self.roles.get(step.of or -1) == doc.BIAS else doc.NEW
                parts.append(
                    writer.grid(
                        step.node, role, name=pretty(step.key, ascii=self.view.ascii), marks=same, blank=self.view.blank
                    )
                )
                if work is None and self.view.work != "none" and not self.view.blank:
                    work = self._update_work(step)
            frames.append((Frame(tuple(parts), "learnable"), work))
        return Section(
            _badge(UPDATE), UPDATE, "every number in a heavy frame takes a small step downhill",
            (Frames(self._update_captions(steps), tuple(frames), self._unchanged(steps)),),
        )  # fmt: skip

    def _unchanged(self, steps: list[Step]) -> str:
        same = any((self.trace.value(s.node) == self.trace.value(s.of or 0)).any() for s in steps)
        return "grey: unchanged, its gradient is 0" if same and not self.view.blank else ""

    def _update_work(self, step: Step) -> Work | None:
        trace, writer = self.trace, self.writer
        old, value = trace.value(step.of or 0), trace.value(step.node)
        changed = [at for at in np.ndindex(*value.shape) if value[at] != old[at]]
        if not changed:
            return None
        at = tuple(int(k) for k in changed[0])
        node = step.node if not trace.nodes[step.node].by_hand else (trace.nodes[step.node].out or step.node)
        (line,) = writer.sums([(trace.explain(node, at), float(value[at]), step.node)])
        return Work(
            None,
            (line,),
            where="[" + ",".join(str(k + 1) for k in at) + "]",
            cell=writer.name(step.node) + writer.place(at, value.shape),
        )

    def _update_captions(self, steps: list[Step]) -> tuple[Caption, ...]:
        from nnsteps.notation import caption

        ascii = self.view.ascii
        span = f"{steps[0].index}{'-' if ascii else '–'}{steps[-1].index}" if len(steps) > 1 else str(steps[0].index)
        if len(steps) <= 2:
            return tuple(
                Caption(str(s.index), f"{pretty(s.key, ascii=ascii)} = {caption(s.formula, ascii=ascii)}")
                for s in steps
            )
        out = []
        for letter, mine in (
            ("W", [s for s in steps if self.roles.get(s.of or -1) != doc.BIAS]),
            ("b", [s for s in steps if self.roles.get(s.of or -1) == doc.BIAS]),
        ):
            if mine:
                formula = caption(mine[0].formula, ascii=ascii)
                key = pretty(trace_key(self.trace, mine[0].of or 0), ascii=ascii)
                text = f"new {letter} = " + formula.replace(key, letter)
                out.append(Caption(span if not out else "", text))
        return tuple(out)

    # --- answers ---

    def _answer_section(self) -> Section:
        compare = self.exact is not None and any(step.by_hand is not None for step in self.trace.steps)
        about = "~" if self.view.ascii else "≈"
        columns = (f"by hand {about}", "exact") if compare else ()
        rows = []
        for step in self._final_steps():
            rows.append(
                Answer(
                    pretty(step.key, ascii=self.view.ascii), self._both(step) if compare else (self._value(step.node),)
                )
            )
        return Section("ANSWERS", doc.ANSWERS, "", (Answers(columns, tuple(rows), tuple(self._below(compare))),))

    def _final_steps(self) -> list[Step]:
        trace = self.trace
        if self.view.compare:
            return [step for step in trace.steps if step.kind != UPDATE]
        used = {node for step in trace.steps if step.kind == FORWARD for node in step.uses.values()}
        losses = {g.loss for g in trace.gradients}
        chosen = []
        for step in trace.steps:
            if (
                step.kind == FORWARD
                and (
                    step.node not in used
                    or step.node in losses
                    or step.by_hand is not None
                    or self.roles.get(step.node) == doc.OUTPUT
                )
            ) or (
                step.kind == BACKWARD
                and step.of is not None
                and "@" not in step.name
                and self._is_pre_activation(step.of)
            ):
                chosen.append(step)
        return chosen if len(chosen) <= MOST_ANSWERS else chosen[:MOST_ANSWERS]

    def _is_pre_activation(self, node: int) -> bool:
        return node not in self.trace.given.values() and any(
            is_product(self.trace, p) for p in roles.summands(self.trace, node)
        )

    def _value(self, node: int) -> doc.Grid | str:
        value = self.trace.value(node)
        if value.ndim == 2 and value.shape[1] == 1 and value.size <= 12:
            return self.writer.vector(node)
        if value.size > 60:
            return f"{self._shape(value.shape)}, above"
        role = self.roles.get(node, doc.OUTPUT)
        return self.writer.grid(node, role if role != doc.PASSING else doc.OUTPUT, name="")

    def _both(self, step: Step) -> tuple[doc.Grid | str, ...]:
        assert self.exact is not None
        mine = self._value(step.node)
        other = self.exact.names.get(step.name)
        if other is None:
            return (mine, "")
        versions = self.trace.names[step.name]
        node = other[versions.index(step.node)] if step.node in versions and len(other) == len(versions) else other[-1]
        ours, theirs = self.trace.value(step.node), self.exact.value(node)
        if ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-12, atol=1e-14):
            return (mine, "the same")
        page = _Page.__new__(_Page)
        page.trace, page.view, page.roles = self.exact, self.view, self.roles
        page.writer = Writer(self.exact, ascii=self.view.ascii, digits=self.view.digits, rounding=self.view.rounding)
        return (mine, page._value(node))

    def _below(self, compare: bool) -> Iterable[tuple[str, tuple[str, ...]]]:
        trace = self.trace
        if self.view.compare and compare:
            yield "largest gap", (self._gap(),)
        count = sum(trace.value(node).size for node in self.learnable)
        if count:
            sizes = "  ".join(
                f"{pretty(name, ascii=self.view.ascii)} {trace.value(node).size}"
                for node, name in self.learnable.items()
            )
            yield "learnable", (f"{count} number{'s' if count > 1 else ''}:  {sizes}",)
        if self.view.checked is not None:
            tick = "ok" if self.view.ascii else "✓"
            yield f"{tick} checked", _checked(self.view.checked)

    def _gap(self) -> str:
        assert self.exact is not None
        gaps = []
        for step in self.trace.steps:
            if step.name in self.exact.names and step.kind != UPDATE:
                ours, theirs = self.trace.value(step.node), self.exact[step.name]
                if ours.shape == theirs.shape:
                    at = tuple(int(k) for k in np.unravel_index(int(np.argmax(np.abs(ours - theirs))), ours.shape))
                    gaps.append((float(abs(ours - theirs)[at]), step, at, float(ours[at]), float(theirs[at])))
        size, step, at, by_hand, exact = max(gaps, key=lambda gap: gap[0])
        if size == 0:
            return "none"
        w = self.writer
        where = w.name(step.node) + w.place(at, self.trace.value(step.node).shape)
        return f"{w.alone(size)}, at {where}: {w.alone(by_hand)} by hand, {w.alone(exact)} exact"

    def _check_section(self) -> Section:
        name = self.trace.problem.name
        lines = (
            (f"nnsteps solve {name}", ("every step worked out",)),
            (f"nnsteps why {name} CELL", ("where one number comes from",)),
        )
        return Section("CHECK", doc.ANSWERS, "", (Answers((), (), lines),))


def trace_key(trace: Trace, node: int) -> str:
    """The key of a named node."""
    return trace.keys.get(node, "")


def _badge(kind: str) -> str:
    return kind.upper()


def _runs(steps: list[Step]) -> Iterable[tuple[str, list[Step]]]:
    """Neighbouring steps of one kind."""
    run: list[Step] = []
    for step in steps:
        if run and step.kind != run[-1].kind:
            yield run[-1].kind, run
            run = []
        run.append(step)
    if run:
        yield run[-1].kind, run


def _checked(report: Report) -> tuple[str, ...]:
    return tuple(report.page_lines()) if hasattr(report, "page_lines") else (report.line(),)


__all__ = ["View", "look", "names_in", "page"]
