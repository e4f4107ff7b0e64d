"""A table of the user's images: a network of theirs or two that are trained here, and how far switches move maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from helpers import datasets, learn, stats
from helpers.datasets import GroupPair, ImageTable
from helpers.errors import InputError
from helpers.learn import saved
from helpers.studies.explanations.comparing import (
    FEWEST,
    agreement_by_group,
    audit_table,
    gain_table,
    network_table,
    switch_table,
)
from helpers.studies.explanations.experiment import Explained, confidence
from helpers.studies.explanations.explaining import explain
from helpers.studies.explanations.training import train
from helpers.studies.explanations.worlds import World

MOST = 60  # explained images, one of each patient
SHARES = (0.6, 0.1, 0.3)  # of the patients; those for validation are trained on too
NEEDED = "Give the state dict of NETWORK with two outputs for colour images, as torch.save(net.state_dict(), file)"


class UserMaps(NamedTuple):
    """Maps of a user's images, see `explain_table`.

    label : str, the class that is asked about; groups : the two that are compared, the second is group 1

    auroc : of the first network on tested images, ``estimate, low, high, n`` (patients)

    found : Explained, with the place ``mask`` where the table has masks

    dropped : DataFrame of table, reason, n
    """

    label: str
    groups: tuple[str, str]
    auroc: dict[str, Any]
    found: Explained
    dropped: pd.DataFrame


def explain_table(
    table: ImageTable,
    *,
    size: int = 64,
    kind: str = "small",
    epochs: int = 12,
    weights: str | Path = "",
    names: tuple[str, ...] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> UserMaps:
    """Compute why tested images have the first label of a table, by all methods that need no planted part.

    Parameters
    ----------
    table : ImageTable
        With a label, and a group of each image. Its parts are kept if it has any.
    size : int
        Pixels of a side, to which pictures are scaled; they are in colour, from 0 to 1.
    kind : str
        Kind of network, see `helpers.learn.classifier`.
    epochs : int
        Of two trainings that differ in their seed; not used with `weights`.
    weights : str or Path
        File of the state dict of the user's network of this kind, with two outputs, which is then explained alone.
    names : tuple of str, optional
        Explanations, see `explain`; by default all that need no planted part and no generator.
    seed : int
    device : str

    Raises
    ------
    InputError
        The table has no label, a part has one class of it, fewer than ten patients of the label are tested, or the
        file is none of such weights; or as in `helpers.datasets.group_pair` and `explain`.
    """
    pair = datasets.group_pair(table, size, seed=seed)
    label, world = _world(pair, size)
    training, tested = _parts(pair, label, seed)
    shown = _one_each(np.flatnonzero(tested & (world.labels == 1)), pair.cases["cluster"], seed)[:MOST]
    if len(shown) < FEWEST:
        problem = f"{len(shown)} patients with {label} are tested"
        raise InputError("TARGETS", problem, f"Give a table with {FEWEST} or more in the part for tests")
    known, asked = world.take(training), world.take(shown)
    if weights:
        networks = [_loaded(Path(weights).expanduser(), kind)]
    else:
        how: dict[str, Any] = {"kind": kind, "epochs": epochs, "device": device}
        networks = [train(known, seed=1000 * seed + number, **how) for number in range(2)]
    shown_to = known.images, asked.images, names
    maps = [
        [explain(net, *shown_to, again=again, seed=1000 * seed + number) for again in (False, True)]
        for number, net in enumerate(networks)
    ]
    seen = world.take(tested)
    found = Explained(known, seen, asked, networks, *map(list, zip(*maps, strict=True)))
    logits = learn.predict(networks[0], seen.images, precision="32")
    owner = pair.cases["cluster"].to_numpy()[tested]
    area = stats.auroc_interval(logits[:, 1] - logits[:, 0], seen.labels == 1, cluster=owner, seed=seed)
    dropped = [pair.table.dropped, _unknown(label, int((world.labels < 0).sum()))]
    return UserMaps(label, (pair.a, pair.b), stats.estimate(area), found, pd.concat(dropped, ignore_index=True))


def user_tables(given: UserMaps, *, n_boot: int = 500, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Tabulate what can be asked without planted parts, by the question; each has ``estimate, low, high, n``.

    Returns
    -------
    dict
        ``AUROC`` of the network, ``switch`` as in `switch_table`; with two networks ``network`` as in `network_table`,
        and, where ten explained images of each group can be paired, ``agreement, second less first`` as in
        `agreement_by_group`; with masks ``mask`` as in `audit_table` and ``mask, less the image`` as in `gain_table`.
        Images are patients here.
    """
    found, draws = given.found, {"n_boot": n_boot, "seed": seed}
    tables = {"AUROC": pd.DataFrame([given.auroc], index=[given.label])}
    tables["switch"] = switch_table(found.before, found.again, **draws)
    if len(found.networks) == 2:
        tables["network"] = network_table(found.before, found.again, **draws)
        if min(np.bincount(found.explained.groups, minlength=2)) >= FEWEST:
            grouped = found.explained.groups, confidence(found)
            first, second = given.groups
            tables[f"agreement, {second} less {first}"] = agreement_by_group(*found.before, *grouped, **draws)
    if "mask" in found.explained.places:
        place = found.explained.places["mask"]
        rows = place.any((1, 2)) & ~place.all((1, 2))
        if rows.sum() >= FEWEST:
            maps = [{name: one[rows] for name, one in maps.items()} for maps in found.before]
            tables["mask"] = audit_table(maps, place[rows], **draws)
            image = found.explained.scene[rows].astype(float)
            tables["mask, less the image"] = gain_table(maps, image, place[rows], **draws)
    return tables


