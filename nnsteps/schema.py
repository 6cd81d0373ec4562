"""The JSON Schema of problem files, for editors: what each key means, and the form of its value. Reads no file.

A schema sees the form only. It never refuses what `Problem.read` takes; of what that refuses it sees a part: unknown
and missing keys, texts in the place of lists, words where one of a few is meant. What only the whole problem can tell
(names, shapes, formulas) is left to `nnsteps solve`.

It is written for draft 7, the newest that yaml-language-server knows, which is what editors use for YAML. Alternatives
are chains of if/then/else, because an editor can then say what is wrong in the one that was meant; with anyOf it could
only say that none of them fits.

To add a key: its line in `KEYS` (the documentation shows it too) and the form of its value below. The tests ask the
readers which keys they know, and compare.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from nnsteps import collection, items, variation
from nnsteps.problem import DIGITS, ROUNDINGS
from nnsteps.values import RANK

Schema: TypeAlias = dict[str, Any]

FILE = "nnsteps.schema.json"

KEYS: Mapping[str, str] = {
    "title": "What the page is called. Without it: the name of the file.",
    "topic": "What it belongs to in `nnsteps list`.",
    "order": "Its place in teaching order: a whole number, small ones first.",
    "aliases": "Other names that `nnsteps solve` knows it by.",
    "builds on": "Names of the problems that come before it.",
    "about": "One sentence under the title.",
    "source": "Who made the exercise.",
    "given": "Names with their values: a number, a list (a column), a list of rows, a list of words, a family.",
    "labels": "Words for the rows and columns of a table: `{X: {rows: [size, weight], columns: words}}`.",
    "define": "Functions of the problem's own: `{'double(x)': '2 * x'}`.",
    "steps": "The list of steps. The only key that must be there.",
    "gradient": "`{of: L, wrt: [W, b]}`: the gradient of L, or a list. Without `wrt`: of every learnable value.",
    "update": "`{rule: sgd, rate: 0.1}`: every learnable value takes a step downhill.",
    "answers": "Published answers: `by hand`, `exact`, and `wrong` with `{printed: …, why: …}`; `verify` compares.",
    "rounding": "`inside` (default), `each-step` or `fractions`: how numbers are rounded on paper.",
    "digits": "Decimals on paper, from 0 to 15. Without it: as many as each block needs.",
    "ask": "What a worksheet leaves blank, as a list of names or cells. Without it: every computed cell.",
    "freeze": "Names that look learnable and are not.",
    "conventions": "What this problem chooses where textbooks differ, in words.",
    "practice": "How the numbers may vary in practice sheets: `{vary: {x: integers 0..3}}`.",
    "notes": "Remarks for whoever reads the file.",
    "version": "1, the version of this language.",
}
STEP_KEYS: Mapping[str, str] = {
    "step": "`name = formula`, as in a step that is a plain text.",
    "by hand": "Beside `step`: the formula of what a person writes down instead; `--exact` leaves it out.",
    "note": "Beside `step`: a sentence that holds for any numbers.",
    "remark": "Beside `step`: a sentence about these very numbers; it vanishes when they change.",
    "for … in …": "A loop over numbers, words or the members of a family, with its steps.",
    "until": "Beside a loop: it ends after the turn in which this condition holds.",
    "when": "A condition; beside it `steps`, and perhaps `else`.",
    "repeat": "The steps under an earlier heading once more, with the values of now.",
    "say": "A sentence with values in it.",
    "gradient": "A gradient at this place of the steps, as at the top level.",
    "update": "An update at this place of the steps, as at the top level.",
}
KINDS: Mapping[str, str] = {
    "integers": "A whole number of the range: 0..3.",
    "decimals": "A number of the range, in steps: 0..1 step 0.1.",
    "byhand": "1, 0 or −1; 1 and 0 are a little more likely.",
    "choice": "One of these: 1, 2, 5; also whole values of the same shape.",
    "one_hot": "A single 1 in each column.",
    "permutation": "The file's own numbers in another order: of rows, of columns.",
    "words": "As many different words as the file has.",
}

BESIDE_A_STEP = ("by hand", "note", "remark")

# a name as the left side of a step has it, without the letters of all alphabets spelled out
_NAME = r"^\s*[^\s\d!-/:-@\[-\^`{-~][^\s!-/:-@\[-\^`{-~]*\s*(\[.*\]\s*)?$"
_NUMBER = r"^[-+]?(?!0[0-9])([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"  # YAML 1.1 takes 1e-3 for a text
_RANGE = r"\[\s*-?\d+\s*\.\.\s*-?\d+\s*\]\s*$"
_MEMBER = rf"^(?!.*{_RANGE}).*\["
_NO_HEADING = r"^([Ww]hile|[Ii]f)\s|^([Ff]or|[Rr]epeat)\s+\w+\s+(in|times)\b"

_TEXT: Schema = {"type": ["string", "number", "boolean"]}  # 2024 and yes are texts where a text is meant
_OPTIONAL: Schema = {"type": [*_TEXT["type"], "null"]}
_TEXTS: Schema = {"type": [*_TEXT["type"], "array"], "items": _TEXT}
_WORDS: Schema = {"type": ["string", "boolean"]}
_NUMERIC: Schema = {"pattern": _NUMBER, "patternErrorMessage": "This is not a number. Words are a list: [cat, dog]."}
_STEPS: Schema = {"$ref": "#/definitions/steps"}


def schema() -> Schema:
    """The schema, as a tree that can be written as JSON."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A problem of nnsteps",
        **_mapping(_top(), required=["steps"]),
        "definitions": {"steps": _list(_item(), 1), "given": _given(), "value": _value(), "answer": _answer()},
    }


