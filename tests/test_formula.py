"""Formulas: text to tree and back, and every way of writing one wrongly that we could think of."""

import contextlib
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnsteps.errors import LimitError, Place, StepsError
from nnsteps.formula import (
    Attr,
    Binary,
    Call,
    Compare,
    Expr,
    Index,
    Logic,
    Name,
    Neg,
    Not,
    Num,
    Slice,
    Word,
    names,
    parse,
    parse_step,
    substitute,
    to_text,
)  # fmt: skip

x, y, z = Name("x"), Name("y"), Name("z")
one, two = Num(1, "1"), Num(2, "2")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x", x),
        ("  x\n", x),
        ("0.50", Num(0.5, "0.50")),
        ("1e-3", Num(0.001, "1e-3")),
        (".5", Num(0.5, ".5")),
        ("'how are'", Word("how are")),
        ("W1 @ x + b1", Binary("+", Binary("@", Name("W1"), x), Name("b1"))),
        ("-x**2", Neg(Binary("**", x, two))),
        ("+x", x),
        ("x[1, 2:y][:]", Index(Index(x, (one, Slice(two, y))), (Slice(None, None),))),
        ("topk(x, 2).values", Attr(Call("topk", (x, two)), "values")),
        ("W.T @ x", Binary("@", Attr(Name("W"), "T"), x)),
        ("sum(x, axis=1)", Call("sum", (x,), (("axis", one),))),
        ("x < y <= z", Compare(x, ("<", "<="), (y, z))),
        ("not x == y and z or x", Logic("or", (Logic("and", (Not(Compare(x, ("==",), (y,))), z)), x))),
        ("α\n   + β", Binary("+", Name("α"), Name("β"))),
        ("ｘ", x),  # folded as Python folds it
        ("rand()", Call("rand", ())),
    ],
)
def test_a_formula_becomes_its_tree(text: str, tree: Expr) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Binary("-", x, Binary("-", y, z)), "x - (y - z)"),
        (Binary("-", Binary("-", x, y), z), "x - y - z"),
        (Binary("**", Neg(x), two), "(-x) ** 2"),
        (Binary("**", two, Neg(x)), "2 ** -x"),
        (Neg(Binary("+", x, y)), "-(x + y)"),
        (Binary("*", Num(-1, "-1"), x), "-1 * x"),
        (Binary("**", Num(-1, "-1"), x), "(-1) ** x"),
        (Attr(Binary("@", x, y), "T"), "(x @ y).T"),
        (Logic("and", (Logic("or", (x, y)), z)), "(x or y) and z"),
        (Compare(Compare(x, ("<",), (y,)), ("==",), (z,)), "(x < y) == z"),
        (Word('say "no"'), "'say \"no\"'"),
        (Word("both ' and \" and \\"), '"both \' and \\" and \\\\"'),
    ],
)
def test_a_tree_is_written_with_as_few_brackets_as_can_be(tree: Expr, text: str) -> None:
    assert to_text(tree) == text


_names = st.sampled_from(["x", "W1", "b_2", "α", "x̂", "positions"])
_numbers = st.floats(0, allow_nan=False, allow_infinity=False).map(lambda v: Num(v, repr(v)))
_leaves = st.one_of(_numbers, st.integers(0, 999).map(lambda n: Num(n, str(n))), _names.map(Name))
_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(Word)


def _larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    end = st.none() | inner
    item = inner | st.builds(Slice, end, end)
    pair = st.tuples(st.sampled_from(["axis", "k"]), inner)
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "@"]), inner, inner),
        st.builds(Binary, st.just("**"), inner, _names.map(Name)),
        st.builds(Neg, inner),
        st.builds(Not, inner),
        st.builds(Attr, inner, st.sampled_from(["T", "values", "positions"])),
        st.builds(Index, inner, st.lists(item, min_size=1, max_size=3).map(tuple)),
        st.builds(Call, _names, st.lists(inner, max_size=3).map(tuple), st.lists(pair, max_size=1).map(tuple)),
        some.map(lambda rest: Compare(x, tuple("<" if k % 2 else "!=" for k in range(len(rest))), rest)),
        st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    )


trees = st.recursive(_leaves | _words, _larger, max_leaves=20)


@given(trees)
def test_what_is_written_reads_as_the_same_tree(tree: Expr) -> None:
    assert parse(to_text(tree)) == tree


@given(trees)
def test_every_span_holds_the_text_of_its_part(tree: Expr) -> None:
    text = "  " + to_text(tree)
    for node in _all_nodes(parse(text)):
        start, end = node.span
        part = text[start:end]
        assert parse(f"x[{part}]") == Index(x, (node,)) if isinstance(node, Slice) else parse(part) == node


def _all_nodes(expr: "Expr | Slice") -> "list[Expr | Slice]":
    from nnsteps.formula import children

    return [expr, *(node for child in children(expr) for node in _all_nodes(child))]


