"""The problems on convolutions and graphs against PyTorch: every value and every gradient.

Each problem has a forward pass here that uses PyTorch's own layers, written from the papers; autograd does the rest.
"""

from __future__ import annotations

import pytest

from tests.course.torch_side import (
    F,
    Forward,
    Tensors,
    avg_pool,
    check_values,
    close,
    column,
    conv1d,
    conv2d,
    count,
    max_pool,
    nn,
    ours,
    out_side,
    theirs,
    torch,
)  # fmt: skip


def convolution(g: Tensors) -> Tensors:
    window = g["image"].unfold(0, 3, 1).unfold(1, 3, 1)[0, 0]
    feature_map = conv2d(g["image"], g["filter"])
    return {
        "window": window,
        "products": window * g["filter"],
        "first": feature_map[0, 0],
        "feature_map": feature_map,
        "a": F.relu(feature_map),
    }


def convolution_channels(g: Tensors) -> Tensors:
    colours = ("red", "green", "blue")
    x = torch.stack([g[f"image[{c}]"] for c in colours])
    filters = torch.stack([torch.stack([g[f"{name}[{c}]"] for c in colours]) for name in "wv"])
    apart = F.conv2d(x[None], filters[0][:, None], groups=3)[0]
    z = conv2d(x, filters, g["b"])
    found = {f"part[{c}]": apart[k] for k, c in enumerate(colours)}
    return {**found, "first": z[0], "x": x, "filters": filters, "z": z, "a": F.relu(z)}


def stride_and_padding(g: Tensors) -> Tensors:
    image, w = g["image"], g["filter"]
    return {
        "side_valid": out_side(4, 3),
        "side_same": out_side(4, 3, padding=1),
        "side_strided": out_side(4, 3, stride=2, padding=1),
        "valid": conv2d(image, w),
        "padded": F.pad(image, (1, 1, 1, 1)),
        "same": conv2d(image, w, padding=1),
        "strided": conv2d(image, w, stride=2, padding=1),
    }


def max_pooling(g: Tensors) -> Tensors:
    pooled = max_pool(g["image"])
    shifted = F.pad(g["image"][:, :-1], (1, 0))
    moved = max_pool(shifted)
    return {
        "pooled": pooled,
        "shifted": shifted,
        "pooled_shifted": moved,
        "same": (moved == pooled).sum(),
        "L": (g["weight"] * pooled).sum(),
    }


def average_pooling(g: Tensors) -> Tensors:
    averages = avg_pool(g["image"])
    return {
        "averages": averages,
        "maxima": max_pool(g["image"]),
        "global_average": F.adaptive_avg_pool2d(g["image"][None], 1),
        "L": (g["weight"] * averages).sum(),
    }


def receptive_field(g: Tensors) -> Tensors:
    """The fields are seen: a network of ones, and the pixels that one number of a layer has a gradient for."""
    found: Tensors = {}
    for depth in range(1, 7):
        layers = [nn.AvgPool1d(int(f), int(s)) for f, s in zip(g["F"][:depth], g["S"][:depth], strict=True)]
        x = torch.zeros(1, 1, 120, dtype=torch.float64, requires_grad=True)
        seen = []
        for place in (3, 4):
            (gradient,) = torch.autograd.grad(nn.Sequential(*layers)(x)[0, 0, place], x)
            seen.append(gradient[0, 0].nonzero())
        found[f"field[{depth}]"] = seen[0].max() - seen[0].min() + 1
        found[f"jump[{depth}]"] = seen[1].min() - seen[0].min()
    y1 = conv1d(g["x"], g["w"])
    y2 = conv1d(y1, g["w"])
    (gradient,) = torch.autograd.grad(y2[0, 2], g["x"], retain_graph=True)
    return {**found, "y1": y1, "y2": y2, "middle": y2[0, 2], "seen": torch.count_nonzero(gradient)}