def _top() -> dict[str, Schema]:
    """Each key of a problem with what its value may be."""
    topics = sorted({entry.topic for entry in collection.entries()})
    forms: dict[str, Schema] = {
        "title": _OPTIONAL,
        "topic": {**_OPTIONAL, "examples": topics},
        "order": {"type": "integer"},
        "aliases": _TEXTS,
        "builds on": _TEXTS,
        "about": _OPTIONAL,
        "source": _OPTIONAL,
        "given": {**_by_name({"$ref": "#/definitions/given"}), "type": ["object", "null"]},
        "labels": _named(_mapping({
            "rows": _said("A word for each row, or the name of a given list of words.", _TEXTS),
            "columns": _said("A word for each column, or the name of a given list of words.", _TEXTS),
        })),
        "define": {"propertyNames": {"pattern": r"^\s*[^\s()]+\s*\(.+\)\s*$"}, **_named({**_TEXTS, "minItems": 1})},
        "steps": _STEPS,
        "gradient": {**_gradient(), "type": ["object", "array"], "items": {"type": "object", **_gradient()}},
        "update": {"type": "object", **_update()},
        "answers": _mapping({
            "by hand": _said("What the source prints, rounded as there.", _answers()),
            "exact": _said("What the source prints of the exact calculation.", _answers()),
            "wrong": _said("What the source prints and should not.", _named(_mapping({
                "printed": _said("What the source prints.", {"$ref": "#/definitions/answer"}),
                "why": _said("Why that is wrong.", _TEXT),
            }, required=["printed", "why"]))),
        }),
        "rounding": {"enum": list(ROUNDINGS)},
        "digits": {"type": "integer", "minimum": 0, "maximum": DIGITS},
        "ask": _TEXTS,
        "freeze": _TEXTS,
        "conventions": {**_TEXTS, "type": [*_TEXTS["type"], "object"], "additionalProperties": _TEXT},
        "practice": _practice(),
        "notes": _TEXTS,
        "version": {"const": 1},
    }  # fmt: skip
    return {key: _said(words, forms[key]) for key, words in KEYS.items()}


# --- steps ------------------------------------------------------------------------------------------------------


