"""Mitigation methods: each takes a trained network and cases, and returns a fine-tuned copy.

All methods have one form, so that they can be compared: the same start, steps, batches and optimizer. They differ in
the loss, or in how often a case is drawn. With `Cases.clean` and a frozen `reader`, the same methods work on a
reconstruction network; the reader, a classifier, then predicts from the reconstructed images.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn.building import is_count
from helpers.studies.mitigation import masks as soft
from helpers.studies.mitigation.fitting import Cases, Mitigated, by_group_and_class, fit, prepare, some_batches
from helpers.studies.mitigation.groups import balanced_weights
from helpers.studies.mitigation.objectives import Constrained, Distilled, Objective, WorstGroups, head_of
from helpers.studies.mitigation.penalties import Adversary, EqualizedOdds

HEAD_RATE = 10.0  # learning rate of the adversary's heads, as a multiple of the network's


def plain(model: nn.Module, cases: Cases, *, reader: nn.Module | None = None, **training: Any) -> Mitigated:
    """Train the network further with the plain loss (fine-tuning): the baseline for every method.

    Parameters
    ----------
    model : torch.nn.Module
        Trained network, a copy of which is fine-tuned: a classifier, or with a reader a reconstruction network.
    cases : Cases
    reader : torch.nn.Module, optional
        Trained classifier of reconstructions; it is not changed.
    **training
        ``steps, batch_size, lr, seed``, and other options of `helpers.learn.fit`.

    Raises
    ------
    InputError
        Images, labels, attributes and clean images do not fit each other; a label is neither 0, 1 nor NaN; also the
        errors of `helpers.learn.fit`.
    """
    prepared = prepare(cases, reader)
    return fit(Objective(copy.deepcopy(model), reader=_frozen(reader)), prepared, training)


def reweighted(model: nn.Module, cases: Cases, *, reader: nn.Module | None = None, **training: Any) -> Mitigated:
    """Draw every joint group (all attributes crossed) equally often; for the parameters see `plain`.

    The weight is in the sampling instead of the loss, ``p_i = (1 / n_g(i)) / sum_j (1 / n_g(j))``. Numbers such as age
    are binned, never used directly.
    """
    prepared = prepare(cases, reader)
    training = training | {"weights": balanced_weights(prepared.joint)}
    return fit(Objective(copy.deepcopy(model), reader=_frozen(reader)), prepared, training)


def equalized_odds(
    model: nn.Module,
    cases: Cases,
    *,
    strength: float,
    temperature: float = 0.3,
    reader: nn.Module | None = None,
    task: float = 0.0,
    relative: bool = False,
    **training: Any,
) -> Mitigated:
    """Add the squared soft equalized odds difference to the loss as a penalty.

    Parameters
    ----------
    model, cases, reader, **training
        See `plain`.
    strength : float
        Weight of the penalty, lambda; 0 is `plain`.
    temperature : float
        See `EqualizedOdds`.
    task : float
        With a reader: weight of its cross-entropy. Without it, a reconstruction network can avoid the penalty by making
        all images look alike to the reader.
    relative : bool
        See `Constrained`.

    Raises
    ------
    InputError
        The strength is below 0; also the errors of `plain`.
    """
    prepared = prepare(cases, reader)
    penalty = EqualizedOdds(prepared.labels.shape[1], prepared.groups, temperature=temperature)
    options = {"reader": _frozen(reader), "task": task, "relative": relative}
    return fit(Constrained(copy.deepcopy(model), penalty, _at_least_0(strength), **options), prepared, training)


def adversarial(
    model: nn.Module,
    cases: Cases,
    *,
    strength: float,
    adversary: str = "exact",
    head_steps: int = 1,
    as_published: bool = False,
    reader: nn.Module | None = None,
    task: float = 0.0,
    relative: bool = False,
    **training: Any,
) -> Mitigated:
    """Remove information on the attributes from the last features, by an adversary.

    Parameters
    ----------
    model, cases, strength, reader, task, relative, **training
        See `equalized_odds`. With a `reader`, the features are the reader's last features.
    adversary, as_published
        See `Adversary`, where the first is called `reader`. Trained ones have ten times the learning rate of the
        network.
    head_steps : int
        Steps that train only the trained readers, after each step of the network and in addition to `steps`.

    Raises
    ------
    InputError
        There is no such adversary; also the errors of `equalized_odds`.
    """
    prepared = prepare(cases, reader)
    network = copy.deepcopy(model)
    width = _width(network if reader is None else reader)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(training.get("seed", 0)))
        penalty = Adversary(width, prepared.groups, reader=adversary, as_published=as_published)
    heads = list(penalty.parameters())
    rest = head_steps if heads else 0
    options = {"reader": _frozen(reader), "task": task, "relative": relative, "rest": rest}
    objective = Constrained(network, penalty, _at_least_0(strength), **options)
    if heads:
        training |= {"steps": _steps(training) * (1 + rest)}
        training["optimizer"] = partial(_two_rates, training.get("optimizer", torch.optim.Adam), heads)
    return fit(objective, prepared, training)


def group_dro(
    model: nn.Module, cases: Cases, *, strength: float, reader: nn.Module | None = None, **training: Any
) -> Mitigated:
    """Weigh joint groups by their losses, and draw them equally often (Group DRO, Sagawa et al. 2020).

    Parameters
    ----------
    model, cases, reader, **training
        See `plain`.
    strength : float
        Rate at which weights follow losses, `WorstGroups.rate`. At 0 all groups of a batch count the same, which
        differs from `reweighted` only by chance.
    """
    prepared = prepare(cases, reader)
    training = training | {"weights": balanced_weights(prepared.joint)}
    groups = int(prepared.joint.max()) + 1
    objective = WorstGroups(copy.deepcopy(model), groups, _at_least_0(strength), reader=_frozen(reader))
    return fit(objective, prepared, training)


def group_distil(
    model: nn.Module,
    cases: Cases,
    *,
    strength: float,
    teacher: nn.Module | None = None,
    alpha: float = 0.5,
    temperature: float = 2.0,
    **training: Any,
) -> Mitigated:
    """Train the network further by group-aware distillation, reconstructed from an abstract: see `Distilled`.

    Parameters
    ----------
    model, cases, **training
        See `plain`; the model is a classifier.
    strength : float
        Rate at which the weights of groups follow their losses.
    teacher : torch.nn.Module, optional
        Trained classifier of the same labels; default the model before fine-tuning.
    alpha, temperature : float
        See `Distilled`.

    Raises
    ------
    InputError
        The teacher's outputs have another shape than the labels; a number is out of range; also the errors of `plain`.
    """
    if not 0 <= alpha <= 1 or not temperature > 0:
        problem = "expected a share from 0 to 1 and a temperature above 0"
        raise InputError(f"alpha = {alpha}, temperature = {temperature}", problem, "Use 0.5 and 2")
    prepared = prepare(cases, None)
    taught = learn.predict(model if teacher is None else teacher, prepared.images, precision="32")
    if taught.shape != prepared.labels.shape:
        problem = f"it gives {taught.shape}, the labels are {prepared.labels.shape}"
        raise InputError("teacher", problem, "Give one that was trained on these labels")
    groups = int(prepared.joint.max()) + 1
    options = {"alpha": alpha, "temperature": temperature}
    objective = Distilled(copy.deepcopy(model), groups, _at_least_0(strength), **options)
    training = training | {"weights": balanced_weights(prepared.joint)}
    return fit(objective, prepared._replace(teacher=taught), training)


def swift(
    model: nn.Module,
    cases: Cases,
    *,
    strength: float = 0.9,
    temperature: float = 0.3,
    importance_batches: int = 8,
    reader: nn.Module | None = None,
    **training: Any,
) -> Mitigated:
    """Train the network further by soft-mask weight fine-tuning (SWiFT, Xue et al. 2025), in two steps on a small set.

    First the features are trained, with each weight's gradient multiplied by its soft mask. Then the weights of the
    last layer that serve the bias are set to 0, and only this layer is trained. Each part takes half of the steps, on
    cases drawn so that all groups and classes are equally frequent. The optimizer is SGD with momentum. Adam divides a
    gradient by its size, and so by any mask that is constant over steps, so that a soft mask would have no effect.

    Parameters
    ----------
    model, cases, reader, **training
        See `plain`; `lr` is the learning rate of the second step, the first uses a tenth of it.
    strength : float
        Share of the bias in the first step, 1 - beta, and of the plain loss in the second. Published: 0.9.
    temperature : float
        Temperature of the bias, see `EqualizedOdds`.
    importance_batches : int
        Number of batches for measuring the importance of each weight.

    Raises
    ------
    InputError
        The strength is outside 0 to 1; also the errors of `plain`.
    """
    if not 0 <= strength <= 1:
        raise InputError(f"strength = {strength}", "expected a share from 0 to 1", "Use 0.9")
    if not is_count(importance_batches):
        problem = "expected a whole number, 1 or more"
        raise InputError(f"importance_batches = {importance_batches}", problem, "Use 8")
    prepared = prepare(cases, reader)
    network, read = copy.deepcopy(model), _frozen(reader)
    bias = EqualizedOdds(prepared.labels.shape[1], prepared.groups, temperature=temperature)
    training = {"optimizer": partial(torch.optim.SGD, momentum=0.9)} | training
    training |= {"weights": by_group_and_class(prepared)}
    steps, kept = _steps(training), training.pop("checkpoint", None)
    place = {part: {"checkpoint": None if kept is None else Path(kept) / part} for part in ("features", "head")}
    first = soft.Balanced(network, bias, 1 - strength, part="features", reader=read)
    device = learn.choose_device(training.get("device", "auto"))
    masks = soft.soft_masks(
        *soft.importance(first.to(device), some_batches(prepared, training, importance_batches, device))
    )
    first.release()
    first = soft.Balanced(network, bias, 1 - strength, part="features", masks=masks, reader=read)
    rest = training | {"steps": max(1, steps - steps // 2)}
    done = [fit(first, prepared, rest | {"lr": training["lr"] / 10} | place["features"])]
    first.release()
    soft.reset_head(network, masks)
    second = soft.Balanced(network, bias, strength, part="head", reader=read)
    done.append(fit(second, prepared, training | {"steps": max(1, steps // 2)} | place["head"]))
    network = second.release().eval()
    history = pd.concat([d.history.assign(part=part) for d, part in zip(done, place, strict=True)])
    return Mitigated(network, history.reset_index(drop=True), sum(d.seconds for d in done), len(prepared.images))


def _two_rates(optimizer: Any, heads: list[nn.Parameter], parameters: list[nn.Parameter], *, lr: float) -> Any:
    """Build one optimizer with a higher learning rate for the heads than for all other parameters."""
    own = {id(weight) for weight in heads}
    rest = [weight for weight in parameters if id(weight) not in own]
    return optimizer([{"params": rest}, {"params": heads, "lr": HEAD_RATE * lr}], lr=lr)


def _width(network: nn.Module) -> int:
    """Return the number of input features of the last layer."""
    head = head_of(network)[1]
    if not isinstance(head, nn.Linear):
        raise InputError("model", "the last layer is not linear", "Give a classifier")
    return head.in_features


def _frozen(reader: nn.Module | None) -> nn.Module | None:
    """Return a copy of the reader in evaluation mode, so that the caller's reader stays trainable."""
    return None if reader is None else copy.deepcopy(reader).eval()


def _steps(training: Mapping[str, Any]) -> int:
    if training.get("steps") is None:
        raise InputError(
            "steps",
            "no number of steps is given",
            "Give steps, which this method divides between its stages; it takes no epochs",
        )
    return training["steps"]


def _at_least_0(strength: float) -> float:
    if not 0 <= strength < float("inf"):
        raise InputError(f"strength = {strength}", "expected a number, 0 or more", "Use 0 for no effect")
    return float(strength)
