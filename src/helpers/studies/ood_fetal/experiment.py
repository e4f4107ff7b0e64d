"""Networks of each task on the same images, and their scores of known images and of strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from helpers import learn
from helpers.studies.ood_fetal.cohorts import Cohort

DROPOUT = 0.2  # share of the last features, in training and in the score
EPOCHS = 12
SETTINGS: dict[str, Any] = {"batch_size": 50, "lr": 3e-3, "clip": 5.0}  # and the rate falls to 0, else runs differ more
K = 10  # neighbour, at 900 training images; fewer images than that have a neighbour in proportion
REFERENCES = ("trivial", "random", "oracle")


def run(
    cohort: Cohort,
    *,
    runs: int = 3,
    members: int = 2,
    network: str = "small",
    epochs: int = EPOCHS,
    seed: int = 0,
    device: str = "auto",
    keep: Path | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Train networks of each task in several runs, and score the tested images in eight ways.

    Parameters
    ----------
    cohort : Cohort
    runs : int
        Trainings from the start, each of all tasks; no network is in two runs.
    members : int
        Networks of an ensemble, 1 for none. The other scores are of the first.
    network : str
        Kind of classifier, see `helpers.learn.classifier`.
    epochs : int
    seed : int
    device : str
    keep : Path, optional
        Folder for checkpoints of the networks, from which a second call goes on.
    progress : bool

    Returns
    -------
    DataFrame
        One row an image, task and run: ``run, task, image`` (index in the cohort), ``set``, ``patient``, ``group``,
        ``error`` (1 if the predicted class is wrong, NaN if the true one is unknown or was not trained) and the scores.
    """
    options = {"network": network, "epochs": epochs, "device": device, "progress": progress}
    parts = []
    for again in range(runs):
        for number, task in enumerate(cohort.tasks):
            seeds = [_seed(seed, again, number, m) for m in range(members)]
            models = [_trained(cohort, task, seed=s, keep=_place(keep, task, s), **options) for s in seeds]
            parts.append(_scored(cohort, task, models, seeds[0]).assign(run=again, task=task))
    return pd.concat(parts, ignore_index=True)


def references(
    cohort: Cohort,
    *,
    network: str = "small",
    epochs: int = EPOCHS,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> pd.DataFrame:
    """Score known images and strangers of each shift by a trivial detector, at random, and by an oracle.

    The oracle is a network that is trained to tell known images from the strangers of one shift. It learns from one
    half of the patients and scores the other, and the halves change places. So it has seen what no detector may see,
    and its AUROC shows how visible a shift is.

    Returns
    -------
    DataFrame
        One row an image and shift: ``shift, image, patient, stranger`` and `REFERENCES`.
    """
    rng, parts = np.random.default_rng((seed, 7)), []
    training = cohort.pixels(cohort.of("train"))
    for number, shift in enumerate(cohort.shifts):
        index = np.concatenate([cohort.of("known"), cohort.of(shift)])
        stranger = (cohort.rows["set"].to_numpy()[index] == shift).astype(int)
        patient = cohort.rows["patient"].to_numpy()[index]
        people = rng.permutation(np.unique(patient))
        half = np.isin(patient, people[: len(people) // 2])
        images, oracle = cohort.pixels(index), np.full(len(index), np.nan)
        for fold, part in enumerate((half, ~half)):
            model = learn.classifier(network, 2, channels=images.shape[1], seed=seed)
            how = {**SETTINGS, "schedule": _falling, "epochs": epochs, "seed": _seed(seed, 99, number, fold)}
            how["batch_size"] = min(how["batch_size"], int(part.sum()))
            learn.fit(model, (images[part], stranger[part]), _loss, device=device, progress=progress, **how)
            logits = learn.predict(model, images[~part], precision="32").astype(float)
            oracle[~part] = logits[:, 1] - logits[:, 0]
        found = {"shift": shift, "image": index, "patient": patient, "stranger": stranger}
        found |= {"trivial": learn.plain_strangeness(training, images), "random": rng.random(len(index))}
        parts.append(pd.DataFrame(found | {"oracle": oracle}))
    return pd.concat(parts, ignore_index=True)


def _trained(
    cohort: Cohort, task: str, *, network: str, epochs: int, seed: int, device: str, keep: Path | None, progress: bool
) -> nn.Module:
    index, codes, classes = _cases(cohort, task)
    model = learn.classifier(network, len(classes), channels=cohort.images.shape[1], seed=seed)
    how: dict[str, Any] = {**SETTINGS, "schedule": _falling, "epochs": epochs, "seed": seed}
    how |= {"device": device, "progress": progress}
    how["batch_size"] = min(how["batch_size"], len(index))
    data = (cohort.pixels(index), codes)
    return learn.fit(learn.with_dropout(model, DROPOUT), data, _loss, checkpoint=keep, **how).model


def _scored(cohort: Cohort, task: str, models: list[nn.Module], seed: int) -> pd.DataFrame:
    index, codes, classes = _cases(cohort, task)
    tested = np.flatnonzero(cohort.rows["set"] != "train")
    k = max(1, round(K * min(len(index), 900) / 900))
    known = learn.fit_known(models, cohort.pixels(index), codes, dropout=DROPOUT, k=k, seed=seed)
    scores = learn.strangeness(known, cohort.pixels(tested))
    rows = cohort.rows.iloc[tested]
    truth = rows[task].map({name: code for code, name in enumerate(classes)}).to_numpy(float)
    error = np.where(np.isnan(truth), np.nan, scores.pop("predicted").to_numpy() != truth)
    found = {"image": tested, "error": error} | {name: rows[name].to_numpy() for name in ("set", "patient", "group")}
    return pd.DataFrame(found).join(scores)


def _cases(cohort: Cohort, task: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the training images whose label is known, their classes as numbers, and the names of the classes."""
    index = cohort.of("train")
    labels = cohort.rows[task].iloc[index]
    index, labels = index[labels.notna().to_numpy()], labels.dropna()
    classes = sorted(labels.unique())
    codes = labels.map({name: code for code, name in enumerate(classes)})
    return index, np.array(codes, dtype=int), classes


def _loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    images, labels = batch
    return functional.cross_entropy(model(images), labels.long())


def _falling(done: float) -> float:
    return 1 - done


def _seed(seed: int, *places: int) -> int:
    return int(np.random.SeedSequence((seed, *places)).generate_state(1)[0])


def _place(keep: Path | None, task: str, seed: int) -> Path | None:
    return None if keep is None else keep / f"{task.replace('/', '_')}-{seed}"
