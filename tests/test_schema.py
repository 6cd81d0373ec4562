"""The JSON Schema of problem files: it takes what the reader takes, and knows the keys that the reader knows."""

import json
import re
from pathlib import Path

import pytest
import yaml

from nnsteps import forms, problem, schema, variation
from nnsteps.collection import entries
from nnsteps.errors import StepsError
from nnsteps.practice import Practice
from nnsteps.problem import Problem

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

ROOT = Path(__file__).parent.parent
SCHEMA = schema.schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
GOOD = [*(entry.path for entry in entries()), *sorted((ROOT / "tests/sheets").glob("*.yaml"))]
PAGES = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/*.md")))]
GIVEN = "given: {x: [1, 2], w: [[1, 2]]}\n"
STEPS = "steps:\n  - y = w @ x\n"

# files of tests/bad in which not even the form is right, and where that shows
MISSHAPEN = {
    "capital-for": ["steps", 0],
    "decimal-comma": ["given", "rate"],
    "empty": [],
    "empty-list": ["given", "x"],
    "family-without-list": ["given", "x[1..4]"],
    "family-without-members": ["given", "expert"],
    "flow-mapping-torn": ["steps", 0],
    "function-without-arguments": ["define"],
    "gradient-without-of": ["gradient"],
    "heading-with-step-behind": ["steps", 0, "Loss"],
    "keyword-name": ["given"],
    "labels-of-a-strange-side": ["labels", "x"],
    "loop-with-two-names": ["steps", 0],
    "loop-with-unknown-key": ["steps", 0],
    "loop-without-in": ["steps", 0],
    "loop-without-steps": ["steps", 0, "for t in 1..2"],
    "member-with-blank-name": ["given"],
    "missing-steps": [],
    "otherwise-instead-of-else": ["steps", 0],
    "row-among-numbers": ["given", "x", 0],
    "step-with-colon": ["steps", 0, "y"],
    "step-without-name": ["steps", 0],
    "steps-in-one-text": ["steps"],
    "text-in-matrix": ["given", "W", 1, 1],
    "two-equals-signs": ["steps", 0],
    "unknown-key": [],
    "unknown-rounding": ["rounding"],
    "unknown-rule": ["update", "rule"],
    "unknown-step-key": ["steps", 0],
    "update-without-rate": ["update"],
    "when-with-step": ["steps", 0],
    "when-without-steps": ["steps", 0],
    "while-loop": ["steps", 0],
    "words-without-list": ["given", "query"],
    "yes-as-number": ["given", "mask", 1],
}


def faults(text):
    """Where the schema finds something wrong in a text that any YAML reader took."""
    data = json.loads(json.dumps(yaml.safe_load(text), default=str))  # keys as JSON has them: texts
    return [list(error.absolute_path) for error in VALIDATOR.iter_errors(data)]


def test_the_schema_is_one_of_draft_7():
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_problem_that_is_right_fits(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_the_documentation_fit(page):
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        assert faults(block) == []


@pytest.mark.parametrize("name", MISSHAPEN)
def test_a_wrong_form_is_found_at_its_place(name):
    found = faults((ROOT / "tests/bad" / f"{name}.yaml").read_bytes())
    assert MISSHAPEN[name] in found


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("title: [a, b]", ["title"]),
        ("order: first", ["order"]),
        ("aliases: {a: b}", ["aliases"]),
        ("builds on: [[a]]", ["builds on", 0]),
        ("labels: {x: [a, b]}", ["labels", "x"]),
        ("define: {double: 2 * x}", ["define"]),
        ("define: {double(x): {out: 2 * x}}", ["define", "double(x)"]),
        ("gradient: {of: L, wtr: [w]}", ["gradient"]),
        ("gradient: [{of: L}, {wrt: [w]}]", ["gradient", 1]),
        ("gradient: {of: L, wrt: []}", ["gradient", "wrt"]),
        ("update: {rule: adam, rate: 0.1}", ["update", "rule"]),
        ("update: sgd", ["update"]),
        ("answers: {y: [1, 2]}", ["answers"]),
        ("answers: {exact: [1, 2]}", ["answers", "exact"]),
        ("answers: {exact: {y: [1, [2]]}}", ["answers", "exact", "y", 0]),
        ("answers: {'by hand': {'y[1..2]': 3}}", ["answers", "by hand", "y[1..2]"]),
        ("answers: {wrong: {y: {printed: 3}}}", ["answers", "wrong", "y"]),
        ("digits: 16", ["digits"]),
        ("digits: two", ["digits"]),
        ("ask: {y: 1}", ["ask"]),
        ("freeze: {y: 1}", ["freeze"]),
        ("conventions: {ties: [first]}", ["conventions", "ties"]),
        ("notes: {a: b}", ["notes"]),
        ("version: 2", ["version"]),
        ("practice: {keep: [y > 0]}", ["practice"]),
        ("practice: {vary: {}}", ["practice", "vary"]),
        ("practice: {vary: {x: integer 0..3}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: integers 0 to 3}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: decimals 0..1}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: {decimals: 0..1}}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: {integers: 0..3, without: 0}}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: {except: 0}}}", ["practice", "vary", "x"]),
        ("practice: {vary: {x: {integers: 0..3, keeping: ones}}}", ["practice", "vary", "x", "keeping"]),
        ("practice: {vary: {x: byhand}, sizes: {n: 2}}", ["practice", "sizes", "n"]),
        ("practice: {vary: {x: byhand}, allow: [kinks]}", ["practice", "allow", 0]),
        ("practice: {vary: {x: byhand}, allow: kinks}", ["practice", "allow"]),
        ("practice: {vary: {x: byhand}, digits: 0}", ["practice", "digits"]),
    ],
)  # fmt: skip
def test_a_mistake_of_each_section_is_found_at_its_place(text, place):
    assert place in faults(GIVEN + STEPS + text)
    read = Practice if text.startswith("practice") else lambda found: found
    with pytest.raises(StepsError):  # and the reader does not take it either
        read(Problem.read(GIVEN + STEPS + text, "wrong.yaml"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- {step: 'y = w @ x', by-hand: w}", ["steps", 0]),
        ("- {step: ['y = w @ x']}", ["steps", 0, "step"]),
        ("- {step: 'y = w @ x', note: [a]}", ["steps", 0, "note"]),
        ("- {repeat: A, times: 2}", ["steps", 0]),
        ("- {say: [a, b]}", ["steps", 0, "say"]),
        ("- {gradient: [{of: L}]}", ["steps", 0, "gradient"]),
        ("- {update: {rate: 0.1}}", ["steps", 0, "update"]),
        ("- {when: y > 0, steps: 'y = 1'}", ["steps", 0, "steps"]),
        ("- {when: y > 0, steps: ['y = 1'], else: []}", ["steps", 0, "else"]),
        ("- {'for t in 1..2': ['y = t'], until: [a]}", ["steps", 0, "until"]),
        ("- A:\n    - B:\n        - relu(x)", ["steps", 0, "A", 0, "B", 0]),
        ("- {A: ['y = 1'], B: ['z = 1']}", ["steps", 0]),
        ("- {note: ['y = 1']}", ["steps", 0]),
        ("- 3", ["steps", 0]),
        ("- ['y = 1']", ["steps", 0]),
        ("- {}", ["steps", 0]),
    ],
)
def test_a_mistake_of_each_form_of_step_is_found_at_its_place(text, place):
    assert place in faults(f"{GIVEN}steps:\n{text}\n")
    with pytest.raises(StepsError):
        Problem.read(f"{GIVEN}steps:\n{text}\n", "wrong.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "title:\ntopic: 2024\norder: -1\nnotes: yes",
        "digits: 0\nversion: 1\naliases: a\nask: [y, 'y[1,1]']",
        "conventions: {ties: go to the first}",
        "define: {double(x): 2 * x, 'share(x, k=2)': [p = x ** k, out = p]}",
        "answers: {'by hand': {y: 5, 'h[1..2]': [[1], a word]}, exact: {y: best}}",
        "gradient: [{of: y}, {of: y, wrt: w}]\nupdate: {rule: sgd, rate: 1e-3}",
        "practice: {vary: {x: {choice: [[1, 2], [2, 1]]}, w: choice 1 and 2}, allow: kink, keep: max(y) < 1e3}",
        "practice: {vary: {w: {integers: -1..1, except: [0, 1], shape: [1, n]}, x: {one_hot: }}, sizes: {n: 2..4}}",
        "practice: {vary: {x: permutation, w: 'byhand except 0', z: {words: [a, b]}, v: decimals 0..1 step 0.1}}",
    ],
)
def test_unusual_but_right_values_fit(text):
    Problem.read(GIVEN + STEPS + text, "right.yaml")
    assert faults(GIVEN + STEPS + text) == []


@pytest.mark.parametrize(
    "text",
    [
        "given:\nsteps: ['y = 1']",
        "given: {x: 1e-3, W: [[1e-3, 2], [3, 4]], q: [yes, no], k: [[[[1]]]], φ_1: 2, 'w[1,2]': 1}\nsteps: ['y = x']",
        "given: {'x[1..2]': [[1], [2]], e: {A: {B: 1, C: 2}, 3: [1, 2]}}\nsteps: ['y = x[1]']",
        "steps: ['y = 3', {'for t in 4..1': ['y = y + t'], until: y > 5}, {else: ['y = 2']}, {'A: 2': ['a = y == 2']}]",
    ],
)
def test_unusual_but_right_problems_fit(text):
    Problem.read(text, "right.yaml")
    assert faults(text) == []


# --- it cannot drift ---------------------------------------------------------------------------------------------


def known(text, strange="zzyzx"):
    """The keys that the reader lists when it finds one that is like none of them."""
    with pytest.raises(StepsError) as caught:
        Practice(Problem.read(text, "strange.yaml"))
    assert strange in caught.value.message
    return set(caught.value.hint.partition("\n")[0].removeprefix("Known here: ").removesuffix(".").split(", "))


def keys(*path):
    """The keys that the schema lists at a place of its own."""
    found = SCHEMA
    for part in path:
        found = found[part]
    return set(found["properties"])


FORM = schema._forms()


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("zzyzx: 1", keys()),
        ("labels: {x: {zzyzx: a}}", keys("properties", "labels", "additionalProperties")),
        ("gradient: {of: y, zzyzx: w}", keys("properties", "gradient")),
        ("gradient: [{of: y, zzyzx: w}]", keys("properties", "gradient", "items")),
        ("update: {rule: sgd, rate: 1, zzyzx: 1}", keys("properties", "update")),
        ("answers: {zzyzx: {y: 1}}", keys("properties", "answers")),
        (
            "answers: {wrong: {y: {zzyzx: 1}}}",
            keys("properties", "answers", "properties", "wrong", "additionalProperties"),
        ),
        ("practice: {zzyzx: 1}", keys("properties", "practice")),
        ("practice: {vary: {x: {zzyzx: 1}}}", set(schema.KINDS) | {"except", "step", "keeping"}),
        ("practice: {vary: {x: byhand}, allow: [zzyzx]}", set(variation.RULES)),
        ("rounding: zzyzx", set(SCHEMA["properties"]["rounding"]["enum"])),
        ("update: {rule: zzyzx, rate: 1}", set(SCHEMA["properties"]["update"]["properties"]["rule"]["enum"])),
    ],
)
def test_the_schema_knows_what_the_reader_knows(text, listed):
    assert known(GIVEN + STEPS + text) == listed


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("step: y = w @ x", set(FORM["step"]["properties"])),
        ("gradient: {of: y}", set(FORM["gradient"]["properties"])),
        ("update: {rule: sgd, rate: 1}", set(FORM["update"]["properties"])),
        ("repeat: A", set(FORM["repeat"]["properties"])),
        ("when: y > 1\n    steps: [y = 1]", set(FORM["when"]["properties"])),
        ("say: a", set(FORM["say"]["properties"])),
        ("for t in 1..2: [y = t]", set(schema._loop()["properties"])),
    ],
)
def test_the_schema_knows_the_keys_of_each_form_of_step(text, listed):
    assert known(f"{GIVEN}steps:\n  - {text}\n    zzyzx: 1\n") == listed


def test_the_schema_knows_every_form_of_step():
    assert [*FORM, "for "] == sorted(forms._FORMS, key=[*FORM, "for "].index)
    assert schema.BESIDE_A_STEP == forms._BESIDE_A_STEP
    assert set(schema.KINDS) == set(variation._KINDS)
    assert keys("properties", "practice", "properties", "vary", "additionalProperties") == {
        *variation._KINDS, *variation._MODIFIERS, "shape",
    }  # fmt: skip
    assert set(schema.KEYS) == {"given", "steps", "gradient", "update", *problem._KEYS, *problem._CHECKS}


def test_every_key_says_what_it_is():
    def undescribed(part, where=()):
        if isinstance(part, dict):
            for key, inner in part.get("properties", {}).items():
                if isinstance(inner, dict) and not inner.get("description"):
                    yield (*where, key)
            for key, inner in part.items():
                yield from undescribed(inner, (*where, key))
        elif isinstance(part, list):
            for inner in part:
                yield from undescribed(inner, where)

    in_forms = {"step", *schema.STEP_KEYS}  # described once for all forms, beside the chain of them
    assert {path[-1] for path in undescribed(SCHEMA)} <= in_forms
    assert all(keys("definitions", "steps", "items") >= {key} for key in schema.STEP_KEYS if "…" not in key)


def test_the_patterns_are_understood_by_every_engine():
    """No pattern uses what only Python knows: named groups of its own, inline flags, possessive or \\A and \\Z."""
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(SCHEMA))
    assert patterns
    assert not [pattern for pattern in patterns if re.search(r"\(\?[PimsuxaL#>]|\\\\[AZ]", pattern)]
