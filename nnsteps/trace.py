"""The trace: every array of a solved problem with the operation that made it. Knows no formulas' text and no pages.

Theory of operation. Nodes (nnsteps.records) are only ever appended, so every input has a smaller id, and the trace can
be replayed with some values changed and every recorded choice held. A name may stand for one node after another.

Cells are explained on demand: `cell` gives the arithmetic of one cell over the cells of the node's inputs, `explain`
continues until it meets named values. Only short arithmetic is kept, because a page asks for it more than once, and
traces of the same shape ask for the same.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import numpy as np

from nnsteps import scalar
from nnsteps.compounds import Compound
from nnsteps.errors import UnknownName, nearest
from nnsteps.families import Family
from nnsteps.formula import Expr
from nnsteps.limits import exceeded, many
from nnsteps.ops import NO_OPTIONS, Array, Cells, Op, Options
from nnsteps.records import Aside, Decision, Gradient, Node, Step
from nnsteps.scalar import Const, Fn, Ref, Tree

if TYPE_CHECKING:
    from nnsteps.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")
MOST_KEPT, LONGEST_KEPT = 2_000, 32  # cells whose arithmetic is kept, and its terms
LONGEST_LINE = 3_000  # named cells in the arithmetic of one cell; where there are more, long parts are numbers
Sides = tuple["tuple[str, ...] | None", "tuple[str, ...] | None"]


@dataclass
class Trace:
    """All nodes and steps of one solved problem."""

    problem: Problem
    exact: bool = False
    nodes: list[Node] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    given: dict[str, int] = field(default_factory=dict)
    gradients: list[Gradient] = field(default_factory=list)
    names: dict[str, list[int]] = field(default_factory=dict)  # every node a name has stood for, in order
    keys: dict[int, str] = field(default_factory=dict)  # the first key of each named node
    by_key: dict[str, int] = field(default_factory=dict)  # every key: W1 the first of its name, W1#2 the second
    families: dict[str, Family] = field(default_factory=dict)
    vocabulary: dict[str, int] = field(default_factory=dict)  # every word, with the number that stands for it
    wordy: set[int] = field(default_factory=set)  # the nodes whose numbers stand for words
    masked: set[int] = field(default_factory=set)  # the nodes in which a cell is −∞
    labels: dict[int, Sides] = field(default_factory=dict)  # the words beside the rows and over the columns of a node
    aliases: dict[int, Expr] = field(default_factory=dict)  # how an unnamed node is said
    columns: dict[int, tuple[int, ...]] = field(default_factory=dict)  # the next two: see strips
    carried: dict[int, int] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cells: int = 0  # of all nodes together
    work: int = 0  # multiplications and additions, about
    literals: dict[int, float] = field(default_factory=dict)  # the nodes that are numbers of a formula
    _literals: dict[float, int] = field(default_factory=dict)
    _owners: dict[int, Step] = field(default_factory=dict)  # see owner
    _origins: list[int] = field(default_factory=list)  # see given_of
    gathered: dict[Any, tuple[int, frozenset[Any]]] = field(default_factory=dict)  # see gathered
    _answers: dict[Any, Any] = field(default_factory=dict)  # the next two: see told_once
    _answered_at: tuple[int, int, int] = (0, 0, 0)

    # --- recording ---

    def record(
        self,
        op: Op | Compound | None,
        inputs: tuple[int, ...],
        value: Array,
        options: Options = NO_OPTIONS,
        **more: Any,
    ) -> int:
        """Append a node and give its id. Errors: LimitError where there would be too many, or too many cells."""
        self.cells += value.size
        if self.cells > self.problem.limits["cells"] or len(self.nodes) >= self.problem.limits["operations"]:
            self._refuse_more()
        node = Node(len(self.nodes), op, inputs, options, value, **more)
        self.nodes.append(node)
        return node.id

    def allow(self, cells: int, work: int) -> None:
        """Count what an operation is about to do. Errors: LimitError where it would be too much."""
        limits = self.problem.limits
        self.work += work
        if self.cells + cells > limits["cells"]:
            message = f"this would make {many(self.cells + cells)} numbers; {limits['cells']:,} are allowed"
            raise exceeded("cells", limits, message, 2 * (self.cells + cells))  # something will be made of them
        if self.work > limits["work"]:
            message = f"this would take {many(self.work)} multiplications; {limits['work']:,} are allowed"
            raise exceeded("work", limits, message, self.work)

    def _refuse_more(self) -> NoReturn:
        limits = self.problem.limits
        if self.cells > limits["cells"]:
            raise exceeded("cells", limits, f"more than {limits['cells']:,} numbers are computed", self.cells)
        raise exceeded("operations", limits, f"more than {limits['operations']:,} operations are needed")

    def add_step(self, step: Step) -> None:
        """Append a step. Errors: LimitError where there would be too many."""
        limits = self.problem.limits
        if len(self.steps) >= limits["steps"]:
            raise exceeded("steps", limits, f"more than {limits['steps']:,} steps are taken")
        self.steps.append(step)
        for node in range(step.first, step.node + 1):
            other = self._owners.get(node)
            if other is None or (other.first, other.node) <= (step.first, step.node):
                self._owners[node] = step

    def literal(self, value: float) -> int:
        """The node of a number that stands in a formula (one for each value)."""
        if value not in self._literals:
            node = self._literals[value] = self.record(None, (), np.array([[float(value)]]))
            self.literals[node] = value
        return self._literals[value]

    def word(self, text: str) -> int:
        """The node of a word that stands in a formula."""
        return self.words_node((text,))

    def words_node(self, texts: tuple[str, ...]) -> int:
        """A new node for a list of words: a column of the numbers that stand for them."""
        numbers = [float(self.vocabulary.setdefault(text, len(self.vocabulary) + 1)) for text in texts]
        node = self.record(None, (), np.array(numbers).reshape(-1, 1))
        self.wordy.add(node)
        return node

    def decide(self, by: int, chosen: tuple[float | str, ...], kind: str, **more: Any) -> None:
        """Record a choice that the value of a node made."""
        step, margin = len(self.steps) + 1, self._margin(by)
        self.decisions.append(Decision(by, chosen, kind, step, margin=margin, **more))

    def _margin(self, node: int) -> float:
        """How far a choice is from another one: that of its operation, or the smallest of what it was made of."""
        here = self.nodes[node]
        if not isinstance(here.op, Op):
            return math.inf
        if here.op.margin is not None:
            return float(np.min(here.op.margin(*(self.value(i) for i in here.inputs), **here.options)))
        nearer = [*here.inputs, *([here.out] if here.out is not None else [])]
        return min(
            (self._margin(i) for i in nearer if i not in self.keys or here.op.look.kind == "shaping"), default=math.inf
        )

    def is_plain(self, node: int) -> bool:
        """Whether a value depends on nothing given: on numbers and words of formulas only."""
        literals, keys = self.literals, self.keys
        return all(i in literals or (i in self.wordy and i not in keys) for i in self._sources(node))

    def _sources(self, node: int) -> Iterator[int]:
        """The given values and numbers of formulas that a node depends on; of a count nothing but shapes matters."""
        todo, seen = [node], {node}
        while todo:
            here = self.nodes[todo.pop()]
            if here.op is None:
                yield here.id
            nearer = [] if here.op is not None and here.op.name == "size" else [*here.inputs]
            for i in [*nearer, *([here.out] if here.out is not None else [])]:
                if i not in seen:
                    seen.add(i)
                    todo.append(i)

    def texts(self, node: int) -> tuple[str, ...]:
        """The words of a node, in reading order."""
        known = list(self.vocabulary)
        return tuple([known[int(number) - 1] for number in self.value(node).flat])

    def bind(self, name: str, node: int) -> str:
        """Let a name stand for a node from now on; gives the unique key."""
        versions = self.names.setdefault(name, [])
        versions.append(node)
        key = name if len(versions) == 1 else f"{name}#{len(versions)}"
        self.keys.setdefault(node, key)
        self.by_key[key] = node
        return key

    def answers(self) -> dict[Any, Any]:
        """What was told of the trace as it is now; nothing as soon as something is recorded."""
        now = (len(self.nodes), len(self.steps), len(self.gradients))
        if now != self._answered_at:
            self._answers, self._answered_at = {}, now
        return self._answers

    # --- reading ---

    def value(self, node: int) -> Array:
        """The array of a node."""
        return self.nodes[node].value

    def __getitem__(self, name: str) -> Array:
        """The last value under a name ("z1", "dL/dW1"), or an earlier one by its key ("W1#2")."""
        return self.value(self.node(name))

    def node(self, name: str) -> int:
        """The node that a name (or key) stands for. Errors: UnknownName with the nearest name."""
        if name in self.names:
            return self.names[name][-1]
        if name in self.by_key:
            return self.by_key[name]
        near = nearest(name, self.names)
        raise UnknownName(f"there is no value called {name}", hint=f"Did you mean {near}?" if near else None)

    def step_of(self, node: int) -> Step | None:
        """The step whose result this node is."""
        return next((step for step in self.steps if step.node == node), None)

    def owner(self, node: int) -> Step | None:
        """The step that a node was recorded for: of several around it the innermost."""
        return self._owners.get(node)

    def ancestors(self, *nodes: int) -> set[int]:
        """The nodes that some nodes were computed from, themselves included."""
        seen: set[int] = set()
        todo = list(nodes)
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                todo.extend(self.nodes[current].before)
        return seen

    def above(self, node: int) -> Above:
        """The same of one node, where only a few others are looked for."""
        return Above(self.nodes, node)

    def given_of(self, node: int) -> int:
        """The given values that a node was computed from, as bits in their order; 0: from numbers of formulas only.

        Words of a formula are one more bit. What a node was computed from never changes, so each is asked once.
        """
        origins = self._origins
        if len(origins) <= node:
            bits = {given: 1 << place for place, given in enumerate(self.given.values(), 1)}
            for here in self.nodes[len(origins) : node + 1]:
                own = 0 if here.op is not None or here.id in self.literals else bits.get(here.id, 1)
                for i in here.before:
                    own |= origins[i]
                origins.append(own)
        return origins[node]

    # --- explaining ---

    def cell(self, node: int, at: tuple[int, ...]) -> Tree | None:
        """The arithmetic of one cell over the node's inputs; None for a given number."""
        here = self.nodes[node]
        if here.out is not None:
            return Ref(here.out, at)
        if here.op is None:
            return None
        return self._arithmetic(here)(at)

    def _arithmetic(self, here: Node) -> Callable[[tuple[int, ...]], Tree]:
        """What gives the arithmetic of a node's cells."""
        assert isinstance(here.op, Op)
        args = [Cells(i, self.nodes[i].value.shape) for i in here.inputs]
        cell, options = here.op.cell, dict(here.options)
        return lambda at: cell(at, *args, **options)

    def explain(
        self,
        node: int,
        at: tuple[int, ...],
        stop: Callable[[int], bool] | None = None,
        instead: Mapping[int, Callable[[tuple[int, ...]], Tree]] | None = None,
    ) -> Tree:
        """The arithmetic of one cell over named values (or until `stop`); numbers of formulas become constants.

        Where that would be very long, its long parts stay references, each to a value without a name.
        instead: for some nodes another way to say their cells.
        """
        if stop is None and instead is None:
            return self._explained(node, at)
        return self._explain(node, at, stop or self.keys.__contains__, instead)

    def _explained(self, node: int, at: tuple[int, ...]) -> Tree:
        known = self.answers().setdefault("explained", {})
        if (node, at) in known:
            return known[node, at]  # type: ignore[no-any-return]
        tree = self._explain(node, at, self.keys.__contains__, None)
        if len(known) < MOST_KEPT and not (isinstance(tree, Fn) and len(tree.args) > LONGEST_KEPT):
            known[node, at] = tree
        return tree

    def _explain(
        self,
        node: int,
        at: tuple[int, ...],
        halt: Callable[[int], bool],
        instead: Mapping[int, Callable[[tuple[int, ...]], Tree]] | None,
    ) -> Tree:
        literals, most = self.literals, self._most_in_a_part(node)
        known: dict[int, Callable[[tuple[int, ...]], Tree] | None] = {}  # for each node that is met: how to go on

        def expand(ref: Ref) -> Tree | None:
            if ref.node not in known:
                other = instead.get(ref.node) if instead else None
                stops = ref.node != node and (halt(ref.node) or self.line_size(ref.node) > most)
                known[ref.node] = other if other and not stops else self._next(ref.node, literals, stops)
            on = known[ref.node]
            return None if on is None else on(ref.at)

        return scalar.inline(Ref(node, at), expand)

    def _most_in_a_part(self, node: int) -> float:
        """How long the parts of a node's arithmetic may be, so that all of it is no longer than LONGEST_LINE."""
        while (behind := self.nodes[node].out) is not None:
            node = behind
        if self.line_size(node) <= LONGEST_LINE:
            return math.inf
        return max(1.0, LONGEST_LINE / sum(1 for _ in self._parts(node)))

    def line_size(self, node: int) -> int:
        """How many named cells the arithmetic of a node's first cell has. Builds no line to find out."""
        known = self.answers().setdefault("line sizes", {})
        if node not in known:
            known[node] = sum(1 if i in self.keys else max(1, self.line_size(i)) for i in self._parts(node))
        return known[node]  # type: ignore[no-any-return]

    def _parts(self, node: int) -> Iterator[int]:
        """The nodes whose cells a node's first cell is made of, each as often as it is met."""
        tree = self.cell(node, (0,) * self.value(node).ndim)
        return (ref.node for ref in scalar.refs(tree)) if tree is not None else iter(())

    def _next(self, node: int, literals: Mapping[int, float], stop: bool) -> Callable[[tuple[int, ...]], Tree] | None:
        here = self.nodes[node]
        if node in literals:
            return lambda at: Const(literals[node])
        if stop or (here.op is None and here.out is None):
            return None
        if here.out is not None:
            return lambda at, out=here.out: Ref(out, at)  # type: ignore[misc]
        return self._arithmetic(here)

    def look_up(self, ref: Ref) -> float:
        """The recorded number behind a reference."""
        return float(self.nodes[ref.node].value[ref.at])

    def origin(self, ref: Ref) -> Ref:
        """The recorded cell behind a drawn one."""
        return ref

    def alike(self, node: int) -> int | None:
        """Another value whose numbers are written like those of this one."""
        return None

    def over_columns(self, node: int) -> tuple[str, ...]:
        """What stands over the columns of a value: words."""
        return self.labels.get(node, (None, None))[1] or ()

    # --- replaying ---

    def replay(self, changes: Mapping[int, Array], until: int | None = None) -> list[Array]:
        """All values again, with some changed and every recorded choice held."""
        values = [node.value for node in self.nodes[: None if until is None else until + 1]]
        changed = dict.fromkeys(changes, True)
        for node_id, value in changes.items():
            if node_id < len(values):
                values[node_id] = value
        start = min(changes, default=0)
        with np.errstate(all="ignore"):
            for node in self.nodes[start : len(values)]:
                if node.id in changes:
                    continue
                if node.out is not None:
                    if node.out in changed:
                        values[node.id] = values[node.out]
                        changed[node.id] = True
                elif node.op is not None and any(i in changed for i in node.inputs):
                    assert isinstance(node.op, Op)
                    values[node.id] = node.op.value(*(values[i] for i in node.inputs), **node.options)
                    changed[node.id] = True
        return values

    # --- the same for programs ---

    def to_json(self) -> dict[str, Any]:
        """The trace as one versioned object, ready for json.dumps (see docs/cli.md)."""
        last = {name: versions[-1] for name, versions in self.names.items()}
        return {
            "version": 1,
            "problem": {"name": self.problem.name, "title": self.problem.title},
            "exact": self.exact,
            "given": {name: self.plain(node) for name, node in self.given.items()},
            "steps": [self._step_json(step) for step in self.steps],
            "values": {name: self.plain(node) for name, node in last.items()},
            "gradients": {gradient.name: as_lists(self.value(gradient.node)) for gradient in self.gradients},
        }

    def _step_json(self, step: Step) -> dict[str, Any]:
        from nnsteps.formula import to_text

        node = self.nodes[step.node]
        words: dict[str, Any] = {
            "index": step.index,
            "name": step.name,
            "formula": re.sub(r"#\d+", "", to_text(step.formula)),
            "kind": step.kind,
            "heading": " / ".join(step.heading) or None,
            "shape": list(node.value.shape),
            "value": self.plain(step.node),
            "note": step.note,
            "inside": [
                {"name": name, "formula": to_text(self.said(inner, top=True)), "shape": list(self.value(inner).shape),
                 "value": as_lists(self.value(inner))}
                for name, inner in self.inside(step)
            ],
        }  # fmt: skip
        if step.by_hand is not None:
            words["by_hand"] = to_text(step.by_hand)
        if step.turns:
            words["turn"] = {turn.name: turn.value for turn in step.turns}
        return words

    def plain(self, node: int) -> Any:
        """A value as JSON has it: nested lists of numbers; a word, or a list of words."""
        if node not in self.wordy:
            return as_lists(self.value(node))
        texts = self.texts(node)
        return texts[0] if self.value(node).size == 1 else list(texts)

    def inside(self, step: Step) -> Iterator[tuple[str, int]]:
        """The inner steps of the compound that made this step's value (of its exact form, if it has one by hand)."""
        node = self.nodes[step.node]
        if step.first > step.node:
            return
        if node.by_hand:
            compounds = [self.nodes[i] for i in sorted(self.ancestors(step.node)) if step.first <= i < step.node]
            node = next((inner for inner in compounds if inner.op is node.op and inner.inner), node)
        yield from node.inner

    def said(self, node: int, *, top: bool = False) -> Expr:
        """A node as a formula over named values; `top` looks through the node's own name."""
        from nnsteps.saying import said

        return said(self, node, top=top)

    def why(self, cell: str) -> str:
        """Where one number comes from, back to the given numbers: trace.why("dL/dW1[2,3]")."""
        from nnsteps.why import why_text

        return why_text(self, cell)

    def _repr_html_(self) -> str:
        from nnsteps.render.notebook import page_html

        return page_html(self)


