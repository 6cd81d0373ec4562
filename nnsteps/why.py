"""Where one number comes from, back to the given numbers, as an indented list. Computes nothing new.

Theory of operation. A cell's arithmetic over named cells is one line; then each of those cells gets its own lines
below, further in, the way they are read. What a number does not depend on is left out: of a product with a factor 0
only that factor is followed, of a gate that is shut only the number that shut it. Every cell is explained once.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from nnsteps import scalar
from nnsteps.cells import cell_name, find_cell
from nnsteps.compounds import Compound
from nnsteps.notation import caption, pretty
from nnsteps.ops import Cells, Op
from nnsteps.records import Decision
from nnsteps.rounding import MOST_DECIMALS, Style, style_for
from nnsteps.scalar import Const, Fn, Ref, Tree
from nnsteps.trace import Trace

LIMIT = 60  # lines
MOST_TERMS = 12  # of a sum that is written out whole
HEAD_TERMS = 4  # of a longer one that are shown before the …, and one after it
LONG_LINE = 200  # named cells; a longer line is explained in smaller steps
INDENT = 2
GAP = "     "
DOTS = Const(math.nan)  # stands for what is left out of a sum
PLACEHOLDER = 0xE000  # private characters that stand for names while a tree is written
NO_BREAK = "\u00a0"


def why_text(trace: Trace, cell: str, width: int = 100, ascii: bool = False, limit: int = LIMIT) -> str:
    """How one cell came about, line by line; `limit` is the most lines of cells.

    Errors: UnknownName, UsageError if there is no such cell.
    """
    key, node, at = find_cell(trace, cell)
    why = _Why(trace, max(40, width), ascii, limit)
    why.start(key, Ref(node, at))
    return "\n".join(why.lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Line:
    """One cell's line before it is folded to the width: what stands between the signs, and the words after."""

    name: str
    parts: tuple[tuple[str, str], ...]  # (sign, text)
    words: str
    follow: tuple[Ref, ...]


