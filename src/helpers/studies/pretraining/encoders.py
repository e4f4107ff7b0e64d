"""Encoders of the study: their settings, their pretraining, the statistics that they need, and their features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import ViT

# Our choices for a laptop, all of them found by trying: they belong to the claim that no tuning is needed.
NETWORK = {"width": 40, "depth": 4, "heads": 4, "patch": 6, "side": 24, "registers": 2}
HEADS = {"prototypes": 128, "hidden": 128, "bottleneck": 32, "momentum": 0.98, "temperature": (0.02, 0.02)}
VIEWS = {"large": 24, "small": 12, "n_small": 2, "brightness": 0.7, "contrast": 0.4, "noise": 0.2, "blur": 1.0}
TRAINING = {"steps": 3000, "batch_size": 64, "lr": 2e-3, "decay": 0.01, "clip": 3.0}
WARM = 0.1  # share of the steps in which the learning rate rises
LEAST_RATE = 0.02  # share of the learning rate at the end
PUBLISHED = {"width": 384, "depth": 12, "heads": 6, "patch": 16, "side": 224, "registers": 4, "scale": 1e-5}
SLIP = (1.033, 1.21)  # factor and shift of normalised pixels by the slip: other statistics at the test
NEAR = 0.02  # statistics that differ by less, in SD, are the same
COLLAPSED = 2.0  # effective rank below which an encoder gives the same features to all images
UNLEARNED = 0.05  # a loss this near to that of equal outputs has taught nothing
SHORT = 500  # steps below which a training shows the loop, and no more


class Statistics(NamedTuple):
    """Mean and SD of pixels, of a range of 1, by which an encoder's images are normalised; one number a channel."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    @classmethod
    def of(cls, images: np.ndarray) -> Statistics:
        """Compute the statistics of grey uint8 images."""
        values = np.asarray(images, np.float32) / 255
        return cls((float(values.mean(dtype=float)),), (float(values.std(dtype=float)),))


class Encoder(NamedTuple):
    """A network with what it was pretrained on, the seed, and the statistics of its images."""

    kind: str
    seed: int
    net: ViT
    statistics: Statistics
    history: pd.DataFrame | None = None


def random_encoder(images: np.ndarray, *, seed: int, network: Mapping[str, Any] = NETWORK) -> Encoder:
    """Build an encoder without training, with the statistics of the given images."""
    return Encoder("random", seed, learn.vit(**network, seed=seed).eval(), Statistics.of(images))