class Above:
    """The nodes that a node was computed from, itself included; gone back only as far as one is asked for."""

    def __init__(self, nodes: list[Node], node: int) -> None:
        self._nodes, self._found, self._next = nodes, {node}, [-node]

    def __contains__(self, node: int) -> bool:
        while self._next and -self._next[0] > node:
            for i in self._nodes[-heapq.heappop(self._next)].before:
                if i not in self._found:
                    self._found.add(i)
                    heapq.heappush(self._next, -i)
        return node in self._found


def told_once(question: Callable[Concatenate[Trace, P], T]) -> Callable[Concatenate[Trace, P], T]:
    """The same question about a trace, whose answer is kept until something is recorded.

    For what follows from the operations alone: traces that differ in their numbers only share the answers (see plan).
    """

    @wraps(question)
    def asked(trace: Trace, /, *about: P.args, **more: P.kwargs) -> T:
        known, key = trace.answers(), (question, *about)
        if key not in known:
            known[key] = question(trace, *about, **more)
        return known[key]  # type: ignore[no-any-return]

    return asked


def gathered(tell: Callable[[Trace, Node], Iterable[T]]) -> Callable[[Trace], frozenset[T]]:
    """What the nodes of a trace tell, all together; each is asked once, because nodes are only appended.

    For what a node says for good once its step has its name: its operation, its inputs, which of them are given.
    """

    @wraps(tell)
    def asked(trace: Trace) -> frozenset[T]:
        count, found = trace.gathered.get(tell, (0, frozenset()))
        if count < len(trace.nodes):
            found |= {part for node in trace.nodes[count:] for part in tell(trace, node)}
            trace.gathered[tell] = len(trace.nodes), found
        return found

    return asked


def as_lists(value: Array) -> list[Any]:
    """An array as nested lists with whole numbers as integers, as in JSON and YAML."""
    return [as_lists(part) for part in value] if value.ndim > 1 else [_whole(x) for x in value.tolist()]


def _whole(x: float) -> int | float | str:
    if not math.isfinite(x):
        return "-inf"  # of a masked cell; JSON has no number for it
    return int(x) if x == int(x) and abs(x) < 2**53 else x
