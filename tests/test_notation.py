"""Names and formulas as people write them."""

import pytest

from nnsteps.expr import Attr, Binary, Call, Compare, Expr, Name, Num
from nnsteps.formula import parse
from nnsteps.notation import caption, pretty

NAMES = [
    ("z1", "z₁", "z1"),
    ("x12", "x₁₂", "x12"),
    ("a_1", "a₁", "a_1"),
    ("i_t", "iₜ", "i_t"),
    ("W_hh", "Wₕₕ", "W_hh"),
    ("h_z", "h_z", "h_z"),  # Unicode has no subscript z
    ("L_D", "L_D", "L_D"),
    ("batch_no", "batch_no", "batch_no"),  # a word under the line would be hard to read
    ("parameters_total", "parameters_total", "parameters_total"),
    ("alpha", "α", "alpha"),
    ("gamma2", "γ₂", "gamma2"),
    ("lam", "λ", "lam"),
    ("α", "α", "alpha"),
    ("mean", "mean", "mean"),
    ("W1#2", "new W₁", "new W1"),
    ("W1#4", "new W₁ (3)", "new W1 (3)"),
    ("dL/dW1", "∂L/∂W₁", "dL/dW1"),
    ("dL/dw#2", "∂L/∂w (2)", "dL/dw (2)"),
    ("dL_D/dd1", "∂L_D/∂d₁", "dL_D/dd1"),
    ("dL/dh[3]", "∂L/∂h[3]", "dL/dh[3]"),
    ("dL/dA@4", "∂L/∂A⁽⁴⁾", "dL/dA@4"),
    ("dL/d(W1 @ x)", "∂L/∂(W₁ x)", "dL/d(W1 x)"),
    ("d(a / d)/dW1", "∂(a ÷ d)/∂W₁", "d(a / d)/dW1"),
    ("dsum(y)/dW1", "∂(Σ y)/∂W₁", "d(sum y)/dW1"),
]


@pytest.mark.parametrize(("name", "paper", "ascii"), NAMES)
def test_a_name_is_written_as_on_paper(name: str, paper: str, ascii: str) -> None:
    assert pretty(name) == paper
    assert pretty(name, ascii=True) == ascii


