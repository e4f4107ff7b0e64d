"""A training in progress: its step-by-step updates, and the state saved in checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.errors import InputError
from helpers.learn import checkpoint
from helpers.learn.device import STEP, seed_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOWER = "Lower lr, set clip, or use precision 32"


@dataclass(kw_only=True)
class Training:
    """One run of `helpers.learn.fit`, where the fields are explained."""

    fabric: Fabric
    model: nn.Module
    loss: Callable[[nn.Module, Any], torch.Tensor | dict[str, torch.Tensor]]
    seed: int
    total: int
    every: int
    per_epoch: float
    schedule: Callable[[float], float] | None
    augment: Callable[[Any], Any] | None
    clip: float | None
    ema: float
    validate: Callable[[nn.Module], float] | None
    patience: int | None
    folder: Path | None
    settings: dict[str, Any]
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=lambda: {"step": 0, "score": -math.inf, "waited": 0, "weights": {}})

    def prepare(self, make: Callable[..., Optimizer], *, channels_last: bool, compile: bool) -> None:
        """Move the model to its device, and set up the optimizer and the moving average of the weights."""
        if channels_last:
            flat = any(p.ndim == 4 for p in self.model.parameters())
            self.model.to(memory_format=torch.channels_last if flat else torch.channels_last_3d)
        self.model.to(self.fabric.device)
        optimizer = make([p for p in self.model.parameters() if p.requires_grad])
        # The choice of PyTorch's kernels is not a setting of the run.
        rules = {name: rule for name, rule in optimizer.defaults.items() if name not in ("fused", "foreach")}
        self.settings |= {"optimizer": f"{type(optimizer).__name__} {rules}"} if self.folder else {}
        net = torch.compile(self.model) if compile else self.model
        self.net, self.optimizer = self.fabric.setup(net, optimizer)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.average = None
        if self.ema:
            self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(self.ema), use_buffers=True)

    def resume(self) -> int:
        """Restore the checkpoint of the folder, if there is one, and return its number of steps."""
        content = checkpoint.read(self.folder, self.settings) if self.folder else None
        if content is None:
            return 0
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.fabric.strategy.precision.load_state_dict(content["scaler"])
        if self.average:
            self.average.load_state_dict(content["average"])
        self.step, self.history, self.best = content["step"], content["history"], content["best"]
        return self.step

    def run(self, batches: Callable[..., Iterator[Any]], *, progress: bool) -> None:
        """Train until the last step, or until early stopping (`patience`)."""
        from tqdm.auto import tqdm

        shown = progress and self.fabric.is_global_zero
        steps = range(self.step, self.step if self._stopped() else self.total)
        device, rank, world = self.fabric.device, self.fabric.global_rank, self.fabric.world_size
        seen: list[dict[str, torch.Tensor]] = []
        began = time.perf_counter()
        with tqdm(total=self.total, initial=self.step, desc="training", unit="step", disable=not shown) as bar:
            for batch in batches(steps, rank, world, device):
                seed_at(device.type, self.seed, STEP, self.step, rank)
                seen.append(self._step(batch))
                bar.update()
                if self.step % self.every and self.step < self.total:
                    continue
                row = self._row(seen, time.perf_counter() - began)
                self._check_weights()
                if self.validate:
                    row["score"] = self._score()
                self.history.append(row)
                bar.set_postfix({name: f"{row[name]:.4g}" for name in ("loss", "score") if name in row})
                self._save()
                if self._stopped():
                    break
                seen, began = [], time.perf_counter()

    def finish(self) -> None:
        """Load the final weights: those of the best step with `patience`, else the moving average if there is one."""
        if self.patience is not None:
            self.model.load_state_dict(self.best["weights"])
        elif self.average:
            self.model.load_state_dict(self.average.module.state_dict())
        self.model.eval()

    def _step(self, batch: Any) -> dict[str, torch.Tensor]:
        self.model.train()
        if self.schedule:
            factor = self.schedule(self.step / self.total)
            for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * factor
        if self.augment:
            batch = self.augment(batch)
        values = _values(self.loss(self.net, batch))
        # On a GPU, reading the loss would wait for the step; there it is checked after each interval.
        if self.fabric.device.type == "cpu" and not values["loss"].isfinite():
            self._diverged(self.step + 1)
        self.optimizer.zero_grad()
        self.fabric.backward(values["loss"])
        if self.clip:
            self.fabric.clip_gradients(self.net, self.optimizer, max_norm=self.clip, error_if_nonfinite=False)
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.model)
        self.step += 1
        return {name: value.detach() for name, value in values.items()}

    def _row(self, seen: list[dict[str, torch.Tensor]], seconds: float) -> dict[str, float]:
        table = {name: torch.stack([values[name] for values in seen]).float() for name in seen[0]}
        bad = (~table["loss"].isfinite()).nonzero()
        if len(bad):
            self._diverged(self.step - len(seen) + 1 + int(bad[0]))
        means = {name: float(self.fabric.all_reduce(values.mean())) for name, values in table.items()}
        place = {"step": self.step, "epoch": self.step / self.per_epoch, "lr": self.optimizer.param_groups[0]["lr"]}
        return place | means | {"seconds": seconds}

    def _score(self) -> float:
        scored = self.average.module if self.average else self.model
        scored.eval()
        with torch.no_grad():
            score = float(self.fabric.broadcast(float(self.validate(scored))))
        if not math.isfinite(score):
            raise InputError("validate", f"its score after step {self.step} is {score}", "Make it a finite number")
        if self.patience is not None:
            if score > self.best["score"]:
                weights = {name: value.detach().clone() for name, value in scored.state_dict().items()}
                self.best = {"step": self.step, "score": score, "waited": 0, "weights": weights}
            else:
                self.best["waited"] += 1
        return score

    def _stopped(self) -> bool:
        return self.patience is not None and self.best["waited"] >= self.patience

    def _check_weights(self) -> None:
        """Raise InputError if a weight is NaN or infinite, as after an infinite gradient; no checkpoint may hold it."""
        for name, weight in self.model.state_dict().items():
            if weight.is_floating_point() and not weight.isfinite().all():
                raise InputError(name, f"these weights are NaN or infinite after step {self.step}", LOWER)

    def _diverged(self, step: int) -> None:
        kept = f" The checkpoint of step {self.history[-1]['step']} is kept" if self.folder and self.history else ""
        raise InputError("loss", f"it is NaN or infinite in step {step}", f"Check data and loss. {LOWER}.{kept}")

    def _save(self) -> None:
        if self.folder is None:
            return
        if self.fabric.is_global_zero:
            content = {
                "settings": self.settings,
                "step": self.step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.fabric.strategy.precision.state_dict(),
                "average": self.average.state_dict() if self.average else {},
                "best": self.best,
                "history": self.history,
            }
            checkpoint.write(self.folder, content)
        self.fabric.barrier()


def _values(found: Any) -> dict[str, torch.Tensor]:
    """Return the checked values of a loss function by name."""
    values = found if isinstance(found, dict) else {"loss": found}
    if not isinstance(values.get("loss"), torch.Tensor) or any(
        not isinstance(value, torch.Tensor) or value.ndim for value in values.values()
    ):
        raise InputError(
            "loss function",
            "it must give a tensor of one number, or a dict of such with one called loss",
            "Take the mean over the batch",
        )
    if not values["loss"].requires_grad:
        raise InputError("loss function", "its loss does not depend on a weight to train", "Use the model it is given")
    return values