class _Why:
    """The lines so far, and which cells they explain."""

    def __init__(self, trace: Trace, width: int, ascii: bool, limit: int) -> None:
        self.trace, self.width, self.ascii, self.limit = trace, width, ascii, limit
        self.signs = scalar.ASCII if ascii else scalar.PAPER
        self.dots, self.nearly = ("...", "~") if ascii else ("…", "≈")
        self.lines: list[str] = []
        self.explained: set[Ref] = set()
        self.shown: set[Ref] = set()  # given cells that stand in a line of their own kind
        self.cells = 0
        self.left_out: set[Ref] = set()

    def start(self, key: str, ref: Ref) -> None:
        """All lines of one cell."""
        if key != self.trace.keys.get(ref.node):  # another name of the same array: ∂L/∂b is ∂L/∂z
            name = cell_name(pretty(key, self.ascii), ref.at, self.trace.value(ref.node).shape)
            value = self.spelled(ref, self.style([self.value(ref)]))
            self._put(_Line(name, (("=", self.label(ref)), ("=", value)), "", ()), 0)
            self._explain(ref, 1)
        else:
            self._explain(ref, 0)
        left_out = len(self.left_out - self.explained - self.shown)
        if left_out:
            cells = "cell" if left_out == 1 else "cells"
            text = f"{self.dots} and {left_out:,} more {cells}, traced in the same way"
            self.lines += textwrap.wrap(text, self.width, subsequent_indent="  ")

    # --- the walk ---

    def _explain(self, ref: Ref, depth: int) -> None:
        self.explained.add(ref)
        if self.trace.nodes[ref.node].op is None:
            self._list([ref], "given", depth)
            return
        line = self._line(ref)
        self._put(line, depth)
        self.cells += 1
        self._follow(line.follow, depth + 1)

    def _follow(self, refs: Iterable[Ref], depth: int) -> None:
        given: list[Ref] = []
        again: list[Ref] = []
        for ref in dict.fromkeys(refs):
            if self.trace.nodes[ref.node].op is None:
                if ref not in self.shown:
                    given.append(ref)
            elif ref in self.explained:
                again.append(ref)
            elif self.cells >= self.limit:
                self.left_out.add(ref)
            else:
                self._explain(ref, depth)
        self.shown.update(given)
        self._list(again, "see above", depth)
        self._list(given, "given", depth)

    def _list(self, refs: list[Ref], words: str, depth: int) -> None:
        """Several cells with their values in one line."""
        if not refs:
            return
        rest, refs = refs[MOST_TERMS:], refs[:MOST_TERMS]
        style = self.style(map(self.value, refs))
        text = f", {NO_BREAK}".join(
            f"{self.label(ref)} = {self.spelled(ref, style)}".replace(" ", NO_BREAK) for ref in refs
        )
        text = text.replace(f", {NO_BREAK}", ", ")
        if rest:
            text += f", {self.dots} {len(rest)}{NO_BREAK}more"
        tail = GAP.replace(" ", NO_BREAK)[2:] + words.replace(" ", NO_BREAK)
        longest = max(map(len, (text + tail).split(" ")))
        if longest > self.width:
            tail = tail.replace(NO_BREAK, " ")
        indent = " " * max(0, min(self._indent(depth), self.width - longest))
        for line in textwrap.wrap(
            text + tail, self.width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
        ):
            self.lines.append(line.replace(NO_BREAK, " "))

    # --- one line ---

    def _line(self, ref: Ref) -> _Line:
        node = self.trace.nodes[ref.node]
        if node.by_hand:
            return self._by_hand(ref)
        tree, choice = self._tree(ref), self._choice(ref)
        if ref.node in self.trace.wordy or choice:
            words, deciding = choice or ("", ())
            said = [("=", self.write(tree))] if isinstance(tree, Ref) else []
            said.append(("=", self.spelled(ref, self.style([self.value(ref)]))))
            follow = (*(self._needed(tree) if isinstance(tree, Ref) else ()), *deciding)
            return _Line(self.label(ref), tuple(said), words, follow)
        if isinstance(tree, Fn) and tree.name == "if":
            return self._gate(ref, tree)
        parts = self._arithmetic(tree, self.value(ref))
        return _Line(self.label(ref), parts, self._gloss(ref), tuple(self._needed(tree)))

    def _choice(self, ref: Ref) -> tuple[str, tuple[Ref, ...]] | None:
        """What picked a cell: the words about it, and the cells that decided."""
        found = [d for d in self.trace.decisions if d.node == ref.node and d.kind in ("cell", "choice")]
        if not found:
            return None
        words, deciding = [], []
        for decision in found:
            at = self._deciding(decision, ref)
            if at is None or decision.by == ref.node:
                source = self.trace.nodes[decision.by].inputs
                tie = ", a tie: the first counts" if decision.margin == 0 else ""
                words.append(f"chosen among {self._name(source[0])}{tie}" if source else "chosen")
                deciding += list(scalar.refs(self.trace.cell(decision.by, ref.at) or Const(0.0)))[:MOST_TERMS]
                continue
            number = self.style([self.value(at)]).write(self.value(at))
            words.append(f"picked by {self.label(at)} = {number}")
            deciding.append(at)
        return "; ".join(words), tuple(dict.fromkeys(deciding))

    def _deciding(self, decision: Decision, ref: Ref) -> Ref | None:
        """The cell of a choice that picked this cell."""
        shape = self.trace.value(decision.by).shape
        size = self.trace.value(decision.by).size
        if decision.by == ref.node:
            return None
        place = ref.at[decision.axis] if size > 1 else 0
        return Ref(decision.by, tuple(int(k) for k in np.unravel_index(place, shape)))

    def _name(self, node: int) -> str:
        return caption(self.trace.said(node), self.ascii)

    def spelled(self, ref: Ref, style: Style) -> str:
        """A number in a style, or the word that it stands for."""
        if ref.node in self.trace.wordy:
            return list(self.trace.vocabulary)[int(self.value(ref)) - 1]
        return style.write(self.value(ref))

    def _by_hand(self, ref: Ref) -> _Line:
        """A value that a person rounded or replaced: both numbers."""
        tree, exact = self._tree(ref), self._exact(ref)
        own = self.trace.step_of(ref.node)
        how = "by hand" if own is not None and own.by_hand is not None else "rounded"
        rounds = isinstance(tree, Fn) and tree.name == "round"
        true_value = scalar.evaluate(exact, self.trace.look_up)
        shown = exact if rounds else tree
        value, fine = self.value(ref), self.style([true_value])
        fine = replace(fine, decimals=max(MOST_DECIMALS, fine.decimals))
        refs = list(dict.fromkeys(scalar.refs(shown)))
        texts = self._texts(shown, self.style([*map(self.value, refs)]))
        text = self.style([value]).write(value)
        if fine.write(true_value) == text:
            return _Line(self.label(ref), (*texts, ("=", text)), "", tuple(self._needed(shown)))
        words = f"{how}, exactly {fine.write(true_value)}"
        sign = self.nearly if rounds else "="
        return _Line(
            self.label(ref),
            (*texts, (sign, f"{text} {words}" if rounds else text)),
            "" if rounds else words,
            tuple(self._needed(shown)),
        )

    def _exact(self, ref: Ref) -> Tree:
        """The arithmetic that the step itself asks for, where its value was found by hand."""
        node = self.trace.nodes[ref.node]
        if isinstance(node.op, Op):
            cells = (Cells(i, self.trace.value(i).shape) for i in node.inputs)
            tree = node.op.cell(ref.at, *cells, **node.options)
            return scalar.inline(tree, lambda inner: None if inner.node in self.trace.keys else self._inner(inner))
        assert isinstance(node.op, Compound)
        for earlier in reversed(self.trace.nodes[: ref.node]):
            same = earlier.op is node.op and earlier.inputs == node.inputs and earlier.options == node.options
            if same and not earlier.by_hand:
                return self._tree(Ref(earlier.id, ref.at))
        return self._tree(ref)

    def _inner(self, ref: Ref) -> Tree | None:
        literals = self.trace.literals
        return Const(literals[ref.node]) if ref.node in literals else self.trace.cell(ref.node, ref.at)

    def _gate(self, ref: Ref, tree: Fn) -> _Line:
        """A value that passes only where a condition holds."""
        condition, yes, no = tree.args
        condition = _plain_condition(condition)
        holds = bool(scalar.evaluate(condition, self.trace.look_up))
        taken = yes if holds else no
        claim = self.write(condition)
        otherwise = "" if no == Const(0.0) else f", else {self.write(no)}"
        value = self.value(ref)
        (sign, result), *_ = reversed(self._arithmetic(taken, value))
        parts = [("=", f"{self.write(yes)} where {claim}{otherwise}")]
        if isinstance(taken, Fn):
            parts += [part for part in self._arithmetic(taken, value)[1:-1]]
        style = self.style(self.value(inner) for inner in scalar.refs(condition))
        if holds:
            fact, words = self.write(condition, style), "it passes"
            words = f"{fact}: {words}" if otherwise == "" else fact
        else:
            fact = self.write(_opposite(condition), style)
            words = f"0 because {self._gate_name(ref)}: {fact}" if otherwise == "" else fact
        follow = (*(self._needed(taken) if holds or otherwise else ()), *scalar.refs(condition))
        return _Line(self.label(ref), (*parts, (sign, result)), words, follow)

    def _gate_name(self, ref: Ref) -> str:
        """What shut the gate: a ReLU, where the condition looks at what a ReLU looked at."""
        node = self.trace.nodes[ref.node]
        while node.out is not None:
            node = self.trace.nodes[node.out]
        watched = {i for place in node.inputs for i in (place, *self.trace.nodes[place].inputs)}
        for other in self.trace.nodes:
            if isinstance(other.op, Op) and other.op.look.gate and other.inputs[0] in watched:
                return f"this {_called(other.op)} is off"
        return "the condition does not hold"

    def _gloss(self, ref: Ref) -> str:
        """A few words on a forward gate: what became of a negative number."""
        node = self.trace.nodes[ref.node]
        if not (isinstance(node.op, Op) and node.op.look.gate):
            return ""
        inner = self.trace.value(node.inputs[0])[ref.at]
        return f"{self.style([inner]).write(inner)} is negative: it becomes 0" if inner < 0 else ""

    def _tree(self, ref: Ref) -> Tree:
        """The cell's arithmetic over named cells; over nearer, unnamed ones where that would be very long."""
        if self.trace.line_size(ref.node) <= LONG_LINE:
            return self.trace.explain(ref.node, ref.at)

        def halt(node: int) -> bool:
            return node in self.trace.keys or (self.trace.line_size(node) > 1 and self.trace.nodes[node].out is None)

        return self.trace.explain(ref.node, ref.at, halt)

    def _arithmetic(self, tree: Tree, value: float) -> tuple[tuple[str, str], ...]:
        """= over names = in numbers = the result; with digits enough that what is shown is true, or else ≈."""
        shown = _shortened(tree)
        refs = list(dict.fromkeys(scalar.refs(shown)))
        style, sign = self.style([*map(self.value, refs), value]), "="
        if refs and shown == tree and not isinstance(tree, Ref):
            for more in range(3):
                finer = style.finer(more) if more else style
                if finer.write(scalar.evaluate(tree, self._as_shown(finer))) == finer.write(value):
                    style = finer
                    break
            else:
                sign = self.nearly
        return tuple(dict.fromkeys((*self._texts(shown, style), (sign, style.write(value)))))  # 1 = 1 is said once

    def _as_shown(self, style: Style) -> Callable[[Ref], float]:
        return lambda ref: style.shown(self.value(ref))

    def _texts(self, tree: Tree, style: Style) -> tuple[tuple[str, str], ...]:
        names, numbers = self.write(tree), self.write(tree, style)
        return (("=", names),) if isinstance(tree, (Ref, Const)) else (("=", names), ("=", numbers))

    def _needed(self, tree: Tree) -> Iterator[Ref]:
        """The cells that the value depends on, in reading order: nothing is followed that is multiplied by 0."""
        match tree:
            case Ref():
                yield tree
            case Fn("add", args) if len(args) > MOST_TERMS:
                for part in (*args[:HEAD_TERMS], args[-1]):
                    yield from self._needed(part)
                self.left_out.update(
                    ref for part in args[HEAD_TERMS:-1] for ref in scalar.refs(part) if self._is_computed(ref)
                )
            case Fn("mul" | "div" | "xlogy" | "xdivy", args):
                factors = args if tree.name == "mul" else args[:1]
                zeros = [part for part in factors if scalar.evaluate(part, self.trace.look_up) == 0]
                zeros.sort(key=lambda part: any(map(self._is_computed, scalar.refs(part))))
                for part in zeros[:1] or args:
                    yield from self._needed(part)
            case Fn("if", (condition, yes, no)):
                yield from self._needed(yes if scalar.evaluate(condition, self.trace.look_up) else no)
                yield from scalar.refs(condition)
            case Fn(_, args):
                for part in args:
                    yield from self._needed(part)

    def _is_computed(self, ref: Ref) -> bool:
        return self.trace.nodes[ref.node].op is not None

    # --- writing ---

    def value(self, ref: Ref) -> float:
        """The recorded number."""
        return self.trace.look_up(ref)

    def style(self, numbers: Iterable[float]) -> Style:
        """How the numbers of a line are written."""
        return replace(style_for(numbers), ascii=self.ascii)

    def label(self, ref: Ref) -> str:
        """A cell's name: ∂L/∂W₁[2,3], or its formula where it has none."""
        key = self.trace.keys.get(ref.node)
        name = pretty(key, self.ascii) if key is not None else f"({caption(self.trace.said(ref.node), self.ascii)})"
        return cell_name(name, ref.at, self.trace.value(ref.node).shape)

    def write(self, tree: Tree, style: Style | None = None) -> str:
        """A tree over names, or over numbers in a style; the middle of a long sum is left out."""
        labels: list[str] = []

        def show(part: Ref | Const) -> str:
            if isinstance(part, Const):
                if math.isnan(part.value):
                    return self.dots
                return Style(12, ascii=self.ascii).write(part.value)
            if style is not None:
                return self.spelled(part, style)
            labels.append(self.label(part).replace(" ", NO_BREAK))
            return chr(PLACEHOLDER + len(labels) - 1)

        text = scalar.write(_shortened(tree), show, self.signs)
        last = PLACEHOLDER + len(labels)
        return "".join(labels[ord(char) - PLACEHOLDER] if PLACEHOLDER <= ord(char) < last else char for char in text)

    def _indent(self, depth: int) -> int:
        return min(INDENT * depth, self.width // 3)

    def _put(self, line: _Line, depth: int) -> None:
        """Fold a line to the width: each = on a line of its own where they do not fit side by side."""
        longest = _longest(line)
        if longest > self.width - 5:  # a product of long names may be broken at its signs
            times = self.signs.times
            line = replace(line, parts=tuple((sign, text.replace(times, f" {times} ")) for sign, text in line.parts))
            longest = _longest(line)
        indent = " " * max(0, min(self._indent(depth), self.width - longest - 5))
        name = line.name.replace(" ", NO_BREAK)
        whole = indent + name + "".join(f" {sign} {text}" for sign, text in line.parts)
        words = GAP + line.words if line.words else ""
        if len(whole) <= self.width:
            lines = [whole]
        else:
            margin = indent + " " * max(2, min(len(name), self.width // 3, self.width - len(indent) - longest - 3))
            beside = len(indent + name) + 3 + len(line.parts[0][1].split(" ")[0]) <= self.width
            lines = [] if beside else [indent + name]
            for place, (sign, text) in enumerate(line.parts):
                start = f"{indent}{name} {sign} " if place == 0 and beside else f"{margin} {sign} "
                joined = f"{lines[-1]} {sign} {text}" if place > 1 else ""
                if joined and len(joined) <= self.width:
                    lines[-1] = joined
                else:
                    inner = margin + "   "
                    lines += textwrap.wrap(
                        text, self.width, initial_indent=start, subsequent_indent=inner, break_long_words=False,
                        break_on_hyphens=False, drop_whitespace=True,
                    ) or [start]  # fmt: skip
        if words and len(lines[-1]) + len(words) > self.width:
            inner = indent + " " * 2 * INDENT
            lines += textwrap.wrap(
                line.words, self.width, initial_indent=inner, subsequent_indent=inner, break_on_hyphens=False
            )
        elif words:
            lines[-1] += words
        self.lines += [folded.replace(NO_BREAK, " ") for folded in lines]


def _longest(line: _Line) -> int:
    """The length of the longest piece that cannot be folded."""
    return max(len(word) for _, text in line.parts for word in text.split(" "))


def _shortened(tree: Tree) -> Tree:
    """The tree with the middle of its long sums left out."""
    if not isinstance(tree, Fn):
        return tree
    args = tree.args
    if len(args) > MOST_TERMS:
        args = (*args[:HEAD_TERMS], DOTS, args[-1])
    return Fn(tree.name, tuple(_shortened(arg) for arg in args))


def _plain_condition(tree: Tree) -> Tree:
    """A claim as it stands in a formula, not as the 1 or 0 that it gives."""
    if isinstance(tree, Fn) and tree.name == "if" and tree.args[1:] == (Const(1.0), Const(0.0)):
        return tree.args[0]
    return tree


def _opposite(condition: Tree) -> Tree:
    if isinstance(condition, Fn) and condition.name in scalar.OPPOSITE:
        return Fn(scalar.OPPOSITE[condition.name], condition.args)
    return Fn("eq", (condition, Const(0.0)))


def _called(op: Op) -> str:
    """What an operation is called on a page: ReLU."""
    return op.look.written.split("(")[0] or op.name
