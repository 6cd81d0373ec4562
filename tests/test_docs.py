"""The documentation is true: everything is documented, tables are fresh, commands print what is shown."""

import doctest
import importlib.util
import json
import re
import typing
from pathlib import Path

import pytest

from nnsteps import errors, forms, items, problem, schema, variation
from nnsteps.cli.export import JSON
from nnsteps.compounds import COMPOUNDS
from nnsteps.errors import StepsError
from nnsteps.ops import REGISTRY
from nnsteps.practice import Practice
from nnsteps.problem import Problem
from nnsteps.render.formats import FORMATS
from nnsteps.verify import check

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch):
    for name in ("FORCE_COLOR", "LANG", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.mark.parametrize("page", build.PAGES)
def test_tables_and_outputs_are_fresh(page):
    assert build.fresh(text(page)) == text(page), "run python docs/build.py and read the difference"


def test_stale_parts_are_noticed():
    stale = text("docs/cli.md").replace("--exact", "--exakt", 1)
    assert build.fresh(stale) != stale
    assert build.fresh("```console\n$ nnsteps --version\nold\n```") != "```console\n$ nnsteps --version\nold\n```"
    made = "```console\n$ nnsteps solve backprop -o page.txt\n\n$ ls .\npage.txt\n```"
    assert build.fresh(made) == made
    assert build.fresh(made.replace("ls .\npage", "ls .\nother")) == made


def test_every_command_and_option_is_documented():
    page = text("docs/cli.md")
    for name, command in build.commands().items():
        assert f"## nnsteps {name}\n" in page
        assert command.help
        for parameter in command.params:
            assert parameter.help
            assert parameter.opts[0] in page or parameter.metavar in page


def test_every_function_is_documented():
    page = text("docs/formulas.md")
    for function in (*REGISTRY.values(), *COMPOUNDS.values()):
        assert f"`{function.signature}`" in page
        assert function.doc
        assert function.shapes


def test_every_key_is_documented():
    assert set(schema.KEYS) == {"given", "steps", "gradient", "update", *problem._KEYS, *problem._CHECKS}
    keys = {"for … in …" if key == "for " else key for key in forms._FORMS}
    assert set(schema.STEP_KEYS) == keys | {*forms._BESIDE_A_STEP, "until"}


def test_every_word_of_a_practice_section_is_documented():
    section = text("docs/problems.md").partition("## Practice")[2]
    words = {*variation._KINDS, *variation._MODIFIERS, "shape", "vary", "sizes", "keep", "allow"}
    assert {word for word in words if word not in section} == set()
    assert re.findall(r"^\| `([a-z ]+)` \| (?:every|no|an answer|as many)", section, re.M) == list(variation.RULES)


def test_every_format_is_documented():
    table = text("docs/cli.md").partition("## nnsteps export")[2].partition("## nnsteps")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == [*FORMATS, JSON]
    flavors = {flavor for one in FORMATS.values() for flavor in one.flavors}
    assert {flavor for flavor in flavors if f"`--flavor {flavor}`" not in table} == set()


def test_every_error_code_is_documented():
    page = text("docs/cli.md")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StepsError)]
    assert {kind.code for kind in kinds if f"| `{kind.code}` |" not in page} == {StepsError.code}


def test_the_json_that_is_shown_fits_the_schema():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    trace_schema = json.loads(text("docs/trace.schema.json"))
    (shown,) = re.findall(r"```json\n(.*?)```", text("docs/cli.md"), re.DOTALL)
    jsonschema.validate(json.loads(shown), trace_schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(shown), "version": 2}, trace_schema)


# --- examples ----------------------------------------------------------------------------------------------------


def examples(page):
    """The problems of a page: the name of each, and its text."""
    blocks = re.findall(r"```yaml\n(.*?)```", text(page), re.DOTALL)
    return [((re.match(r"# (\S+)", block) or ["", "example.yaml"])[1], block) for block in blocks]


