"""What other tools give for simulated tables, for the book's page: `python -m tests.benchmarks.other_tools`.

Each table is simulated with a known truth, in a pattern that real ones have. Each tool is called as its documentation
shows it, with its defaults.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import metrics, stats
from tests.benchmarks.contest import ROOT, version

PAGE = ROOT / "book" / "methods" / "other-tools.md"
FROM, TO = "<!-- The table is written by python -m tests.benchmarks.other_tools. -->\n", "<!-- End of the table. -->\n"
SIZES = {"A": 640, "B": 250, "C": 120, "D": 40, "E": 12, "F": 6, "G": 4, "H": 2, "I": 1}  # patients of each group
COHORTS, PATIENTS, REPLICATES = 40, 300, 40
SIDE = 24  # voxels of 1 mm


class Row(NamedTuple):
    """One table: the truth in it, the tool and its call, what it gives, and what ours gives."""

    truth: str
    call: str
    theirs: str
    ours: str


def rows() -> Iterator[Row]:
    """Yield a row for each table and tool; the tools are skipped visibly where they are not installed."""
    yield from few_patients()
    yield never_negative()
    yield from missed_lesions()


def frame(score: np.ndarray, groups: np.ndarray, **options: object) -> object:
    """Make fairlearn's table of group means."""
    from fairlearn.metrics import MetricFrame

    def mean(_: np.ndarray, values: np.ndarray) -> float:
        return float(np.mean(values))

    return MetricFrame(metrics=mean, y_true=score, y_pred=score, sensitive_features=groups, **options)


def few_patients() -> Iterator[Row]:
    """Compute the gap of a Dice that does not depend on the group, where four groups have one to six patients."""
    groups = np.repeat(list(SIZES), list(SIZES.values()))
    score = np.random.default_rng(0).beta(5, 1.2, len(groups))
    large = np.isin(groups, [name for name, n in SIZES.items() if n >= 10])
    found = stats.permutation(score[large], groups=groups[large], n=2000)
    ours = f"gap {found.statistic:.2f} over groups of ten and more; chance gives {np.median(found.null):.2f}, "
    ours += f"p {found.p:.2f}"
    truth = "no effect of the group; nine groups, four of them of one to six patients"
    gap = frame(score, groups).difference()
    yield Row(truth, tool("fairlearn", "MetricFrame(...).difference()"), f"{gap:.2f}", ours)
    made = tool("fairmedfm", "dice_gap(...)")
    import fairmedfm

    gap = fairmedfm.dice_gap(score, sensitive_features=groups)
    yield Row(truth, made, f"{gap:.2f}", ours)
    low, high = frame(score, groups, n_boot=REPLICATES, ci_quantiles=[0.025, 0.975], random_state=0).by_group_ci
    width = high - low
    theirs = f"width of the 95% interval of a mean: {width['A']:.3f} with {SIZES['A']} patients, "
    theirs += f"{width['I']:.3f} with {'one' if SIZES['I'] == 1 else SIZES['I']}"
    call = tool("fairlearn", f"MetricFrame(..., n_boot={REPLICATES}).by_group_ci")
    yield Row(truth, call, theirs, "no mean and no interval of fewer than ten patients")


def never_negative() -> Row:
    """Count how often a 95% interval of a difference leaves out 0, in cohorts in which there is none."""
    left_out = np.zeros((COHORTS, 2), bool)
    for seed in range(COHORTS):
        rng = np.random.default_rng(seed)
        groups, score = rng.choice(["F", "M"], PATIENTS), rng.beta(5, 1.2, PATIENTS)
        options = {"n_boot": REPLICATES, "ci_quantiles": [0.025, 0.975], "random_state": seed}
        low, _ = frame(score, groups, **options).difference_ci()
        ours = stats.bootstrap(score, groups=groups, a="F", b="M", n_boot=2000, seed=seed)
        left_out[seed] = low > 0, ours.low > 0 or ours.high < 0
    theirs, mine = (f"the interval leaves out 0 in {share:.0%} of cohorts" for share in left_out.mean(axis=0))
    truth = f"no effect of sex; {COHORTS} cohorts of {PATIENTS} patients"
    call = tool("fairlearn", f"MetricFrame(..., n_boot={REPLICATES}).difference_ci()")
    return Row(truth, call, theirs, f"{mine}, for the signed difference")


