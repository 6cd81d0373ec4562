"""The documentation is true: everything is documented, tables are fresh, commands print what is shown."""

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from nnsteps import items, problem
from nnsteps.compounds import COMPOUNDS
from nnsteps.ops import REGISTRY
from nnsteps.problem import Problem

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
    known = {"given", "steps", "gradient", "update", *problem._KEYS, *problem._CHECKS} - {"define"}
    assert set(build.KEYS) == known
    forms = {key for key in items._FORMS if not key.endswith(" ")} - {"repeat", "when", "say"}
    assert set(build.STEP_KEYS) == forms | set(items._BESIDE_A_STEP)


@pytest.mark.parametrize("page", [*build.PAGES, "CONTRIBUTING.md"])
def test_example_problems_can_be_read(page):
    for block in re.findall(r"```yaml\n(.*?)```", text(page), re.DOTALL):
        Problem.read(block, "example.yaml")


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
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text(page)):
        assert ((ROOT / page).parent / target).exists(), target


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