def pretrain(
    kind: str,
    images: np.ndarray,
    *,
    seed: int,
    steps: int,
    network: Mapping[str, Any] = NETWORK,
    heads: Mapping[str, Any] = HEADS,
    views: Mapping[str, Any] = VIEWS,
    training: Mapping[str, Any] = TRAINING,
    every: int | None = None,
    device: str = "auto",
    keep: Path | None = None,
    progress: bool = False,
) -> Encoder:
    """Train an encoder on images without labels; the same call goes on where the last was stopped.

    Parameters
    ----------
    kind : str
        Name of the images.
    images : uint8 ndarray of shape (n, 1, h, w)
    seed : int
        Seed of the weights, the order and the views.
    steps : int
    network, heads, views, training : mapping
        Settings as of `helpers.learn.vit`, `self_distillation` and `Views`; of the training ``batch_size``, ``lr``,
        ``decay`` (of weights) and ``clip``.
    every : int, optional
        Steps between checkpoints, and rows of the history; default a twentieth.
    device : str
    keep : Path, optional
        Folder of the checkpoint of this pretraining alone.
    progress : bool

    Returns
    -------
    Encoder
        The teacher, in evaluation mode on the CPU, and the history of its losses.

    Raises
    ------
    InputError
        There are fewer images than a batch, or they are smaller than a small view; see also `helpers.learn.fit`.
    """
    if len(images) < training["batch_size"]:
        raise InputError(
            f"{kind} images", f"{len(images)}, fewer than a batch of {training['batch_size']}", "Give more images"
        )
    views = {"small": VIEWS["small"], "patch": network["patch"], **views}
    if min(images.shape[2:]) < views["small"]:
        raise InputError(
            f"{kind} images", f"smaller than a view of {views['small']} pixels", "Give larger images, or smaller views"
        )
    statistics = Statistics.of(images)
    model = learn.self_distillation(learn.vit(**network, seed=seed), steps=steps, seed=seed, **heads)
    fitted = learn.fit(
        model,
        (normalised(images, statistics),),
        _losses,
        steps=steps,
        batch_size=training["batch_size"],
        lr=training["lr"],
        seed=seed,
        optimizer=partial(torch.optim.AdamW, weight_decay=training["decay"]),
        schedule=_rate,
        augment=learn.Views(**views),
        clip=training["clip"],
        every=every or max(1, steps // 20),
        checkpoint=keep,
        device=device,
        precision="32",
        progress=progress,
    )
    return Encoder(kind, seed, fitted.model.teacher.cpu().eval(), statistics, fitted.history)


def normalised(images: np.ndarray, statistics: Statistics, channels: int = 1) -> np.ndarray:
    """Subtract the mean of grey uint8 images and divide by the SD; float32, repeated for the channels of a network."""
    if len(statistics.mean) != channels or len(statistics.sd) != channels or not min(statistics.sd) > 0:
        raise InputError(
            "STATISTICS",
            f"{len(statistics.mean)} means and {len(statistics.sd)} SD for a network of {channels} channels",
            "Give one mean and one SD above 0 for each channel",
        )
    mean, sd = (np.array(part, np.float32)[:, None, None] for part in statistics)
    return (np.asarray(images, np.float32) / 255 - mean) / sd


def slipped(statistics: Statistics) -> Statistics:
    """Return the statistics by which normalised pixels x become 1.033 x + 1.21: the slip of a published test script."""
    factor, shift = SLIP
    pairs = zip(statistics.mean, statistics.sd, strict=True)
    mean, sd = zip(*((m - shift * s / factor, s / factor) for m, s in pairs), strict=True)
    return Statistics(mean, sd)


def features(
    encoder: Encoder, images: np.ndarray, *, statistics: Statistics | None = None, check: bool = True
) -> np.ndarray:
    """Compute the features of grey uint8 images (n, 1, h, w): float32 of shape (n, 2 width).

    Parameters
    ----------
    statistics : Statistics, optional
        Default those of the encoder.
    check : bool
        Whether to refuse other statistics; False shows what they do.

    Raises
    ------
    InputError
        The statistics are not those of the encoder, or do not fit its channels.
    """
    used = statistics or encoder.statistics
    if check:
        check_statistics(encoder, used)
    return learn.predict(encoder.net, normalised(images, used, encoder.net.channels), batch_size=256, precision="32")


def check_statistics(encoder: Encoder, tested: Statistics) -> None:
    """Refuse statistics of a test that are not those of the pretraining.

    Raises
    ------
    InputError
        A mean differs by more than 2% of the SD, an SD by more than 2%, or the numbers of channels differ.
    """
    known = encoder.statistics
    same = len(known.mean) == len(tested.mean) and all(
        abs(a - b) <= NEAR * s and abs(t - s) <= NEAR * s
        for a, b, s, t in zip(known.mean, tested.mean, known.sd, tested.sd, strict=True)
    )
    if not same:
        raise InputError(
            f"normalisation of the {encoder.kind} encoder",
            f"pretrained with {_shown(known)}, tested with {_shown(tested)}",
            "Test every encoder with the statistics it was trained with",
        )


def statistics_from(text: str, channels: int) -> Statistics:
    """Read the means, then the SD, of a user's encoder, such as "0.1843, 0.2188".

    Raises
    ------
    InputError
        The text is not one mean and one SD for each channel.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 2 * channels or not all(map(math.isfinite, numbers)) or min(numbers[channels:]) <= 0:
        raise InputError(
            "STATISTICS",
            f"{text!r} for a network of {channels} {'channel' if channels == 1 else 'channels'}",
            "Give one mean for each channel, then one SD above 0 for each, of pixels from 0 to 1",
        )
    return Statistics(tuple(numbers[:channels]), tuple(numbers[channels:]))


def user_encoder(file: str | Path, statistics: str, *, size: int) -> Encoder:
    """Load a user's encoder, such as DINOv2 or UltraDINO, and the statistics of its pretraining.

    Raises
    ------
    InputError
        The file holds no such weights, `size` is no multiple of its patch, or the statistics do not fit; see
        `helpers.learn.load_vit`.
    """
    net = learn.load_vit(file)
    if size % net.patch:
        raise InputError(f"SIZE = {size}", f"no multiple of the encoder's patch of {net.patch}", "Change SIZE")
    return Encoder("WEIGHTS", 0, net, statistics_from(statistics, net.channels))


def state_of(encoder: Encoder, found: np.ndarray, prototypes: int = HEADS["prototypes"]) -> dict[str, object]:
    """Describe whether an encoder has learned: its effective rank, its last loss, and what is wrong in words.

    Parameters
    ----------
    found : ndarray of shape (n, f)
        Its features.
    prototypes : int
        Prototypes of its pretraining; equal outputs for all images have a loss of their logarithm.
    """
    rank = learn.effective_rank(found)
    loss = float("nan") if encoder.history is None else float(encoder.history["dino"].iloc[-1])
    wrong = ""
    if rank < COLLAPSED:
        wrong = "collapsed: its features are the same for all images"
    elif abs(loss - math.log(prototypes)) < UNLEARNED:
        wrong = "not trained: its loss is that of equal outputs"
    elif encoder.history is not None and _steps(encoder) < SHORT:
        wrong = f"barely trained: fewer than {SHORT} steps"
    return {"rank": rank, "loss": loss, "steps": _steps(encoder), "state": wrong or "usable"}


def _losses(model: torch.nn.Module, views: tuple[torch.Tensor, ...]) -> dict[str, torch.Tensor]:
    return model(*views)


def _rate(share: float) -> float:
    """Return the factor of the learning rate: a rise, then a half cosine."""
    fall = (1 + math.cos(math.pi * max(0.0, share - WARM) / (1 - WARM))) / 2
    return min(1.0, share / WARM) * (LEAST_RATE + (1 - LEAST_RATE) * fall)


def _steps(encoder: Encoder) -> float:
    return 0.0 if encoder.history is None else float(encoder.history["step"].iloc[-1])


def _shown(statistics: Statistics) -> str:
    mean, sd = (", ".join(f"{value:.3f}" for value in part) for part in statistics)
    return f"mean {mean} and SD {sd}"