def _item() -> Schema:
    """What may stand in a list of steps: a text, or a mapping whose keys say of which form it is."""
    words = {key: _said(text, {}) for key, text in STEP_KEYS.items() if "…" not in key}
    return {
        "type": ["string", "object"],
        "pattern": r"(^|[^=<>!])=($|[^=])",
        "patternErrorMessage": "A step is name = formula.",
        "minProperties": 1,
        "properties": words,
        "patternProperties": {"^for ": _said(STEP_KEYS["for … in …"], {})},
        **_first(_forms(), {"if": {"patternProperties": {"^for ": False}}, "then": _heading(), "else": _loop()}),
    }


def _forms() -> dict[str, Schema]:
    """The forms that are told by one key of theirs."""
    return {
        "step": _keys({"step": {"type": "string"}, **dict.fromkeys(BESIDE_A_STEP, _TEXT)}),
        "gradient": _keys({"gradient": {"type": "object", **_gradient()}}),
        "update": _keys({"update": {"type": "object", **_update()}}),
        "repeat": _keys({"repeat": _TEXT}),
        "when": _keys({
            "when": _TEXT,
            "steps": _said("What is done where the condition holds.", _STEPS),
            "else": _said("What is done where it does not hold.", _STEPS),
        }, required=["when", "steps"]),
        "say": _keys({"say": _TEXT}),
    }  # fmt: skip


def _heading() -> Schema:
    return {
        "maxProperties": 1,
        "propertyNames": {"not": {"anyOf": [{"enum": list(BESIDE_A_STEP)}, {"pattern": _NO_HEADING}]}},
        "additionalProperties": _STEPS,
    }


def _loop() -> Schema:
    return {
        "propertyNames": {
            "pattern": r"^(for\s+\S+\s+in\s+\S.*|until)$",
            "patternErrorMessage": "A loop is written for t in 1..4, or for w in words; beside it stands only until.",
        },
        "maxProperties": 2,
        "properties": {"until": _TEXT},
        "additionalProperties": _STEPS,
    }


def _gradient() -> Schema:
    return _keys({
        "of": _said("The loss: one number.", _TEXT),
        "wrt": _said("What it is differentiated by. Without it: every learnable value.", {**_TEXTS, "minItems": 1}),
    }, required=["of"])  # fmt: skip


def _update() -> Schema:
    options = {key for keys in items.RULES.values() for key in keys}
    return _keys({
        "rule": _said("How the values move.", {"enum": list(items.RULES)}),
        "rate": _said("The learning rate.", _TEXT),
        **{key: _TEXT for key in sorted(options)},
    }, required=["rule", "rate"])  # fmt: skip


# --- values -----------------------------------------------------------------------------------------------------


def _value() -> Schema:
    """A number, a list of numbers or words, a list of lists."""
    return {"type": ["number", "string", "array"], **_NUMERIC, **_listed()}


def _given() -> Schema:
    """The same, or a family: its members under their words, perhaps inside each other."""
    members = {"additionalProperties": {"$ref": "#/definitions/given"}, "minProperties": 1}
    return {"type": ["number", "string", "array", "object"], **_NUMERIC, **_listed(), **members}


def _answer() -> Schema:
    """The same as a value, or any text."""
    return {"type": [*_TEXT["type"], "array"], **_listed()}


def _listed() -> Schema:
    """What holds for a list: all words, or numbers in lists that are nested alike."""
    return {
        "minItems": 1,
        "if": {"type": "array", "items": _WORDS},
        "else": _nested(RANK),
    }


def _nested(levels: int) -> Schema:
    number: Schema = {"type": ["number", "string"], **_NUMERIC}
    if levels == 1:
        return {"items": number}
    inner = {"type": "array", "minItems": 1, **_nested(levels - 1)}
    return {"if": {"contains": {"type": "array"}}, "then": {"items": inner}, "else": {"items": number}}