@given(st.text() | st.text("xW1.2()[]+-*/@=<>!,:'\" \\nand", max_size=40))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    for read in (parse, parse_step):
        with contextlib.suppress(StepsError):
            read(text)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("", 1, "there is no formula here", None),
        ("x +", 3, "the formula stops after +", "A value is missing at the end."),
        ("x + * y", 5, "a value is missing between + and *", None),
        ("/ y", 1, "a value is missing before /", None),
        ("f(x, , y)", 6, "a value is missing between , and ,", None),
        ("f(2 *)", 5, "a value is missing between * and )", None),
        ("x[]", 2, "there is nothing in []", None),
        ("()", 1, "there is nothing in ()", None),
        ("(x", 1, "this ( is never closed", "Add a ) where it ends."),
        ("x)", 2, "this ) closes nothing", None),
        ("(x]", 3, "( is closed by ]", None),
        (
            "tanh x",
            6,
            "an operator is missing between tanh and x",
            "Write tanh @ x for a matrix product, or * for cell times cell. A function has brackets: tanh(x).",
        ),
        (
            "W x",
            3,
            "an operator is missing between W and x",
            "Write W @ x for a matrix product, or * for cell times cell.",
        ),
        ("2 x", 3, "an operator is missing between 2 and x", "Write 2 * x."),
        ("2x", 1, "2x is neither a number nor a name", "Write 2 * x."),
        ("1_000", 1, "1_000 is neither a number nor a name", "Write 1000."),
        ("0x10", 1, "0x10 is neither a number nor a name", None),
        ("2j", 1, "2j is a complex number in Python; formulas have none", None),
        ("010", 1, "the number 010 begins with a 0", "Write 10."),
        ("1e999", 1, "the number 1e999 is too large for a computer", None),
        ("x = y", 3, "= names the result of a step; inside a formula it means nothing", "To compare, write ==."),
        ("x ^ 2", 3, "^ means nothing in a formula", "A power is written **: x ** 2."),
        ("W · x", 3, "· means nothing in a formula", "Write * between numbers, @ between matrices."),
        ("x − y", 3, "− means nothing in a formula", "Write the plain -, as on the keyboard."),
        ("x % 2", 3, "% means nothing in a formula", None),
        ("x // 2", 3, "// means nothing in a formula", "Write floor(a / b)."),
        ("~x", 1, "~ means nothing in a formula", "Write not x."),
        ("x # why", 3, "# means nothing in a formula", None),
        ("(y := x)", 4, ":= means nothing in a formula", None),
        ("{x}", 1, "{ means nothing in a formula", None),
        ("...", 1, "... means nothing in a formula", None),
        ("x₁", 1, "x₁: a lowered digit cannot be typed in a name", "Write x1; the page shows x₁."),
        ("x²", 1, "x²: a power is not written with a raised digit", "Write x ** 2."),
        (
            "lambda",
            1,
            "lambda is a word of Python and cannot be used in a formula",
            "A value may be called lam; the page shows λ. A function of your own stands under define.",
        ),
        ("True", 1, "True is a word of Python and cannot be used in a formula", "Write 1."),
        ("x if y else z", 3, "if is a word of Python and cannot be used in a formula", None),
        ("x is y", 3, "is is a word of Python and cannot be used in a formula", "Write ==."),
        ("x in y", 3, "in is a word of Python and cannot be used in a formula", None),
        ("[i for i in x]", 1, "a list cannot be written in a formula", None),
        ("f'{x}'", 1, "f before a quoted word means nothing here", None),
        ("x'", 2, "this ' opens a word that never ends", None),
        ("'a\\d'", 3, "a backslash in a quoted word means nothing here", None),
        ("x, y", 2, "a comma belongs inside brackets", None),
        ("f(*x)", 3, "* before an argument means nothing here", None),
        ("f(**x)", 3, "** before an argument means nothing here", None),
        ("f(k=1, k=2)", 8, "k is given twice", "Keep one of the two."),
        ("x[(1, 2), 3]", 3, "values side by side are no formula", None),
        ("x[1:2:3]", 7, "a slice has two ends and no step", "Write x[2:4]."),
        ("np.exp(x)", 1, "only functions of nnsteps can be called, without a module", "Write exp(x)."),
        ("x.sum()", 1, "a value has no function .sum", "Write sum(x)."),
        ("f(x)(y)", 1, "what a function gives cannot be called again", None),
        ("2(x)", 1, "an operator is missing before the bracket", None),
        ("x[1](y)", 1, "only a function can be called, by its name", None),
        ("W.t", 2, ".t means nothing in a formula", "Did you mean .T?"),
        ("x.__class__", 2, ".__class__ means nothing in a formula", None),
        ("9**9**9", 4, "the exponent 387,420,489 is too large; 1,000 is the largest", None),
        ("x ** -1001", 6, "the exponent -1,001 is too large; 1,000 is the largest", None),
        ("x ** (10 ** 10 ** 2)", 7, "the exponent 1e+100 is too large; 1,000 is the largest", None),
        ("é + x ^ 2", 7, "^ means nothing in a formula", None),
        ("é + x.foo", 6, ".foo means nothing in a formula", None),
        ("x\u200b", 2, "there is an invisible character (\\u200b) here", "Delete it."),
    ],
)
def test_what_is_no_formula_is_refused_at_its_column(text: str, column: int, message: str, hint: str | None) -> None:
    with pytest.raises(StepsError) as caught:
        parse(text, Place("a.yaml", 7, 1, text=text))
    error = caught.value
    assert error.place is not None
    assert (error.place.line, error.place.column, error.message) == (7, column, message)
    assert error.hint if hint is None else error.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 101 + "x" + ")" * 101,
        "[" * 100_000,
        "x" * 100_000,
        "+".join(["x"] * 1_000),
        "-" * 3_000 + "x",
        "not " * 900 + "x",
        "x" + ".T" * 1_000,
        "2**" * 1_000 + "2",
        "1" * 400,
        "x + " + "9" * 41,
        "9**9**9**9**9",
    ],
)
def test_too_much_is_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(StepsError) as caught:
        parse(text)
    assert isinstance(caught.value, LimitError) or text.startswith("[")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("sign", [" < ", " and ", " or ", " + "])