@pytest.mark.parametrize(
    ("page", "name", "block"),
    [(page, *example) for page in (*build.PAGES, "CONTRIBUTING.md") for example in examples(page)],
)
def test_an_example_is_right_or_wrong_in_the_words_of_its_page(page, name, block):
    assert said_of(name, block) in text(page)


def test_an_example_with_a_wrong_answer_is_noticed():
    name, block = examples("docs/problems.md")[0]
    assert said_of(name, block) == ""
    assert said_of(name, block.replace("L: 1", "L: 2")) not in text("docs/problems.md")
    assert said_of(name, block.replace("p = w * x", "p = w * q")) not in text("docs/problems.md")


def said_of(name, block):
    """What the program says is wrong with a problem; nothing if its steps, gradients and answers are right."""
    try:
        return "\n".join(check(Problem.read(block, name)).failures)
    except StepsError as error:
        return str(error)


def test_every_form_of_step_has_an_example():
    def kinds(listed):
        for item in listed:
            yield type(item)
            yield from kinds(items.inside(item))

    found = {form for _, block in examples("docs/problems.md") for form in kinds(Problem.read(block, "a.yaml").steps)}
    assert found == set(typing.get_args(items.Item)) - {items.Broken}


def test_what_an_example_says_of_practice_makes_sheets():
    with_practice = [block for _, block in examples("docs/problems.md") if "practice:" in block]
    assert with_practice
    for block in with_practice:
        source = Practice(Problem.read(block, "example.yaml"))
        assert check(Problem.read(source.text(source.variant(1, "1")), "variant.yaml")).ok


def test_the_python_examples_run():
    block = re.search(r"```python\n(.*?)```", text("README.md"), re.DOTALL).group(1)
    test = doctest.DocTestParser().get_doctest(block, {}, "README", "README.md", 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_package_example_runs():
    import nnsteps

    assert doctest.testmod(nnsteps).failed == 0


@pytest.mark.parametrize("page", [*build.PAGES, "docs/architecture.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    for target, mark in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text(page)):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if mark:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert mark in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], mark


def test_the_changelog_names_this_version():
    from nnsteps import __version__

    assert __version__ in text("CHANGELOG.md")


def test_the_set_up_lines_are_marked_for_ci():
    for name in ("run", "test"):
        assert re.search(rf"<!-- ci: {name} -->\n```sh\n[^\n]+\n```", text("README.md"))


def contributed(kind):
    return re.search(rf"```python\n({kind}\(.*?)```", text("CONTRIBUTING.md"), re.DOTALL).group(1)


def test_the_recipe_of_an_operation_holds_the_laws():
    import numpy as np

    from nnsteps import Problem, scalar, solve
    from nnsteps.ops import elementwise

    source = contributed("op")
    try:
        exec(source, {**vars(elementwise), "np": np, "scalar": scalar})
        trace = solve(
            Problem(given={"x": [0.5, -1]}, steps=["y = softplus(x)", "L = sum(y)"], gradient={"of": "L", "wrt": ["x"]})
        )
        assert np.allclose(trace["y"], np.log1p(np.exp(trace["x"])))
        assert np.allclose(trace["dL/dx"], 1 / (1 + np.exp(-trace["x"])))
        assert scalar.evaluate(trace.cell(trace.node("y"), (0, 0)), trace.look_up) == pytest.approx(trace["y"][0, 0])
    finally:
        REGISTRY.pop("softplus", None)


def test_the_recipe_of_a_compound_works():
    import numpy as np

    from nnsteps import Problem, compounds, solve

    try:
        exec(contributed("compound"), dict(vars(compounds)))
        trace = solve(Problem(given={"x": [0.5, -1]}, steps=["y = swish(x)"]))
        assert np.allclose(trace["y"], trace["x"] / (1 + np.exp(-trace["x"])))
    finally:
        COMPOUNDS.pop("swish", None)