def parameter_sharing(g: Tensors) -> Tensors:
    y = conv1d(g["signal"], g["filter"])
    toeplitz = torch.autograd.functional.jacobian(lambda x: conv1d(x, g["filter"])[0], g["signal"])[:, 0]
    with torch.device("meta"):
        shared, dense = nn.Conv2d(1, 6, 5), nn.Linear(28 * 28, 24 * 24 * 6)
        places = shared(torch.zeros(1, 1, 28, 28)).numel()
    return {
        "y": y,
        "W": toeplitz,
        "Y": y.T,
        "L": 0.5 * (y * y).sum(),
        "outputs": places,
        "convolution_parameters": count(shared),
        "dense_parameters": count(dense),
    }


def one_by_one_convolution(g: Tensors) -> Tensors:
    z = conv2d(g["x"], g["filters"], g["b"])
    with torch.device("meta"):
        direct = nn.Conv2d(256, 256, 3, bias=False)
        narrow = [
            nn.Conv2d(256, 64, 1, bias=False),
            nn.Conv2d(64, 64, 3, bias=False),
            nn.Conv2d(64, 256, 1, bias=False),
        ]
    return {
        "z": z,
        "a": F.relu(z),
        "W": g["filters"].squeeze(),
        "pixels": g["x"].flatten(1),
        "Z": z.flatten(1),
        "direct": count(direct),
        "bottleneck": sum(map(count, narrow)),
        "share": sum(map(count, narrow)) / count(direct),
    }


def inception_module(g: Tensors) -> Tensors:
    x = g["x"]
    r3, r5 = F.relu(conv2d(x, g["reduce3"])), F.relu(conv2d(x, g["reduce5"]))
    pooled = max_pool(x, 3, 1, 1)
    branches = {
        "y1": F.relu(conv2d(x, g["one"])),
        "y3": F.relu(conv2d(r3, g["three"], padding=1)),
        "y5": F.relu(conv2d(r5, g["five"], padding=2)),
        "y0": F.relu(conv2d(pooled, g["project"])),
    }
    with torch.device("meta"):
        module = [
            nn.Conv2d(192, 64, 1), nn.Conv2d(192, 96, 1), nn.Conv2d(96, 128, 3), nn.Conv2d(192, 16, 1),
            nn.Conv2d(16, 32, 5), nn.Conv2d(192, 32, 1),
        ]  # fmt: skip
        plain = [nn.Conv2d(192, 64, 1), nn.Conv2d(192, 128, 3), nn.Conv2d(192, 32, 5)]
    return {
        **branches,
        "r3": r3,
        "r5": r5,
        "pooled": pooled,
        "y": torch.cat(list(branches.values())),
        "parameters": column(module),
        "total": sum(map(count, module)),
        "direct": sum(map(count, plain)),
    }


def depthwise_separable(g: Tensors) -> Tensors:
    d = conv2d(g["x"], g["depthwise"], groups=2)
    with torch.device("meta"):
        wide = nn.Conv2d(512, 512, 3, padding=1, bias=False)
        pair = [nn.Conv2d(512, 512, 3, padding=1, groups=512, bias=False), nn.Conv2d(512, 512, 1, bias=False)]
        places = wide(torch.zeros(1, 512, 14, 14)).shape[2:].numel()
    standard, separable = places * count(wide), places * sum(map(count, pair))
    return {
        "d": d,
        "p": conv2d(d, g["pointwise"]),
        "standard": standard,
        "separable": separable,
        "ratio": separable / standard,
        "rule": separable / standard,
    }


def residual_block(g: Tensors) -> Tensors:
    z1 = conv1d(g["x"], g["w1"], g["b1"], padding=1)
    a1 = F.relu(z1)
    change = conv1d(a1, g["w2"], g["b2"], padding=1)
    y, plain = F.relu(g["x"] + change), F.relu(change)
    losses = {"L": F.mse_loss(y, g["target"], reduction="sum"), "M": F.mse_loss(plain, g["target"], reduction="sum")}
    return {"z1": z1, "a1": a1, "F": change, "y": y, "plain": plain, **losses}


