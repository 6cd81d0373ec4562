"""How the items of a list of steps are read. Knows the form of formulas, no values and no operations.

An item is a text `name = formula` or a mapping; which form a mapping has, its keys say. To add a form, write a
dataclass in `items`, a reader here, and a line in `_FORMS`.
"""

import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from nnsteps import values
from nnsteps.errors import BadValue, FormulaError, Place, StepsError, UnknownKey, harmless, nearest
from nnsteps.formula import Expr, Index, Name, parse, parse_step
from nnsteps.items import (
    RULES,
    Broken,
    GradientItem,
    Heading,
    Item,
    Loop,
    Repeat,
    Say,
    StepItem,
    UpdateItem,
    When,
)
from nnsteps.reader import Map, Node, Scalar, Seq, limits_of, scalars
from nnsteps.values import suggestion


def steps(node: Node, what: str = "steps") -> tuple[Item, ...]:
    """The items of a list of steps; one that cannot be read is `Broken`."""
    if isinstance(node, Scalar) and node.text:
        text = node.text.strip()
        hint = f"Write a list:  - {text}"
        if text.startswith("-"):
            hint = f"A blank belongs behind the -:  - {text[1:]}"
        raise BadValue(f"{_subject(what)} a list, each on a line that begins with -", place=node.place, hint=hint)
    if isinstance(node, Map):
        name, right = node.pairs[0] if node.pairs else (None, None)
        meant = "y = W @ x + b"
        if name is not None and isinstance(right, Scalar) and right.text:
            meant = f"{name.text} = {right.text}"
        hint = f"Begin each line with -:  - {meant}"
        raise BadValue(f"{_subject(what)} a list, each on a line that begins with -", place=node.place, hint=hint)
    if not isinstance(node, Seq) or not node.items:
        raise BadValue(f"{what}: there is no step", place=node.place, hint="Write at least one:  - y = W @ x + b")
    return tuple([_read(item, part) for part in _whole(node.items)])


def _subject(what: str) -> str:
    return "the steps are" if what == "steps" else f"the steps under {what} are"


def _read(form: Callable[[Node], Item], node: Node) -> Item:
    try:
        return form(node)
    except StepsError as mistake:
        return Broken(mistake, "\n".join(part.text for part in scalars(node)), tuple(_names_given(node)))


def _names_given(node: Node) -> Iterator[str]:
    """What a node seems to give: names before an =, a heading, a name before a colon that should have been an =."""
    for part in scalars(node):
        if "=" in part.text:
            yield from re.findall(r"[^\W\d]\w*", part.text.partition("=")[0])
    if isinstance(node, Map):
        yield from (key.text for key, _ in node.pairs)


def item(node: Node) -> Item:
    """One item, of whichever form."""
    if isinstance(node, Scalar):
        if not node.text.strip():
            raise BadValue("this step is empty", place=node.place, hint="Write name = formula, or delete the -.")
        return _step(Map(((Scalar("step", place=node.place), node),), node.place))
    if not isinstance(node, Map) or not node.pairs:
        hint = "A formula with brackets at its beginning must be quoted." if isinstance(node, Seq) else None
        raise BadValue("a step is a text such as y = W @ x + b, not a list", place=node.place, hint=hint)
    keys = [key.text for key, _ in node.pairs]
    for key in keys:
        for word, read in _FORMS.items():
            if key == word or (word.endswith(" ") and key.startswith(word)):
                return read(node)
    return _heading(node)


def gradients(node: Node) -> tuple[Item, ...]:
    """The top-level `gradient`: one or a list."""
    return tuple([_read(_gradient, part) for part in (node.items if isinstance(node, Seq) else (node,))])


def update(node: Node) -> Item:
    """The top-level `update`."""
    return _read(_rule, node)


def _rule(node: Node) -> UpdateItem:
    """The rule by which the parameters take their step."""
    rule = "sgd"
    if isinstance(node, Map):
        rule = next((values.choice(part, "rule", RULES) for key, part in node.pairs if key.text == "rule"), rule)
    found = _fields(node, "update", ("rule", "rate", *RULES[rule]))
    for key in ("rule", "rate"):
        if key not in found:
            hint = "Write update: {rule: sgd, rate: 0.1}."
            raise BadValue(f"update has no {key}", place=node.place, hint=hint)
    options = {key: part for key, (_, part) in found.items() if key not in ("rule", "rate")}
    rate = found["rate"][1]
    return UpdateItem(rule, formula(rate, "rate"), node.place, rate.place, options)


