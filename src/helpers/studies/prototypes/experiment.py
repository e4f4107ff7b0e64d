"""One training of a world: its diffusion, an oracle, and the effects of every edit on every attribute."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn.prototype_editing import activations, drawn, inverted
from helpers.learn.prototype_networks import Conditioned
from helpers.studies.prototypes.picking import Known, edits_of, known_of, wanted
from helpers.studies.prototypes.reading import Cohort, Drawn
from helpers.studies.prototypes.worlds import ATTRIBUTES

ACCURATE = 0.9  # of the oracle, on each attribute
HELD = 0.25  # share of its pictures on which the oracle is checked
SEXES = {"men": 0, "women": 1}


class Trained(NamedTuple):
    """A diffusion of one training, and what the reference tells of its prototypes."""

    model: Conditioned
    known: Known


class Edited(NamedTuple):
    """Pictures of the test drawn again.

    again : ndarray of shape (n, 1, h, w), reconstructions; noise : the same, from which all are drawn

    given : ndarray of shape (n, m), activations of the test pictures

    made : dict of (rule, attribute) to the edited pictures; asked : the same, to their activations

    chosen : dict of (rule, attribute) to numbers of prototypes
    """

    again: np.ndarray
    noise: np.ndarray
    given: np.ndarray
    made: dict[tuple[str, str], np.ndarray]
    asked: dict[tuple[str, str], np.ndarray]
    chosen: dict[tuple[str, str], np.ndarray]


def fit_oracle(
    pictures: Drawn, *, steps: int = 200, seed: int = 0, device: str = "auto", keep: Path | None = None
) -> nn.Module:
    """Train a small classifier of the three attributes on balanced pictures, never on those of the diffusion.

    Parameters
    ----------
    pictures : Drawn
    steps, seed, device
        As in `helpers.learn.fit`.
    keep : path, optional
        Folder of its checkpoint, from which a second call loads it.

    Raises
    ------
    InputError
        It is right in less than 90% of the pictures held out, of any attribute.
    """
    order = np.random.default_rng((seed, 15)).permutation(len(pictures.labels))
    held, shown = np.split(order, [int(HELD * len(order))])
    labels = pictures.labels[list(ATTRIBUTES)].to_numpy(np.float32)
    how = {"steps": steps, "batch_size": min(64, len(shown)), "lr": 3e-3, "device": device, "progress": False}
    how |= {"schedule": _falling, "every": steps, "precision": "32", "checkpoint": keep}
    model = learn.fit_classifier(pictures.pictures[shown], labels[shown], seed=seed, **how).model
    right = ((learn.probabilities(model, pictures.pictures[held]) > 0.5) == labels[held]).mean(0)
    if right.min() < ACCURATE:
        problem = f"right in {right.min():.2f} of the pictures of {ATTRIBUTES[right.argmin()]}"
        raise InputError("oracle", problem, "Train it for longer, or on more pictures")
    return model


def _falling(done: float) -> float:
    return 1 - done


def fit_world(
    cohort: Cohort,
    *,
    count: int = 16,
    steps: int = 500,
    diffusion_steps: int = 200,
    encoder: str = "small",
    features: tuple[int, ...] = (16, 32),
    target: str = "velocity",
    start: str = "patches",
    batch_size: int = 32,
    lr: float = 2e-3,
    seed: int = 0,
    device: str = "auto",
    keep: Path | None = None,
    progress: bool = False,
) -> Trained:
    """Train a diffusion with prototypes on a cohort, or load it where it is kept.

    Parameters
    ----------
    cohort : Cohort
    count, encoder, features, diffusion_steps, target
        As in `helpers.learn.prototype_diffusion`.
    steps, start, batch_size, lr
        As in `helpers.learn.fit_prototypes`.
    seed : int
    device : str
    keep : path, optional
        File of the weights.
    progress : bool

    Raises
    ------
    InputError
        As in `helpers.learn.fit_prototypes` and `helpers.learn.load_prototypes`.
    """
    network = {"count": count, "encoder": encoder, "features": tuple(features), "target": target}
    network |= {"diffusion_steps": diffusion_steps}
    if keep is not None and keep.is_file():
        model = learn.load_prototypes(keep, **network)
    else:
        how = {"steps": steps, "batch_size": min(batch_size, len(cohort.train.labels)), "lr": lr, "start": start}
        how |= {"seed": seed, "device": device, "progress": progress}
        model = learn.fit_prototypes(cohort.train.pictures, network=network, **how).model
        if keep is not None:
            learn.save_vae(model, keep)
    return Trained(model, known_of(model, cohort.reference))


def edit_all(trained: Trained, test: Drawn, *, steps: int = 20, rounds: int = 2, seed: int = 0) -> Edited:
    """Draw the test pictures again, unchanged and with each edit of `edits_of`.

    Parameters
    ----------
    trained : Trained
    test : Drawn
        Pictures without marker and finding.
    steps, rounds : int
        As in `helpers.learn.ddim_invert`.
    seed : int
        Seed of the random prototypes and the permuted labels.
    """
    model, known = trained
    given = activations(model, test.pictures)
    noise = inverted(model, test.pictures, steps=steps, rounds=rounds)
    edits = edits_of(known, seed=seed)
    asked = {key: wanted(given, chosen, rising, known.ends) for key, (chosen, rising) in edits.items()}
    every = np.concatenate([given, *asked.values()])
    made = drawn(model, np.concatenate([noise] * (1 + len(asked))), every, steps=steps)
    again, *parts = np.split(made, 1 + len(asked))
    chosen = {key: part for key, (part, _) in edits.items()}
    return Edited(again, noise, given, dict(zip(asked, parts, strict=True)), asked, chosen)


def mean_differences(reference: Drawn) -> dict[str, np.ndarray]:
    """Compute for each attribute the mean picture with it less that without, shape (1, h, w): the simplest editor."""
    found = {}
    for name in ATTRIBUTES:
        has = reference.labels[name].to_numpy() == 1
        found[name] = reference.pictures[has].mean(0) - reference.pictures[~has].mean(0)
    return found


def effect_rows(oracle: nn.Module, test: Drawn, edited: Edited, reference: Drawn) -> pd.DataFrame:
    """Compute the effect of each edit on each attribute, by the oracle.

    Parameters
    ----------
    oracle : torch.nn.Module
        From `fit_oracle`.
    test : Drawn
    edited : Edited
        From `edit_all`.
    reference : Drawn
        For the edit by mean differences, which knows nothing of the model.

    Returns
    -------
    DataFrame
        ``rule, edited, read, part`` (``all``, ``women``, ``men``), ``effect``: the mean, over pictures without the
        edited and the read attribute, of the oracle's probability of the read one after the edit less before; and
        ``n``, pictures. Before is the reconstruction, and for ``mean difference`` the picture. The rule
        ``reconstruction`` has the reconstruction less the picture.
    """
    seen, before = learn.probabilities(oracle, test.pictures), learn.probabilities(oracle, edited.again)
    jobs = [("reconstruction", name, before - seen) for name in ATTRIBUTES]
    jobs += [(*key, learn.probabilities(oracle, made) - before) for key, made in edited.made.items()]
    for name, change in mean_differences(reference).items():
        moved = (test.pictures + change).clip(0, 1)
        jobs.append(("mean difference", name, learn.probabilities(oracle, moved) - seen))
    labels = test.labels[list(ATTRIBUTES)].to_numpy()
    return pd.DataFrame([row for job in jobs for row in _rows(*job, labels)])


def _rows(rule: str, edited: str, change: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    """List the mean change of each attribute where neither it nor the edited one is in the picture."""
    rows, at = [], ATTRIBUTES.index(edited)
    for place, read in enumerate(ATTRIBUTES):
        free = (labels[:, at] == 0) & (labels[:, place] == 0)
        parts = {"all": free} | {name: free & (labels[:, 2] == sex) for name, sex in SEXES.items()}
        for part, some in parts.items():
            if some.any():
                row = {"rule": rule, "edited": edited, "read": read, "part": part}
                rows.append(row | {"effect": float(change[some, place].mean()), "n": int(some.sum())})
    return rows
