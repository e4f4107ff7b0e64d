"""Samples that are drawn unequally from a population whose rates are known, for tests of design weights."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers.studies import own_scores

CUT, FURTHER, SHARED = 0.8, {"F": 1.6, "M": 1.9}, 0.3  # the threshold, positives above negatives, patients' variance
MEANS = {"F": 0.0, "M": 0.2}
TRUE = {f"sensitivity {g}": norm.cdf(d - CUT) for g, d in FURTHER.items()}
TRUE |= {f"specificity {g}": norm.cdf(CUT) for g in FURTHER} | {
    f"AUROC {g}": norm.cdf(d / 2**0.5) for g, d in FURTHER.items()
}
TRUE |= {f"{name} gap": TRUE[f"{name} M"] - TRUE[f"{name} F"] for name in ("sensitivity", "specificity", "AUROC")}
TRUE |= {"mean F": MEANS["F"], "mean M": MEANS["M"], "mean gap": MEANS["M"] - MEANS["F"]}


def images(rng, patients):
    """Images of patients, drawn by view and prediction; women have the view that is drawn more often more often."""
    sex, many = rng.integers(0, 2, patients), rng.integers(1, 4, patients)
    ill, above = rng.random(patients) < 0.4, rng.random(patients) < np.where(sex, 0.3, 0.6)
    patient = np.repeat(np.arange(patients), many)
    score = np.where(sex, FURTHER["M"], FURTHER["F"])[patient] * ill[patient]
    score = (
        score + SHARED**0.5 * rng.normal(size=patients)[patient] + (1 - SHARED) ** 0.5 * rng.normal(size=len(patient))
    )
    drawn_at = np.where(above[patient], 0.6, 0.25) * np.where(score > CUT, 1.0, 0.5)
    drawn = rng.random(len(patient)) < drawn_at
    patient = patient[drawn]
    rows = pd.DataFrame({"truth": ill[patient] * 1.0, "predicted": (score[drawn] > CUT) * 1.0})
    rows = rows.assign(probability=norm.cdf(score[drawn]), weight=1 / drawn_at[drawn])
    names, owner = np.unique(patient, return_inverse=True)
    return rows, owner, pd.Series(np.array(["F", "M"])[sex[names]], dtype="category")


def cases(rng, n=2000):
    """Cases with a score, of which low ones are drawn more often, and those of men too."""
    sex = rng.integers(0, 2, n)
    score = np.where(sex, MEANS["M"], MEANS["F"]) + rng.normal(size=n)
    drawn_at = np.where(score < 0, 0.8, 0.3) * np.where(sex, 1.0, 0.6)
    drawn = rng.random(n) < drawn_at
    sex = pd.Series(np.array(["F", "M"])[sex[drawn]], dtype="category")
    return pd.Series(score[drawn]), sex, pd.Series(1 / drawn_at[drawn])


def measured(seed, n_boot, patients):
    """Estimate, low and high of every statistic of `TRUE` in one sample, and the p of the gaps, weighted."""
    rng = np.random.default_rng(seed)
    rows, owner, groups = images(rng, patients)
    of = own_scores.group_rates(own_scores.classified(rows, owner), groups=groups, n_boot=n_boot, seed=seed)
    found = {}
    for name in ("sensitivity", "specificity", "AUROC"):
        k = of.measures.index(name)
        for g, group in enumerate(of.levels):
            found[f"{name} {group}"] = of.estimate[k, g], *of.interval(k, g)
        found[f"{name} gap"] = of.contrast(k, 0, 1)
    score, sex, weights = cases(rng)
    asked = {"groups": {"sex": sex}, "weights": weights}
    table = own_scores.means(score, **asked)["sex"]
    found |= {f"mean {g}": tuple(table.loc[g, ["mean", "low", "high"]]) for g in "FM"}
    gap = own_scores.contrasts(score, **asked, n_boot=n_boot, seed=seed)["sex"].iloc[0]
    sign = 1 if gap["reference"] == "F" else -1
    found["mean gap"] = sign * gap["estimate"], *sorted((sign * gap["low"], sign * gap["high"]))
    return found


def judged(many, *, n_boot, patients):
    """Bias in Monte-Carlo errors, and the share of intervals that hold the true value, of each statistic."""
    runs = pd.DataFrame([measured(k, n_boot, patients) for k in range(many)])
    rows = {}
    for name, true in TRUE.items():
        estimate, low, high = np.array(runs[name].tolist()).T
        error = estimate.std(ddof=1) / many**0.5
        rows[name] = {"bias": estimate.mean() - true, "errors": (estimate.mean() - true) / error}
        rows[name]["cover"] = ((low <= true) & (true <= high)).mean()
    return pd.DataFrame(rows).T
