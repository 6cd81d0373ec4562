"""Steps to spines: which result hangs under which, what stands left and right of it. Knows no width and no format.

Theory of operation. Steps are taken in order. A product whose right factor is the block printed last hangs under it; so
does an elementwise step of that block. A product whose *left* factor is the block printed last becomes a corner to its
right (the gradient of a weight). Two blocks with a sign between them stand left of their result. Any other step starts
a new spine, by printing what it needs. What a step looks like is told from its operation's record, never from a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nnsteps import choosing, roles, scalar, tables
from nnsteps import document as doc
from nnsteps.captions import Captions
from nnsteps.document import Corner, Frame, Grid, Link, Part, Sign, Spine
from nnsteps.families import Family
from nnsteps.formula import Name
from nnsteps.ops import Op
from nnsteps.records import BACKWARD, Step, Turn
from nnsteps.scalar import Tree
from nnsteps.trace import Trace
from nnsteps.worked import Worker
from nnsteps.working import (
    ALL_CELLS,
    Blanks,
    Writer,
    core,
    is_picture_of_products,
    is_product,
    look,
    parts_of,
    places_of,
)

At = tuple[int, ...]
MOST_SAID = 12  # numbers that are said in words instead of drawn
WINDOW = "marked: the first window, and what it gives"
SIGNS = {"+": "+", "-": "−", "*": "·", "/": "÷"}  # how an infix operation stands between two blocks


@dataclass
class Builder:
    """Goes through the steps of a section and hangs them up."""

    trace: Trace
    writer: Writer
    learnable: set[int]
    worker: Worker
    captions: Captions
    blanks: Blanks = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)
    printed: set[int] = field(default_factory=set)
    frames: list[tuple[int, ...]] = field(default_factory=list)  # which nodes stand in one frame, in order
    spines: list[list[Link]] = field(default_factory=list)
    last: int | None = None
    factor: int | None = None  # what the last link, a product, was multiplied by
    path: tuple[str, ...] = ()  # the headings of the step before
    turns: tuple[Turn, ...] = ()  # and its turns
    backward: bool = False
    chosen: set[int] = field(default_factory=set)  # the choices whose reason was said
    tables: set[str] = field(default_factory=set)  # the families that are on the page as tables
    closing: list[str] = field(default_factory=list)  # what is said at the very end
    waiting: list[str] = field(default_factory=list)  # what is said of the step to come

    # --- steps ---

    def add(self, step: Step) -> None:
        """Hang up one step."""
        self.backward = step.kind == BACKWARD
        fresh = self._fresh(step.heading)
        other = step.turns != self.turns or (step.node in self.trace.columns) != (self.last in self.trace.columns)
        if other and not self.backward and self.spines and self.spines[-1]:
            self.spines.append([])  # what one turn leaves behind is printed again where the next one needs it
            self.last = self.factor = None
        self.path, self.turns = step.heading, step.turns
        before = sum(map(len, self.spines))
        if step.kind == BACKWARD and self._as_corner(step, fresh=bool(fresh)):
            pass
        elif isinstance(step.formula, Name) and step.node in self.printed:
            self._same_again(step)
        else:
            self._result(step.node, step)
        if fresh:
            self._set_heading(before, fresh, step.words)
        if self.waiting:
            self._note(self.waiting)
            self.waiting = []

    def say(self, text: str, *, ahead: bool = False, grey: bool = False) -> None:
        """A sentence between two steps: it belongs to the one before, or to the one `ahead`."""
        if ahead or not self.spines or not self.spines[-1]:
            self.waiting.append(text)
        elif grey:
            self._note([text])
        else:
            link = self.spines[-1][-1]
            self.spines[-1][-1] = link._replace(says=(*link.says, text))

    def _note(self, texts: list[str]) -> None:
        if self.spines and self.spines[-1]:
            link = self.spines[-1][-1]
            self.spines[-1][-1] = link._replace(notes=(*link.notes, *texts))

    def _fresh(self, path: tuple[str, ...]) -> str:
        """What is new in a path of headings."""
        same = 0
        while same < min(len(path), len(self.path)) and path[same] == self.path[same]:
            same += 1
        return self.writer.words(", ".join(path[same:]))

    def done(self) -> tuple[Spine, ...]:
        """The spines of the section."""
        return tuple(Spine(_without_repeated_tops(links), self._carries(links)) for links in self.spines if links)

    def _carries(self, links: list[Link]) -> tuple[tuple[int, int], ...]:
        """Which of the links are another one of them, one turn earlier."""
        names = {link.out.name: place for place, link in enumerate(links)}
        found = [
            (names[self.writer.name(strip)], names[self.writer.name(later)])
            for strip, later in self.trace.carried.items()
            if self.writer.name(strip) in names and self.writer.name(later) in names
        ]
        return tuple((to, source) for to, source in found if to < source)

    def _set_heading(self, before: int, heading: str, words: str) -> None:
        """The heading stands on the first result that came after `before` others."""
        new = [(links, place) for links in self.spines for place in range(len(links))][before:]
        links, place = next(((ls, k) for ls, k in new if ls[k].kind != "start"), new[0])
        caption = links[place].caption
        if caption is not None and caption.gloss == words:
            caption = caption._replace(gloss="")  # the heading says it
        links[place] = links[place]._replace(heading=heading, heading_words=words, caption=caption)

    # --- one result ---

    def _same_again(self, step: Step) -> None:
        """A result that is a block of the page under another name."""
        if step.node != self.last:
            self.spines.append([])
        out = self._grid(step.node, name=self.captions.name(step))
        self._append(Link("under", out, self.captions.of(step.node, step), arithmetic=True), step.node)

    def _result(self, node: int, step: Step | None) -> None:
        """Hang up a value: by the picture that its arithmetic asks for."""
        trace = self.trace
        here = trace.nodes[node]
        if is_picture_of_products(self.trace, node):
            self._product(node, step)
            return
        found = tables.looked_up(trace, node)
        if found is not None:
            self._look_up(*found, node, step)
            return
        names = [i for i in here.inputs if i not in trace.literals]
        for i in self._products_inside(names):
            self._result(i, None)
        if here.op is not None and look(trace, node) == "gate" and self._gate(node, step):
            return
        if self._equation(node, step):
            return
        self._under(node, step)

    def _products_inside(self, nodes: Iterable[int]) -> Iterator[int]:
        """Unnamed products inside a formula, which are drawn before what is made of them."""
        trace = self.trace
        for i in nodes:
            if i in trace.keys or i in trace.literals or i in self.printed:
                continue
            if is_picture_of_products(trace, i) and trace.value(i).size > 1:
                yield i
            elif look(trace, i) not in ("", "shaping") and trace.nodes[i].out is None:
                yield from self._products_inside(trace.nodes[i].inputs)

    def _look_up(self, family: Family, taken: tuple[int, ...], node: int, step: Step | None) -> None:
        """Columns that were looked up: the table once, with the rows that were taken, then the columns."""
        if family.name not in self.tables:
            self.tables.add(family.name)
            grid = tables.table(self.trace, self.writer, family, taken, self._role(taken[0]))
            notes = (grid.folded,) if grid.folded else ()
            self.spines.append([Link("start", grid, notes=notes)])
        self.spines.append([])
        self._append(
            Link("under", self._grid(node), self.captions.of(node, step), notes=self.captions.notes(step)), node
        )

    def _product(self, node: int, step: Step | None) -> None:
        products, others = parts_of(self.trace, node)
        pairs = [self.trace.nodes[part].inputs for part in products]
        stack = [right for _, right in pairs]
        sibling = stack == [self.factor] and not others and stack != [self.last]
        if stack != [self.last] and not sibling:
            self._start(stack)
        lefts = [left for left, _ in pairs]
        self.printed.update(lefts, others)
        self.frames.append((*lefts, *others))
        learnable = any(roles.source(self.trace, left) in self.learnable for left in lefts)
        parts = [self._left(left) for left in lefts] + [self._grid(o, doc.BIAS) for o in others]
        self._append(
            Link(
                "product",
                self._grid(node),
                self.captions.of(node, step),
                left=(Frame(tuple(parts), "learnable" if learnable else "plain"),),
                ones=bool(others),
                work=self.worker.lines(node),
                notes=self.captions.notes(step),
                arithmetic=True,
                sibling=sibling,
            ),
            node,
        )
        self.factor = stack[0] if len(stack) == 1 and not others else None

    def _left(self, node: int) -> Grid:
        role = doc.WEIGHT if roles.source(self.trace, node) in self.learnable else self._role(node)
        return self._grid(node, role)

    def _start(self, nodes: Iterable[int]) -> None:
        """Begin a new spine with values printed on top of each other; one that is computed first hangs itself up."""
        begun = False
        for node in nodes:
            if (
                node not in self.trace.keys
                and node not in self.printed
                and look(self.trace, node) not in ("", "shaping")
            ):
                self._result(node, None)
                continue
            if not begun:
                self.spines.append([])
                begun = True
            self.spines[-1].append(Link("start", self._grid(node)))
            self.printed.add(node)
            self.last = node

    def _gate(self, node: int, step: Step | None) -> bool:
        """A gradient that passes where a condition holds: the condition's numbers left, pass or stop beside them."""
        trace = self.trace
        value, condition = trace.nodes[node].inputs
        claim = trace.nodes[condition]
        if look(trace, condition) != "claim" or len(claim.inputs) != 2 or claim.inputs[1] not in trace.literals:
            return False
        tested, bound = claim.inputs
        if trace.value(tested).shape != trace.value(node).shape or trace.value(node).ndim != 2:
            return False
        if value != self.last:
            self._start([value])
        passes = trace.value(condition)
        assert isinstance(claim.op, Op)
        signs = self.writer.signs
        yes = {">": ">", ">=": signs.ge, "<": "<", "<=": signs.le}.get(claim.op.infix, claim.op.infix)
        no = {">": signs.le, ">=": "<", "<": signs.ge, "<=": ">"}.get(claim.op.infix, "not " + claim.op.infix)
        limit = self.writer.alone(trace.literals[bound])
        closed = {at: doc.CROSSED for at in places_of(passes) if not passes[at]}
        left: list[Part] = [self._grid(tested, doc.PASSING, marks=closed)]
        if passes.shape[1] == 1:
            if node in self.blanks:
                words = [f"{yes} {limit} ?" for _ in passes]
            else:
                words = [f"{yes} {limit}  pass" if row[0] else f"{no} {limit}  stop" for row in passes]
            left.append(doc.Words(tuple(words[i] if i is not None else "" for i in self.writer.rows(passes.shape[0]))))
        self._cross_out(closed)
        notes = self.captions.notes(step)
        if passes.shape[1] > 1 and node not in self.blanks:
            notes = (*notes, f"where {self.writer.name(tested)} {no} {limit}, the gradient stops")
        link = Link(
            "under", self._grid(node, marks=dict.fromkeys(closed, doc.ZEROED)), self.captions.of(node, step),
            left=tuple(left), work=self.worker.lines(node), notes=notes, above=True,
        )  # fmt: skip
        self._append(link, node)
        return True

    def _cross_out(self, marks: dict[At, str]) -> None:
        """Cross out, in the block above, what a gate stops."""
        self._mark(marks)

    def _mark(self, marks: dict[At, str]) -> None:
        """Mark cells of the block above; where all of them are chosen, none."""
        above = self.spines[-1][-1]
        if set(marks.values()) == {doc.CHOSEN} and len(marks) == sum(len(row) for row in above.out.cells if row):
            return
        if any(cell.mark == doc.BLANK for row in above.out.cells if row for cell in row):
            return
        cells = tuple(
            row if row is None else tuple(c._replace(mark=marks.get((i or 0, j), c.mark)) for j, c in enumerate(row))
            for i, row in zip(self.writer.rows(above.out.shape[0]), above.out.cells, strict=True)
        )
        self.spines[-1][-1] = above._replace(out=above.out._replace(cells=cells))

    def _equation(self, node: int, step: Step | None) -> bool:
        """Two blocks and a sign, left of their result: y − target =; only where = is true of the numbers as shown."""
        trace = self.trace
        here = trace.nodes[core(trace, node)]
        if not isinstance(here.op, Op) or here.op.infix not in SIGNS or len(here.inputs) != 2 or here.by_hand:
            return False
        values = [trace.value(i) for i in here.inputs]
        shape = trace.value(node).shape
        if any(
            i in trace.literals or v.shape != shape or v.ndim != 2 or v.shape[1] > 3
            for i, v in zip(here.inputs, values, strict=True)
        ):
            return False
        if any(i not in trace.keys for i in here.inputs) or shape == (1, 1) or not self.writer.holds_in_grids(node):
            return False
        sign = SIGNS[here.op.infix] if not self.writer.ascii else here.op.infix
        first, second = here.inputs
        left: tuple[Part, ...] = (self._grid(first), Sign(sign), self._grid(second), Sign("="))
        hanging = self.last in here.inputs and self.spines
        if not hanging:
            self.spines.append([])
        self.printed.update(here.inputs)
        self._append(
            Link(
                "under", self._grid(node), self.captions.of(node, step), left=left, work=self.worker.lines(node),
                notes=self.captions.notes(step), above=True,
            ),
            node,
        )  # fmt: skip
        return True

    def _under(self, node: int, step: Step | None) -> None:
        """A result with its arithmetic beside it, under the block that it comes from."""
        trace = self.trace
        sources = self._sources(node)
        new = [
            i
            for i in sources
            if i not in self.printed
            and (i in trace.given.values() or (i in trace.columns and trace.nodes[i].op is None))
            and not self._fits_in_frame(i, node)
        ]
        if self.last in sources and self.last in trace.columns:
            new = self._feed(new)
        above = self.spines[-1][-1].out if self.spines and self.spines[-1] else None
        large = [
            i for i in new if i in trace.columns or not (self._can_be_said(i) or (above and self._same_size(i, above)))
        ]
        window = self._first_window(node)
        if window and self.last != window[0]:
            self._begin_at(window[0], sources)
        elif self.last not in sources or not self.spines or large:
            self._begin_with(sources, node)
        if self._gates(node) and self.last is not None:
            closed = {at: doc.CROSSED for at in places_of(trace.value(node)) if trace.value(self.last)[at] < 0}
            self._cross_out(closed)
            out = self._grid(node, marks=dict.fromkeys(closed, doc.ZEROED))
            work = self.worker.crossed_out(self.last)
        elif look(trace, node) == "gate":
            out, work = self._grid(node), ()  # its caption says where it lets numbers pass
        elif (choice := choosing.choice_of(trace, node)) is not None:
            out, work = self._grid(node), self._choice(choice, node)
        elif look(trace, node) == "choice":
            out, work = self._grid(node), ()  # numbers in order: there is nothing to compute
        elif choosing.is_picked(trace, node):
            if not self.worker.blanks and self.last is not None and self.last in trace.above(node):
                self._mark(choosing.picked(trace, node))
            out, work = self._grid(node), self.worker.lines(node)
        elif window:
            self._mark(window[1])
            out, work = self._grid(node, marks={(0, 0): doc.CHOSEN}), self.worker.lines(node)
        else:
            out, work = self._grid(node), self.worker.lines(node)
        framed = [i for i in sources if i not in self.printed and self._fits_in_frame(i, node)]
        left = (Frame(tuple(self._grid(i) for i in sorted(framed)), "learnable"),) if framed else ()
        self.printed.update(framed)
        self.frames += [tuple(sorted(framed))] if framed else []
        notes = (*self._beside(sources), *self.captions.notes(step))
        if window and not self.worker.blanks and (words := self.captions.said_once("window", WINDOW)):
            notes = (*notes, words)
        self._append(
            Link(
                "under", out, self.captions.of(node, step), left=left, work=work, notes=notes, arithmetic=True,
                downwards=look(trace, node) not in ("window", "shaping"),
            ),
            node,
        )  # fmt: skip

    def _first_window(self, node: int) -> tuple[int, dict[At, str]] | None:
        """The table that windows slide over, with the cells that the first number of the result needs."""
        trace = self.trace
        here = trace.nodes[node]
        if look(trace, node) != "window" or here.by_hand or here.value.ndim != 2 or node in trace.columns:
            return None
        table, tree = here.inputs[0], trace.cell(node, (0, 0))
        if tree is None or trace.value(table).ndim != 2 or table not in trace.keys:
            return None
        cells = {ref.at: doc.CHOSEN for ref in scalar.refs(tree) if ref.node == table}
        return (table, cells) if 1 < len(cells) < trace.value(table).size else None

    def _begin_at(self, table: int, sources: list[int]) -> None:
        """A new spine: what is not on the page yet, and last the table that the result hangs under."""
        self.spines.append([])
        for i in [*(i for i in sorted(sources) if i not in self.printed and i != table), table]:
            self.spines[-1].append(Link("start", self._grid(i)))
            self.printed.add(i)
            self.last = i

    def _choice(self, choice: int, node: int) -> tuple[doc.Work, ...]:
        """Why these positions; what won is marked in the block above."""
        if self.worker.blanks or self.worker.work == "none":
            return ()
        if choice in self.chosen:
            return ()  # said before
        self.chosen.add(choice)
        if self.trace.nodes[choice].inputs == (self.last,):
            self._mark(choosing.marks(self.trace, choice))
        elif choice != node and self.last is not None and self.last in self.trace.above(node):
            self._mark(choosing.picked(self.trace, node))
        return choosing.work(self.trace, self.writer, choice, node)

    def _feed(self, nodes: list[int]) -> list[int]:
        """Print the strips among some values where their spine begins, with what else goes in; gives the others."""
        strips = [i for i in nodes if i in self.trace.columns]
        links = self.spines[-1]
        place = next((k for k, link in enumerate(links) if link.kind != "start"), len(links))
        links[place:place] = [Link("start", self._grid(i)) for i in strips]
        self.printed.update(strips)
        return [i for i in nodes if i not in strips]

    def _gates(self, node: int) -> bool:
        """Whether negative numbers of the block above are crossed out."""
        here = self.trace.nodes[node]
        gate = here.op is not None and here.op.look.gate and not here.by_hand
        return gate and here.inputs == (self.last,) and here.value.ndim == 2

    def _sources(self, node: int) -> list[int]:
        """The named or given values that a result is computed from, nearest first."""
        trace, seen, todo = self.trace, [], list(trace_inputs(self.trace, node))
        while todo:
            i = todo.pop(0)
            if i in trace.literals or i in seen:
                continue
            if i in trace.keys or i == self.last:
                seen.append(i)
            else:
                todo.extend(trace_inputs(trace, i))
        return seen

    def _begin_with(self, sources: list[int], node: int) -> None:
        """A new spine: the first source that can stand above the result; the others that are not on the page yet."""
        trace, shape = self.trace, self.trace.value(node).shape
        value = trace.value
        fitting = [i for i in sources if value(i).size > 1 and value(i).shape[-1] >= shape[-1]] or sources
        given = set(trace.given.values())
        fitting.sort(key=lambda i: (i in given, -i))
        if self.backward:
            fitting = [i for i in fitting if self._role(i) == doc.GRADIENT or i not in self.printed]
        unseen = sorted(i for i in sources if i not in self.printed and i not in fitting[:1])
        unseen = [i for i in unseen if not self._fits_in_frame(i, node)]
        self.spines.append([])
        uses_numbers = any(value(i).size > 0 for i in fitting) and scalar_refs(trace, node)
        for i in [*unseen, *(fitting[:1] if uses_numbers else [])]:
            self.spines[-1].append(Link("start", self._grid(i)))
            self.printed.add(i)
            self.last = i

    def _fits_in_frame(self, source: int, node: int) -> bool:
        """Whether learnable numbers can stand in a frame left of a result that is computed cell by cell."""
        shape, height = self.trace.value(source).shape, self.trace.value(node).shape[0]
        return source in self.learnable and shape == (height, 1) and self.trace.value(node).ndim == 2 and height <= 16

    def _beside(self, sources: list[int]) -> tuple[str, ...]:
        """Givens that are not on the page yet: one of the block's size stands next to it, others are said in words."""
        links, words = self.spines[-1], []
        for i in sources:
            if i in self.printed or i not in self.trace.given.values():
                continue
            above = links[-1] if links else None
            if (
                above
                and above.kind != "start"
                and not above.left
                and above.beside is None
                and self._same_size(i, above.out)
            ):
                links[-1] = above._replace(beside=self._grid(i, doc.GIVEN))
            else:
                words.append(f"{self.writer.name(i)} = {self.writer.vector(i)}")
            self.printed.add(i)
        return tuple(words)

    def _can_be_said(self, node: int) -> bool:
        """Whether a value is a short column or a single number."""
        value = self.trace.value(node)
        return bool(value.size <= MOST_SAID and value.shape[-1] == 1)

    def _same_size(self, node: int, grid: Grid) -> bool:
        return bool(self.trace.value(node).shape == grid.shape)

    # --- corners to the right ---

    def _as_corner(self, step: Step, *, fresh: bool) -> bool:
        """A gradient that is a product with the spine's last block on its left, or that block itself (or its sum).

        Where the block has its own arithmetic to the right, or a `fresh` heading begins, the block is printed again.
        """
        trace = self.trace
        if not self.spines or not self.spines[-1] or self.last is None:
            return False
        node, here = step.node, trace.nodes[step.node]
        if is_product(trace, node) and here.inputs[0] in self.printed and here.inputs[1] != self.last:
            left, top = here.inputs
            if self._role(left) != doc.GRADIENT and left != self.last:
                return False
            link = self.spines[-1][-1]
            frame = Frame((self._grid(node, doc.GRADIENT, name=self.captions.name(step)),), "gradient")
            corner = Corner((self.captions.plain(step),), self._grid(top), False, frame, self.worker.lines(node))
            if left != self.last or link.arithmetic or link.corners or fresh:
                if left != self.last:
                    self.spines.append([])
                link = Link("start", self._grid(left), above=True)
                self.spines[-1].append(link)
                self.last = left
            self.spines[-1][-1] = link._replace(corners=(corner,))
            return True
        link = self.spines[-1][-1]
        if link.corners and not link.corners[0].ones and not fresh and self._is_row_sum(step):
            corner = link.corners[0]
            part = self._grid(node, doc.BIAS, name=self.captions.name(step))
            if part.shape[0] != corner.frame.parts[0].shape[0]:
                return False
            frame = corner.frame._replace(parts=(*corner.frame.parts, part))
            captions = (*corner.captions, self.captions.plain(step))
            sums = self.worker.lines(node) if self.worker.work == "all" and node != self.last else ()
            link = link._replace(
                corners=(corner._replace(frame=frame, captions=captions, ones=True, work=(*corner.work, *sums)),)
            )
            self.spines[-1][-1] = link
            return True
        return False

    def _is_row_sum(self, step: Step) -> bool:
        """Whether a step is the last block itself (one column), or its sum along the rows."""
        here, last = self.trace.nodes[step.node], self.last
        if step.node == last:
            return bool(self.trace.value(step.node).shape[1] == 1)
        summed = look(self.trace, step.node) == "reduction" and here.inputs[:1] == (last,)
        return summed and here.options.get("axis") == 1

    # --- pieces ---

    def _append(self, link: Link, node: int) -> None:
        if not self.spines:
            self.spines.append([])
        self.spines[-1].append(link)
        self.printed.add(node)
        self.last, self.factor = node, None

    def _grid(
        self, node: int, role: str | None = None, *, name: str | None = None, marks: dict[At, str] | None = None
    ) -> Grid:
        source = roles.source(self.trace, node)
        blank = self.blanks.get(source, frozenset())
        if source != node and blank and blank != ALL_CELLS:
            blank = frozenset((*at[:-2], at[-1], at[-2]) for at in blank)
        return self.writer.grid(node, role or self._role(node), name=name, marks=marks, blank=blank)

    def _role(self, node: int) -> str:
        return self.roles.get(roles.source(self.trace, node), doc.GIVEN)


def _without_repeated_tops(links: list[Link]) -> tuple[Link, ...]:
    """The links with what stands over their columns said once, not over every block under each other."""
    out: list[Link] = []
    above: tuple[str, ...] = ()
    for link in links:
        tops = link.out.tops
        out.append(link._replace(out=link.out._replace(tops=())) if tops == above else link)
        above = tops
    return tuple(out)


def trace_inputs(trace: Trace, node: int) -> tuple[int, ...]:
    """What a node was computed from, the last argument first (the factor that a spine hangs on)."""
    here = trace.nodes[node]
    if here.by_hand and here.out is not None:
        return (*reversed(here.inputs), here.out)
    return tuple(reversed(here.inputs))


def scalar_refs(trace: Trace, node: int) -> bool:
    """Whether any number at all goes into the first cell of a value (a count uses shapes only)."""
    tree: Tree = trace.explain(node, (0,) * trace.value(node).ndim)
    return any(True for _ in scalar.refs(tree))


__all__ = ["Builder"]