def missed_lesions() -> Iterator[Row]:
    """Score two models, of which the second finds nothing in the twelve hardest cases, all of women."""
    from monai.metrics import DiceMetric, HausdorffDistanceMetric

    grid = np.indices((SIDE, SIDE, SIDE))
    rng = np.random.default_rng(0)
    woman = np.arange(60) < 30
    hard = np.arange(60) < 12
    expert = np.stack([ball(grid, 4, np.full(3, 11)) for _ in woman])
    shifts = np.where(hard, 6, rng.integers(1, 4, 60))
    first = np.stack([ball(grid, 4, np.array([11 + s, 11, 11])) for s in shifts])
    second = first * ~hard[:, None, None, None]

    def theirs(measure: type, predicted: np.ndarray, truth: np.ndarray, **options: object) -> float:
        made = measure(include_background=True, reduction="mean", **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of masks that are empty
            made(*(tensor(masks) for masks in (predicted, truth)))
        return float(made.aggregate())

    hd = [theirs(HausdorffDistanceMetric, masks[woman], expert[woman], percentile=95) for masks in (first, second)]
    ours = [hd95(masks[woman], expert[woman]) for masks in (first, second)]
    truth = "lesions of 30 women; the second model finds nothing in the twelve hardest cases"
    call = tool("monai", 'HausdorffDistanceMetric(percentile=95, reduction="mean")')
    found = [metrics.scores(*pair, spacing=(1, 1, 1))["status"] for pair in zip(expert, second, strict=True)]
    missed = sum(status == "missed" for status in np.array(found)[woman])
    mine = f"{ours[0]:.1f} mm, then {ours[1]:.1f} mm, with {missed} of {woman.sum()} cases `missed`"
    yield Row(truth, call, f"{hd[0]:.1f} mm, then {hd[1]:.1f} mm: {'better' if hd[1] < hd[0] else 'worse'}", mine)
    nothing = expert * (np.arange(60) % 3 > 0)[:, None, None, None]
    dice = theirs(DiceMetric, expert, nothing)
    mine = np.mean([metrics.dice(*pair) for pair in zip(nothing, expert, strict=True)])
    truth = "20 of 60 people have no lesion; the model draws one for each of them, and is perfect elsewhere"
    found = [metrics.scores(*pair, spacing=(1, 1, 1))["status"] for pair in zip(nothing, expert, strict=True)]
    shown = f"{mine:.2f}, with {found.count('spurious')} cases `spurious`"
    yield Row(truth, tool("monai", 'DiceMetric(reduction="mean")'), f"{dice:.2f}", shown)


def ball(grid: np.ndarray, radius: float, centre: np.ndarray) -> np.ndarray:
    """Draw a ball on a grid."""
    return ((grid - centre[:, None, None, None]) ** 2).sum(axis=0) <= radius**2


def hd95(predicted: np.ndarray, expert: np.ndarray) -> float:
    """Compute our mean HD95, in mm; a missed lesion counts as the diagonal of the image."""
    return float(np.mean([metrics.hd95(*pair, spacing=(1, 1, 1)) for pair in zip(expert, predicted, strict=True)]))


def tensor(masks: np.ndarray) -> object:
    """Return masks as MONAI takes them, of shape (cases, 1, x, y, z)."""
    import torch

    return torch.from_numpy(masks[:, None].astype(np.float32))


def tool(package: str, call: str) -> str:
    """Name a tool with its version and the call; skip if it is not installed."""
    return f"{package} {version(package)}, `{call}`"


def table() -> str:
    """Return the rows as a table of Markdown."""
    found = pd.DataFrame(rows())
    lines = ["| the table | tool | it gives | ours gives |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in found.to_numpy()]) + "\n"


def written(text: str) -> str:
    """Return the page with its table replaced."""
    before, _, rest = text.partition(FROM)
    _, end, after = rest.partition(TO)
    assert end, f"{PAGE.name} lacks the lines between which the table is written"
    return f"{before}{FROM}\n{table()}\n{TO}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
