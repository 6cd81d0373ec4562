"""The self-check of a problem: every number is found a second time, in another way. Prints nothing.

Theory of operation. Four checks, each independent of the code that made the numbers it looks at:

1. cells: the arithmetic of each cell, one level deep, against the recorded array (by hand and exact);
2. worked lines: the arithmetic of each cell of each step over named values, as a page prints it;
3. gradients, on the exact trace: the array that the name stood for is moved a little, what follows is replayed with
   the recorded choices held, and the central difference is compared with the recorded gradient;
4. the published answers, and the answers that are known to be wrong.

A difference taken across a kink (ReLU at 0) means nothing. Where the numbers stand on one, or close by, the given
values are nudged by a small fixed pattern, everything is replayed, backward steps included, and the comparison is made
there; the report says by which convention the gradient at the kink itself was chosen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nnsteps import differences, precision
from nnsteps.cells import cell_name
from nnsteps.ops import Array
from nnsteps.problem import Problem
from nnsteps.records import Step
from nnsteps.scalar import Tree
from nnsteps.solver import Settings, solve_problem
from nnsteps.trace import Trace
from nnsteps.values import Words

CELL_TOLERANCE = 1e-13  # of the largest number in the arithmetic
TINY = 1e-300
GRADIENT_RELATIVE, GRADIENT_ABSOLUTE = 1e-6, 1e-9
ANSWER_TOLERANCE = 1e-9
MOST_CELLS = 20_000  # more are sampled
MOST_TERMS = 2_000  # in one worked line; longer ones are checked one level deep
MOST_GRADIENT_CELLS = 5_000  # more are compared along random directions
DIRECTIONS = 20
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how often, and what was found wrong.

    gradients counts the cells of the gradients that were asked for; kinks the cells that stand on one.
    """

    name: str
    steps: int = 0
    cells: int = 0
    lines: int = 0
    gradients: int = 0
    kinks: int = 0
    conventions: tuple[str, ...] = ()  # what the gradient at those kinks is taken to be
    answers: int = 0
    wrong_answers: int = 0
    largest_error: float = 0.0
    notes: tuple[str, ...] = ()  # what was checked in another way than usual
    failures: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    def line(self) -> str:
        """One line about the problem, as `nnsteps verify` prints it."""
        parts = [counted(self.steps, "step"), counted(self.cells, "cell"), counted(self.lines, "worked line")]
        if self.gradients:
            parts.append(f"{counted(self.gradients, 'gradient')} by differences")
        if self.kinks:
            parts.append(f"{counted(self.kinks, 'kink')}: {'; '.join(self.conventions)} by convention")
        if self.answers:
            parts.append(counted(self.answers, "published answer"))
        if self.wrong_answers:
            parts.append(f"{counted(self.wrong_answers, 'published answer')} known to be wrong")
        parts.append(f"largest error {self.largest_error:.0e}" if self.largest_error else "no error at all")
        verdict = "ok" if self.ok else f"WRONG ({counted(len(self.failures), 'failure')})"
        return f"{verdict}  {self.name}   {'  '.join([*parts, *self.notes])}"


def check(problem: Problem, shown: Trace | None = None) -> Report:
    """The report on one problem, and on the trace that is shown of it where that was solved with other settings.

    Errors: StepsError if it cannot be solved.
    """
    by_hand = solve_problem(problem, Settings())
    exact = solve_problem(problem, Settings(exact=True, rounding="inside"))
    work = _Work(problem.name)
    cells, lines = work.cells(by_hand, "by hand")
    work.cells(exact, "exact")
    if shown is not None:
        work.cells(shown, "as shown")
    gradients = work.gradients(exact)
    answers, wrong = work.answers(problem, by_hand, exact)
    return Report(
        problem.name, len(by_hand.steps), cells, lines, gradients, work.kinks, tuple(work.conventions), answers, wrong,
        work.largest, tuple(work.notes), tuple(work.failures),
    )  # fmt: skip


