"""The problems of sequences and attention against PyTorch, values and gradients.

PyTorch keeps positions in rows where the problems keep them in columns, and counts from 0: every comparison transposes.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import yaml

import nnsteps
from nnsteps.collection import find
from nnsteps.trace import Trace

torch = pytest.importorskip("torch", reason="PyTorch is the other engine that values and gradients are compared with")
F = torch.nn.functional

Tensors = dict[str, Any]


@cache
def ours(name: str) -> Trace:
    return nnsteps.solve(name, exact=True)


def changed(name: str, steps: list[str], gradient: dict[str, Any] | None = None, **values: Any) -> Trace:
    """A problem with steps added, and other given values."""
    data = yaml.safe_load(find(name).source_text or "")
    return nnsteps.solve(nnsteps.Problem({**data["given"], **values}, [*data["steps"], *steps], gradient))


def given(name: str) -> Tensors:
    """The given numbers of a problem, each a leaf that gradients gather in."""
    found = {key: part.value for key, part in find(name).given.items()}
    return {key: leaf(value) for key, value in found.items() if isinstance(value, np.ndarray)}


def leaf(value: np.ndarray[Any, Any]) -> Any:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def close(one: Any, other: Any) -> None:
    other = other.detach().numpy() if torch.is_tensor(other) else np.asarray(other)
    np.testing.assert_allclose(np.asarray(one).reshape(other.shape), other, rtol=1e-9, atol=1e-9)


def agree(name: str, values: Tensors) -> None:
    for key, value in values.items():
        close(ours(name)[key], value)


def gradients(name: str, loss: Any, leaves: Tensors) -> None:
    """All gradients that the page shows for these leaves."""
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    for key, gradient in zip(leaves, found, strict=True):
        close(ours(name)[f"dL/d{key}"], gradient)


# --- sequences ---------------------------------------------------------------------------------------------------


def recurrent(layer: Any, weights: dict[str, Any]) -> Any:
    """A layer of PyTorch in float64 with these weights; the biases that are not named are 0."""
    layer = layer.double()
    with torch.no_grad():
        for key, parameter in layer.named_parameters():
            parameter.copy_(weights[key].reshape(parameter.shape) if key in weights else torch.zeros_like(parameter))
    return layer


def test_backpropagation_through_time_is_that_of_torch_rnn() -> None:
    g = given("rnn-bptt")
    layer = recurrent(torch.nn.RNN(1, 1), {"weight_ih_l0": g["u"], "weight_hh_l0": g["w"]})
    x = torch.stack([g[f"x[{t}]"].detach() for t in (1, 2, 3)]).reshape(3, 1, 1)
    h, last = layer(x, g["h[0]"].detach().reshape(1, 1, 1))
    loss = ((last - g["target"]) ** 2).sum()
    agree("rnn-bptt", {f"h[{t}]": h[t - 1] for t in (1, 2, 3)} | {"L": loss})
    loss.backward()
    close(ours("rnn-bptt")["dL/du"], layer.weight_ih_l0.grad)
    close(ours("rnn-bptt")["dL/dw"], layer.weight_hh_l0.grad)


def test_the_gradient_of_a_state_fades_as_in_torch_autograd() -> None:
    g = given("rnn-bptt")
    h = [g["h[0]"]]
    for t in (1, 2, 3):
        h.append(torch.tanh(g["w"] * h[-1] + g["u"] * g[f"x[{t}]"]))
    loss = ((h[3] - g["target"]) ** 2).sum()
    one, three = torch.autograd.grad(loss, [h[1], h[3]])
    agree("rnn-bptt", {"dL/dh[1]": one, "dL/dh[3]": three, "share": one / three})


def test_the_bidirectional_network_is_that_of_torch() -> None:
    g = given("bidirectional-rnn")
    names = {"weight_ih_l0": "Wf", "weight_hh_l0": "Uf", "weight_ih_l0_reverse": "Wb", "weight_hh_l0_reverse": "Ub"}
    layer = recurrent(
        torch.nn.RNN(2, 2, nonlinearity="relu", bidirectional=True), {key: g[name] for key, name in names.items()}
    )
    states, _ = layer(torch.stack([g[f"x[{t}]"].T for t in (1, 2, 3)]))
    agree("bidirectional-rnn", {f"f[{t}]": states[t - 1, 0, :2] for t in (1, 2, 3)})
    agree("bidirectional-rnn", {f"b[{t}]": states[t - 1, 0, 2:] for t in (1, 2, 3)})
    agree("bidirectional-rnn", {"p": torch.softmax(g["V"] @ states[0, 0], 0)})


def gru(g: Tensors) -> tuple[Any, Any]:
    """The layer of PyTorch: rows in the order reset, update, new; b_hn alone stands inside the reset product."""
    weights = {
        "weight_ih_l0": torch.cat([g["W_r"], g["W_z"], g["W_n"]]),
        "weight_hh_l0": torch.cat([g["U_r"], g["U_z"], g["U_n"]]),
        "bias_ih_l0": torch.cat([g["b_r"], g["b_z"], g["b_n"]]),
        "bias_hh_l0": torch.cat([torch.zeros(4, 1), g["c_n"]]),
    }
    layer = recurrent(torch.nn.GRU(1, 2), weights)
    return layer, layer(torch.stack([g[f"x[{t}]"] for t in (1, 2)]), g["h[0]"].reshape(1, 1, 2))[0]


def test_the_gated_recurrent_unit_is_that_of_torch() -> None:
    _, states = gru(given("gru"))
    agree("gru", {"h[1]": states[0], "h[2]": states[1]})


def test_gradients_through_the_gated_recurrent_unit_are_those_of_torch() -> None:
    names = ["W_r", "U_r", "b_r", "W_z", "U_z", "b_z", "W_n", "b_n", "U_n", "c_n"]
    trace = changed("gru", ["L = sum(h[2] * h[2])"], {"of": "L", "wrt": names})
    layer, states = gru(given("gru"))
    (states[1] ** 2).sum().backward()
    rows = {"r": slice(0, 2), "z": slice(2, 4), "n": slice(4, 6)}
    parameters = {"W": layer.weight_ih_l0, "U": layer.weight_hh_l0, "b": layer.bias_ih_l0, "c": layer.bias_hh_l0}
    for name in names:
        kind, gate = name.split("_")
        close(trace[f"dL/d{name}"], parameters[kind].grad[rows[gate]])


def test_the_lstm_cell_and_all_its_gradients_are_those_of_torch() -> None:
    g = given("lstm-backward")
    cell = recurrent(
        torch.nn.LSTMCell(1, 2),
        {
            "weight_ih": torch.cat([g[f"W_{gate}"][:, :1] for gate in "ifgo"]),
            "weight_hh": torch.cat([g[f"W_{gate}"][:, 1:] for gate in "ifgo"]),
            "bias_ih": torch.cat([g[f"b_{gate}"] for gate in "ifgo"]),
        },
    )
    before = g["c_old"].detach().T.clone().requires_grad_()
    h, c = cell(g["x"].detach(), (g["h_old"].detach().T, before))
    c.retain_grad()
    loss = ((h - g["target"].detach().T) ** 2).sum()
    loss.backward()
    agree("lstm-backward", {"h": h, "c": c, "L": loss, "dL/dc": c.grad, "dL/dc_old": before.grad})
    for k, gate in enumerate("ifgo"):
        rows = slice(2 * k, 2 * k + 2)
        weight = torch.cat([cell.weight_ih.grad[rows], cell.weight_hh.grad[rows]], dim=1)
        agree("lstm-backward", {f"dL/dW_{gate}": weight, f"dL/db_{gate}": cell.bias_ih.grad[rows]})


def test_the_encoder_and_the_decoder_are_those_of_torch_functions() -> None:
    trace, g = ours("seq2seq"), given("seq2seq")
    h = g["h[0]"]
    for word in ("I", "sleep"):
        h = F.relu(g["A"] @ h + g[f"meaning[{word}]"])
    words, s = ["start"], h
    while words[-1] != "end":
        s = F.relu(g["D"] @ s + g[f"said[{words[-1]}]"])
        logits = g["V"] @ s + g["c"]
        words.append(["je", "dors", "end"][int(logits.argmax())])
        close(trace[f"s[{len(words) - 1}]"], s)
        close(trace[f"logits[{len(words) - 1}]"], logits)
    assert words[1:] == ["je", "dors", "end"]
    assert [trace.to_json()["values"][f"word[{k}]"] for k in (1, 2, 3)] == words[1:]


def test_the_context_of_the_decoder_is_scaled_dot_product_attention_without_scale() -> None:
    g = given("seq2seq-attention")
    s = g["s[0]"]
    for k in (1, 2):
        s = F.relu(g["D"] @ s + g[f"y[{k}]"])
        context = F.scaled_dot_product_attention(s.T[None], g["H"].T[None], g["H"].T[None], scale=1.0)[0].T
        agree("seq2seq-attention", {f"s[{k}]": s, f"context[{k}]": context, f"a[{k}]": F.softmax(g["H"].T @ s, 0)})
        agree("seq2seq-attention", {f"logits[{k}]": g["C"] @ context + g["S"] @ s})


# --- attention ---------------------------------------------------------------------------------------------------


def attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    """Columns in, columns out: what PyTorch computes with rows."""
    return F.scaled_dot_product_attention(q.T[None], k.T[None], v.T[None], is_causal=causal)[0].T


def norm(x: Any, gamma: Any = None, beta: Any = None) -> Any:
    flat = [None if part is None else part.flatten() for part in (gamma, beta)]
    return F.layer_norm(x.T, (x.shape[0],), *flat).T


def test_scaled_dot_product_attention_and_its_gradients_are_those_of_torch() -> None:
    g = given("scaled-dot-product")
    z = attention(g["Q"], g["K"], g["V"])
    loss = ((z - g["target"]) ** 2).sum()
    agree("scaled-dot-product", {"Z": z, "L": loss, "sharp": F.softmax(g["K"].T @ g["Q"], 0)})
    gradients("scaled-dot-product", loss, {name: g[name] for name in "QKV"})


def test_multi_head_attention_is_that_of_torch() -> None:
    g = given("multi-head-attention")
    layer = torch.nn.MultiheadAttention(4, 2, bias=False).double()
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([g[f"W{kind}[{h}]"] for kind in "QKV" for h in (1, 2)]))
        layer.out_proj.weight.copy_(g["WO"])
    x = g["X"].T
    out, weights = layer(x, x, x, average_attn_weights=False)
    agree("multi-head-attention", {"out": out.T, "A[1]": weights[0].T, "A[2]": weights[1].T})


def test_a_causal_mask_gives_what_torch_gives_with_is_causal() -> None:
    g = given("causal-mask")
    agree("causal-mask", {"Z": attention(g["Q"], g["K"], g["V"], causal=True)})
    assert np.isneginf(ours("causal-mask")["masked"]).sum() == 6


def test_a_later_position_does_not_change_what_an_earlier_one_gives() -> None:
    trace = changed("causal-mask", [], K=[[1, 0, 2, 9], [0, 2, 0, -9]])
    close(trace["Z"][:, :3], ours("causal-mask")["Z"][:, :3])
    assert not np.allclose(trace["Z"][:, 3], ours("causal-mask")["Z"][:, 3])


def test_cross_attention_is_that_of_torch() -> None:
    g = given("cross-attention")
    agree("cross-attention", {"Z": attention(g["WQ"] @ g["X"], g["WK"] @ g["M"], g["WV"] @ g["M"])})


def test_positions_are_the_sines_and_cosines_of_the_paper() -> None:
    t = torch.arange(4, dtype=torch.float64)
    p = torch.zeros(4, 4, dtype=torch.float64)
    p[:, 0::2] = torch.sin(t[:, None] * torch.tensor([1.0, 0.01], dtype=torch.float64))
    p[:, 1::2] = torch.cos(t[:, None] * torch.tensor([1.0, 0.01], dtype=torch.float64))
    agree("positional-encoding", {"P": p.T, "placed": given("positional-encoding")["X"] + p.T, "near": p @ p.T})
    close(nnsteps.solve(nnsteps.Problem({}, ["P = positional_encoding(4)"]))["P"], p.T)


def test_learned_positions_learn_as_in_torch() -> None:
    g = given("learned-positions")
    table = torch.nn.Embedding.from_pretrained(g["position"].detach().T.clone(), freeze=False)
    scores = []
    for words in (["dogs", "bark", "loudly"], ["dogs", "bark"]):
        columns = torch.cat([g[f"word[{word}]"] for word in words], dim=1).detach().T
        scores.append(((columns + table(torch.arange(len(words)))) @ g["w"].detach().T).sum())
    loss = ((torch.stack(scores) - g["target"].detach()[0]) ** 2).sum()
    loss.backward()
    agree("learned-positions", {"y1": scores[0], "y2": scores[1], "L": loss, "dL/dposition": table.weight.grad.T})
    torch.optim.SGD(table.parameters(), lr=0.1).step()
    agree("learned-positions", {"position": table.weight.T})


def test_layer_normalization_is_that_of_torch() -> None:
    g = given("layer-normalization")
    out = norm(g["X"], g["gamma"], g["beta"])
    loss = ((out - g["target"]) ** 2).sum()
    agree("layer-normalization", {"out": out, "N": norm(g["X"]), "L": loss})
    gradients("layer-normalization", loss, {name: g[name] for name in ("gamma", "beta")})


def encoder_layer(g: Tensors, before: bool) -> Any:
    """TransformerEncoderLayer with one head; weights that a problem leaves out are the identity."""
    layer = torch.nn.TransformerEncoderLayer(3, 1, 2, dropout=0.0, norm_first=before).double().eval()
    fill(layer, g)
    with torch.no_grad():
        if "WQ" in g:
            layer.self_attn.in_proj_weight.copy_(torch.cat([g["WQ"], g["WK"], g["WV"]]))
        for number, part in ((1, layer.norm1), (2, layer.norm2)):
            if f"g{number}" in g:
                part.weight.copy_(g[f"g{number}"].flatten())
                part.bias.copy_(g[f"c{number}"].flatten())
    return layer


def fill(layer: Any, g: Tensors) -> None:
    """The small network from the problem, every attention the identity without biases."""
    with torch.no_grad():
        for part in layer.modules():
            if isinstance(part, torch.nn.MultiheadAttention):
                part.in_proj_weight.copy_(torch.eye(3).repeat(3, 1))
                part.out_proj.weight.copy_(torch.eye(3))
                part.in_proj_bias.zero_()
                part.out_proj.bias.zero_()
        for number, part in ((1, layer.linear1), (2, layer.linear2)):
            part.weight.copy_(g[f"W{number}"])
            part.bias.copy_(g[f"b{number}"].flatten())


@pytest.mark.parametrize(("name", "before"), [("transformer-encoder-block", False), ("transformer-pre-norm", True)])
def test_an_encoder_block_is_that_of_torch(name: str, before: bool) -> None:
    g = given(name)
    x = g["X"].detach().T[:, None].requires_grad_()  # an input that wants a gradient keeps PyTorch off its fused path
    agree(name, {"out": encoder_layer(g, before)(x)[:, 0].T})


def test_the_decoder_block_is_that_of_torch() -> None:
    g = given("transformer-decoder-block")
    layer = torch.nn.TransformerDecoderLayer(3, 1, 2, dropout=0.0).double()
    fill(layer, g)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(2, dtype=torch.float64)
    out = layer(g["X"].T[:, None], g["M"].T[:, None], tgt_mask=mask)
    agree("transformer-decoder-block", {"out": out[:, 0].T})


def likeliest(first: Any, after: Any, length: int) -> list[tuple[float, tuple[int, ...]]]:
    """All sentences of this length, the likeliest first: no beam, every one of them."""
    found = []
    for words in product(range(len(first)), repeat=length):
        found.append((first[words[0]] * np.prod([after[b, a] for a, b in pairwise(words)]), words))
    return sorted(found, key=lambda pair: -pair[0])


def test_the_beam_finds_the_two_likeliest_sentences_of_all() -> None:
    trace = ours("beam-search")
    best = likeliest(trace["first"].flatten(), trace["next"], 3)[:2]
    close(trace["score[3]"], [[score] for score, _ in best])
    assert [float(word) - 1 for word in trace["sentence"].flatten()] == list(best[0][1])
    assert np.ravel(trace.to_json()["values"]["words"]).tolist() == ["the", "dog", "runs"]


def test_the_greedy_sentence_is_less_likely_than_the_one_of_the_beam() -> None:
    trace = ours("beam-search")
    first, after = trace["first"].flatten(), trace["next"]
    word, score = int(first.argmax()), float(first.max())
    for _ in range(2):
        score, word = score * float(after[:, word].max()), int(after[:, word].argmax())
    assert score < float(trace["score[3]"].max())


def test_temperatures_and_draws_are_those_of_torch() -> None:
    g = given("greedy-and-temperature")
    p = F.softmax(g["z"] / g["T"], 0)
    agree("greedy-and-temperature", {"p": p, "right": p.cumsum(0)})
    drawn = torch.searchsorted(p.cumsum(0).T.contiguous(), g["r"].expand(3, 1).contiguous(), right=True).flatten()
    words = ["the", "a", "my", "zebra"]
    values = ours("greedy-and-temperature").to_json()["values"]
    assert np.ravel(values["drawn"]).tolist() == [words[k] for k in drawn.tolist()]
    assert values["greedy"] == words[int(g["z"].argmax())]


def words(g: Tensors, listed: list[str]) -> Any:
    return torch.cat([g[f"word[{word}]"] for word in listed], dim=1)


def test_the_next_token_and_its_gradients_are_those_of_torch() -> None:
    g = given("gpt-next-token")
    x = words(g, ["tick", "tock", "tick"]) + g["position"]
    y = x + g["W"] @ attention(x, x, x, causal=True)
    logits = words(g, ["tick", "tock", "stop"]).T @ y
    loss = F.cross_entropy(logits.T, torch.tensor([1, 0, 1]))
    agree("gpt-next-token", {"Y": y, "logits": logits, "P": F.softmax(logits, 0), "L": loss})
    gradients("gpt-next-token", loss, {"logits": logits, "W": g["W"]})
    assert ours("gpt-next-token").to_json()["values"]["next"] == "tock"


def test_the_masked_token_and_its_gradients_are_those_of_torch() -> None:
    g = given("bert-masked-token")
    x = words(g, ["the", "[MASK]", "barks"]) + g["position"]
    y = x[:, 1:2] + g["W"] @ attention(x[:, 1:2], x, x)
    logits = words(g, ["the", "dog", "cat", "barks"]).T @ y
    loss = F.cross_entropy(logits.T, torch.tensor([1]))
    agree("bert-masked-token", {"y": y, "p": F.softmax(logits, 0), "L": loss})
    gradients("bert-masked-token", loss, {"logits": logits, "y": y, "W": g["W"]})


def test_the_next_sentence_and_its_gradients_are_those_of_torch() -> None:
    g = given("bert-next-sentence")
    x = words(g, ["[CLS]", "rain", "[SEP]", "wet", "[SEP]"]) + g["segment"] + g["position"]
    y = attention(x[:, :1], x, x)
    z = g["head"] @ torch.tanh(g["W"] @ y + g["b"])
    loss = F.cross_entropy(z.T, torch.tensor([0]))
    agree("bert-next-sentence", {"X": x, "y": y, "p": F.softmax(z, 0), "L": loss})
    gradients("bert-next-sentence", loss, {"z": z, "head": g["head"]})


def test_the_vision_transformer_cuts_patches_as_torch_unfolds_them() -> None:
    g = given("vision-transformer")
    patches = F.unfold(g["image"][None, None], 2, stride=2)[0]
    x = torch.cat([g["token"], g["E"] @ patches + g["b"]], dim=1) + g["position"]
    y = x[:, :1] + attention(x[:, :1], x, x)
    agree("vision-transformer", {"patches": patches, "X": x, "y": y, "p": F.softmax(g["head"] @ y, 0)})