def formula(node: Node, what: str) -> Expr:
    """The tree of a formula that stands in a node."""
    text = values.text(node, what)
    assert isinstance(node, Scalar)
    return parse(text, node.place, node.limits)


# --- forms --------------------------------------------------------------------------------------------------


def _step(node: Map) -> StepItem:
    found = _fields(node, "a step", ("step", "by hand", "note", "remark"))
    source = found["step"][1]
    text = values.text(source, "step")
    _refuse_flow(source)
    target, right = parse_step(text, source.place, limits_of(source))
    by_hand = found["by hand"][1] if "by hand" in found else None
    by_hand_tree = None
    if by_hand is not None:
        _refuse_flow(by_hand)
        by_hand_tree = _by_hand(by_hand)
    return StepItem(
        target,
        right,
        text,
        source.place,
        by_hand=by_hand_tree,
        by_hand_text=values.text(by_hand, "by hand") if by_hand else None,
        by_hand_place=by_hand.place if by_hand else None,
        note=values.said(found["note"][1], "note") if "note" in found else None,
        remark=values.said(found["remark"][1], "remark") if "remark" in found else None,
    )


def _by_hand(node: Node) -> Expr:
    try:
        return formula(node, "by hand")
    except FormulaError as error:
        if re.match(r"\s*\w+\s*=[^=]", values.text(node, "by hand")):
            right = values.text(node, "by hand").split("=", 1)[1].strip()
            message = "`by hand` holds a formula only; the name stands in `step`"
            raise FormulaError(message, place=error.place, hint=f"Write by hand: {right}") from None
        raise


def _gradient(node: Node) -> GradientItem:
    found = _fields(node, "gradient", ("of", "wrt"))
    if "of" not in found:
        hint = "Say what the gradient is of:  gradient: {of: L, wrt: [W, b]}"
        raise BadValue("gradient has no `of`", place=node.place, hint=hint)
    of = found["of"][1]
    wrt = found["wrt"][1] if "wrt" in found else Seq(())
    parts = wrt.items if isinstance(wrt, Seq) else (wrt,)
    if "wrt" in found and not parts:
        raise BadValue(
            "wrt is empty", place=wrt.place, hint="Name the values, or leave wrt out: then it means all given."
        )
    trees = tuple([_named(part) for part in parts])
    return GradientItem(formula(of, "of"), of.place, trees, tuple([part.place for part in parts]), node.place)


def _named(node: Node) -> Expr:
    """A value as `wrt` names it: W1, or a member or cell such as h[3]."""
    tree = formula(node, "wrt")
    base = tree
    while isinstance(base, Index):
        base = base.base
    if not isinstance(base, Name):
        message = "wrt names values, it does not compute them"
        raise BadValue(message, place=node.place, hint="Give the value a step of its own, and its name here.")
    return tree


def _update(node: Map) -> UpdateItem:
    return _rule(_only(node, "update"))


def _gradient_step(node: Map) -> GradientItem:
    return _gradient(_only(node, "gradient"))


def _only(node: Map, key: str) -> Node:
    return values.fields(node, f"a step with {key}", (key,))[key][1]


_LOOP = re.compile(r"for\s+(?P<name>\w+)\s+in\s+(?P<over>.+)", re.DOTALL)


