"""Test of the experiment's reading on simulated worlds with a known cause of the gap."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import datasets, stats
from helpers.errors import check_choice
from helpers.studies.skin_tone import representation
from helpers.studies.skin_tone.experiments import run, scorer
from helpers.studies.skin_tone.reading import labelled

# Shares of images without a skin type, then of types 1 to 6. Light and dark are nearly equal and few are between, so
# that small data sets have enough of both.
SHARES = (0.02, 0.24, 0.22, 0.04, 0.04, 0.24, 0.20)
PIXELS = 16
NETWORK = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False, "batch_size": 16, "lr": 2e-3}


def read_world(
    world: str, *, n: int, seed: int, runs: int, steps: int, n_boot: int = 1000, device: str = "auto"
) -> list[dict[str, object]]:
    """Simulate one world, run the experiment in it, and read the causes of the gap.

    Parameters
    ----------
    world : str
        A key of `helpers.datasets.SKIN_WORLDS`.
    n, seed : int
        Number of images; seed of the images, the splits, the networks and the intervals.
    runs, steps : int
        Runs of the experiment, and training steps of each network. Networks are trained without feature loss.

    Returns
    -------
    list of dict
        One row for each cause: ``verdict, n_light, n_dark, cause, estimate, low, high, p_holm, status``.

    Raises
    ------
    InputError
        The world is unknown.
    """
    check_choice("world", world, datasets.SKIN_WORLDS)
    root = datasets.simulate_dermatology(n, seed=seed, size=PIXELS, shares=SHARES, **datasets.SKIN_WORLDS[world])
    pair = datasets.group_pair(datasets.skin_table(root, conditions=True), PIXELS, seed=seed)
    cases = labelled(pair)
    smaller = int(cases["group"].value_counts().min())
    sizes = {"test_size": smaller // 3, "train_size": smaller - smaller // 3}
    score = scorer(pair.pictures, steps=steps, device=device, progress=False, **NETWORK)
    rows = run(score, cases, runs=runs, sampling="replace", seed=seed, progress=False, **sizes)
    found = representation.gap_causes(rows, score="mse", a="light", b="dark", n_boot=n_boot, seed=seed)
    groups = rows.drop_duplicates("image")["group"].value_counts()
    same = {"verdict": representation.gap_verdict(found)}
    same |= {"n_light": int(groups["light"]), "n_dark": int(groups["dark"])}
    shown = found[["estimate", "low", "high", "p_holm", "status"]].rename_axis("cause").reset_index()
    return [same | row for row in shown.to_dict("records")]


def hits(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute, for each world and cause, the share of seeds that name the cause, with Wilson's 95% interval.

    A cause at work should be named in most seeds, and with the planted sign (power). A cause that is not at work should
    be named in few seeds, with either sign: these are the false alarms.

    Returns
    -------
    pandas.DataFrame
        Columns ``world, cause, at_work, rate, low, high, n`` (seeds).
    """
    at_work = rows["world"] == rows["cause"]
    named = np.where(at_work, rows["status"] == "yes", rows["status"] != "not shown")
    table = stats.rates_by(rows, named, by=["world", "cause"])
    table.insert(2, "at_work", table["world"] == table["cause"])
    return table