def _world(pair: GroupPair, size: int) -> tuple[str, World]:
    """Return the first label and the images as a world, with labels of -1 where not known."""
    if not len(pair.table.labels.columns):
        raise InputError("TARGETS", "no label is named or recognised", "Name a column of labels as TARGETS=column")
    label = str(pair.table.labels.columns[0])
    labels = pair.table.labels[label].fillna(-1).to_numpy(int)
    images = pair.pictures.astype(np.float32) / 255
    groups = (pair.cases["group"] == pair.b).to_numpy(int)
    places = {}
    if pair.table.images["mask"].notna().all():
        places["mask"] = datasets.table_masks(pair.table, size, colour=True)[:, 0] > 0
    shown = {name: place.any((1, 2)) for name, place in places.items()}
    return label, World(images, labels, groups, shown, places, images.mean(1))


def _parts(pair: GroupPair, label: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which images with a known label are trained on, and which are tested."""
    rows = pair.table.images
    part = datasets.shared_out(rows["patient_id"], rows["split"], shares=SHARES, seed=seed)
    part = np.where(part == "validation", "train", part)
    usable, notes = datasets.two_classes(pair.table.labels[[label]], part)
    if not usable:
        raise InputError("TARGETS", notes[0], "Name another label, or leave SPLIT out")
    known = pair.table.labels[label].notna().to_numpy()
    return known & (part == "train"), known & (part == "test")


def _one_each(rows: np.ndarray, patient: pd.Series, seed: int) -> np.ndarray:
    """Choose one row of each patient at random; the rows come in order."""
    drawn = np.random.default_rng((seed, 8)).permutation(rows)
    return np.sort(drawn[~patient.iloc[drawn].duplicated().to_numpy()])


def _unknown(label: str, n: int) -> pd.DataFrame:
    rows = [("images", f"{label} is not known", n)] if n else []
    return pd.DataFrame(rows, columns=["table", "reason", "n"])


def _loaded(file: Path, kind: str) -> nn.Module:
    """Load the user's network; refuse a file that does not fit, in one line."""
    net = learn.classifier(kind, 2, channels=3)
    state, expected = saved.tensors(file, fix=NEEDED), net.state_dict()
    for name in [*expected, *state]:
        ours, theirs = (tuple(one[name].shape) if name in one else "none" for one in (expected, state))
        if ours != theirs:
            raise InputError("WEIGHTS", f"{name} of NETWORK={kind} has shape {ours}, found {theirs}", NEEDED)
        if not state[name].isfinite().all():
            raise InputError("WEIGHTS", f"{name} holds NaN or infinity", NEEDED)
    net.load_state_dict(state)
    return net
