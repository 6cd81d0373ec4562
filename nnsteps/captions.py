"""What is written over a result: the step's number and formula, and a few plain words. Knows no page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nnsteps.document import Caption
from nnsteps.notation import caption, pretty
from nnsteps.records import BACKWARD, Step
from nnsteps.trace import Trace
from nnsteps.working import Blanks, Writer, is_picture_of_products, is_product, look, parts_of

MOST_WORDS = 36  # letters of a gloss


@dataclass(frozen=True, slots=True)
class Captions:
    """Writes captions; a gloss is said at the first step of its kind only."""

    trace: Trace
    writer: Writer
    blanks: Blanks
    glossed: set[str] = field(default_factory=set)
    noted: dict[int, int] = field(default_factory=dict)  # items of loops whose note was said, and at which step

    def name(self, step: Step) -> str:
        """The name of a step's result."""
        return pretty(step.key, ascii=self.writer.ascii)

    def of(self, node: int, step: Step | None) -> Caption:
        if step is None:
            return Caption("", caption(self.trace.said(node, top=True), ascii=self.writer.ascii), self._gloss(node))
        plain = self.plain(step)
        if self._is_said(step):
            step = replace(step, note=None)
        gloss = step.words or self._gloss(node)
        if step.kind == BACKWARD and not step.words:
            gloss = self.said_once("back", "back through the weights") if is_product(self.trace, node) else ""
        note = self.writer.words(step.note or "")
        gloss = self.writer.words(gloss)
        short = bool(note) and len(note) <= MOST_WORDS
        return plain._replace(gloss="" if short else gloss, note=note if short else "")

    def _is_said(self, step: Step) -> bool:
        """Whether the note of a step was said in an earlier turn of its loop."""
        if not step.turns or step.item is None or step.note is None:
            return False
        return self.noted.setdefault(id(step.item), step.index) != step.index

    def plain(self, step: Step) -> Caption:
        ascii, name = self.writer.ascii, self.name(step)
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
        here = self.trace.nodes[node]
        if here.op is None:
            return ""
        name, gloss = here.op.name, here.op.look.words(here.options)
        if is_picture_of_products(self.trace, node):
            biased = bool(parts_of(self.trace, node)[1])
            name = "product+" if biased else "product"
            gloss = "row times column, plus bias" if biased else "row times column"
        return self.said_once(name, gloss)

    def said_once(self, name: str, gloss: str) -> str:
        """What is said at the first step of its kind only; "" later."""
        gloss = self.writer.words(gloss)
        if name in self.glossed:
            return ""
        self.glossed.add(name)
        return gloss

    def notes(self, step: Step | None) -> tuple[str, ...]:
        if step is None:
            return ()
        if self._is_said(step):
            step = replace(step, note=None)
        long = [step.note] if step.note and len(step.note) > MOST_WORDS else []
        words = self.trace.nodes[step.node].words
        about_numbers = ("", "") if self.blanks else (words, step.remark or "")
        return tuple(self.writer.words(text) for text in (*long, *about_numbers) if text)
