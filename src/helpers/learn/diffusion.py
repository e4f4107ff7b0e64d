"""Diffusion of pictures: how much is left of a picture at each time, what a network predicts, and DDIM there and back.

At time t, from 0 (the picture) to T (noise), x = a picture + s noise, with a^2 + s^2 = 1; the *level* is a^2, often
written alphabar. Seen as an angle, a = cos(phi) and s = sin(phi), the velocity is v = a noise - s picture (Salimans and
Ho 2022, https://arxiv.org/abs/2202.00512), and a step of DDIM (Song et al. 2021, https://arxiv.org/abs/2010.02502) from
one angle to another is a rotation: x' = cos(phi' - phi) x + sin(phi' - phi) v. Any two times can be joined.

MONAI 1.6.1 has these steps in ``DDIMScheduler``, but they move by T // steps while its list of times has other gaps, so
that the way back is not the way there unless both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count

SCHEDULES = ("linear", "scaled linear")
TARGETS = ("velocity", "noise")
FIRST, LAST, STEPS = 1e-4, 0.02, 1000  # of beta, as published for 1,000 steps (Ho et al. 2020, arXiv 2006.11239)

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Watch = Callable[[int, torch.Tensor], None]


def noise_levels(steps: int = 200, *, kind: str = "linear") -> torch.Tensor:
    """Compute what is left of a picture at each time: a^2, the cumulative product of 1 - beta.

    Parameters
    ----------
    steps : int
        Times T of the diffusion, 25 or more. Beta is larger the fewer they are, by 1000 / T, so that the level depends
        nearly on the share t / T alone, and the last one is nearly 0.
    kind : {"linear", "scaled linear"}
        Beta, or its square root, rises linearly: from 0.0001 to 0.02 for 1,000 steps.

    Returns
    -------
    torch.Tensor of float64, shape (steps + 1,)
        The first, of the picture itself, is 1.

    Raises
    ------
    InputError
        The number of steps is too small, or there is no such schedule.
    """
    check_choice("kind", kind, SCHEDULES)
    if not is_count(steps) or steps < 25:
        raise InputError(f"steps = {steps}", "expected a whole number, 25 or more", "Use 200, or 1000 as published")
    power = 1 if kind == "linear" else 2
    beta = torch.linspace(FIRST ** (1 / power), LAST ** (1 / power), steps, dtype=torch.float64) ** power
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta * STEPS / steps, 0)])


def ddim_times(levels: torch.Tensor, steps: int) -> torch.Tensor:
    """List the times from 0 to T that `steps` steps of DDIM visit, with gaps as equal as whole numbers permit.

    Returns
    -------
    torch.Tensor of int64, shape (steps + 1,)

    Raises
    ------
    InputError
        There are fewer than 2 steps, or more than times.
    """
    most = len(levels) - 1
    if not is_count(steps) or not 2 <= steps <= most:
        raise InputError(f"steps = {steps}", f"expected a whole number from 2 to {most}", "Use 20 if in doubt")
    return torch.from_numpy(np.linspace(0, most, steps + 1).round().astype(np.int64))


def noised(picture: torch.Tensor, noise: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Compute x = a picture + s noise at levels of shape () or (n,), of pictures of shape (n, ...)."""
    a, s = _parts(level, picture)
    return a * picture + s * noise