def _loop(node: Map) -> Loop:
    """for t in 1..4: [steps], perhaps with until: CONDITION."""
    (key, body), *others = sorted(node.pairs, key=lambda pair: not pair[0].text.startswith("for "))
    for other, _ in others:
        if other.text != "until":
            hint = suggestion(other.text, ["until"])
            raise UnknownKey(f"there is no key called {other.text} beside a loop", place=other.place, hint=hint)
    found = _LOOP.fullmatch(key.text.strip())
    if found is None or not found["name"].isidentifier() or keyword.iskeyword(found["name"]):
        hint = "Write for t in 1..4, or for w in words."
        if found is not None and keyword.iskeyword(found["name"]):
            hint = f"{found['name']} is a word of Python and cannot be a name; write for t in {found['over']}."
        raise BadValue(f"{key.text} is not how a loop is written", place=key.place, hint=hint)
    low, dots, high = found["over"].partition("..")
    if not dots and not low.strip().isidentifier():
        hint = "Write for t in 1..4, or for w in words, the name of a family or of a list of words."
        message = f"a loop runs from number to number, or over a name; found {low.strip()}"
        raise BadValue(message, place=_inside(key, low), hint=hint)
    first, last = _bound(key, low), _bound(key, high) if dots else None
    over = None if dots else first
    assert over is None or isinstance(over, Name)
    until = next((part for other, part in others if other.text == "until"), None)
    return Loop(
        found["name"], steps(body, key.text), first if dots else None, last, over,
        formula(until, "until") if until else None, key.place, (_inside(key, low), _inside(key, high)),
        until.place if until else None,
    )  # fmt: skip


def _bound(key: Scalar, text: str) -> Expr:
    """A formula inside the key of a loop."""
    return parse(text, _inside(key, text), key.limits)


def _inside(key: Scalar, text: str) -> Place | None:
    """Where a part of a key stands."""
    return key.place.part(key.text.rindex(text), len(text)) if key.place is not None else None


def _when(node: Map) -> When:
    found = _fields(node, "a condition", ("when", "steps", "else"))
    if "steps" not in found:
        hint = "Write steps: and under it what is done where the condition holds."
        raise BadValue("when has no steps", place=node.place, hint=hint)
    condition = found["when"][1]
    otherwise = steps(found["else"][1], "else") if "else" in found else ()
    return When(formula(condition, "when"), steps(found["steps"][1]), otherwise, condition.place)


def _repeat(node: Map) -> Repeat:
    title = _only(node, "repeat")
    return Repeat(values.said(title, "repeat"), title.place)


_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def _say(node: Map) -> Say:
    source = _only(node, "say")
    text, end = values.said(source, "say"), 0
    found: list[tuple[str | Expr, Place | None]] = []

    def place(start: int) -> Place | None:
        return source.place.part(start, 1) if source.place is not None else None

    lone = re.search(r"[{}]", _BRACES.sub(lambda match: " " * len(match[0]), text))
    if lone:
        fault = "is never closed" if lone[0] == "{" else "closes nothing"
        hint = "Write {{ and }} for braces in the text."
        raise FormulaError(f"this {lone[0]} {fault}", place=place(lone.start()), hint=hint)
    for match in _BRACES.finditer(text):
        found.append((text[end : match.start()], None))
        end = match.end()
        if match[1] is None:
            found.append((match[0][0], None))
            continue
        start = place(match.start(1))
        if not match[1].strip():
            hint = "Write a formula between the braces, such as {sum(x)}; {{ and }} for braces in the text."
            raise FormulaError("there is no formula here", place=place(match.start()), hint=hint)
        if digits := re.search(r":\s*\.?\d*[feg%d]?$", match[1]):
            hint = "A value is written with the digits that it needs; --digits fixes them."
            raise FormulaError(
                f"{digits[0]} means nothing here", place=place(match.start(1) + digits.start()), hint=hint
            )
        found.append((parse(match[1], start, limits_of(source)), start))
    found = [(part, where) for part, where in (*found, (text[end:], None)) if part != ""]
    return Say(tuple([part for part, _ in found]), tuple([where for _, where in found]), source.place)


# key, or its first word: how such a mapping is read
_FORMS: Mapping[str, Callable[[Map], Item]] = {
    "step": _step,
    "gradient": _gradient_step,
    "update": _update,
    "for ": _loop,
    "repeat": _repeat,
    "when": _when,
    "say": _say,
}


