"""Steps to spines: which result hangs under which, what stands left and right of it. Knows no width and no format.

Theory of operation. Steps are taken in order. A product whose right factor is the block printed last hangs under it; so
does an elementwise step of that block. A product whose *left* factor is the block printed last becomes a corner to its
right (the gradient of a weight). Two blocks with a sign between them stand left of their result. Any other step starts
a new spine, by printing what it needs. What a step looks like is told from its operation's record, never from a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from nnsteps import document as doc
from nnsteps import roles, scalar
from nnsteps.document import Caption, Corner, Frame, Grid, Link, Part, Sign, Spine, Work
from nnsteps.notation import caption, pretty
from nnsteps.ops import Array, Op
from nnsteps.scalar import Tree
from nnsteps.trace import BACKWARD, Step, Trace
from nnsteps.working import MOST_ROWS, Writer, core, is_product, look, shown, with_hand

At = tuple[int, ...]
MOST_WORDS = 36  # letters of a gloss
MOST_SAID = 12  # numbers that are said in words instead of drawn
SIGNS = {"add": "+", "sub": "−", "mul": "·", "div": "÷"}


@dataclass
class Builder:
    """Goes through the steps of a section and hangs them up."""

    trace: Trace
    writer: Writer
    learnable: set[int]
    exact: Trace | None = None
    work: str = "lines"
    blanks: frozenset[int] = frozenset()
    roles: dict[int, str] = field(default_factory=dict)
    printed: set[int] = field(default_factory=set)
    glossed: set[str] = field(default_factory=set)
    frames: list[tuple[int, ...]] = field(default_factory=list)  # which nodes stand in one frame, in order
    spines: list[list[Link]] = field(default_factory=list)
    last: int | None = None
    heading: str = ""
    backward: bool = False

    # --- steps ---

    def add(self, step: Step) -> None:
        """Hang up one step."""
        self.backward = step.kind == BACKWARD
        heading = self.writer.words(step.heading[-1]) if step.heading else ""
        fresh = heading if heading != self.heading else ""
        self.heading = heading
        before = sum(map(len, self.spines))
        if not (step.kind == BACKWARD and self._as_corner(step)):
            self._result(step.node, step)
        if fresh:
            self._set_heading(before, fresh, step.words)

    def start_again(self) -> None:
        """The next step begins a new spine."""
        self.last = None

    def done(self) -> tuple[Spine, ...]:
        """The spines of the section."""
        return tuple(Spine(tuple(links)) for links in self.spines)

    def _set_heading(self, before: int, heading: str, words: str) -> None:
        """The heading stands on the first result that came after `before` others."""
        new = [(links, place) for links in self.spines for place in range(len(links))][before:]
        links, place = next(((ls, k) for ls, k in new if ls[k].kind != "start"), new[0])
        links[place] = replace(links[place], heading=heading, heading_words=words)

    # --- one result ---

    def _result(self, node: int, step: Step | None) -> None:
        """Hang up a value: by the picture that its arithmetic asks for."""
        trace = self.trace
        here = trace.nodes[node]
        if self._is_picture_of_products(node):
            self._product(node, step)
            return
        names = [i for i in here.inputs if i not in trace.literals]
        for i in names:
            if i not in trace.keys and self._is_picture_of_products(i):
                self._result(i, None)
        if here.op is not None and look(trace, node) == "gate" and self._gate(node, step):
            return
        if self._equation(node, step):
            return
        self._under(node, step)

    def _parts(self, node: int) -> tuple[list[int], list[int]]:
        """The products of a sum, and its other parts."""
        parts = roles.summands(self.trace, node)
        products = [part for part in parts if is_product(self.trace, part)]
        return products, [part for part in parts if part not in products]

    def _is_picture_of_products(self, node: int) -> bool:
        if self.trace.value(node).ndim != 2:
            return False
        products, others = self._parts(node)
        if node in products:
            return True
        rows = self.trace.value(node).shape[0]
        return bool(products) and len(others) <= 1 and all(self.trace.value(o).shape == (rows, 1) for o in others)

    def _product(self, node: int, step: Step | None) -> None:
        products, others = self._parts(node) if not self.trace.nodes[node].by_hand else ([node], [])
        pairs = [self.trace.nodes[part].inputs for part in products]
        stack = [right for _, right in pairs]
        if stack != [self.last]:
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
                self._caption(node, step),
                left=(Frame(tuple(parts), "learnable" if learnable else "plain"),),
                ones=bool(others),
                work=self._work(node),
                notes=self._notes(step),
                arithmetic=True,
            ),
            node,
        )

    def _left(self, node: int) -> Grid:
        role = doc.WEIGHT if roles.source(self.trace, node) in self.learnable else self._role(node)
        return self._grid(node, role)

    def _start(self, nodes: Iterable[int]) -> None:
        """Begin a new spine with values printed on top of each other."""
        self.spines.append([])
        for node in nodes:
            if node not in self.trace.keys and look(self.trace, node) not in ("", "shaping"):
                self._result(node, None)
                continue
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
        closed = {at: doc.CROSSED for at in _places(passes) if not passes[at]}
        left: list[Part] = [self._grid(tested, doc.PASSING, marks=closed)]
        if passes.shape[1] == 1:
            if node in self.blanks:
                words = [f"{yes} {limit} ?" for _ in passes]
            else:
                words = [f"{yes} {limit}  pass" if row[0] else f"{no} {limit}  stop" for row in passes]
            left.append(doc.Words(tuple(words[i] if i is not None else "" for i in _drawn_rows(passes.shape[0]))))
        self._cross_out(closed)
        notes = self._notes(step)
        if passes.shape[1] > 1 and node not in self.blanks:
            notes = (*notes, f"where {self.writer.name(tested)} {no} {limit}, the gradient stops")
        link = Link(
            "under", self._grid(node, marks=dict.fromkeys(closed, doc.ZEROED)), self._caption(node, step),
            left=tuple(left), work=self._work(node), notes=notes, above=True,
        )  # fmt: skip
        self._append(link, node)
        return True

    def _cross_out(self, marks: dict[At, str]) -> None:
        """Cross out, in the block above, what a gate stops."""
        above = self.spines[-1][-1]
        cells = tuple(
            row if row is None else tuple(replace(c, mark=marks.get((i, j), c.mark)) for j, c in enumerate(row))
            for i, row in zip(_drawn_rows(above.out.shape[0]), above.out.cells, strict=True)
        )
        if None not in cells and all(c.mark != doc.BLANK for row in cells if row for c in row):
            self.spines[-1][-1] = replace(above, out=replace(above.out, cells=cells))

    def _equation(self, node: int, step: Step | None) -> bool:
        """Two blocks and a sign, left of their result: y − target =."""
        trace = self.trace
        here = trace.nodes[core(trace, node)]
        if here.op is None or here.op.name not in SIGNS or not isinstance(here.op, Op) or here.by_hand:
            return False
        values = [trace.value(i) for i in here.inputs]
        shape = trace.value(node).shape
        if any(
            i in trace.literals or v.shape != shape or v.ndim != 2 or v.shape[1] > 3
            for i, v in zip(here.inputs, values, strict=True)
        ):
            return False
        if any(i not in trace.keys for i in here.inputs) or shape == (1, 1):
            return False
        sign = SIGNS[here.op.name] if not self.writer.ascii else here.op.infix
        first, second = here.inputs
        left: tuple[Part, ...] = (self._grid(first), Sign(sign), self._grid(second), Sign("="))
        hanging = self.last in here.inputs and self.spines
        if not hanging:
            self.spines.append([])
        self.printed.update(here.inputs)
        self._append(
            Link(
                "under", self._grid(node), self._caption(node, step), left=left, work=self._work(node),
                notes=self._notes(step), above=True,
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
            if i not in self.printed and i in trace.given.values() and not self._fits_in_frame(i, node)
        ]
        above = self.spines[-1][-1].out if self.spines else None
        large = [i for i in new if trace.value(i).size > MOST_SAID and not (above and self._same_size(i, above))]
        if self.last not in sources or not self.spines or large:
            self._begin_with(sources, node)
        if self._gates(node) and self.last is not None:
            closed = {at: doc.CROSSED for at in _places(trace.value(node)) if trace.value(self.last)[at] < 0}
            self._cross_out(closed)
            out = self._grid(node, marks=dict.fromkeys(closed, doc.ZEROED))
            work = self._crossed_out(node) if node not in self.blanks else ()
        elif look(trace, node) == "gate":
            out, work = self._grid(node), ()  # its caption says where it lets numbers pass
        else:
            out, work = self._grid(node), self._work(node)
        framed = [i for i in sources if i not in self.printed and self._fits_in_frame(i, node)]
        left = (Frame(tuple(self._grid(i) for i in sorted(framed)), "learnable"),) if framed else ()
        self.printed.update(framed)
        self.frames += [tuple(sorted(framed))] if framed else []
        notes = (*self._beside(sources), *self._notes(step))
        self._append(
            Link("under", out, self._caption(node, step), left=left, work=work, notes=notes, arithmetic=True), node
        )

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
        """Givens that are not on the page yet: one of the block's height stands next to it, others are said in words."""
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
                links[-1] = replace(above, beside=self._grid(i, doc.GIVEN))
            else:
                words.append(f"{self.writer.name(i)} = {self.writer.vector(i)}")
            self.printed.add(i)
        return tuple(words)

    def _same_size(self, node: int, grid: Grid) -> bool:
        return self.trace.value(node).shape == grid.shape

    # --- corners to the right ---

    def _as_corner(self, step: Step) -> bool:
        """A gradient that is a product with the spine's last block on its left, or that block itself (or its sum)."""
        trace = self.trace
        if not self.spines or not self.spines[-1] or self.last is None:
            return False
        link = self.spines[-1][-1]
        node, here = step.node, trace.nodes[step.node]
        if is_product(trace, node) and here.inputs[0] == self.last and not link.corners:
            top = here.inputs[1]
            frame = Frame((self._grid(node, doc.GRADIENT, name=self._own_name(step)),), "gradient")
            corner = Corner((self._plain_caption(step),), self._grid(top), False, frame, self._work(node))
            if link.arithmetic:
                link = Link("start", self._grid(self.last), above=True)
                self.spines[-1].append(link)
            self.spines[-1][-1] = replace(link, corners=(corner,))
            return True
        if link.corners and not link.corners[0].ones and self._is_row_sum(step):
            corner = link.corners[0]
            part = self._grid(node, doc.BIAS, name=self._own_name(step))
            if part.shape[0] != corner.frame.parts[0].shape[0]:
                return False
            frame = replace(corner.frame, parts=(*corner.frame.parts, part))
            captions = (*corner.captions, self._plain_caption(step))
            link = replace(link, corners=(replace(corner, frame=frame, captions=captions, ones=True),))
            self.spines[-1][-1] = link
            return True
        return False

    def _is_row_sum(self, step: Step) -> bool:
        """Whether a step is the last block itself (one column), or its sum along the rows."""
        here, last = self.trace.nodes[step.node], self.last
        if step.node == last:
            return self.trace.value(step.node).shape[1] == 1
        return (
            look(self.trace, step.node) == "reduction" and here.inputs[:1] == (last,) and here.options.get("axis") == 1
        )

    def _own_name(self, step: Step) -> str:
        return pretty(step.key, ascii=self.writer.ascii)

    # --- pieces ---

    def _append(self, link: Link, node: int) -> None:
        if not self.spines:
            self.spines.append([])
        self.spines[-1].append(link)
        self.printed.add(node)
        self.last = node

    def _grid(
        self, node: int, role: str | None = None, *, name: str | None = None, marks: dict[At, str] | None = None
    ) -> Grid:
        blank = roles.source(self.trace, node) in self.blanks
        return self.writer.grid(node, role or self._role(node), name=name, marks=marks, blank=blank)

    def _role(self, node: int) -> str:
        return self.roles.get(roles.source(self.trace, node), doc.GIVEN)

    def _caption(self, node: int, step: Step | None) -> Caption:
        if step is None:
            return Caption("", caption(self.trace.said(node, top=True), ascii=self.writer.ascii), self._gloss(node))
        plain = self._plain_caption(step)
        gloss = step.words or self._gloss(node)
        if step.kind == BACKWARD and not step.words:
            gloss = self._said_once("back", "back through the weights") if is_product(self.trace, node) else ""
        note = self.writer.words(step.note or "")
        gloss = self.writer.words(gloss)
        return replace(plain, gloss=note if note and len(note) <= MOST_WORDS else gloss)

    def _plain_caption(self, step: Step) -> Caption:
        ascii, name = self.writer.ascii, self._own_name(step)
        formula = caption(step.formula, ascii=ascii)
        if step.by_hand is None:
            return Caption(str(step.index), f"{name} = {formula}")
        about = "~" if ascii else "≈"
        here = self.trace.nodes[self.trace.nodes[step.node].out or step.node]
        if look(self.trace, here.id) == "rounding" and self.trace.said(here.inputs[0]) == step.formula:
            digits = int(here.options.get("digits", 0))
            words = {0: "to whole numbers", 1: "to one decimal", 2: "to two decimals"}.get(
                digits, f"to {digits} decimals"
            )
            return Caption(str(step.index), f"{name} = {formula}", by_hand=f"{about} {words}")
        by_hand = caption(step.by_hand, ascii=ascii)
        return Caption(str(step.index), f"{name} = {by_hand}", by_hand=f"{about} for {formula}")

    def _gloss(self, node: int) -> str:
        op = self.trace.nodes[node].op
        if op is None:
            return ""
        name, gloss = op.name, op.look.gloss
        if self._is_picture_of_products(node):
            name = "product+" if self._parts(node)[1] else "product"
            gloss = "row times column, plus bias" if self._parts(node)[1] else "row times column"
        return self._said_once(name, gloss)

    def _said_once(self, name: str, gloss: str) -> str:
        """A gloss is said at the first step of its kind only."""
        gloss = self.writer.words(gloss)
        if name in self.glossed:
            return ""
        self.glossed.add(name)
        return gloss

    def _notes(self, step: Step | None) -> tuple[str, ...]:
        if step is None:
            return ()
        long = [step.note] if step.note and len(step.note) > MOST_WORDS else []
        words = self.trace.nodes[step.node].words
        about_numbers = ("", "") if self.blanks else (words, step.remark or "")
        return tuple(self.writer.words(text) for text in (*long, *about_numbers) if text)

    # --- worked lines ---

    def _work(self, node: int) -> tuple[Work, ...]:
        """The worked lines of a result: one for each row, of the first column that is not all 0 (or of every column)."""
        if self.work == "none" or node in self.blanks:
            return ()
        trace = self.trace
        value = trace.value(node)
        if node in trace.keys and trace.nodes[node].op is None:
            return ()
        rows, columns = self._lines_for(value)
        inner = self._inner(node)
        if inner:
            return self._inner_work(node, inner, rows, columns)
        middle = core(trace, node)
        if middle != node and middle in trace.literals:
            middle = node
        places = [self._at(value.shape, i, j) for j in columns for i in rows]
        trees = [trace.explain(middle, at) for at in places]
        if not any(isinstance(tree, scalar.Fn) for tree in trees):
            return ()  # nothing is computed: copies and counts
        values = [float(trace.value(middle)[at]) for at in places]
        sums = self.writer.sums([(tree, x, middle) for tree, x in zip(trees, values, strict=True)])
        return tuple(
            Work(
                self._drawn_row(value.shape, at),
                (self._finish_sum(line, node, middle, at),),
                where=self._where(value.shape, at, rows),
                cell=self.writer.name(node) + self.writer.place(at, value.shape),
            )
            for line, at in zip(sums, places, strict=True)
        )

    def _lines_for(self, value: Array) -> tuple[list[int], list[int]]:
        flat = value.reshape(-1, value.shape[-1])
        rows = [i for i in _drawn_rows(flat.shape[0]) if i is not None]
        if self.work == "all":
            return rows, list(range(min(flat.shape[1], 40)))
        alive = np.flatnonzero(np.any(flat != 0, axis=0))
        return rows, [int(alive[0]) if alive.size else 0]

    def _at(self, shape: At, row: int, column: int) -> At:
        lead = np.unravel_index(row, shape[:-1])
        return (*(int(k) for k in lead), column)

    def _drawn_row(self, shape: At, at: At) -> int:
        row = int(np.ravel_multi_index(at[:-1], shape[:-1]))
        return _drawn_rows(int(np.prod(shape[:-1]))).index(row)

    def _where(self, shape: At, at: At, rows: list[int]) -> str:
        first = self._at(shape, rows[0], at[-1]) == at
        return f"column {at[-1] + 1}" if shape[-1] > 1 and first else ""

    def _finish_sum(self, line: doc.Sum, node: int, middle: int, at: At) -> doc.Sum:
        """What a person writes down, behind what the arithmetic gives; or the exact value, where it is another one."""
        trace, here = self.trace, self.trace.nodes[node]
        if not here.by_hand:
            return line
        if here.out != middle and middle != node:
            return with_hand(line, self.writer.text(node, float(trace.value(node)[at])))
        name = trace.keys.get(node)
        if self.exact is None or name is None or name not in self.exact.names:
            return line
        exact = self.exact[name]
        style = self.writer._style_of([exact])
        return replace(line, aside=f"exact {style.write(float(exact[at]))}")

    def _inner(self, node: int) -> list[tuple[str, int]]:
        """The inner steps to show for a compound: each a row for row match of the result, or one number for a column."""
        trace = self.trace
        here = trace.nodes[core(trace, node)]
        shape = here.value.shape
        if len(here.inner) < 2 or shape == (1, 1) or len(shape) != 2:
            return []
        for _, inner in here.inner:
            if trace.value(inner).shape not in (shape, (1, shape[1])):
                return []
        return list(here.inner)

    def _inner_work(
        self, node: int, inner: list[tuple[str, int]], rows: list[int], columns: list[int]
    ) -> tuple[Work, ...]:
        """A line for each row with the inner steps side by side, and a line for each sum below them."""
        trace, shape = self.trace, self.trace.value(node).shape
        members = {i for _, i in inner}
        middle = core(trace, node)
        self.writer.share_style([i for _, i in inner[:-1]])
        across = [i for _, i in inner if trace.value(i).shape == shape]
        down = [i for _, i in inner if trace.value(i).shape != shape]

        def halt(i: int) -> bool:
            return i in trace.keys or i in members

        out: list[Work] = []
        for j in columns:
            lines = []
            for i in across:
                wanted = [(trace.explain(i, (row, j), halt), float(trace.value(i)[row, j]), i) for row in rows]
                lines.append(self.writer.sums([w if w[2] != middle else (w[0], w[1], middle) for w in wanted]))
            for place, row in enumerate(rows):
                sums = [column[place] for column in lines]
                if trace.nodes[node].by_hand:
                    sums[-1] = with_hand(sums[-1], self.writer.text(node, float(trace.value(node)[row, j])))
                cell = self.writer.name(node) + self.writer.place((row, j), shape)
                out.append(
                    Work(
                        self._drawn_row(shape, (row, j)),
                        tuple(sums),
                        where=self._where(shape, (row, j), rows),
                        cell=cell,
                    )
                )
            for i in down:
                op = trace.nodes[i].op
                sign = (op.look.sign or op.name) if op is not None else ""
                sign = "sum" if self.writer.ascii and sign == "Σ" else sign
                text = self.writer.text(i, float(trace.value(i)[0, j]))
                out.append(Work(None, (doc.Sum((doc.Term("+", sign),), "=", text),), cell=sign))
        return tuple(out)

    def _crossed_out(self, node: int) -> tuple[Work, ...]:
        """Which numbers a gate crosses out, in words, beside the first of them."""
        trace = self.trace
        above = trace.value(self.last if self.last is not None else 0)
        if self.work == "none" or above.ndim != 2:
            return ()
        negative = [at for at in _places(above) if above[at] < 0]
        if not negative:
            return ()
        texts = list(dict.fromkeys(self.writer.text(self.last or 0, float(above[at])) for at in negative))
        listed = ", ".join(texts[:6]) + (", …" if len(texts) > 6 and not self.writer.ascii else "")
        words = f"{listed} {'is' if len(texts) == 1 else 'are'} negative: crossed out, 0"
        row = self._drawn_row(above.shape, negative[0]) if negative[0][0] in _drawn_rows(above.shape[0]) else 0
        return (Work(row, words=words),)


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


def _places(value: Array) -> list[At]:
    return [tuple(int(k) for k in at) for at in np.ndindex(*value.shape)]


def _drawn_rows(count: int) -> list[int | None]:
    return shown(count, MOST_ROWS)


__all__ = ["Builder"]
