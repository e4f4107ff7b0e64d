"""One protocol for all methods: the same start, candidates, selection and test.

For each seed one network is trained, from which every method starts. All methods have the same number of candidates. A
rule chooses one of them on validation cases; only the chosen candidates are applied to the tested cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from helpers import learn, metrics, stats
from helpers.errors import InputError, check_choice
from helpers.keep.plans import grid, repeat
from helpers.studies.mitigation import methods
from helpers.studies.mitigation.fitting import Mitigated
from helpers.studies.mitigation.tasks import Study
from helpers.studies.mitigation.thresholds import FEWEST, group_thresholds

BASELINE = "plain"
RULES = {"worst": "worst_auroc", "mean": "auroc"}  # rule -> measure for the choice of a candidate
TESTED = ("validation", "test", "shifted")
RATES = ({"rate": 0.3}, {"rate": 1.0}, {"rate": 3.0})
STRENGTHS = {
    "equalized odds": (1.0, 10.0, 100.0),
    "adversary": (0.1, 1.0, 10.0),
    "SWiFT": (0.1, 0.5, 0.9),
    "GroupDistil": (0.01, 0.1, 1.0),
    "Group DRO": (0.01, 0.1, 1.0),
}


class Method(NamedTuple):
    """A method in the comparison.

    fit : callable of `helpers.studies.mitigation`
    candidates : options to try, equally many for every method; ``rate`` multiplies the learning rate
    part : "train", or "external" for methods that learn only from the small set
    rate : factor of the learning rate, for another optimizer
    """

    fit: Callable[..., Mitigated]
    candidates: Sequence[Mapping[str, float]]
    part: str = "train"
    rate: float = 1.0


def _by_strength(name: str) -> list[dict[str, float]]:
    return [{"strength": value} for value in STRENGTHS[name]]


METHODS = {
    BASELINE: Method(methods.plain, RATES),
    "external": Method(methods.reweighted, RATES, "external"),
    "reweighting": Method(methods.reweighted, RATES),
    "equalized odds": Method(methods.equalized_odds, _by_strength("equalized odds")),
    "adversary": Method(methods.adversarial, _by_strength("adversary")),
    "SWiFT": Method(methods.swift, _by_strength("SWiFT"), "external", 10.0),
    "GroupDistil": Method(methods.group_distil, _by_strength("GroupDistil")),
    "Group DRO": Method(methods.group_dro, _by_strength("Group DRO")),
}
START, THRESHOLDS = "start", "group thresholds"  # these train nothing
NOT_FOR_IMAGES = ("GroupDistil",)  # its teacher provides logits, not images


class Compared(NamedTuple):
    """Results of a comparison.

    candidates : DataFrame, one row per seed, method and candidate. ``seed, method, strength`` (or the factor of the
    learning rate), ``auroc, worst_auroc, eodd`` on validation cases, ``seconds`` of training, number of ``cases`` it
    learned from, and whether it is chosen by each rule, ``chosen_worst`` and ``chosen_mean``

    probabilities : dict of rule, part and method to ndarray (seeds, cases)

    decisions : like `probabilities`, 0 or 1

    psnr : dict of rule and method to ndarray (seeds, cases), for the tested images of a reconstruction, in dB

    cases : dict of part to DataFrame, ``case, patient_id, label`` and the attributes, in the order of the arrays
    """

    candidates: pd.DataFrame
    probabilities: dict[str, dict[str, dict[str, np.ndarray]]]
    decisions: dict[str, dict[str, dict[str, np.ndarray]]]
    psnr: dict[str, dict[str, np.ndarray]]
    cases: dict[str, pd.DataFrame]


def compare(
    study: Study,
    start: Callable[[int], tuple[nn.Module, nn.Module | None]],
    *,
    seeds: Sequence[int],
    steps: int,
    batch_size: int,
    lr: float,
    names: Sequence[str] = tuple(METHODS),
    strength: float | None = None,
    task: float = 0.5,
    keep: Path | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Compared:
    """Apply every method from the same start (fine-tuning), choose on validation cases, and test the chosen candidates.

    Parameters
    ----------
    study : Study
        From `helpers.studies.mitigation.load`.
    start : callable
        Function from a seed to network and reader, see `helpers.studies.mitigation.starter`.
    seeds : sequence of int
        Each seed has one start, and one order of cases for all methods.
    steps, batch_size, lr : int, int, float
        Settings of every candidate of every method.
    names : sequence of str
        Keys of `METHODS`; "plain" is always included.
    strength : float, optional
        The only strength to try, for a grid of runs with one strength each; methods without a strength are then tried
        at the unchanged learning rate. There is nothing to choose, so all methods have the same budget.
    task : float
        In a reconstruction, weight of the reader's cross-entropy in "equalized odds" and "adversary".
    keep : Path, optional
        Folder for finished results, for this plan only; a second call resumes.

    Returns
    -------
    Compared
        Includes, next to the requested methods, "start" (the network before fine-tuning) and "group thresholds"
        ("plain" with a threshold for each group, chosen on validation cases).

    Raises
    ------
    InputError
        There is no such method, no seed, or a part of the study lacks a class; also the errors of the methods.
    """
    for name in names:
        check_choice("names", name, METHODS)
    if not len(seeds):
        raise InputError("seeds", "there is no seed", "Give one or more, five for a lasting result")
    readable = study.parts["train"].clean is not None
    wanted = [name for name in METHODS if name in {BASELINE, *names} and not (readable and name in NOT_FOR_IMAGES)]
    training = {"steps": steps, "batch_size": batch_size, "lr": lr, "device": device}
    tried = {name: METHODS[name].candidates if strength is None else _alone(name, strength) for name in wanted}
    cases = {part: study.of(part).drop_duplicates("case").reset_index(drop=True) for part in TESTED}
    # A start is trained only if a result of its seed is not kept.
    job = partial(_one, study, lru_cache(1)(start), tried, task=task, training=training)
    plan = grid(seed=seeds, method=[START, *wanted])
    rows = repeat(job, plan, keep=keep, unit="method", progress=progress).to_dict("records")
    found: dict[int, dict[str, Any]] = {seed: {} for seed in seeds}
    for row in rows:
        found[row["seed"]][row["method"]] = row
    return _gathered(study, found, cases)


def _alone(name: str, strength: float) -> list[dict[str, float]]:
    return [{"strength": strength} if name in STRENGTHS else {"rate": 1.0}]


def _one(
    study: Study,
    start: Callable[[int], tuple[nn.Module, nn.Module | None]],
    candidates: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    seed: int,
    method: str,
    task: float,
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """Train all candidates of a method from one start, evaluate them on validation cases, and test the chosen ones."""
    model, reader = start(seed)
    tried, networks = [], []
    if method == START:
        tried.append({"strength": 0.0, "seconds": 0.0, "cases": 0})
        networks.append(model)
    else:
        known = METHODS[method]
        for candidate in candidates[method]:
            options = {k: v for k, v in candidate.items() if k != "rate"}
            if reader is not None:
                options["reader"] = reader
                if known.fit in (methods.equalized_odds, methods.adversarial):
                    options |= {"task": task, "relative": True}
            rate = training["lr"] * known.rate * candidate.get("rate", 1.0)
            done = known.fit(model, study.parts[known.part], seed=seed, **options, **{**training, "lr": rate})
            strength = candidate.get("strength", candidate.get("rate"))
            tried.append({"strength": strength, "seconds": done.seconds, "cases": done.cases})
            networks.append(done.model)
    given = [_probabilities(network, reader, study, "validation") for network in networks]
    for row, probability in zip(tried, given, strict=True):
        row |= _judged(study, probability)
    chosen = {rule: int(np.argmax([row[measure] for row in tried])) for rule, measure in RULES.items()}
    made: dict[str, Any] = {"tried": tried, "chosen": chosen, "given": {}}
    for k in sorted(set(chosen.values())):
        tested = {part: _probabilities(networks[k], reader, study, part).tolist() for part in TESTED[1:]}
        made["given"][str(k)] = tested | {"validation": given[k].tolist()}
        if reader is not None:
            made["given"][str(k)]["psnr"] = _psnr(networks[k], study).tolist()
    return made


def _of(made: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    """Return the outputs of the candidate that a rule chose, by part."""
    return made["given"][str(made["chosen"][rule])]


def _probabilities(network: nn.Module, reader: nn.Module | None, study: Study, part: str) -> np.ndarray:
    """Predict the probability of the label of each case, as a mean over its images."""
    whole = network if reader is None else nn.Sequential(network, _Clipped(), reader).eval()
    rows = learn.predict(whole, study.parts[part].images, activation=torch.sigmoid, precision="32")[:, 0]
    return _by_case(rows, study, part)


class _Clipped(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.clamp(0, 1)


def _psnr(network: nn.Module, study: Study) -> np.ndarray:
    tested = study.parts["test"]
    restored = learn.predict(network, tested.images, precision="32").clip(0, 1)
    return _by_case(metrics.psnr(restored, tested.clean), study, "test")


def _by_case(rows: np.ndarray, study: Study, part: str) -> np.ndarray:
    code, names = pd.factorize(study.of(part)["case"])
    return np.bincount(code, rows, len(names)) / np.bincount(code, minlength=len(names))


def _judged(study: Study, probability: np.ndarray) -> dict[str, float]:
    """Compute the measures for the choice of a candidate, on validation cases."""
    cases = study.of("validation").drop_duplicates("case")
    labels, groups = cases["label"].to_numpy(float), cases[study.attribute]
    whole = metrics.auroc(labels, probability)
    if np.isnan(whole.value):
        raise InputError("validation cases", f"{whole.note} among {whole.n}", "Give more patients, or another target")
    areas = []
    for name in groups.dropna().unique():
        own = (groups == name).to_numpy()
        area = metrics.auroc(labels[own], probability[own])
        if min(area.n_positive, area.n - area.n_positive) >= FEWEST:
            areas.append(area.value)
    decided = (probability >= stats.choose_threshold(labels, probability)).astype(int)
    rates = metrics.rates_by_group(labels, decided, groups=groups, minimum=FEWEST)
    gaps = [rates[rate].max() - rates[rate].min() if rates[rate].count() > 1 else np.nan for rate in ("tpr", "fpr")]
    # Groups that are too small are left out; the remaining groups decide.
    return {"auroc": whole.value, "worst_auroc": min(areas, default=whole.value), "eodd": float(np.mean(gaps))}


def _gathered(study: Study, found: Mapping[int, Mapping[str, Any]], cases: dict[str, pd.DataFrame]) -> Compared:
    rows = []
    for seed, every in found.items():
        for name, made in every.items():
            for k, tried in enumerate(made["tried"]):
                picked = {f"chosen_{rule}": made["chosen"][rule] == k for rule in RULES}
                rows.append({"seed": seed, "method": name} | tried | picked)
    names = list(next(iter(found.values())))
    probabilities: dict[str, Any] = {}
    decisions: dict[str, Any] = {}
    psnr: dict[str, Any] = {}
    for rule in RULES:
        given = {part: {} for part in TESTED}
        for part in TESTED:
            for name in names:
                given[part][name] = np.asarray([_of(found[seed][name], rule)[part] for seed in found], float)
            given[part][THRESHOLDS] = given[part][BASELINE]
        if study.parts["test"].clean is not None:
            psnr[rule] = {name: np.asarray([_of(found[seed][name], rule)["psnr"] for seed in found]) for name in names}
        probabilities[rule] = {part: given[part] for part in TESTED[1:]}
        decisions[rule] = {
            part: {
                name: _decided(study, cases, part, name, given["validation"][name], values)
                for name, values in given[part].items()
            }
            for part in TESTED[1:]
        }
    return Compared(pd.DataFrame(rows), probabilities, decisions, psnr, cases)


def _decided(
    study: Study, cases: dict[str, pd.DataFrame], part: str, name: str, validation: np.ndarray, given: np.ndarray
) -> np.ndarray:
    """Make decisions at thresholds chosen on validation cases: one for all cases, or one per group."""
    known, asked = cases["validation"], cases[part]
    rows = []
    for before, values in zip(validation, given, strict=True):
        cut = np.full(len(values), stats.choose_threshold(known["label"], before))
        if name == THRESHOLDS:
            own = group_thresholds(known["label"], before, groups=known[study.attribute])
            cut = asked[study.attribute].map(str, na_action="ignore").map(own).astype(float).fillna(cut[0]).to_numpy()
        rows.append((values >= cut).astype(int))
    return np.asarray(rows)