def convolution_backprop(g: Tensors) -> Tensors:
    z = conv2d(g["x"], g["w"], g["b"])
    a = F.relu(z)
    loss = F.mse_loss(a, g["target"], reduction="sum")
    dx, dw, db = torch.autograd.grad(loss, [g["x"], g["w"], g["b"]], retain_graph=True)
    found = {"w": g["w"] - 0.1 * dw, "b": g["b"] - 0.1 * db}  # the names stand for their last values
    return {"z": z, "a": a, "L": loss, "dw": dw, "dx": dx, "turned": g["w"].rot90(2), **found}


def graph_convolution(g: Tensors) -> Tensors:
    """As in the paper, one row for each node, and the normalised adjacency written cell by cell."""
    a, x = g["A"], g["X"].T
    linked = a + torch.diag(torch.ones(4, dtype=torch.float64))
    degree = [sum(float(linked[i, j].detach()) for j in range(4)) for i in range(4)]
    rows = [[linked[i, j] / (degree[i] * degree[j]) ** 0.5 for j in range(4)] for i in range(4)]
    norm = torch.stack([torch.stack(row) for row in rows])
    z1 = norm @ x @ g["W1"].T
    h1 = F.relu(z1)
    z2 = norm @ h1 @ g["W2"].T
    loss = F.cross_entropy(z2[:2], g["target"].T.argmax(dim=1), reduction="sum")
    return {
        "S": linked,
        "d": torch.tensor([degree]),
        "N": norm,
        "M1": (norm @ x).T,
        "Z1": z1.T,
        "H1": h1.T,
        "M2": (norm @ h1).T,
        "Z2": z2.T,
        "P": F.softmax(z2, dim=1).T,
        "L": loss,
    }


PASSES: dict[str, Forward] = {
    "convolution": convolution,
    "convolution-channels": convolution_channels,
    "stride-and-padding": stride_and_padding,
    "max-pooling": max_pooling,
    "average-pooling": average_pooling,
    "receptive-field": receptive_field,
    "parameter-sharing": parameter_sharing,
    "one-by-one-convolution": one_by_one_convolution,
    "inception-module": inception_module,
    "depthwise-separable": depthwise_separable,
    "residual-block": residual_block,
    "convolution-backprop": convolution_backprop,
    "graph-convolution": graph_convolution,
}
# the gradients of each problem that has any
GRADIENTS = {
    "max-pooling": ["dL/dimage"],
    "average-pooling": ["dL/dimage"],
    "receptive-field": ["dmiddle/dx"],
    "parameter-sharing": ["dL/dfilter"],
    "residual-block": ["dL/dx", "dM/dx"],
    "convolution-backprop": ["dL/dz", "dL/dw", "dL/db", "dL/dx"],
    "graph-convolution": ["dL/dW2", "dL/dW1"],
}
# Howard and others 2017, table 3: millions of multiplications with additions
MOBILENET = [("standard", 462.0), ("separable", 52.3)]


@pytest.mark.parametrize("name", PASSES)
def test_every_value_of_every_step_is_that_of_pytorch(name: str) -> None:
    check_values(name, PASSES[name])


@pytest.mark.parametrize("name", GRADIENTS)
def test_every_gradient_is_that_of_autograd(name: str) -> None:
    trace, (given, found) = ours(name), theirs(name, PASSES[name])
    assert list(dict.fromkeys(gradient.name for gradient in trace.gradients)) == GRADIENTS[name]
    for gradient in GRADIENTS[name]:
        of, at = gradient[1:].split("/d", 1)
        (expected,) = torch.autograd.grad(found[of], given.get(at, found.get(at)), retain_graph=True)
        close(trace[gradient], expected)


def test_a_problem_without_a_gradient_here_has_none() -> None:
    assert [name for name in PASSES if ours(name).gradients] == list(GRADIENTS)


@pytest.mark.parametrize(("key", "millions"), MOBILENET)
def test_the_cost_of_a_mobilenet_layer_is_that_of_the_paper(key: str, millions: float) -> None:
    assert ours("depthwise-separable")[key].item() / 1e6 == pytest.approx(millions, abs=0.5)


def test_a_pixel_past_the_inner_relus_has_a_gradient_only_with_the_skip_connection() -> None:
    trace = ours("residual-block")
    assert (trace["dL/dx"] != 0).all()
    assert (trace["dM/dx"][0, 3:] == 0).all()