def test_a_chain_is_as_deep_as_it_is_long(sign: str) -> None:
    parse(sign.join(["x"] * 150))
    with pytest.raises(LimitError, match="too many parts inside each other"):
        parse(sign.join(["x"] * 300))


def test_a_long_sum_is_read_and_written() -> None:
    text = " + ".join(["x"] * 190)
    assert to_text(parse(text)) == text
    assert names(substitute(parse(text), {"x": Name("y")})) == ["y"]


@pytest.mark.parametrize(
    ("text", "target", "formula"),
    [
        ("y = x + 1", y, "x + 1"),
        ("y=x==z", y, "x == z"),
        ("h[t] = f(x, axis=0)", Index(Name("h"), (Name("t"),)), "f(x, axis=0)"),
        ("w[r, t - 1] = x", Index(Name("w"), (Name("r"), Binary("-", Name("t"), one))), "x"),
        (' p["<="] = "=" == x', Index(Name("p"), (Word("<="),)), '"=" == x'),
        ("y\n = x", y, "x"),
    ],
)
def test_a_step_has_a_target_and_a_formula(text: str, target: Expr, formula: str) -> None:
    found, right = parse_step(text)
    assert found == target
    assert right == parse(formula)
    start, end = right.span
    assert parse(text[start:end]) == right


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("x + 1", 1, "a step is name = formula; there is no = here"),
        ("f(x, axis=1)", 1, "a step is name = formula; there is no = here"),
        ("y == x", 3, "== compares two values; a step is name = formula"),
        ("y += x", 3, "+= is not how a step begins"),
        ("y := x", 3, ":= is not how a step begins"),
        ("= x", 1, "there is no name before the ="),
        ("y =", 3, "there is no formula after the ="),
        ("y = x = z", 5, "a step gives one name a value"),
        ("a, b = topk(x, 2)", 1, "a step gives one result"),
        ("dL/dz = x", 1, "dL/dz is the name of a gradient; a step's own name has no /"),
        ("x + y = z", 1, "x + y is no name for the result of a step"),
        ("f(x) = z", 1, "f(x) is no name for the result of a step"),
        ("y = x ^ 2", 7, "^ means nothing in a formula"),
    ],
)
def test_what_is_no_step_is_refused_at_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(StepsError) as caught:
        parse_step(text, Place("a.yaml", 1, 1, text=text))
    assert caught.value.place is not None
    assert (caught.value.place.column, caught.value.message) == (column, message)


def test_names_come_in_order_of_first_appearance_and_calls_are_none() -> None:
    assert names(parse("softmax(W @ x + b)[W, t] + f(z, k=q)")) == ["W", "x", "b", "t", "z", "q"]


def test_substitution_replaces_values_everywhere_and_functions_nowhere() -> None:
    tree = parse("f(x[x:1], k=x) + x.T ** -x + (x < x) + (not x)")
    mapping = {"x": parse("a + b"), "f": Name("wrong"), "k": Name("wrong")}
    expected = "f((a + b)[a + b:1], k=a + b) + (a + b).T ** -(a + b) + (a + b < a + b) + (not a + b)"
    assert substitute(tree, mapping) == parse(expected)


def test_numbers_keep_their_text_and_are_finite() -> None:
    number = parse("1.50")
    assert isinstance(number, Num)
    assert (number.value, number.text) == (1.5, "1.50")
    assert math.isfinite(number.value)
