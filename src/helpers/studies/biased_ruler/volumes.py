"""Segmentation networks on whole volumes: prepared once on disk, trained on patches, applied by a sliding window."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from helpers import datasets, learn, metrics, paths
from helpers.errors import InputError
from helpers.keep import fingerprint, store

if TYPE_CHECKING:
    from torch import nn

FOREGROUND = 1 / 3  # share of patches that are centred on the tumour, as in nnU-Net
NNUNET = {"lr": 1e-2, "momentum": 0.99, "clip": 12.0}  # nnU-Net's optimiser (Isensee et al. 2021)


def prepare(
    root: str | Path,
    patient_ids: Sequence[str],
    *,
    spacing: float = 1.0,
    folder: Path | None = None,
    progress: bool = True,
) -> list[Path]:
    """Resample volumes to cubic voxels, one file each; existing files are kept.

    Parameters
    ----------
    root : path
        Folder in the layout of MAMA-MIA, with images and both masks.
    patient_ids : sequence of str
    spacing : float
        Voxel size in mm.
    folder : Path, optional
        Folder for the files; ``data/prepared`` of the project by default. They are written to a subfolder; its name is
        a hash of the root, the spacing and the code that makes them.

    Returns
    -------
    list of Path
        A NumPy archive for each patient: ``image`` float16 (2, x, y, z), ``expert`` and ``automatic`` bool, all on
        cubic voxels; and ``own_expert`` and ``own_automatic``, the masks on their original grid.

    Raises
    ------
    InputError
        A patient cannot be read (all others are finished first), there are no automatic masks, or the folder is not
        writable.
    """
    from tqdm.auto import tqdm

    key = hashlib.sha256(f"{Path(root).resolve()} {spacing} {fingerprint.made_by(__name__)}".encode()).hexdigest()[:10]
    place = (folder or paths.data() / "prepared") / key
    files = [place / f"{patient}.npz" for patient in patient_ids]
    broken = []
    with store.refused(place):
        place.mkdir(parents=True, exist_ok=True)
        for patient, file in zip(
            tqdm(patient_ids, desc="volumes", unit="case", disable=not progress), files, strict=True
        ):
            if file.is_file():
                continue
            try:
                own = datasets.load_volume(root, patient)
                volume = datasets.resample(own, spacing)
            except InputError as error:
                broken.append(error)
                continue
            if volume.automatic is None:
                raise InputError(f"{root}, segmentations", "no automatic masks", "Download segmentations/automatic")
            arrays = {"image": volume.image.astype(np.float16), "expert": volume.expert, "automatic": volume.automatic}
            with store.file(file) as part, part.open("wb") as stream:
                np.savez(stream, **arrays, own_expert=own.expert, own_automatic=own.automatic)
    if broken:
        first, more = broken[0], f" (and {len(broken) - 1} more)" * (len(broken) > 1)
        raise InputError(first.where, f"{first.problem}{more}", first.fix)
    return files


def read(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a prepared volume."""
    with np.load(file) as arrays:
        return dict(arrays)


class Patches(Dataset):
    """Random patches of prepared volumes as a map-style data set: item i is a patch of volume i.

    Parameters
    ----------
    files : sequence of Path
        Files from `prepare`.
    silver : bool, (n,)
        Cases with the automatic mask as target; the others have the expert's.
    patch : tuple of int
        Size in voxels along x, y, z.

    Notes
    -----
    A third of the patches are centred on a voxel of the target, and each axis is flipped in half of them. The random
    numbers come from PyTorch's generator, which `helpers.learn.fit` seeds for each item.
    """

    def __init__(self, files: Sequence[Path], silver: np.ndarray, *, patch: tuple[int, int, int]) -> None:
        self.files, self.silver, self.patch = list(files), np.asarray(silver, bool), tuple(patch)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        arrays = read(self.files[index])
        target = arrays["automatic" if self.silver[index] else "expert"]
        inside = np.argwhere(target)
        if len(inside) and torch.rand(()) < FOREGROUND:
            centre = inside[int(torch.randint(len(inside), ()))]
        else:
            centre = np.array([int(torch.randint(n, ())) for n in target.shape])
        image, target = (
            datasets.crop(a, centre, self.patch) for a in (arrays["image"].astype(np.float32), target[None])
        )
        axes = [axis for axis in (1, 2, 3) if torch.rand(()) < 0.5]
        tensors = torch.from_numpy(np.ascontiguousarray(image)), torch.from_numpy(target.astype(np.float32))
        return tuple(t.flip(axes) for t in tensors) if axes else tensors


