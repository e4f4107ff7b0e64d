"""The comparison of encoders: which are trained, what they see, and what their probes get right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.errors import InputError, check_choice
from helpers.studies.pretraining import curves, recordings
from helpers.studies.pretraining.cohorts import Cohort
from helpers.studies.pretraining.encoders import (
    HEADS,
    Encoder,
    features,
    pretrain,
    random_encoder,
    slipped,
    state_of,
    user_encoder,
)

WAYS = ("recorded", "train")
BINS = 16  # of the histogram of pixels
Features = dict[str, np.ndarray]  # of each encoder, (seeds, n, f)


def made(
    kinds: Sequence[str],
    cohort: Cohort,
    *,
    way: str,
    seeds: int,
    steps: int,
    n_images: int,
    real: bool = False,
    weights: str = "",
    statistics: str = "",
    device: str = "auto",
    keep: Path | None = None,
    progress: bool = False,
    **options,
) -> dict[str, list[Encoder]]:
    """Load or pretrain the encoders of each kind, one a seed, after those without training.

    Parameters
    ----------
    kinds : sequence of str
        Kinds of `recordings.images`.
    cohort : Cohort
        Its images to pretrain on are used if they are real; simulated ones are drawn anew for each seed.
    way : {"recorded", "train"}
        Load the recorded encoders, which are of simulated images, or pretrain. A kind that is not recorded is
        pretrained too: `states` tells its steps.
    seeds, steps, n_images : int
        Pretrainings of a kind, their length, and simulated images.
    real : bool
        Whether the cohort is real.
    weights, statistics : str
        File of a user's encoder, and its statistics; empty: none.
    keep : Path, optional
        Folder of checkpoints.
    **options
        As of `pretrain`.

    Raises
    ------
    InputError
        The way is unknown, or recorded encoders are asked for real images; see also `pretrain`.
    """
    check_choice("ENCODERS", way, WAYS)
    if real and way == "recorded":
        raise InputError("ENCODERS", "the recorded encoders know simulated images alone", "Set ENCODERS to train")
    size = cohort.images.shape[2]
    network = {"network": options["network"]} if "network" in options else {}
    found = {"random": [random_encoder(cohort.unlabelled, seed=seed, **network) for seed in range(seeds)]}
    for kind in kinds:
        if way == "recorded" and recordings.exist(kind):
            found[kind] = recordings.recorded(kind, seeds=seeds)
            continue
        found[kind] = []
        for seed in range(seeds):
            images = _images(kind, cohort, real=real, n=n_images, size=size, seed=seed)
            place = None if keep is None else keep / f"{kind}-{seed}".replace(" ", "-")
            training = {"steps": steps, "device": device, "keep": place, "progress": progress} | options
            found[kind].append(pretrain(kind, images, seed=seed, **training))
    if weights:
        found["WEIGHTS"] = [user_encoder(weights, statistics, size=size)]
    return found


def _images(kind: str, cohort: Cohort, *, real: bool, n: int, size: int, seed: int) -> np.ndarray:
    """Return the images of a kind: real ones of the cohort, or simulated."""
    if not real or kind == "other textures":
        return recordings.images(kind, n=len(cohort.unlabelled) if real else n, size=size, seed=seed)
    if kind == "a tenth":
        order = np.random.default_rng((seed, 2)).permutation(len(cohort.unlabelled))
        return cohort.unlabelled[order[: len(order) // 10]]
    return cohort.unlabelled


def embedded(encoders: Mapping[str, Sequence[Encoder]], cohort: Cohort) -> Features:
    """Compute the features of all images by each encoder, and beneath them the pixels and their histogram."""
    pixels = cohort.images.reshape(len(cohort.images), -1)
    counts = np.apply_along_axis(np.bincount, 1, pixels // (256 // BINS), minlength=BINS)
    plain = {"pixels": pixels[None].astype(np.float32), "histogram": counts[None].astype(np.float32)}
    return {k: np.stack([features(e, cohort.images) for e in made]) for k, made in encoders.items()} | plain


def states(
    encoders: Mapping[str, Sequence[Encoder]],
    found: Features,
    cohort: Cohort,
    *,
    prototypes: int = HEADS["prototypes"],
) -> pd.DataFrame:
    """Tabulate what every encoder is: its kind, seed, effective rank, last loss, steps and state; see `state_of`."""
    tested, rows = cohort.part("test"), []
    for kind, some in encoders.items():
        for place, encoder in enumerate(some):
            state = state_of(encoder, found[kind][place][tested], prototypes)
            rows.append({"encoder": kind, "seed": encoder.seed} | state)
    return pd.DataFrame(rows)


def predicted(
    found: Features, cohort: Cohort, factor: str, *, labels: Sequence[int], draws: int, seed: int
) -> dict[tuple[str, int], np.ndarray]:
    """Predict a factor by probes of each encoder: (encoder, labels) to classes, text (seeds, draws, tested images).

    Rows without a value of the factor are left out of the pool.
    """
    classes, test = cohort.classes(factor), cohort.part("test")
    pool = cohort.part("pool") & (classes != "")
    how = {"draws": draws, "seed": seed}
    return {
        (kind, n): np.stack([curves.named(x[pool], classes[pool], x[test], per_class=n, **how) for x in values])
        for n in labels
        for kind, values in found.items()
    }


def probed(
    found: Features, cohort: Cohort, factor: str, *, labels: Sequence[int], draws: int, seed: int
) -> dict[tuple[str, int], np.ndarray]:
    """Mark where `predicted` is right: (encoder, labels) to bool (seeds, draws, tested images).

    Tested rows without a value of the factor are no hit.
    """
    truth = cohort.classes(factor)[cohort.part("test")]
    named = predicted(found, cohort, factor, labels=labels, draws=draws, seed=seed)
    return {key: values == truth for key, values in named.items()}


def slip(
    encoder: Encoder, cohort: Cohort, factor: str, *, labels: Sequence[int], draws: int, seed: int
) -> dict[tuple[str, int], np.ndarray]:
    """Test probes of an encoder twice: with its statistics, and with those of another; as `probed` returns it."""
    test = cohort.part("test")
    right = features(encoder, cohort.images)
    wrong = right.copy()
    other = slipped(encoder.statistics)
    wrong[test] = features(encoder, cohort.images[test], statistics=other, check=False)
    both = {"its statistics": right[None], "other statistics": wrong[None]}
    return probed(both, cohort, factor, labels=labels, draws=draws, seed=seed)


def neighbours(found: Features, cohort: Cohort, factor: str) -> pd.DataFrame:
    """Tabulate the accuracy of ten nearest neighbours, at equal classes: mean, least and largest over pretrainings."""
    classes, test = cohort.classes(factor), cohort.part("test")
    pool = cohort.part("pool") & (classes != "")
    names, truth = classes[pool], classes[test]
    table = {}
    for kind, values in found.items():
        right = curves.by_neighbours([x[pool] for x in values], names, [x[test] for x in values], truth)
        table[kind] = {"accuracy": right.mean(), "least": right.min(), "largest": right.max()}
    return pd.DataFrame.from_dict(table, orient="index")
