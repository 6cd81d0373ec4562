"""The worked lines of a result. Knows no page: a line says which row it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from nnsteps import document as doc
from nnsteps import scalar
from nnsteps.document import Work
from nnsteps.notation import caption
from nnsteps.ops import Array, Op
from nnsteps.scalar import Ref, Tree
from nnsteps.trace import Trace, told_once
from nnsteps.working import Blanks, Writer, core, look, places_of, with_hand

At = tuple[int, ...]
MOST_WINDOWS = 6  # cells of a map that are worked out


@dataclass(frozen=True, slots=True)
class Worker:
    """Writes worked lines: `work` is none, lines (one for each row) or all (one for each cell)."""

    trace: Trace
    writer: Writer
    exact: Trace | None
    work: str
    blanks: Blanks
    printed: set[int]  # what stands on the page, named or not
    worked_out: set[int] = field(default_factory=set)  # the inner steps of compounds whose numbers stand in lines

    def lines(self, node: int) -> tuple[Work, ...]:
        """The worked lines of a result: one a row, of the first column that is not all 0 (or of every column)."""
        trace = self.trace
        if self.work == "none" or self.blanks or node in trace.columns:
            return ()
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
        if look(trace, middle) == "window" and self.work == "lines":  # a map is read cell by cell, not by columns
            places = places_of(value)[:MOST_WINDOWS]
        trees = [self._tree(middle, at) for at in places]
        if not any(isinstance(tree, scalar.Fn) for tree in trees):
            return ()  # nothing is computed: copies and counts
        values = [self.writer.number(Ref(middle, at)) for at in places]
        sums = self.writer.sums([(tree, x, middle) for tree, x in zip(trees, values, strict=True)])
        return tuple(
            Work(
                self._drawn_row(value.shape, at),
                (self._finish_sum(line, node, middle, at),),
                where=self._where(value.shape, at, rows, named=look(trace, middle) == "window"),
                cell=self.writer.name(node) + self.writer.place(at, value.shape),
            )
            for line, at in zip(sums, places, strict=True)
        )

    def turns(self, nodes: Sequence[int]) -> doc.Turns | None:
        """The arithmetic of strips: a column of lines for each of their rows."""
        trace, columns = self.trace, []
        if self.work == "none" or self.blanks:
            return None
        for node in nodes:
            op = trace.nodes[node].op
            plain = op is not None and op.look.gate and trace.nodes[node].inputs[0] in trace.keys
            if op is None or plain:
                continue  # what a gate does to a strip on the page can be seen
            shape = trace.value(node).shape
            for row in [i for i in self.writer.rows(shape[0]) if i is not None]:
                sums = self._turns_of(node, row)
                if sums:
                    name = self.writer.name(node)
                    columns.append((name if shape[0] == 1 else f"{name}, row {row + 1}", sums))
        return doc.Turns(trace.over_columns(nodes[0]), tuple(columns)) if columns else None

    def _turns_of(self, node: int, row: int) -> tuple[doc.Sum, ...]:
        trace = self.trace
        middle = core(trace, node)
        places = [(row, j) for j in range(trace.value(node).shape[1])]
        trees = [self._tree(middle, at) for at in places]
        if not any(isinstance(tree, scalar.Fn) for tree in trees):
            return ()
        values = [self.writer.number(Ref(middle, at)) for at in places]
        sums = self.writer.sums([(tree, x, middle) for tree, x in zip(trees, values, strict=True)])
        return tuple([self._finish_sum(line, node, middle, at) for line, at in zip(sums, places, strict=True)])

    def _tree(self, node: int, at: At) -> Tree:
        """The arithmetic of a cell over what stands on the page; mostly that is what has a name."""
        source = self.trace.origin(Ref(node, at)).node
        behind = _unnamed_behind(self.trace, source)
        is_named = self.printed.isdisjoint(behind) and self.worked_out.isdisjoint(behind)
        return self.trace.explain(node, at, None if is_named else self._stands_on_page)

    def _stands_on_page(self, node: int) -> bool:
        return node in self.trace.keys or node in self.printed or node in self.worked_out

    def _lines_for(self, value: Array) -> tuple[list[int], list[int]]:
        flat = value.reshape(-1, value.shape[-1])
        rows = [i for i in self.writer.rows(flat.shape[0]) if i is not None]
        if self.work == "all":
            return rows, list(range(min(flat.shape[1], 40)))
        alive = np.flatnonzero(np.any(flat != 0, axis=0))
        return rows, [int(alive[0]) if alive.size else 0]

    def _at(self, shape: At, row: int, column: int) -> At:
        lead = np.unravel_index(row, shape[:-1])
        return (*(int(k) for k in lead), column)

    def _drawn_row(self, shape: At, at: At) -> int:
        row = int(np.ravel_multi_index(at[:-1], shape[:-1]))
        return self.writer.rows(int(np.prod(shape[:-1]))).index(row)

    def _where(self, shape: At, at: At, rows: list[int], *, named: bool = False) -> str:
        if named:
            return self.writer.place(at, shape)
        first = self._at(shape, rows[0], at[-1]) == at
        return f"column {at[-1] + 1}" if shape[-1] > 1 and first else ""

    def _finish_sum(self, line: doc.Sum, node: int, middle: int, at: At) -> doc.Sum:
        """What a person writes down, behind what the arithmetic gives; or the exact value, where it is another one."""
        trace, here = self.trace, self.trace.nodes[node]
        if not here.by_hand:
            return line
        if here.out != middle and middle != node:
            return with_hand(line, self.writer.text(node, self.writer.number(Ref(node, at))))
        name = trace.keys.get(node)
        if self.exact is None or name is None or name not in self.exact.names:
            return line
        exact = self.exact[name]
        style = self.writer.style_of([exact])
        return line._replace(aside=f"exact {style.write(float(exact[at]))}")

    def _inner(self, node: int) -> list[tuple[str, int]]:
        """The inner steps to show for a compound: each as large as the result, or one number for a column or a row."""
        here = self.trace.nodes[core(self.trace, node)]
        shape = here.value.shape
        if len(here.inner) < 2 or shape == (1, 1) or len(shape) != 2:
            return []
        found = [line for one in here.inner for line in self._lines_of(one, shape)]
        fitting = (shape, (1, shape[1]), (shape[0], 1))
        return found if all(self.trace.value(inner).shape in fitting for _, inner in found) else []

    def _lines_of(self, line: tuple[str, int], shape: At) -> list[tuple[str, int]]:
        """A line of a compound; where it is one of its own, as large as the result, its lines come before it."""
        here = self.trace.nodes[line[1]]
        return [*here.inner[:-1], line] if here.value.shape == shape else [line]

    def _lines_inside(self, node: int) -> Iterator[int]:
        """The lines of what a line of a compound is made of, but for what they give."""
        for _, line in self.trace.nodes[node].inner[:-1]:
            yield line
            yield from self._lines_inside(line)

    def _inner_work(
        self, node: int, inner: list[tuple[str, int]], rows: list[int], columns: list[int]
    ) -> tuple[Work, ...]:
        """A line for each row with the inner steps side by side, and a line for each sum below them."""
        trace, shape = self.trace, self.trace.value(node).shape
        members = {i for _, i in inner} | {i for _, line in inner for i in self._lines_inside(line)}
        self.writer.share_style([i for _, i in inner[:-1]])
        across = [i for _, i in inner if trace.value(i).shape[0] == shape[0]]
        down = [i for _, i in inner if i not in across]
        self.worked_out.update(members - {core(trace, node)})

        def halt(i: int) -> bool:
            return i in members or self._stands_on_page(i)

        out: list[Work] = []
        for j in columns:
            lines = []
            for i in across:
                number, column = self.writer.number, min(j, trace.value(i).shape[1] - 1)
                places = [(row, column) for row in rows]
                lines.append(self.writer.sums([(trace.explain(i, at, halt), number(Ref(i, at)), i) for at in places]))
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
                sign = self._sign(i)
                text = self.writer.text(i, float(trace.value(i)[0, j]))
                out.append(Work(None, (doc.Sum((doc.Term("+", sign),), "=", text),), cell=sign))
        return tuple(out)

    def _sign(self, node: int) -> str:
        """What stands before the one number of a column: Σ, mean, or its formula."""
        op = self.trace.nodes[node].op
        assert op is not None
        if isinstance(op, Op) and op.look.kind != "reduction":
            return caption(self.trace.said(node), ascii=self.writer.ascii)
        sign = op.look.sign or op.name
        return "sum" if self.writer.ascii and sign == "Σ" else sign

    def crossed_out(self, source: int) -> tuple[Work, ...]:
        """Which numbers of a block a gate crosses out, in words, beside the first of them."""
        above = self.trace.value(source)
        if self.work == "none" or self.blanks or source in self.trace.columns:
            return ()
        negative = [at for at in places_of(above) if above[at] < 0]
        if not negative:
            return ()
        texts = list(dict.fromkeys(self.writer.text(source, float(above[at])) for at in negative))
        listed = ", ".join(texts[:6]) + (", …" if len(texts) > 6 and not self.writer.ascii else "")
        words = f"{listed} {'is' if len(texts) == 1 else 'are'} negative: crossed out, 0"
        row = self._drawn_row(above.shape, negative[0]) if negative[0][0] in self.writer.rows(above.shape[0]) else 0
        return (Work(row, words=words),)


@told_once
def _unnamed_behind(trace: Trace, node: int) -> frozenset[int]:
    """The values without a name that a value is computed through."""
    found, todo = set[int](), [node]
    while todo:
        here = trace.nodes[todo.pop()]
        nearer = [here.out] if here.out is not None else here.inputs
        new = [i for i in nearer if i not in trace.keys and i not in found]
        found.update(new)
        todo.extend(new)
    return frozenset(found)