def fit(
    files: Sequence[Path],
    silver: np.ndarray,
    *,
    spacing: float,
    patch: tuple[int, int, int],
    steps: int,
    batch_size: int = 2,
    channels: int = 32,
    seed: int = 0,
    device: str = "auto",
    checkpoint: Path | None = None,
    workers: int = 0,
    progress: bool = True,
) -> nn.Module:
    """Train a DynUNet with nnU-Net's topology on patches, with the sum of Dice loss and cross-entropy.

    Training uses stochastic gradient descent with Nesterov momentum and a polynomial learning rate, as in nnU-Net. It
    uses mixed precision if the device supports it, and writes checkpoints if a folder is given.

    Parameters
    ----------
    files, silver, patch
        See `Patches`.
    spacing : float
        Voxel size in mm.
    channels : int
        Channels of the finest level; nnU-Net has 32.
    steps, batch_size, seed, device, checkpoint, workers, progress
        See `helpers.learn.fit`.
    """
    from functools import partial

    from monai.losses import DiceCELoss

    overlap = DiceCELoss(sigmoid=True, batch=True)
    model = learn.dynunet((spacing,) * 3, patch, 2, 1, base=channels, seed=seed)
    fitted = learn.fit(
        model,
        Patches(files, silver, patch=patch),
        lambda model, batch: overlap(model(batch[0]), batch[1]),
        steps=steps,
        batch_size=batch_size,
        lr=NNUNET["lr"],
        seed=seed,
        optimizer=partial(torch.optim.SGD, momentum=NNUNET["momentum"], nesterov=True, weight_decay=3e-5),
        schedule=lambda done: (1 - done) ** 0.9,
        clip=NNUNET["clip"],
        every=max(1, min(250, steps)),
        device=device,
        checkpoint=checkpoint,
        workers=workers,
        progress=progress,
    )
    return fitted.model


def scorer(files: Sequence[Path], *, checkpoints: Path | None = None, **options: object) -> Callable[..., np.ndarray]:
    """Make the function that `helpers.studies.biased_ruler.run` calls for each network, on prepared volumes.

    Predicted logits are resampled to the masks' original grid and thresholded there, as nnU-Net does. The policy on
    empty masks is that of `helpers.metrics.dice`.

    Parameters
    ----------
    files : sequence of Path
        Files from `prepare`, in the order of the cases.
    checkpoints : Path, optional
        Folder in which each network keeps a checkpoint while it is trained.
    **options
        Options of `fit`.
    """
    files = np.array(files, dtype=object)

    def score(include: np.ndarray, silver: np.ndarray, held_out: np.ndarray, seed: int, name: str) -> np.ndarray:
        place = None if checkpoints is None else checkpoints / name
        model = fit(files[include], silver[include], seed=seed, checkpoint=place, **options)
        return np.array([_dice(model, file, options["patch"]) for file in files[held_out]])

    return score


def _dice(model: nn.Module, file: Path, patch: tuple[int, int, int]) -> list[float]:
    arrays = read(file)
    logits = learn.predict_volume(model, arrays["image"].astype(np.float32), window=patch)[0]
    mask = datasets.to_grid(logits, arrays["own_expert"].shape) > 0
    return [metrics.dice(arrays[kind], mask) for kind in ("own_expert", "own_automatic")]
