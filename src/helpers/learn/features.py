"""Features of images at sixteen depths, for a feature (perceptual) loss."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError
from helpers.learn import saved
from helpers.learn.building import is_count, seeded

WIDTHS = (1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8)  # of VGG19's convolutions, in multiples of the first
POOLED = (2, 4, 8, 12)  # convolutions after which the image is halved
SMALLEST = 2 ** len(POOLED)  # pixels along an axis
NONE = "Name the file vgg19-dcbb9e9d.pth of torchvision, or use random_features"


class Features(nn.Module):
    """The convolutions of VGG19 (Simonyan and Zisserman 2015), frozen.

    Takes images of shape (n, 3, s, s), s 16 or more, in [-1, 1] and returns the outputs of the sixteen convolutions
    before their ReLU, as a list from fine to coarse. Images are not standardised to ImageNet's mean and standard
    deviation, because the reproduced study did not do so.

    Attributes
    ----------
    name : str
        Description of the weights, for a page to print.
    pretrained : bool
        Whether the weights come from a file; otherwise they are random.
    """

    def __init__(self, channels: int, name: str, *, pretrained: bool) -> None:
        super().__init__()
        self.name, self.pretrained = name, pretrained
        widths = [3, *(channels * width for width in WIDTHS)]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.eval().requires_grad_(False)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Compute the outputs of the sixteen convolutions before their ReLU.

        Raises
        ------
        InputError
            The images do not have three channels, or have fewer than 16 pixels along an axis.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SMALLEST:
            raise InputError(
                "images",
                f"expected (n, 3, {SMALLEST} or more, {SMALLEST} or more), found {tuple(images.shape)}",
                "Train without a feature loss, or use larger colour images",
            )
        found, x = [], images
        for place, layer in enumerate(self.layers):
            if place in POOLED:
                x = functional.max_pool2d(x, 2)  # before the ReLU: the same result at less cost
            found.append(layer(x.relu() if place else x))
            x = found[-1]
        return found


def vgg19_features(weights: str | Path) -> Features:
    """Load VGG19's convolutions with the weights of a file.

    Parameters
    ----------
    weights : path
        A PyTorch state dict that begins with weight and bias of each of the sixteen convolutions in turn, such as
        torchvision's ``vgg19-dcbb9e9d.pth``. Tensors are used in this order, regardless of their names.

    Returns
    -------
    Features
        Frozen, on the CPU, ``pretrained`` is True.

    Raises
    ------
    InputError
        The file is missing or damaged, or its tensors are not those of VGG19.
    """
    file = Path(weights)
    with torch.device("meta"):
        made = Features(64, f"VGG19, weights of {file.name}", pretrained=True)
    names = list(made.state_dict())
    tensors = list(saved.tensors(file, fix=NONE).values())[: len(names)]
    for name, own, given in zip(names, made.parameters(), tensors, strict=False):
        if given.shape != own.shape:
            raise InputError(file, f"{name} of VGG19 has shape {tuple(own.shape)}, found {tuple(given.shape)}", NONE)
        if not given.isfinite().all():
            raise InputError(file, f"{name} holds NaN or infinity", f"The file is damaged. {NONE}")
    if len(tensors) < len(names):
        raise InputError(file, f"expected {len(names)} tensors or more, found {len(tensors)}", NONE)
    made.load_state_dict(dict(zip(names, (tensor.float() for tensor in tensors), strict=True)), assign=True)
    return made.requires_grad_(False)


def random_features(*, channels: int = 16, seed: int = 0) -> Features:
    """Build the same convolutions with random weights, for use when VGG19's are not available.

    The weights keep the scale of the images from layer to layer (He et al. 2015). They are not trained: a page that
    uses them must state this.

    Parameters
    ----------
    channels : int
        Features of the first convolution; VGG19 has 64. The last convolution has eight times as many.
    seed : int
        Seed of the weights; the global random number generators are left unchanged.

    Returns
    -------
    Features
        Frozen, on the CPU, ``pretrained`` is False.

    Raises
    ------
    InputError
        A number is out of range.
    """
    if not is_count(channels):
        raise InputError(f"channels = {channels}", "expected a whole number, 1 or more", "Use 16 if in doubt")

    def build() -> Features:
        made = Features(channels, f"random features, {channels} channels, seed {seed}", pretrained=False)
        for layer in made.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        return made

    return seeded(build, seed)
