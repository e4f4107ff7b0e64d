"""Repeated runs of three trainings, as the tests of what is read from them share them."""

import numpy as np
import pandas as pd
import scipy

from helpers import stats

GROUPS = {"a": "light", "b": "dark"}
USUAL = {"score": "nmse", **GROUPS}
SHARES = {"same": [0.5, 0.3, 0.2], "other": [0.1, 0.3, 0.6]}  # of three conditions
MIX = 0.8  # by how much mean conditions differ where shares do: 1.5 - 0.7


def world(
    seed=0, *, runs=6, pool=40, tested=15, represented=0.0, tone=0.0, harder=0.0, mix="same", image_sd=0.1, run_sd=0.03
) -> pd.DataFrame:
    """Runs that test images of one pool. Added to the error: `represented` in a group that was not trained on, `tone`
    in the dark, `harder` in each next condition; the images, and the networks in each group, vary by chance."""
    rng = np.random.default_rng(seed)
    dark = np.repeat([False, True], pool)
    label = np.concatenate([rng.choice(3, pool, p=SHARES[name]) for name in ("same", mix)])
    level = rng.normal(1, image_sd, 2 * pool) + tone * dark + harder * label
    image = np.array([rng.permutation(pool)[:tested] + pool * side for _ in range(runs) for side in (0, 1)])
    image = image.reshape(runs, 1, -1)  # (runs, 1, images)
    absent = np.stack([dark[image[:, 0]], np.zeros((runs, 2 * tested), bool), ~dark[image[:, 0]]], axis=1)
    shift = np.repeat(rng.normal(0, run_sd, (runs, 3, 2)), tested, axis=2)
    error = level[image] + represented * absent + shift + rng.normal(0, 0.03, (runs, 3, 2 * tested))
    run, training, tested_image = np.broadcast_arrays(
        np.arange(runs)[:, None, None], np.array(stats.TRAININGS)[:, None], image
    )
    keys = {"run": run.ravel(), "training": training.ravel(), "image": tested_image.ravel()}
    frame = pd.DataFrame(keys | {"nmse": error.ravel()})
    group, condition = np.where(dark, "dark", "light"), np.array(["mild", "plain", "severe"])[label]
    return frame.assign(group=group[frame["image"]], label=condition[frame["image"]])


def at_most(n: int, chance: float) -> int:
    """So many of n things of that chance happen, or fewer, but for one time in a thousand."""
    return int(scipy.stats.binom.ppf(0.999, n, chance))


def balanced(seed=0, *, runs=6, conditions=5, each=3, run_sd=0.3) -> pd.DataFrame:
    """As many rows in every cell of run, condition and group."""
    rng = np.random.default_rng(seed)
    shape = (runs, conditions, 2, each)
    run, condition, side, _ = (axis.ravel() for axis in np.indices(shape))
    error = 0.15 * side + rng.normal(0, run_sd, runs)[run] + rng.normal(0, 0.5, conditions)[condition]
    frame = pd.DataFrame({"run": run, "label": condition, "nmse": error + rng.normal(0, 0.2, len(run))})
    return frame.assign(training="B", group=np.where(side, "dark", "light"))