def velocity(picture: torch.Tensor, noise: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Compute v = a noise - s picture, shapes as in `noised`."""
    a, s = _parts(level, picture)
    return a * noise - s * picture


def as_velocity(x: torch.Tensor, noise: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Compute the velocity from the noise in x: (noise - s x) / a."""
    a, s = _parts(level, x)
    return (noise - s * x) / a


def as_noise(x: torch.Tensor, moving: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Compute the noise in x from the velocity `moving`: a v + s x."""
    a, s = _parts(level, x)
    return a * moving + s * x


def as_picture(x: torch.Tensor, moving: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Compute the picture in x from the velocity `moving`: a x - s v."""
    a, s = _parts(level, x)
    return a * x - s * moving


def denoising_loss(
    model: nn.Module, batch: Sequence[torch.Tensor], *, levels: torch.Tensor, target: str = "velocity"
) -> torch.Tensor:
    """Compute the mean squared error of the velocity, or of the noise, at a random time for each picture.

    Parameters
    ----------
    model : callable
        ``model(x, times, *conditions)`` returns its prediction, of the shape of x.
    batch : tuple of torch.Tensor
        Pictures (n, channels, h, w), and conditions with one row a picture.
    levels : torch.Tensor
        From `noise_levels`.
    target : {"velocity", "noise"}
        At late times the loss of the noise hardly rewards a network for the picture: a condition may then be ignored
        after a short training.
    """
    picture, *conditions = batch
    times = torch.randint(1, len(levels), (len(picture),))
    level, noise = levels[times], torch.randn_like(picture)
    wanted = velocity(picture, noise, level) if target == "velocity" else noise
    return (model(noised(picture, noise, level), times.to(picture.device), *conditions) - wanted).square().mean()


def ddim_generate(
    predict: Predict,
    noise: torch.Tensor,
    *,
    levels: torch.Tensor,
    steps: int,
    target: str = "velocity",
    watch: Watch | None = None,
) -> torch.Tensor:
    """Turn noise into pictures by deterministic steps.

    Parameters
    ----------
    predict : callable
        ``predict(x, times)``, with times of shape (n,) from 1 to T: prediction of the network, its condition included.
    noise : torch.Tensor of shape (n, channels, h, w)
    levels : torch.Tensor
        From `noise_levels`, as in training.
    steps : int
        Steps, and calls of the network.
    target : {"velocity", "noise"}
        Meaning of the prediction.
    watch : callable, optional
        ``watch(time, pictures)``: called at each time with the pictures that are predicted from it.

    Returns
    -------
    torch.Tensor of shape (n, channels, h, w)
        Pictures, not clipped.

    Raises
    ------
    InputError
        As in `ddim_times`; or there is no such target.
    """
    check_choice("target", target, TARGETS)
    times, x = ddim_times(levels, steps).tolist(), noise
    with torch.no_grad():
        for late, early in zip(times[:0:-1], times[-2::-1], strict=True):
            moving = _velocity_at(predict, x, late, levels, target)
            if watch is not None:
                watch(late, as_picture(x, moving, levels[late]))
            cosine, sine = _turn(levels, early, late)
            x = cosine * x - sine * moving
    return x


def ddim_invert(
    predict: Predict,
    pictures: torch.Tensor,
    *,
    levels: torch.Tensor,
    steps: int,
    rounds: int = 2,
    target: str = "velocity",
) -> torch.Tensor:
    """Find the noise from which `ddim_generate` makes given pictures with the same arguments.

    Each step there solves the equation of the step back, x = cos x' - sin v(x'), by fixed-point rounds, the first
    from a step at the last velocity. With few steps a plain inversion, one round from x itself, misses the way back.

    Parameters
    ----------
    predict, levels, steps, target
        As in `ddim_generate`.
    pictures : torch.Tensor of shape (n, channels, h, w)
    rounds : int
        Calls of the network for each step. More bring the picture back more exactly, as long as the network's velocity
        changes by less than the step.

    Returns
    -------
    torch.Tensor of shape (n, channels, h, w)

    Raises
    ------
    InputError
        As in `ddim_times`; there is no such target; or `rounds` is below 1.
    """
    check_choice("target", target, TARGETS)
    if not is_count(rounds):
        raise InputError(f"rounds = {rounds}", "expected a whole number, 1 or more", "Use 2 if in doubt")
    times, x = ddim_times(levels, steps).tolist(), pictures
    moving = torch.zeros_like(x)
    with torch.no_grad():
        for early, late in pairwise(times):
            cosine, sine = _turn(levels, early, late)
            there = cosine * x + sine * moving
            for _ in range(rounds):
                moving = _velocity_at(predict, there, late, levels, target)
                there = (x + sine * moving) / cosine
            x = there
    return x


def _velocity_at(predict: Predict, x: torch.Tensor, time: int, levels: torch.Tensor, target: str) -> torch.Tensor:
    found = predict(x, torch.full((len(x),), time, device=x.device))
    return found if target == "velocity" else as_velocity(x, found, levels[time])


def _turn(levels: torch.Tensor, early: int, late: int) -> tuple[float, float]:
    """Compute cosine and sine of the angle between two times."""
    angles = levels[[early, late]].sqrt().clamp(max=1).acos()
    turn = float(angles[1] - angles[0])
    return float(np.cos(turn)), float(np.sin(turn))


def _parts(level: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute a and s of levels on the CPU, in float64, then as the pictures are, with axes for broadcasting."""
    level = level.reshape(*level.shape, *(1,) * (like.ndim - 1 if level.ndim else 0))
    return tuple(part.sqrt().to(like) for part in (level, 1 - level))