class _Work:
    """What has been found so far."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.largest = 0.0
        self.kinks = 0
        self.conventions: list[str] = []
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.left_out = 0

    def fail(self, cell: str, found: object, expected: object, how: str) -> None:
        """Say what is wrong; of very many only the first."""
        sentence = f"{self.problem}: {cell} is {_text(found)}, {how} gives {_text(expected)}"
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(sentence)
        elif len(self.failures) == MOST_FAILURES:
            self.failures.append(f"{self.problem}: and more; only the first {MOST_FAILURES} are listed")

    def note(self, sentence: str) -> None:
        """Say once how something was checked."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def agree(self, found: float, expected: float, scale: float) -> bool:
        """Whether two ways to the same cell agree to the last digits."""
        if found == expected:  # also −∞, of a mask
            return True
        error = abs(found - expected)
        if not error <= CELL_TOLERANCE * scale + TINY:
            return False
        if scale > TINY:
            self.largest = max(self.largest, error / scale)
        return True

    # --- cells and worked lines ---

    def cells(self, trace: Trace, form: str) -> tuple[int, int]:
        """Compare each cell, and each worked line, with its arithmetic; gives how many of both."""
        computed = [node for node in trace.nodes if node.op is not None]
        size = sum(node.value.size for node in computed)
        stride = max(1, math.ceil(size / MOST_CELLS))
        if stride > 1:
            self.note(f"1 cell in {stride} was checked, of {size:,}")
        count = lines = 0
        for node in computed:
            if not np.isfinite(node.value).all() and node.id not in trace.masked:
                self.fail(f"{_name_of(trace, node.id)} ({form})", "not finite", "a number", "every step")
            for at in _places(node.value.shape, stride):
                count += 1
                tree = trace.cell(node.id, at)
                assert tree is not None
                self._cell(trace, node.id, at, tree, f"its arithmetic ({form})")
        for step in trace.steps:
            node = trace.nodes[step.node]
            if trace.line_size(step.node) > MOST_TERMS:
                self.note("very long worked lines were checked one level deep")
                continue
            for at in _places(node.value.shape, stride):
                lines += 1
                self._line(trace, step, at, form)
        return count, lines

    def _cell(self, trace: Trace, node: int, at: tuple[int, ...], tree: Tree, how: str) -> None:
        found = float(trace.value(node)[at])
        expected, scale = precision.measured(tree, trace.look_up)
        if not self.agree(found, expected, max(abs(found), scale)):
            self.fail(cell_name(_name_of(trace, node), at, trace.value(node).shape), found, expected, how)

    def _line(self, trace: Trace, step: Step, at: tuple[int, ...], form: str) -> None:
        tree = trace.explain(step.node, at)
        found = float(trace.value(step.node)[at])
        expected, scale = precision.measured(tree, trace.look_up)
        if not self.agree(found, expected, max(abs(found), scale)):
            name = cell_name(step.key, at, trace.value(step.node).shape)
            self.fail(name, found, expected, f"its worked line ({form})")

    # --- gradients ---

    def gradients(self, trace: Trace) -> int:
        """Compare every gradient with differences; gives how many cells of the gradients asked for."""
        asked = {(gradient.loss, gradient.wrt, gradient.node): gradient.name for gradient in trace.gradients}
        targets = differences.targets(trace)
        if targets:
            values = self._off_the_kinks(trace, sorted({target.loss for target in targets}))
            whole = sum(trace.value(target.wrt).size for target in targets) > MOST_GRADIENT_CELLS
            if whole:
                self.note(f"gradients compared along {DIRECTIONS} random directions each")
            for number, target in enumerate(targets):
                probe = differences.Probe(trace, target.wrt, target.loss, values)
                if whole:
                    self._along_directions(target, probe, values, number)
                else:
                    self._cell_by_cell(target, probe, values)
        return sum(trace.value(node).size for _, _, node in asked)

    def _cell_by_cell(self, target: differences.Target, probe: differences.Probe, values: Sequence[Array]) -> None:
        gradient = values[target.node]
        for at in np.ndindex(*gradient.shape):
            direction = np.zeros(gradient.shape)
            direction[at] = 1.0
            size = abs(float(values[target.wrt][at]))
            if not math.isfinite(size):
                continue  # a masked cell cannot be moved
            goal = float(gradient[at])
            self._compare(cell_name(target.name, at, gradient.shape), goal, abs(goal), probe, direction, size)

    def _along_directions(
        self, target: differences.Target, probe: differences.Probe, values: Sequence[Array], seed: int
    ) -> None:
        gradient, base = values[target.node], values[target.wrt]
        rng = np.random.default_rng(seed)
        for place in range(DIRECTIONS):
            direction = rng.choice([-1.0, 1.0], size=gradient.shape) / math.sqrt(gradient.size)
            direction[~np.isfinite(base)] = 0.0
            products = gradient * direction
            name = f"{target.name} along random direction {place + 1}"
            scale = float(np.abs(products).sum())
            largest = float(np.abs(base[np.isfinite(base)]).max(initial=0.0))
            self._compare(name, float(products.sum()), scale, probe, direction, largest)

    def _compare(
        self, name: str, goal: float, scale: float, probe: differences.Probe, direction: Array, size: float
    ) -> None:
        allowed = GRADIENT_RELATIVE * scale + GRADIENT_ABSOLUTE * max(1.0, abs(probe.loss_value))
        best = math.inf
        for five_points, h in differences.step_sizes(size):
            slope = probe.slope(direction, h, five_points)
            if math.isfinite(slope) and abs(slope - goal) < abs(best - goal):
                best = slope
            if abs(best - goal) <= allowed:
                self.largest = max(self.largest, abs(best - goal) / max(1.0, abs(goal)))
                return
        if probe.crosses(direction, differences.SMALLEST_STEP):
            self.note("where every difference crosses a kink, nothing was compared")
            return
        self.fail(name, goal, best, "a central difference")

    # --- kinks ---

    def _off_the_kinks(self, trace: Trace, losses: list[int]) -> list[Array]:
        """All values at numbers where every difference has a meaning, and what was said about the kinks."""
        beside = differences.beside_the_kinks(trace, losses)
        self.kinks, self.conventions = beside.kinks, list(beside.conventions)
        return beside.values

    # --- answers ---

    def answers(self, problem: Problem, by_hand: Trace, exact: Trace) -> tuple[int, int]:
        """Compare with what was published; gives how many answers, and how many that are known to be wrong."""
        published = problem.answers
        for trace, answers, tolerance in (
            (by_hand, published.by_hand, 0.0),
            (exact, published.exact, ANSWER_TOLERANCE),
        ):
            for name, answer in answers.items():
                ours = self._ours(trace, name)
                if isinstance(ours, tuple) or isinstance(answer.value, (str, tuple)):
                    if ours is not None and not _same_words(ours, answer.value):
                        self.fail(name, ours, answer.value, "the published answer")
                elif ours is not None:
                    self._answer(name, ours, answer.value, tolerance)
        for name, wrong in published.wrong.items():
            ours = self._ours(by_hand, name)
            if ours is not None and (_same_words(ours, wrong.printed) or _equal(ours, wrong.printed)):
                self.failures.append(f"{self.problem}: the answer {name} is not wrong: it is ours, {_text(ours)}")
        return len(published.by_hand) + len(published.exact), len(published.wrong)

    def _ours(self, trace: Trace, name: str) -> Array | Words | None:
        """The value of a name: numbers, or words."""
        if name not in trace.by_key:
            self.failures.append(f"{self.problem}: there is an answer for {name}, but {name} is not computed")
            return None
        node = trace.node(name)
        return trace.texts(node) if node in trace.wordy else trace.value(node)

    def _answer(self, name: str, ours: Array, printed: Array, tolerance: float) -> None:
        one, other = np.squeeze(ours), np.squeeze(printed)
        if one.shape != other.shape:
            sides = [" by ".join(map(str, np.shape(part))) or "one number" for part in (one, other)]
            self.failures.append(f"{self.problem}: {name} is {sides[0]}, the published answer {sides[1]}")
            return
        for at in np.ndindex(*one.shape):
            a, b = float(one[at]), float(other[at])
            if not abs(a - b) <= max(ANSWER_TOLERANCE, tolerance * max(abs(a), abs(b))):
                self.fail(cell_name(name, at, one.shape) if one.shape else name, a, b, "the published answer")