def _heading(node: Map) -> Heading:
    """{HEADING: [steps]}; what looks like a heading and is none is told what it might have been."""
    key, inner = node.pairs[0]
    for other, _ in node.pairs:
        if other.text in _BESIDE_A_STEP:
            hint = "It stands beside the step that it belongs to:  - step: y = W @ x"
            raise BadValue(f"{other.text} stands here without a step", place=other.place, hint=hint)
    spoken = re.match(r"(for|while|if|repeat)\s+\w+\s+(in|times)\b|while\s|if\s", key.text, re.IGNORECASE)
    if isinstance(inner, Seq) and inner.items and len(node.pairs) == 1 and not spoken:
        return Heading(harmless(key.text), steps(inner, key.text), key.place)
    if node.flow:
        _refuse_flow(key)
    if re.match(r"(for|while|if|repeat)\b", key.text, re.IGNORECASE):
        raise BadValue(
            f"{key.text} is not how this is written", place=key.place, hint=_WRITTEN[key.text.split()[0].lower()]
        )
    strange = node.pairs[1][0] if isinstance(inner, Seq) and len(node.pairs) > 1 else key
    close = nearest(strange.text, [*_FORMS, *_BESIDE_A_STEP])
    if len(node.pairs) > 1 or (close and isinstance(inner, Scalar)):
        hint = f"Did you mean {close.strip()}?" if close else "A heading is alone, with its steps under it."
        raise UnknownKey(f"there is no key called {strange.text} in a step", place=strange.place, hint=hint)
    if "=" in key.text and isinstance(inner, Scalar):
        hint = f'Write - "{key.text}: {inner.text}"'
        if "lambda" in key.text:
            hint = 'A function of your own stands under define:  define: {"f(v)": "v + 1"}'
        raise BadValue("a colon with a blank behind it ends the formula", place=key.place, hint=hint)
    message = f"the heading {key.text} has no list of steps under it"
    hint = "Write its steps under it, further in, each beginning with -."
    if isinstance(inner, Scalar) and inner.text:
        hint = f"Write under it, further in:  - {inner.text}"
        if not re.match(r"\w+\s*(?:\[.*\])?\s*=", inner.text):
            message = f"{key.text} stands before a colon, which makes it a heading; a step is name = formula"
            hint = f"Write - {key.text} = {inner.text}"
    raise BadValue(message, place=key.place, hint=hint)


_WRITTEN = {
    "for": "Write for t in 1..3, in small letters.",
    "while": "Write for t in 1..100, and beside it until: CONDITION.",
    "if": "Write when: CONDITION, and beside it steps: and else:",
    "repeat": "Write repeat: HEADING, or for t in 1..3.",
}
_BESIDE_A_STEP = ("by hand", "note", "remark")


# --- flow style ---------------------------------------------------------------------------------------------


def _fields(node: Node, what: str, known: tuple[str, ...]) -> dict[str, tuple[Scalar, Node]]:
    """The keys of a mapping, but first of all the formula that a comma has cut, where there is one."""
    for _, part in node.pairs if isinstance(node, Map) else ():
        if isinstance(part, Scalar) and part.flow and not part.quoted and _is_torn(part.text):
            _refuse_torn(part)
    return values.fields(node, what, known)


def _is_torn(text: str) -> bool:
    return text.count("(") + text.count("[") != text.count(")") + text.count("]")


def _refuse_flow(node: Node) -> None:
    if isinstance(node, Scalar) and node.flow and not node.quoted:
        _refuse_torn(node)


def _refuse_torn(node: Scalar) -> NoReturn:
    """In flow style a comma ends the text, so `[z = f(x, y)]` is two texts."""
    whole = _untorn(node.place) if node.place else node.text
    quote = "'" if '"' in whole else '"'
    hint = f"Write {quote}{whole}{quote}, or put it on a line of its own that begins with - ."
    raise FormulaError("a formula inside [ ] or { } must be quoted: a comma would cut it", place=node.place, hint=hint)


def _whole(parts: tuple[Node, ...]) -> Iterator[Node]:
    """The parts of a list, but of a formula that commas have cut only the first piece: that one is refused."""
    depth = 0
    for part in parts:
        if depth <= 0:
            yield part
            depth = 0
        if isinstance(part, Scalar) and part.flow and not part.quoted:
            depth += part.text.count("(") + part.text.count("[") - part.text.count(")") - part.text.count("]")


def _untorn(place: Place) -> str:
    """The formula that was meant: up to the first , ] or } outside of its own brackets."""
    rest, depth = place.text[place.column - 1 :], 0
    for at, char in enumerate(rest):
        if depth == 0 and char in ",]}":
            return rest[:at].rstrip()
        depth += (char in "([") - (char in ")]")
    return rest.rstrip()
