"""LeNet-5, AlexNet, VGG-16, ResNet-50 against PyTorch and what is published: sizes, parameters, a forward pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.course.torch_side import F, Forward, Tensors, avg_pool, check_values, column, conv2d, count, nn, ours, torch


def sides(layers: Any, image: tuple[int, ...]) -> list[int]:
    """The side of the image behind each layer."""
    x, found = torch.zeros(1, *image, device="meta"), []
    for layer in layers:
        x = layer(x)
        found.append(int(x.shape[-1]))
    return found


def lenet_5(g: Tensors) -> Tensors:
    with torch.device("meta"):
        body = [nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2)]
        head = [nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)]
        # table I of 1998: which maps each filter of C3 reads
        reads = [nn.Conv2d(maps, 1, 5) for maps in [3] * 6 + [4] * 9 + [6]]
    c1, s2, c3, s4 = sides(body, (1, 32, 32))
    z = conv2d(g["image"], g["filter"], g["b"])
    a = F.relu(z)
    pooled = avg_pool(a)
    x = pooled.reshape(-1, 1)
    logits = g["W"] @ x + g["c"]
    poolings = sum(2 * channels for channels in (6, 16))
    sparse = sum(map(count, reads))
    return {
        "C1": c1,
        "S2": s2,
        "C3": c3,
        "S4": s4,
        "features": head[0].in_features,
        "inputs": torch.tensor([[float(layer.in_features)] for layer in head]),
        "first_filters": count(body[0]),
        "second_filters": count(body[2]),
        "parameters": column(head),
        "total": count(nn.Sequential(*body, nn.Flatten(), *head)),
        "poolings": poolings,
        "sparse_filters": sparse,
        "learned": count(body[0]) + poolings + sparse + count(head[0]) + count(head[1]),
        "z": z,
        "a": a,
        "pooled": pooled,
        "x": x,
        "logits": logits,
        "p": F.softmax(logits, dim=0),
    }


def alexnet_counts(g: Tensors) -> Tensors:
    with torch.device("meta"):
        pool = nn.MaxPool2d(3, 2)
        one = [nn.Conv2d(3, 64, 11, 4, 2), pool, nn.Conv2d(64, 192, 5, 1, 2), pool, nn.Conv2d(192, 384, 3, 1, 1),
               nn.Conv2d(384, 256, 3, 1, 1), nn.Conv2d(256, 256, 3, 1, 1), pool]  # fmt: skip
        two = [nn.Conv2d(3, 96, 11, 4), nn.Conv2d(96, 256, 5, groups=2), nn.Conv2d(256, 384, 3),
               nn.Conv2d(384, 384, 3, groups=2), nn.Conv2d(384, 256, 3, groups=2)]  # fmt: skip
        head = [nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)]
    found = sides(one, (3, 224, 224))
    fc6, fc7, fc8 = map(count, head)
    return {
        "conv1_side": found[0],
        "pool1_side": found[1],
        "pool2_side": found[3],
        "pool5_side": found[7],
        "features": nn.Sequential(*one, nn.Flatten())(torch.zeros(1, 3, 224, 224, device="meta")).shape[1],
        "fc6": fc6,
        "fc7": fc7,
        "fc8": fc8,
        "dense": fc6 + fc7 + fc8,
        "parameters": column(layer for layer in one if count(layer)),
        "total": count(nn.Sequential(*one, nn.Flatten(), *head)),
        "parameters_2012": column(two),
        "total_2012": count(nn.Sequential(*two, nn.Flatten(), *head)),
    }


def vgg16_counts(g: Tensors) -> Tensors:
    layers, channels = [], 3
    with torch.device("meta"):
        for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
            layers.append(nn.Conv2d(channels, width, 3, padding=1) if width else nn.MaxPool2d(2))
            channels = width or channels
        head = [nn.Linear(512 * 7 * 7, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)]
    found = sides(layers, (3, 224, 224))
    pooled = [side for side, layer in zip(found, layers, strict=True) if not count(layer)]
    filters = [layer for layer in layers if count(layer)]
    return {
        "parameters": column(filters),
        "convolutions": sum(map(count, filters)),
        **{f"size[{k}]": side for k, side in enumerate(pooled, start=1)},
        "features": head[0].in_features,
        **{f"fc{k}": count(layer) for k, layer in enumerate(head, start=6)},
        "total": count(nn.Sequential(*layers, nn.Flatten(), *head)),
    }


class Bottleneck(nn.Module):  # type: ignore[misc]
    """1×1, 3×3, 1×1 with batch normalization; a shortcut of its own where the shapes change."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.filters = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.Conv2d(width, out, 1, bias=False),
        )  # fmt: skip
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width), nn.BatchNorm2d(out)])
        self.shortcut, self.shortcut_norm = nn.Identity(), nn.Identity()
        if channels != out:
            self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(out)


def resnet_50_counts(g: Tensors) -> Tensors:
    channels, stages = 64, []
    with torch.device("meta"):
        stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64))
        for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
            stage = []
            for _ in range(blocks):
                stage.append(Bottleneck(channels, width, 1))
                channels = 4 * width
            stages.append(nn.Sequential(*stage))
        dense = nn.Linear(channels, 1000)
    first = [stage[0] for stage in stages]
    network = nn.Sequential(stem, *stages, dense)
    kinds = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return {
        "stem": count(stem),
        "filters": column(block.filters for block in first),
        "shortcut": column(block.shortcut for block in first),
        "norms": column(nn.ModuleList([*block.norms, block.shortcut_norm]) for block in first),
        "first": column(first),
        "further": column(stage[1] for stage in stages),
        "stages": column(stages),
        "dense": count(dense),
        "total": count(network),
        "layers": len(kinds) - sum(isinstance(block.shortcut, nn.Conv2d) for block in first),
    }


PASSES: dict[str, Forward] = {
    "lenet-5": lenet_5,
    "alexnet-counts": alexnet_counts,
    "vgg16-counts": vgg16_counts,
    "resnet-50-counts": resnet_50_counts,
}
PUBLISHED = [
    ("lenet-5", "total", 61_706),  # with full connections
    ("lenet-5", "learned", 60_000),  # LeCun and others 1998, section II B
    ("alexnet-counts", "total", 61_100_840),  # torchvision
    ("alexnet-counts", "total_2012", 60_965_224),  # Krizhevsky and others 2012
    ("vgg16-counts", "total", 138_357_544),
    ("resnet-50-counts", "total", 25_557_032),
]


@pytest.mark.parametrize("name", PASSES)
def test_every_size_and_count_is_that_of_a_network_built_by_pytorch(name: str) -> None:
    check_values(name, PASSES[name])


@pytest.mark.parametrize(("name", "key", "published"), PUBLISHED)
def test_a_published_count_is_exact(name: str, key: str, published: int) -> None:
    assert ours(name)[key].item() == published
