"""Networks that classify images."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn import saved
from helpers.learn.building import is_count, seeded

NONE = "Name a file of torchvision's ResNet-18 weights, such as resnet18-f37072fd.pth, or leave it out"
HEAD = 256  # features between ResNet-18 and its outputs


def _small(channels: int, outputs: int) -> nn.Module:
    widths = (channels, 16, 32, 64)
    levels = [
        layer
        for a, b in pairwise(widths)
        for layer in (nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
    ]
    return nn.Sequential(*levels, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], outputs))


def _resnet18(channels: int, outputs: int) -> nn.Module:
    from monai.networks.nets import resnet18

    # Stride and bias as in torchvision, so that its weights fit.
    net = resnet18(spatial_dims=2, n_input_channels=channels, conv1_t_stride=2, bias_downsample=False)
    net.fc = nn.Sequential(nn.Linear(net.fc.in_features, HEAD), nn.ReLU(), nn.Linear(HEAD, outputs))
    return net


def _densenet121(channels: int, outputs: int) -> nn.Module:
    from monai.networks.nets import DenseNet121

    return DenseNet121(spatial_dims=2, in_channels=channels, out_channels=outputs)


CLASSIFIERS: dict[str, Callable[[int, int], nn.Module]] = {
    "small": _small,
    "resnet18": _resnet18,
    "densenet121": _densenet121,
}


def classifier(
    kind: str, outputs: int, *, channels: int = 1, weights: str | Path | None = None, seed: int = 0
) -> nn.Module:
    """Build an image classifier.

    Parameters
    ----------
    kind : {"small", "resnet18", "densenet121"}
        Three strided convolutions with batch norm; MONAI's ResNet-18 (He et al. 2016) with a head of 512, 256 and
        `outputs` features; or MONAI's DenseNet-121 (Huang et al. 2017).
    outputs : int
        Number of labels.
    channels : int
        Channels of an image: 1 for grey, 3 for colour.
    weights : path, optional
        File with the state dict of torchvision's ResNet-18, for the initial weights of "resnet18" except its head. For
        grey images the three channels of the first convolution are averaged.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, channels, h, w) and returns (n, outputs), before any activation.

    Raises
    ------
    InputError
        There is no such kind, a number is out of range, or the file is missing, damaged or from another network.
    """
    check_choice("kind", kind, CLASSIFIERS)
    for name, count, fix in (("outputs", outputs, "Give one for each label"), ("channels", channels, "Grey has 1")):
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", fix)
    if weights is not None and kind != "resnet18":
        raise InputError(f"weights = {weights}", f"{kind} takes no weights", "Use resnet18, or no weights")
    net = seeded(lambda: CLASSIFIERS[kind](channels, outputs), seed)
    if weights is not None:
        _begin_from(net, Path(weights))
    return net


def _begin_from(net: nn.Module, file: Path) -> None:
    """Copy torchvision's weights into the network, except its head."""
    given = {name: tensor for name, tensor in saved.tensors(file, fix=NONE).items() if not name.startswith("fc.")}
    if "conv1.weight" in given and net.conv1.in_channels == 1:
        given["conv1.weight"] = given["conv1.weight"].mean(1, keepdim=True)
    own = {name: tensor for name, tensor in net.state_dict().items() if not name.startswith("fc.")}
    for name in [*own, *given]:
        ours, theirs = (tuple(state[name].shape) if name in state else "none" for state in (own, given))
        if ours != theirs:
            raise InputError(file, f"{name} of ResNet-18 has shape {ours}, found {theirs}", NONE)
        if not given[name].isfinite().all():
            raise InputError(file, f"{name} holds NaN or infinity", f"The file is damaged. {NONE}")
    net.load_state_dict(given, strict=False)
