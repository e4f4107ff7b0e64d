"""Image errors in repeated runs of three trainings, and their means with both images and runs treated as samples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats import drawing
from helpers.stats.crossed import resample_seeds, seeded_interval
from helpers.stats.inputs import check_scores, need_columns
from helpers.stats.resample import Interval
from helpers.stats.resampled_means import CHUNK

TRAININGS = ("A", "B", "C")
FEWEST_RUNS = 3  # two runs show that runs differ, not by how much


class RunMeans:
    """Mean image errors in cells (training, group, stratum), for any weights of images and runs.

    All methods except `interval` return (means, counts), each of shape (rows of weights, trainings, 2 groups, strata).
    """

    def __init__(
        self, rows: pd.DataFrame, *, score: str, group: str, groups: tuple[str, str], stratum: str | None = None
    ) -> None:
        if groups[0] == groups[1]:
            raise InputError("a, b", f"two groups are needed, got {groups[0]!r} twice", "Name two groups.")
        keys = ["run", "training", "image"]
        need_columns(rows, [*keys, group, score, *([stratum] if stratum else [])])
        rows = rows[rows[group].isin(groups)]
        check_scores(rows[score], f"column {score}")
        for key in keys:
            if missing := int(rows[key].isna().sum()):
                raise InputError(f"column {key}", f"{missing} rows have no {key}", "Name it in every row.")
        for name, wanted, column in (("training", TRAININGS, "training"), ("group", groups, group)):
            if absent := [w for w in wanted if w not in set(rows[column])]:
                raise InputError(f"column {column}", f"no row is {absent[0]!r}", f"Give rows of every {name}.")
        if other := sorted(set(map(str, rows["training"])) - set(TRAININGS)):
            raise InputError(
                "column training", f"must be one of {', '.join(TRAININGS)}, got {other[0]!r}", "Leave such rows out."
            )
        if rows.duplicated(keys).any():
            raise InputError("column image", "an image occurs twice in a run and training", "Keep one row of each.")
        if len(rows) < len(TRAININGS) * len(rows.drop_duplicates(["run", "image"])):
            problem = "a run tests an image by some of its trainings, not by all three"
            raise InputError("column training", problem, "Leave out runs that are not finished.")
        self.runs = sorted(rows["run"].unique())
        if len(self.runs) < FEWEST_RUNS:
            problem = f"{len(self.runs)} run(s), at least {FEWEST_RUNS} are needed"
            raise InputError("column run", problem, "Repeat the experiment: one run cannot show how much runs vary.")
        codes, ids = pd.factorize(rows["image"])
        self.rows, self.n = rows.assign(code=codes), len(ids)
        side = (rows[group] == groups[1]).astype(int).to_numpy()
        strata = pd.factorize(rows[stratum])[0] if stratum else np.zeros(len(rows), int)
        self._n_strata = int(strata.max()) + 1
        own = pd.DataFrame({"code": codes, "cell": side * self._n_strata + strata}).drop_duplicates()
        if len(own) > self.n:
            raise InputError(f"column {group}", "an image has two groups or conditions", "Give each image one.")
        cell = own.sort_values("code")["cell"].to_numpy()
        self.images = tuple(
            int(((cell >= s * self._n_strata) & (cell < (s + 1) * self._n_strata)).sum()) for s in (0, 1)
        )
        # sums[image, training, run, (score, 1)]
        sums = np.zeros((self.n, len(TRAININGS), len(self.runs), 2))
        place = (codes, rows["training"].map(TRAININGS.index), rows["run"].map(self.runs.index))
        sums[(*place, 0)], sums[(*place, 1)] = rows[score], 1
        self._members = [np.flatnonzero(cell == c) for c in range(2 * self._n_strata)]
        self._sums = [sums[m].reshape(len(m), -1) for m in self._members]

    def observed(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the means over all images and runs."""
        return self._means(np.ones((1, self.n)), np.ones((1, len(self.runs))))

    def each_run(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the means of each run alone; InputError if a cell of a run has no image."""
        means, counts = self._means(np.ones((len(self.runs), self.n)), np.eye(len(self.runs)))
        if (lacking := (counts == 0).any(axis=(1, 2, 3))).any():
            run = self.runs[int(lacking.argmax())]
            raise InputError("column run", f"run {run} has no image of one of the groups", "Test both in every run.")
        return means, counts

    def without_each_run(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute the means of all runs but one, for each run left out (jackknife)."""
        return self._means(np.ones((len(self.runs), self.n)), 1 - np.eye(len(self.runs)))

    def drawn(self, n_boot: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Compute the means over images and runs drawn with replacement, independently of each other."""
        step = max(1, CHUNK // self.n)
        weights = resample_seeds(len(self.runs), n_boot=n_boot, seed=seed + 1)
        images = drawing.blocks(self.n, n_boot=n_boot, seed=seed, step=step)
        parts = [self._means(times, weights[k * step :][: len(times)]) for k, times in enumerate(images)]
        means, counts = zip(*parts, strict=True)
        return np.concatenate(means), np.concatenate(counts)

    def interval(self, estimate: float, replicates: np.ndarray, by_run: np.ndarray) -> Interval:
        """Compute the interval of a statistic from its replicates and its values by run."""
        return seeded_interval(float(estimate), replicates, [by_run], n=self.n)

    def _means(self, images: np.ndarray, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(images), len(TRAININGS), len(self.runs), 2)
        cells = [
            np.einsum("btrk,br->btk", (images[:, m] @ s).reshape(shape), runs)
            for m, s in zip(self._members, self._sums, strict=True)
        ]
        table = np.stack(cells, axis=2).reshape(len(images), len(TRAININGS), 2, self._n_strata, 2)
        with np.errstate(invalid="ignore"):
            return table[..., 0] / table[..., 1], table[..., 1]