FORMULAS = [
    ("W1 @ x + b1", "W₁ x + b₁", "W1 x + b1"),
    ("W1 @ W2 @ x", "W₁ W₂ x", "W1 W2 x"),
    ("relu(z1)", "ReLU(z₁)", "ReLU(z1)"),
    ("relu(W1 @ x + b1)", "ReLU(W₁ x + b₁)", "ReLU(W1 x + b1)"),
    ("sigmoid(z)", "σ(z)", "sigmoid(z)"),
    ("a - (b - c)", "a − (b − c)", "a - (b - c)"),
    ("a - b - c", "a − b − c", "a - b - c"),
    ("a - (-b)", "a − (−b)", "a - (-b)"),
    ("a * -b", "a · (−b)", "a * (-b)"),
    ("-a * b", "−a · b", "-a * b"),
    ("-(a + b)", "−(a + b)", "-(a + b)"),
    ("(a + b) * c", "(a + b) · c", "(a + b) * c"),
    ("W @ (a * b)", "W (a · b)", "W (a * b)"),
    ("(a * b) @ c", "(a · b) c", "(a * b) c"),
    ("a / (b * c)", "a ÷ (b · c)", "a / (b * c)"),
    ("a * b / c", "a · b ÷ c", "a * b / c"),
    ("x ** 2", "x²", "x^2"),
    ("x ** y", "x^y", "x^y"),
    ("x ** -1", "x^(−1)", "x^(-1)"),
    ("-x ** 2", "−x²", "-x^2"),
    ("(-x) ** 2", "(−x)²", "(-x)^2"),
    ("(a + b).T", "(a + b)ᵀ", "(a + b).T"),
    ("W.T ** 2", "(Wᵀ)²", "(W.T)^2"),
    ("exp(-x)", "e^(−x)", "e^(-x)"),
    ("1 / (1 + exp(-x))", "1 ÷ (1 + e^(−x))", "1 / (1 + e^(-x))"),
    ("sqrt(x + 1)", "√(x + 1)", "sqrt(x + 1)"),
    ("abs(x - y)", "|x − y|", "|x - y|"),
    ("floor(x / 2)", "⌊x ÷ 2⌋", "floor(x / 2)"),
    ("sum(x)", "Σ x", "sum x"),
    ("sum(x + y)", "Σ (x + y)", "sum (x + y)"),
    ("sum(x) * 2", "(Σ x) · 2", "(sum x) * 2"),
    ("e / sum(e)", "e ÷ Σ e", "e / sum e"),
    ("e / sum(a * b)", "e ÷ (Σ a · b)", "e / (sum a * b)"),
    ("sum(x, axis=0)", "Σ x per column", "sum x per column"),
    ("sum(x, 1)", "Σ x per row", "sum x per row"),
    ("e / sum(e, axis=0)", "e ÷ (Σ e per column)", "e / (sum e per column)"),
    ("softmax(z)", "softmax(z)", "softmax(z)"),
    ("softmax(z, axis=0)", "softmax(z)", "softmax(z)"),  # the default
    ("softmax(z, axis=1)", "softmax(z) per row", "softmax(z) per row"),
    ("cross_entropy(y, t)", "−Σ t · log y", "-sum t * log y"),
    ('mse(y, t, reduction="sum")', "Σ (y − t)²", "sum (y - t)^2"),
    ("leaky_relu(z, alpha=0.1)", "leaky_relu(z, alpha=0.1)", "leaky_relu(z, alpha=0.1)"),
    ("-sum(xlogy(y, p))", "−Σ y·log p", "-sum y*log p"),
    ("where(x > 0, a, b)", "a where x > 0, else b", "a where x > 0, else b"),
    ("a <= b != c", "a ≤ b ≠ c", "a <= b != c"),
    ("a == b or not c", "a = b or (not c)", "a = b or (not c)"),
    ("X[1:2, 3]", "X[1:2,3]", "X[1:2,3]"),
    ("1e-3 * x", "0.001 · x", "0.001 * x"),
    ("W - 0.1 * grad(L, W)", "W − 0.1 · ∂L/∂W", "W - 0.1 * dL/dW"),
    ("hstack(a, b)", "hstack(a, b)", "hstack(a, b)"),
    ("clip(x)", "x held between 0 and 1", "x held between 0 and 1"),
    ("2 * clip(x - y, low=-1)", "2 · (x − y held between −1 and 1)", "2 * (x - y held between -1 and 1)"),
    ("conv2d(x, w, padding=1)", "conv2d(x, w, padding=1)", "conv2d(x, w, padding=1)"),
    ("conv2d_input_grad(s, w, x, padding=1)", "s handed back by w", "s handed back by w"),
]


@pytest.mark.parametrize(("text", "paper", "ascii"), FORMULAS)
def test_a_formula_is_written_as_a_caption(text: str, paper: str, ascii: str) -> None:
    assert caption(parse(text)) == paper
    assert caption(parse(text), ascii=True) == ascii
    assert caption(parse(text), ascii=True).isascii()


G = Name("dL/dz3")
GRADIENTS = [
    (Binary("@", G, Attr(Name("a2"), "T")), "∂L/∂z₃ · a₂ᵀ", "dL/dz3 * a2.T"),
    (Binary("@", Attr(Name("W3"), "T"), G), "W₃ᵀ · ∂L/∂z₃", "W3.T * dL/dz3"),
    (
        Call("keep", (Name("dL/da2"), Compare(Name("z2"), (">",), (Num(0, "0"),)))),
        "∂L/∂a₂ where z₂ > 0",
        "dL/da2 where z2 > 0",
    ),
    (Binary("/", Name("a"), G), "a ÷ (∂L/∂z₃)", "a / (dL/dz3)"),
    (Attr(G, "T"), "(∂L/∂z₃)ᵀ", "(dL/dz3).T"),
    (Binary("@", Name("W1#2"), Name("x")), "new W₁ x", "new W1 x"),
]


@pytest.mark.parametrize(("expr", "paper", "ascii"), GRADIENTS)
def test_the_product_of_a_gradient_has_its_dot(expr: Expr, paper: str, ascii: str) -> None:
    assert caption(expr) == paper
    assert caption(expr, ascii=True) == ascii


def test_an_axis_of_a_stack_of_matrices_is_not_called_a_column() -> None:
    assert caption(parse("sum(x, axis=0)"), flat=False) == "sum(x, axis=0)"
