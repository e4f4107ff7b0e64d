"""The training loop: from a model, data and a loss to a trained model and its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import Dataset

from helpers.errors import InputError
from helpers.keep.processor import Device, Precision, choose_device, choose_precision
from helpers.learn import checkpoint as checkpoints
from helpers.learn.batches import Arrays, Order, source
from helpers.learn.device import backends, launch, own_randomness
from helpers.learn.steps import Training

Loss = Callable[[nn.Module, Any], torch.Tensor | dict[str, torch.Tensor]]


@dataclass(frozen=True)
class Fitted:
    """A trained model with the record of its training.

    Attributes
    ----------
    model : torch.nn.Module
        The given model, trained, in evaluation mode, on the device it was trained on.
    history : pandas.DataFrame
        One row per interval: ``step`` (steps done), ``epoch``, ``lr``, ``loss`` and the loss function's other values
        (means over the interval), ``score`` (if there is a validation), ``seconds`` (of training alone).
    device, precision : str
        Device and precision of the training.
    resumed : int
        Steps already done in the checkpoint that the run resumed from.
    best : int or None
        Step with the best score if `patience` is given; the model then has the weights of that step.
    """

    model: nn.Module = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    device: str
    precision: str
    resumed: int = 0
    best: int | None = None


def fit(
    model: nn.Module,
    data: Dataset | Sequence[ArrayLike | torch.Tensor],
    loss: Loss,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int,
    lr: float,
    seed: int,
    optimizer: Callable[..., Optimizer] | None = None,
    schedule: Callable[[float], float] | None = None,
    augment: Callable[[Any], Any] | None = None,
    weights: ArrayLike | None = None,
    clip: float | None = None,
    ema: float = 0.0,
    validate: Callable[[nn.Module], float] | None = None,
    every: int | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    deterministic: bool = False,
    channels_last: bool = False,
    compile: bool = False,
    workers: int = 0,
    progress: bool = True,
) -> Fitted:
    """Train a model.

    On a CPU the same call gives bit-identical weights, and so does a run that was interrupted and resumed. Cases, their
    order and every random draw depend on the seed and the step, not on earlier draws. If started by torchrun, the
    processes share each batch.

    Parameters
    ----------
    model : torch.nn.Module
        Trained in place. State that a loss keeps between steps must be a buffer of the model, to be in checkpoints.
    data : tuple of array_like, or map-style torch.utils.data.Dataset
        Arrays with one row per case are kept on the device and indexed, without a loader; 64-bit floats become 32-bit.
        Items of a data set are read by a loader. Random transforms, MONAI's included, are seeded for each item.
    loss : callable
        ``loss(model, batch)``: a scalar, or a dict of scalars with one called ``loss``; the others enter the history.
        A batch of arrays is a tuple in the given order; a batch of items is collated by PyTorch's loader.
    epochs, steps : int
        Length of the training, exactly one of the two. All batches are full and may span two epochs: an epoch is
        n / batch_size steps.
    batch_size : int
        Cases per step, over all processes.
    lr, optimizer : float, callable
        Learning rate, and ``optimizer(parameters, lr=lr)``; default AdamW.
    seed : int
        Seed of the order of cases and of all random draws; the initial weights are those of the given model.
    schedule : callable, optional
        Factor of the learning rate by the share of steps done (0 to 1), such as ``lambda t: (1 - t) ** 0.9``.
    augment : callable, optional
        ``augment(batch)`` on the device before each step. It draws from PyTorch's global generators, which are seeded
        for the step.
    weights : array_like of shape (n,), optional
        Relative sampling probability of each case; an epoch is then n draws with replacement.
    clip : float, optional
        Maximum norm of the gradient (gradient clipping).
    ema : float
        Decay of an exponential moving average of weights and buffers; 0 for none. This average is validated and
        returned.
    validate : callable, optional
        ``validate(model)``, larger is better; called in evaluation mode, without gradients, after each interval.
    every : int, optional
        Steps per interval; each interval ends with a row of history, a validation and a checkpoint. Default an epoch.
    patience : int, optional
        Early stopping: stop after this many validations without a better score, and return the best weights.
    checkpoint : path, optional
        Folder for this run only. A second call resumes from the last interval, or returns the result of a finished run.
    device, precision : str
        "auto", "cpu", "cuda" or "mps"; "auto", "32", "bf16" or "16" (automatic mixed precision).
    deterministic : bool
        Use deterministic kernels on a GPU: slower, and PyTorch raises an error if an operation has none.
    channels_last : bool
        Keep images with channels last in memory, which can be faster.
    compile : bool
        Use torch.compile: worth it for long runs on a GPU.
    workers : int
        Number of processes that read items.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Fitted
        The model and its history.

    Raises
    ------
    InputError
        An argument is out of range, or the device is not available; data are empty or hold NaN; the loss, a score or a
        weight becomes NaN or infinite; the GPU's memory is full; the checkpoint is damaged, belongs to another model,
        other data or other settings, or cannot be written. The last good checkpoint is always kept.
    """
    device = choose_device(device)
    used = choose_precision(precision, device)
    _check(lr, clip, ema, seed, epochs=epochs, steps=steps, batch_size=batch_size, every=every, patience=patience)
    if patience is not None and validate is None:
        raise InputError(
            f"patience = {patience}", "there is no validation score to wait for", "Give a validate function too"
        )
    if not any(p.requires_grad for p in model.parameters()):
        raise InputError("model", "it has no parameter to train", "Unfreeze some")
    cases = source(data, workers)
    order = Order(cases.n, batch_size, int(seed), weights)
    total = steps if steps is not None else -(-epochs * cases.n // batch_size)
    settings = {}
    if checkpoint is not None:
        rate = None if schedule is None else [float(schedule(k / 8)) for k in range(9)]
        settings = {
            "model": checkpoints.form_of(model),
            "data": cases.identity(),
            "seed": int(seed),
            "steps": total,
            "batch_size": batch_size,
            "lr": lr,
            "schedule": rate,
            "weights": None if order.share is None else Arrays([order.share]).identity(),
            "ema": ema,
            "clip": clip,
            "every": every,
            "patience": patience,
            "precision": used,
            "augment": augment is not None,
            "start": checkpoints.start_of(model),
        }
    fabric = launch(device, used)
    if batch_size % fabric.world_size:
        raise InputError(
            f"batch_size = {batch_size}",
            f"it cannot be shared by {fabric.world_size} processes",
            f"Use a multiple of {fabric.world_size}",
        )
    # One fused kernel for all weights; with 16-bit gradients it would unscale them itself, before they are clipped.
    default = partial(torch.optim.AdamW, fused=device != "mps" and used != "16")
    with own_randomness(fabric.device), backends(deterministic):
        training = Training(
            fabric=fabric,
            model=model,
            loss=loss,
            seed=int(seed),
            total=total,
            every=every or order.steps_per_epoch,
            per_epoch=cases.n / batch_size,
            schedule=schedule,
            augment=augment,
            clip=clip,
            ema=ema,
            validate=validate,
            patience=patience,
            folder=None if checkpoint is None else Path(checkpoint),
            settings=settings,
        )
        training.prepare(partial(optimizer or default, lr=lr), channels_last=channels_last, compile=compile)
        resumed = training.resume()
        try:
            training.run(partial(cases.batches, order), progress=progress)
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"batch_size = {batch_size}", "the GPU's memory is full", "Use a smaller one, or precision bf16"
            ) from error
        training.finish()
    history = pd.DataFrame(training.history)
    return Fitted(model, history, device, used, resumed, training.best["step"] if patience is not None else None)


def _check(lr: float, clip: float | None, ema: float, seed: int, **counts: int | None) -> None:
    """Raise InputError if a number is out of range."""
    for name, value in counts.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
            raise InputError(f"{name} = {value}", "expected a whole number, 1 or more", "See the function's page")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed = {seed}", "expected a whole number, 0 or more", "Use 0 if in doubt")
    for name, value in (("lr", lr), ("clip", clip)):
        if value is not None and not (isinstance(value, Real) and 0 < value < float("inf")):
            raise InputError(f"{name} = {value}", "expected a number above 0", "Use lr=1e-3, clip=12 if in doubt")
    if not (isinstance(ema, Real) and 0 <= ema < 1):
        raise InputError(
            f"ema = {ema}", "expected a decay from 0 to below 1", "Use 0.99 for short runs, 0.999 for long"
        )
    if (counts["epochs"] is None) == (counts["steps"] is None):
        raise InputError("epochs, steps", "expected one of the two", "Give the length of the training")
