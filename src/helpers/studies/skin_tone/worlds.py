"""The reading of the experiment, tried on worlds whose cause is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import datasets, stats
from helpers.errors import InputError
from helpers.keep import cache
from helpers.studies.skin_tone import representation
from helpers.studies.skin_tone.experiments import run, scorer

# As many light as dark, few between, so that small data sets hold enough of both: without a type, then types 1 to 6.
SHARES = (0.02, 0.24, 0.22, 0.04, 0.04, 0.24, 0.20)
PIXELS = 16
NETWORK = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False, "batch_size": 16, "lr": 2e-3}


def read_world(
    name: str, *, n: int, seed: int, runs: int, steps: int, n_boot: int = 1000, device: str = "auto"
) -> list[dict[str, object]]:
    """Make one world, run the experiment in it, and read what the gap comes from.

    Parameters
    ----------
    name : str
        A key of `helpers.datasets.SKIN_WORLDS`.
    n, seed : int
        Images; and seed of the images, the splits, the networks and the intervals.
    runs, steps : int
        Runs of the experiment, and training steps of each network, which sees no feature loss.

    Returns
    -------
    list of dict
        One row for each cause: ``world, seed, verdict, cause, estimate, low, high, p_holm, status, n_light, n_dark``.
    """
    root = datasets.simulate_dermatology(n, seed=seed, size=PIXELS, shares=SHARES, **datasets.SKIN_WORLDS[name])
    cases, _ = datasets.load_fitzpatrick17k(root, progress=False)
    cases = cases[cases["group"].notna()].reset_index(drop=True)
    images = datasets.load_images(cases["file"], PIXELS, progress=False)
    smaller = int(cases["group"].value_counts().min())
    sizes = {"test_size": smaller // 3, "train_size": smaller - smaller // 3}
    score = scorer(images, steps=steps, device=device, progress=False, **NETWORK)
    rows = run(score, cases, runs=runs, sampling="replace", seed=seed, progress=False, **sizes)
    found = representation.gap_causes(rows, score="mse", a="light", b="dark", n_boot=n_boot, seed=seed)
    groups = rows.drop_duplicates("image")["group"].value_counts()
    same = {"world": name, "seed": seed, "verdict": representation.gap_verdict(found)}
    same |= {"n_light": int(groups["light"]), "n_dark": int(groups["dark"])}
    shown = found[["estimate", "low", "high", "p_holm", "status"]].rename_axis("cause").reset_index()
    return [same | row for row in shown.to_dict("records")]


def read_worlds(
    names: Sequence[str],
    *,
    seeds: Sequence[int],
    keep: Path,
    workers: int = 1,
    progress: bool = True,
    **options: object,
) -> pd.DataFrame:
    """`read_world` for every world and seed, in parallel; finished ones are kept, and a second call goes on.

    Parameters
    ----------
    names : sequence of str
        Worlds.
    seeds : sequence of int
    keep : Path
        Folder of this plan alone, such as `helpers.keep.cache.folder` names.
    workers : int
        Processes.
    **options
        As `read_world` takes them.

    Raises
    ------
    InputError
        A world is not known, or the folder cannot be written.
    """
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from tqdm.auto import tqdm

    if odd := set(names) - set(datasets.SKIN_WORLDS):
        known = ", ".join(datasets.SKIN_WORLDS)
        raise InputError("worlds", f"{', '.join(sorted(odd))} unknown", f"Use {known}")
    todo = [(name, seed) for seed in seeds for name in names]
    jobs = (
        delayed(cache.once)(keep / f"{name}-{seed}.json", partial(read_world, name, seed=seed, **options))
        for name, seed in todo
    )
    # The threads of all processes together must not outnumber the cores, whatever OMP_NUM_THREADS says.
    with parallel_config("loky", inner_max_num_threads=max(1, cpu_count() // workers)):
        done = Parallel(n_jobs=workers, return_as="generator")(jobs)
        bar = tqdm(done, desc="worlds", unit="world", total=len(todo), disable=not progress)
        return pd.DataFrame([row for rows in bar for row in rows])


def hits(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each world and cause, the share of seeds in which the cause is named, with Wilson's 95% interval.

    A cause that is at work should be named in most seeds, and with the side it was planted on; one that is not, in few,
    whatever the side: these are the false alarms.

    Returns
    -------
    pandas.DataFrame
        Columns ``world, cause, at_work, rate, low, high, n`` (seeds).
    """
    at_work = rows["world"] == rows["cause"]
    named = rows.assign(named=np.where(at_work, rows["status"] == "yes", rows["status"] != "not shown"))
    groups = named["world"] + ", " + named["cause"]
    table = stats.success_rates(named["named"], groups=groups).loc[list(dict.fromkeys(groups))]
    split = table.index.str.split(", ", expand=True).to_frame(index=False, name=["world", "cause"])
    table = table.reset_index(drop=True)[["rate", "low", "high", "n"]]
    return split.assign(at_work=split["world"] == split["cause"]).join(table)
