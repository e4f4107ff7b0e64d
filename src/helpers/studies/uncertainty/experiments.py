"""Experiment on warning signs: networks trained on fewer and fewer images of a group, and each uncertainty's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from helpers import learn
from helpers.errors import InputError, check_choice
from helpers.keep.plans import grid, repeat
from helpers.stats.inputs import need_columns
from helpers.studies.uncertainty import methods
from helpers.studies.uncertainty.methods import Method
from helpers.studies.uncertainty.posteriors import Diagonal, Posterior
from helpers.studies.uncertainty.scoring import numbers

SIGNS = ("slug", "diagonal", "last layer", "encoder", "dropout", "ensemble", "residual")
# Settings of the signs: steps of Lanczos, numbers kept of each eigenvector (0: all), images for the curvature, probes
# of a score and of a map, members of the ensemble, and dropout. A map of few probes is noise.
EFFORT = {
    "steps": 40,
    "sketch": 0,
    "curvature_images": 256,
    "probes": 24,
    "map_probes": 96,
    "members": 3,
    "rate": 0.1,
    "samples": 24,
    "dropout_epochs": 5,
}


def shares(percents: str) -> list[float]:
    """Parse shares of training sets from percentages in a text such as "50,20,1".

    Raises
    ------
    InputError
        A part is no number from 0 to 100, two parts are equal, or there is only one.
    """
    found = []
    for part in percents.split(","):
        try:
            found.append(float(part) / 100)
        except ValueError:
            found.append(-1.0)
        if not 0 <= found[-1] <= 1:
            raise InputError(f"shares = {percents}", f"{part!r} is not a percentage", "Write them as 50,20,1")
    if len(set(found)) < len(found) or len(found) < 2:
        raise InputError(f"shares = {percents}", "expected two or more different shares", "Write them as 50,20,1")
    return found


def training_name(share: float, b: str = "dark") -> str:
    """Name a training set by its share of group `b`, for example "1% dark"."""
    return f"{share * 100:g}% {b}"


def mixed(
    cases: pd.DataFrame,
    share: float,
    *,
    test_size: int,
    train_size: int,
    seed: int,
    run: int = 0,
    a: str = "light",
    b: str = "dark",
) -> tuple[np.ndarray, np.ndarray]:
    """Choose training rows with a given share of group `b`, and test rows with equally many of both groups.

    Parameters
    ----------
    cases : DataFrame
        Column ``group``, and ``cluster`` if patients or near-duplicates are known: images in the cluster of a tested
        image are not trained on. If there is a column ``may_be_tested``, other images are not tested.
    share : float
        Share of group `b` in the training set, 0 to 1, rounded to whole images. A share above 0 must give at least one.
    test_size, train_size : int
        Number of tested images of each group, and size of the whole training set. Both are drawn without replacement.
    seed, run : int
        A run has the same test set and the same order of images at every share, so that the dark images of a smaller
        share are a subset of those of a larger share.

    Returns
    -------
    train, test : ndarray of int

    Raises
    ------
    InputError
        There are too few images of a group, the share is out of range or rounds to no image, or a size is below 1.
    """
    need_columns(cases, ["group"])
    if not 0 <= share <= 1:
        raise InputError(f"share = {share}", "expected 0 to 1", "Give it as a share, not in percent")
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        if size < 1:
            raise InputError(f"{name} = {size}", "expected 1 or more", "Test and train on some images")
    rng = np.random.default_rng((seed, run))
    of_b = round(share * train_size)
    if share and not of_b:
        problem = f"less than one image of {train_size}"
        raise InputError(f"share = {share:g}", problem, "Train on more images, or take a larger share")
    own = {name: rng.permutation(np.flatnonzero(cases["group"] == name)) for name in (a, b)}
    may = cases["may_be_tested"].to_numpy(bool) if "may_be_tested" in cases else np.ones(len(cases), bool)
    tested = {name: rows[may[rows]][:test_size] for name, rows in own.items()}
    test = np.concatenate(list(tested.values()))
    seen = np.isin(np.arange(len(cases)), test)
    if "cluster" in cases:
        clusters = cases["cluster"]
        seen |= (clusters.notna() & clusters.isin(clusters[seen])).to_numpy()
    train = []
    for name, size in ((a, train_size - of_b), (b, of_b)):
        rest = own[name][~seen[own[name]]]
        if len(tested[name]) < test_size or len(rest) < size:
            patients = f" of {may[own[name]].sum()} patients" if "may_be_tested" in cases else ""
            problem = f"{len(own[name])} images of {name}{patients}, but {test_size} are tested and {size} trained on"
            raise InputError("cases", problem, "Test or train on fewer")
        train.append(rest[:size])
    return np.concatenate(train), test


def sign_posterior(
    network: nn.Module,
    images: np.ndarray,
    kind: str = "slug",
    *,
    seed: int,
    effort: Mapping[str, int | float] = EFFORT,
) -> Posterior | Diagonal:
    """Fit the posterior behind a sign of `signs`: slug, diagonal or last layer; the arguments are as in `signs`."""
    rows = np.random.default_rng(seed).permutation(len(images))[: int(effort["curvature_images"])]
    given = {"n": len(images), "seed": seed}
    if kind == "diagonal":
        return methods.diagonal_posterior(network, images[rows], **given)
    given["steps"] = int(effort["steps"])
    if kind == "last layer":
        given["only"] = methods.last_layer(network)
    elif effort["sketch"]:
        given["sketch"] = int(effort["sketch"])
    return methods.posterior(network, images[rows], **given)


def signs(
    network: nn.Module,
    images: np.ndarray,
    *,
    seed: int,
    names: Sequence[str] = SIGNS,
    effort: Mapping[str, int | float] = EFFORT,
    maps: bool = True,
    options: Mapping[str, object],
) -> dict[str, Method]:
    """Prepare every uncertainty of a network, as functions to call on images.

    Parameters
    ----------
    network : torch.nn.Module
        From `helpers.learn.fit_vae`, in evaluation mode.
    images : uint8 ndarray of shape (n, c, s, s)
        The images that the network was trained on.
    seed : int
        Seed of all random draws; the ensemble's further members have the seeds that follow.
    names : sequence of str
        Some of `SIGNS`. The residual cannot warn without the original image: it is the error.
    effort : mapping
        Settings, see `EFFORT`.
    maps : bool
        True: signs by curvature make maps, by Hutch++ with `map_probes`. False: they make only scores, by plain probes.
    options : mapping
        Options of `helpers.learn.fit_vae`, for the ensemble members that are trained here.
    """
    for name in names:
        check_choice("names", name, SIGNS)
    plain = {"probes": int(effort["probes"]), "maps": False, "seed": seed}
    full = {"probes": int(effort["map_probes"]), "estimator": "hutch++", "seed": seed}

    def ensemble() -> Method:
        others = range(seed + 1, seed + int(effort["members"]))
        return methods.ensemble(
            [network, *(learn.fit_vae(images, seed=other, **options).model.eval() for other in others)]
        )

    def dropout() -> Method:
        same = {k: options[k] for k in ("batch_size", "lr", "beta", "device", "precision") if k in options}
        epochs, rate = int(effort["dropout_epochs"]), float(effort["rate"])
        used = methods.fit_dropout(network, images, rate=rate, seed=seed, epochs=epochs, progress=False, **same)
        return methods.dropout(used.eval(), samples=int(effort["samples"]), seed=seed)

    def by_curvature(kind: str) -> Method:
        found = sign_posterior(network, images, kind, seed=seed, effort=effort)
        return methods.curvature(network, found, **(full if maps and found.maps else plain))

    makers = {
        **{kind: partial(by_curvature, kind) for kind in ("slug", "diagonal", "last layer")},
        "encoder": lambda: methods.encoder_deviation(network),
        "dropout": dropout,
        "ensemble": ensemble,
        "residual": lambda: methods.residual(network),
    }
    return {name: makers[name]() for name in names}


def run(
    images: np.ndarray,
    cases: pd.DataFrame,
    *,
    shares: Sequence[float],
    runs: int,
    test_size: int,
    train_size: int,
    seed: int,
    a: str = "light",
    b: str = "dark",
    names: Sequence[str] = SIGNS,
    effort: Mapping[str, int | float] = EFFORT,
    keep: Path | None = None,
    progress: bool = True,
    **options: object,
) -> pd.DataFrame:
    """Train a network at every share in every run, and compute error and signs of each tested image.

    Parameters
    ----------
    images : uint8 ndarray of shape (n, c, s, s)
        In the order of the cases.
    cases : DataFrame
        Columns ``image, group``; for others see `mixed`. All runs are shared out before the first network is trained,
        so that too few images are refused at once.
    shares : sequence of float
        Shares of group `b` in the training set.
    runs : int
        Repeats, 2 or more; each run has a different test set, training sets and initial weights.
    test_size, train_size, seed, a, b
        See `mixed`.
    names, effort
        See `signs`.
    keep : Path, optional
        Folder for finished parts and the networks; a second call continues from there.
    **options
        Options of `helpers.learn.fit_vae`.

    Returns
    -------
    DataFrame
        ``run, training`` (such as "1% dark"), ``share, image, group``, the columns of `helpers.learn.vae_measures`,
        the signs, and their errors as ``<sign> error`` if they have one. All scores but the encoder's are divided by
        the number of values in an image, so that they are in units of its mean squared error.
    """
    need_columns(cases, ["image"])
    if runs < 2:
        raise InputError(f"runs = {runs}", "expected 2 or more", "One run cannot show how much runs vary")
    if len({round(share * train_size) for share in shares}) < len(shares):
        problem = f"two shares are the same number of {train_size} images"
        raise InputError(f"shares = {list(shares)}", problem, "Train on more images, or take shares farther apart")
    sizes = {"test_size": test_size, "train_size": train_size, "seed": seed, "a": a, "b": b}
    drawn = {(run, share): mixed(cases, share, run=run, **sizes) for run in range(runs) for share in shares}

    def measured(run: int, share: float) -> list[dict[str, object]]:
        train_rows, test_rows = drawn[run, share]
        own = learn.network_seed(seed, run)
        network = learn.fit_vae(images[train_rows], seed=own, progress=False, **options).model.eval()
        if keep is not None:
            learn.save_vae(network, keep / f"{network_name(run, share)}.pt")
        tested, found = images[test_rows], learn.vae_measures(network, images[test_rows])
        quiet = {**options, "progress": False}
        chosen = {"names": names, "effort": effort, "maps": False}
        known = signs(network, images[train_rows], seed=own, **chosen, options=quiet)
        for sign, method in known.items():
            scores = method(tested)
            per = 1 if sign == "encoder" else tested[0].size
            found[sign] = numbers(scores.score / per)
            if scores.error.any():
                found[f"{sign} error"] = numbers(scores.error / per)
        return found.assign(case=test_rows).to_dict("records")

    plan = grid(run=range(runs), share=shares)
    found = repeat(measured, plan, keep=keep, unit="network", progress=progress)
    who = cases.iloc[found.pop("case")]
    found.insert(1, "training", [training_name(share, b) for share in found["share"]])
    found.insert(3, "image", who["image"].to_numpy())
    found.insert(4, "group", who["group"].astype(str).to_numpy())
    return found


def network_name(run: int, share: float) -> str:
    """Name a network, for example "run0-1"."""
    return f"run{run}-{share * 100:g}"