# --- helpers for cells -------------------------------------------------------------------------------------------


def _places(shape: tuple[int, ...], stride: int) -> Iterator[tuple[int, ...]]:
    return itertools.islice(np.ndindex(*shape), 0, None, stride)


def _name_of(trace: Trace, node: int) -> str:
    """The name of a node, or what it is inside of."""
    if node in trace.keys:
        return trace.keys[node]
    step = next((step for step in trace.steps if step.first <= node <= step.node), None)
    op = trace.nodes[node].op
    inner = op.name if op is not None else "a number"
    return f"{inner} inside {step.key}" if step else inner


# --- words -------------------------------------------------------------------------------------------------------


def _same_words(ours: Array | Words, printed: Array | Words | str) -> bool:
    """Whether both are words, and the same ones; a single text is one word."""
    words = (printed,) if isinstance(printed, str) else printed
    return isinstance(ours, tuple) and isinstance(words, tuple) and ours == words


def _equal(ours: Array | Words, printed: Array | Words | str) -> bool:
    if isinstance(ours, tuple) or isinstance(printed, (str, tuple)):
        return False
    one, other = np.squeeze(ours), np.squeeze(printed)
    return one.shape == other.shape and bool(np.all(np.abs(one - other) <= ANSWER_TOLERANCE))


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value.tolist()) if isinstance(value, np.ndarray) else str(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 step, 2 steps."""
    return f"{number:,} {noun}" + ("s" if number != 1 else "")
