"""Mitigation methods: each takes a trained network and cases, and gives a fine-tuned copy.

All have one form, so that they can be compared: the same start, steps, batches and optimizer; what differs is the loss,
or how often a case is drawn. `Cases.clean` and a frozen `reader` make the same methods work on a reconstruction
network, whose images are then read by the reader.
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

HEAD_RATE = 10.0  # learning rate of the adversary's heads, in that of the network


def plain(model: nn.Module, cases: Cases, *, reader: nn.Module | None = None, **training: Any) -> Mitigated:
    """Fine-tune with the plain loss: what every method has to beat.

    Parameters
    ----------
    model : torch.nn.Module
        Trained; a copy of it is fine-tuned. A classifier, or with a reader a reconstruction network.
    cases : Cases
    reader : torch.nn.Module, optional
        Trained classifier of reconstructions; it is left as it is.
    **training
        ``steps, batch_size, lr, seed``, and whatever else `helpers.learn.fit` takes.

    Raises
    ------
    InputError
        Images, labels, attributes and clean images do not fit each other; a label is neither 0, 1 nor NaN; and what
        `helpers.learn.fit` refuses.
    """
    prepared = prepare(cases, reader)
    return fit(Objective(copy.deepcopy(model), reader=_frozen(reader)), prepared, training)


def reweighted(model: nn.Module, cases: Cases, *, reader: nn.Module | None = None, **training: Any) -> Mitigated:
    """Draw every joint group equally often (all attributes crossed); parameters as of `plain`.

    A weight in the sampling instead of the loss, ``p_i = (1 / n_g(i)) / sum_j (1 / n_g(j))``; numbers such as age are
    binned, never taken as they are.
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
    """Add the squared soft equalized odds difference to the loss.

    Parameters
    ----------
    model, cases, reader, **training
        As of `plain`.
    strength : float
        Weight of the penalty, lambda; 0 is `plain`.
    temperature : float
        See `EqualizedOdds`.
    task : float
        With a reader: weight of its cross-entropy. Without it a reconstruction can pay nothing by making all images
        look alike to the reader.
    relative : bool
        See `Constrained`.

    Raises
    ------
    InputError
        A strength below 0, and what `plain` refuses.
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
    """Remove from the last features what a reader can say of the attributes.

    Parameters
    ----------
    model, cases, strength, reader, task, relative, **training
        As of `equalized_odds`. With a reader of images, the features are its own.
    adversary, as_published
        See `Adversary`, where the first is `reader`. Trained ones learn ten times as fast as the network.
    head_steps : int
        Steps in which trained readers learn alone, after each step of the network and beyond `steps`.

    Raises
    ------
    InputError
        As `equalized_odds`; there is no such adversary.
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
    """Weigh joint groups by their losses, drawn equally often (Sagawa et al. 2020).

    Parameters
    ----------
    model, cases, reader, **training
        As of `plain`.
    strength : float
        Rate at which weights follow losses, `WorstGroups.rate`; at 0 all groups of a batch count the same, which is
        `reweighted` but for chance.
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
    """Group-aware distillation, reconstructed from an abstract: see `Distilled`.

    Parameters
    ----------
    model, cases, **training
        As of `plain`; the model is a classifier.
    strength : float
        Rate at which the weights of groups follow their losses.
    teacher : torch.nn.Module, optional
        Trained classifier of as many labels; the model as it is at the start, where none is given.
    alpha, temperature : float
        See `Distilled`.

    Raises
    ------
    InputError
        The teacher's outputs have another shape than the labels; a number out of range; what `plain` refuses.
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
    """Soft-mask weight fine-tuning in two steps (Xue et al. 2025), on a small set.

    First the features are trained, each weight's gradient times its soft mask; then the weights of the last layer that
    serve the bias are set to 0 and it alone is trained. Half of the steps each, on cases drawn so that every group and
    class is as frequent. The optimizer is SGD with momentum: Adam divides a gradient by its own size, and with it by
    any mask that does not change from step to step, so that a soft mask does nothing there.

    Parameters
    ----------
    model, cases, reader, **training
        As of `plain`; `lr` is that of the second step, the first takes a tenth of it.
    strength : float
        Share of the bias in the first step, 1 - beta, and of the plain loss in the second. Published: 0.9.
    temperature : float
        Of the bias, see `EqualizedOdds`.
    importance_batches : int
        Batches that the importance of each weight is measured on.

    Raises
    ------
    InputError
        A strength outside 0 to 1; and what `plain` refuses.
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
    """One optimizer, in which heads learn faster than all else."""
    own = {id(weight) for weight in heads}
    rest = [weight for weight in parameters if id(weight) not in own]
    return optimizer([{"params": rest}, {"params": heads, "lr": HEAD_RATE * lr}], lr=lr)


def _width(network: nn.Module) -> int:
    """Features that go into the last layer."""
    head = head_of(network)[1]
    if not isinstance(head, nn.Linear):
        raise InputError("model", "its last layer is no linear one", "Give a classifier")
    return head.in_features


def _frozen(reader: nn.Module | None) -> nn.Module | None:
    """A copy of the reader, so that the caller's own stays trainable."""
    return None if reader is None else copy.deepcopy(reader).eval()


def _steps(training: Mapping[str, Any]) -> int:
    if training.get("steps") is None:
        raise InputError("steps", "there are none", "Give steps, which this method shares out; it takes no epochs")
    return training["steps"]


def _at_least_0(strength: float) -> float:
    if not 0 <= strength < float("inf"):
        raise InputError(f"strength = {strength}", "expected a number, 0 or more", "Use 0 for none")
    return float(strength)
