"""Segmentation networks on tumour slices, held in memory: trained, applied and scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from helpers import datasets, learn, metrics

if TYPE_CHECKING:
    from torch import nn


class Slices(NamedTuple):
    """The largest tumour slice of each of n patients.

    image : float32, (n, 2, size, size)
    expert, automatic : bool, (n, size, size)
    """

    image: np.ndarray
    expert: np.ndarray
    automatic: np.ndarray


def load_slices(
    root: str | Path, patient_ids: Sequence[str], *, size: int, spacing: float = 0.0, progress: bool = True
) -> Slices:
    """Load the largest tumour slice of each patient, cut by `helpers.datasets.largest_slice`.

    Parameters
    ----------
    root : path
        Folder in the layout of MAMA-MIA, with images and both masks.
    patient_ids : sequence of str
    size : int
        Side in voxels.
    spacing : float
        Voxel size in mm to resample to first; 0 keeps the voxels of the images.
    """
    from tqdm.auto import tqdm

    def one(patient: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        volume = datasets.load_volume(root, patient)
        return datasets.largest_slice(datasets.resample(volume, spacing) if spacing else volume, size)

    found = [one(p) for p in tqdm(patient_ids, desc="slices", unit="case", disable=not progress)]
    return Slices(*map(np.stack, zip(*found, strict=True)))


def fit(
    image: np.ndarray,
    target: np.ndarray,
    *,
    steps: int,
    batch_size: int = 8,
    lr: float = 5e-3,
    seed: int = 0,
    channels: int = 16,
    device: str = "auto",
    checkpoint: Path | None = None,
    progress: bool = False,
) -> nn.Module:
    """Train a small U-Net on slices with the sum of Dice loss and cross-entropy, and random flips.

    Parameters
    ----------
    image : float32, (n, channels, size, size)
    target : bool, (n, size, size)
    steps, batch_size, lr, seed, device, checkpoint, progress
        See `helpers.learn.fit`; the seed is also that of the initial weights.
    channels : int
        Channels of the network's finest level; the coarsest of three levels has four times as many.
    """
    import torch
    from monai.losses import DiceCELoss

    overlap = DiceCELoss(sigmoid=True, batch=True)  # Dice over the whole batch, because of slices without tumour

    def loss(model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return overlap(model(batch[0]), batch[1])

    def flipped(batch: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        axes = [axis for axis in (2, 3) if torch.rand(()) < 0.5]
        return tuple(x.flip(axes) for x in batch) if axes else batch

    model = learn.light_unet(2, image.shape[1], 1, features=[channels, 2 * channels, 4 * channels], seed=seed)
    fitted = learn.fit(
        model,
        (image, target[:, None].astype(np.float32)),
        loss,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        schedule=_one_cycle,
        augment=flipped,
        device=device,
        checkpoint=checkpoint,
        progress=progress,
    )
    return fitted.model


def _one_cycle(done: float) -> float:
    """Compute the learning rate's factor: up to 1 in the first 3/10, then to 0 (shaped as in Smith and Topin 2018)."""
    rise = 0.3
    angle = done / rise - 1 if done < rise else (done - rise) / (1 - rise)
    return (
        float(0.04 + 0.96 * (1 + np.cos(np.pi * angle)) / 2) if done < rise else float((1 + np.cos(np.pi * angle)) / 2)
    )


def predict(model: nn.Module, image: np.ndarray) -> np.ndarray:
    """Predict masks of slices, bool (n, size, size)."""
    return learn.predict(model, image, activation=lambda logits: logits > 0)[:, 0]


def scorer(slices: Slices, **options: object) -> Callable[..., np.ndarray]:
    """Make the function that `helpers.studies.biased_ruler.run` calls for each network, on slices in memory.

    Parameters
    ----------
    slices : Slices
        Slices in the order of the cases.
    **options
        Options of `fit`.
    """

    def score(include: np.ndarray, silver: np.ndarray, held_out: np.ndarray, seed: int, name: str) -> np.ndarray:
        target = np.where(silver[:, None, None], slices.automatic, slices.expert)
        model = fit(slices.image[include], target[include], seed=seed, **options)
        return dice(predict(model, slices.image[held_out]), slices, held_out)

    return score


def dice(predicted: np.ndarray, slices: Slices, chosen: np.ndarray) -> np.ndarray:
    """Compute Dice of predicted masks against expert and automatic masks of the chosen slices, shape (n, 2)."""
    pairs = zip(predicted, slices.expert[chosen], slices.automatic[chosen], strict=True)
    return np.array([[metrics.dice(gold, p), metrics.dice(silver, p)] for p, gold, silver in pairs])