def _by_name(part: Schema) -> Schema:
    """Values under names; several members under a range of indices."""
    return {
        "propertyNames": {
            "pattern": _NAME,
            "patternErrorMessage": "A name has letters, digits and underscores, and begins with a letter.",
            "not": {"enum": list(keyword.kwlist)},
        },
        **_with_ranges({"$ref": "#/definitions/value"}),
        "additionalProperties": part,
    }


def _answers() -> Schema:
    answer: Schema = {"$ref": "#/definitions/answer"}
    return {"type": "object", **_with_ranges(answer), "additionalProperties": answer}


def _with_ranges(part: Schema) -> Schema:
    return {"patternProperties": {_RANGE: {"type": "array", "items": part}, _MEMBER: part}}


# --- practice ---------------------------------------------------------------------------------------------------


def _practice() -> Schema:
    rule: Schema = {"enum": list(variation.RULES)}
    return _mapping({
        "vary": _said("Given names, and what their numbers may be.", {**_named(_kind()), "minProperties": 1}),
        "sizes": _said("Whole numbers that shapes are made of: {n: 2..4}.", {**_named(_span()), "minProperties": 1}),
        "keep": _said("Conditions that must hold for the solved problem.", _TEXTS),
        "allow": _said(
            "Rules that this problem breaks on purpose.",
            {"if": {"type": "array"}, "then": {"items": rule}, "else": rule},
        ),
        "digits": _said("The most digits that an answer may have.", {"type": "integer", "minimum": 1, "maximum": 12}),
    }, required=["vary"])  # fmt: skip


def _kind() -> Schema:
    """integers 0..3 except 0, or {integers: 0..3, except: 0}."""
    needs = {"integers": r"\b.*\.\.", "decimals": r"\b.*\.\..*\bstep\b"}
    forms: dict[str, Schema] = {
        "integers": _span(),
        "decimals": _span(),
        "choice": {"type": [*_TEXT["type"], "array"], "minItems": 1},
        "words": _TEXTS,
    }
    kinds = {key: _said(words, forms.get(key, {})) for key, words in KINDS.items()}
    return {
        "type": ["string", "object"],
        "pattern": r"^\s*(" + "|".join(kind + needs.get(kind, r"\b") for kind in KINDS) + ")",
        "patternErrorMessage": f"A kind of numbers begins with one of: {', '.join(KINDS)}.",
        "anyOf": [{"required": [kind]} for kind in KINDS],
        "dependencies": {"decimals": ["step"]},
        **_keys({
            **kinds,
            "except": _said("Without these numbers.", _TEXTS),
            "step": _said("From one number of the range to the next.", _TEXT),
            "keeping": _said("A 0 of the file stays 0.", {"enum": ["zeros"]}),
            "shape": _said("The sides, as numbers or names of sizes.", _TEXTS),
        }),
    }  # fmt: skip


def _span() -> Schema:
    return {"type": "string", "pattern": r"\.\.", "patternErrorMessage": "A range is written 0..3."}


# --- parts of a schema ------------------------------------------------------------------------------------------


def _said(words: str, form: Schema) -> Schema:
    """A form with the words that an editor shows, in the two ways in which editors show them."""
    return {"description": words.replace("`", ""), "markdownDescription": words, **form}


def _keys(forms: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """These keys and no others, where it is a mapping."""
    needed = {"required": list(required)} if required else {}
    return {"properties": dict(forms), **needed, "additionalProperties": False}


def _mapping(forms: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    return {"type": "object", **_keys(forms, required)}


def _named(form: Schema) -> Schema:
    """Any keys, each with such a value."""
    return {"type": "object", "additionalProperties": form}


def _list(form: Schema, least: int) -> Schema:
    return {"type": "array", "minItems": least, "items": form}


def _first(forms: Mapping[str, Schema], otherwise: Schema) -> Schema:
    """The form of the first of these keys that is there."""
    chain = otherwise
    for key, form in reversed([*forms.items()]):
        chain = {"if": {"required": [key]}, "then": form, "else": chain}
    return chain
