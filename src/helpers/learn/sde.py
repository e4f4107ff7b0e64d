"""The mean-reverting SDE of Luo et al. 2023 (IR-SDE), turned into a standard diffusion by a change of variables.

A clean image x0 drifts to its degraded image mu while noise is added: dx = theta (mu - x) dt + sigma dw, with
sigma^2 = 2 scale^2 theta. Then z = (x - mu) / scale follows exactly a variance-preserving diffusion with
alphabar_t = exp(-2 c_t dt), c_t = theta_1 + ... + theta_t. So training and sampling are those of DDPM on z, with
MONAI's schedulers. Luo et al. 2023, https://arxiv.org/abs/2301.11699.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count
from helpers.learn.diffusion import ddim_generate

LOSSES = ("noise", "velocity", "ml")
SAMPLERS = ("posterior", "euler_maruyama", "ddim")
OFFSET = 0.008  # of the cosine schedule


class Schedule(NamedTuple):
    """Time steps of a mean-reverting SDE, float64, one entry per step from first to last.

    time : whole numbers from 1 to the number of steps that the network was trained for
    drift : integral of theta over the step; the sum over all steps is -ln(end)
    passed : integral of theta from the start, c_t dt; the difference from the degraded image is scaled by exp(-passed)
    """

    time: np.ndarray
    drift: np.ndarray
    passed: np.ndarray


def thetas(steps: int) -> np.ndarray:
    """Compute the `steps` + 1 speeds theta_0 ... theta_steps of the cosine schedule, 0 to 1; theta_0 is never used."""
    k = np.arange(1, steps + 2)
    n = steps + 2
    a = np.cos((np.r_[0, k] / n + OFFSET) / (1 + OFFSET) * np.pi / 2) ** 2
    return 1 - a[1:] / a[0]


def schedule(steps: int = 100, *, of: int | None = None, end: float = 0.005) -> Schedule:
    """Compute the cosine schedule of a mean-reverting SDE.

    Parameters
    ----------
    steps : int
        Steps to take, 1 to `of`, evenly spaced; the last is always step number `of`.
    of : int, optional
        Steps of the SDE itself, for which a network is trained; default `steps`.
    end : float
        Share of the difference from the degraded image that is left at the end, exp(-c_T dt).

    Returns
    -------
    Schedule
        Schedule of the steps to take; a step that spans several steps of the SDE has their total drift.

    Raises
    ------
    InputError
        A number is out of range.
    """
    of = steps if of is None else of
    if not is_count(steps) or not is_count(of) or steps > of:
        raise InputError(f"steps = {steps}", f"expected a whole number from 1 to {of}", "Use 100, or 10 for speed")
    if not 0 < end < 1:
        raise InputError(f"end = {end}", "expected a share above 0 and below 1", "Use 0.005")
    whole = np.cumsum(thetas(of)[1:])
    passed = whole / whole[-1] * -np.log(end)
    time = np.round(np.linspace(of, 0, steps, endpoint=False)[::-1]).astype(int)
    passed = passed[time - 1]
    return Schedule(time, np.diff(passed, prepend=0), passed)


class MeanReverting(nn.Module):
    """A score network together with the mean-reverting SDE that it is trained for.

    Parameters
    ----------
    network : torch.nn.Module
        Takes (n, 2, h, w), noisy and degraded image, and times from 0, as does `helpers.learn.score_network`.
    steps : int
        Steps of the SDE.
    scale : float
        Standard deviation of the noise at the end, in the units of the images.
    end : float
        As `schedule` takes it.
    predicts : {"noise", "velocity"}
        Meaning of the network's output. Noise, as published: if a network has learned little, reverse steps enlarge
        its error by up to 1 / end. Velocity (Salimans and Ho 2022, https://arxiv.org/abs/2202.00512), from which the
        noise is computed, keeps the error small, so that a short training suffices for an image.

    Raises
    ------
    InputError
        A number is out of range.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        steps: int = 100,
        scale: float = 10 / 255,
        end: float = 0.005,
        predicts: Literal["noise", "velocity"] = "noise",
    ) -> None:
        super().__init__()
        check_choice("predicts", predicts, ("noise", "velocity"))
        if not 0 < scale < float("inf"):
            raise InputError(f"scale = {scale}", "expected a number above 0", "Use 10 / 255")
        self.network, self.steps, self.scale, self.end, self.predicts = network, steps, scale, end, predicts
        found = schedule(steps, end=end)
        for name in ("drift", "passed"):  # derived from the settings, so not saved in checkpoints
            self.register_buffer(name, torch.from_numpy(getattr(found, name)).float(), persistent=False)

    def forward(self, z: torch.Tensor, degraded: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Predict the noise in z, (image - degraded) / scale, at times from 1 to `steps`, shape (n,)."""
        output = self.network(torch.cat([z, degraded], 1), time - 1)
        if self.predicts == "noise":
            return output
        passed = self.passed[time - 1, None, None, None]
        return torch.exp(-passed) * output + noise_sd(passed) * z


def loss(
    model: nn.Module,
    batch: Sequence[torch.Tensor],
    *,
    sde: MeanReverting,
    kind: str = "ml",
) -> torch.Tensor:
    """Compute the loss of a score network at a random time for each image.

    Parameters
    ----------
    model : torch.nn.Module
        The SDE as called in training, possibly wrapped.
    batch : tuple of torch.Tensor
        Degraded and clean images, (n, 1, h, w).
    sde : MeanReverting
        The SDE itself.
    kind : {"noise", "velocity", "ml"}
        "noise": mean squared error of the predicted noise (Ho et al. 2020). "velocity": that of the velocity computed
        from it, so that late times count as much as early ones. "ml": the published maximum-likelihood loss, the mean
        absolute difference between a reverse step with the predicted noise and the most likely reverse step (Luo et al.
        2023, equation 15), in the units of the images.
    """
    degraded, clean = batch
    time = torch.randint(1, sde.steps + 1, (len(clean),), device=clean.device)
    start = (clean - degraded) / sde.scale
    noise = torch.randn_like(start)
    passed, drift = (values[time - 1, None, None, None] for values in (sde.passed, sde.drift))
    z = torch.exp(-passed) * start + noise_sd(passed) * noise
    predicted = model(z, degraded, time)
    if kind == "noise":
        return (predicted - noise).square().mean()
    if kind == "velocity":
        return ((predicted - noise) / torch.exp(-passed)).square().mean()
    wanted = likeliest(z, start, passed, drift)
    return sde.scale * (reverse_mean(z, predicted, passed, drift) - wanted).abs().mean()


def noise_sd(passed: torch.Tensor) -> torch.Tensor:
    """Compute the standard deviation of the noise in z, sqrt(1 - exp(-2 passed))."""
    return (-torch.expm1(-2 * passed)).sqrt()


def reverse_mean(z: torch.Tensor, noise: torch.Tensor, passed: torch.Tensor, drift: torch.Tensor) -> torch.Tensor:
    """Take one Euler step of the reverse SDE without its noise: z + drift (z + 2 score), score = -noise / noise_sd."""
    return z + drift * (z - 2 * noise / noise_sd(passed))


def likeliest(z: torch.Tensor, start: torch.Tensor, passed: torch.Tensor, drift: torch.Tensor) -> torch.Tensor:
    """Compute the most likely z one step earlier, given the start of z (Luo et al. 2023, equation 14)."""
    before, whole = passed - drift, torch.expm1(-2 * passed)
    of_z = torch.exp(-drift) * torch.expm1(-2 * before) / whole
    of_start = torch.exp(-before) * torch.expm1(-2 * drift) / whole
    return of_z * z + of_start * start


@torch.no_grad()
def sample(
    sde: MeanReverting,
    degraded: torch.Tensor,
    generators: Sequence[torch.Generator],
    *,
    sampler: str = "posterior",
    steps: int | None = None,
) -> torch.Tensor:
    """Sample clean images by the reverse SDE, given degraded images.

    Parameters
    ----------
    sde : MeanReverting
        Trained model, on the device of the images.
    degraded : torch.Tensor of shape (n, 1, h, w)
    generators : sequence of n torch.Generator
        One per image, on the same device, so that an image does not depend on the others in the call.
    sampler : {"posterior", "euler_maruyama", "ddim"}
        "posterior": DDPM's ancestral sampling (Luo et al. 2024, https://arxiv.org/abs/2404.09732). "euler_maruyama":
        Euler-Maruyama steps of the reverse SDE, as published; it needs many steps, and its last step still adds a
        little noise. "ddim": deterministic steps from random noise, see `helpers.learn.ddim_generate`, for few steps.
    steps : int, optional
        Steps to take, evenly spaced, and 2 or more by "ddim"; default all steps of the SDE.

    Returns
    -------
    torch.Tensor of shape (n, 1, h, w)
        Sampled images, not clipped.

    Raises
    ------
    InputError
        There is no such sampler, or a number is out of range.
    """
    check_choice("sampler", sampler, SAMPLERS)
    times = schedule(sde.steps if steps is None else steps, of=sde.steps, end=sde.end)
    passed, drift = torch.from_numpy(times.passed), torch.from_numpy(times.drift)

    def draw() -> torch.Tensor:
        return torch.stack([torch.randn(degraded.shape[1:], generator=g, device=g.device) for g in generators])

    z = draw()
    if sampler == "ddim":
        levels = torch.from_numpy(np.exp(-2 * np.r_[0, schedule(sde.steps, end=sde.end).passed]))
        options = {"levels": levels, "steps": len(times.time), "target": "noise"}
        return degraded + sde.scale * ddim_generate(lambda x, time: sde(x, degraded, time), z, **options)
    scheduler = monai_scheduler(len(times.time), sde.steps, sde.end) if sampler == "posterior" else None
    for k in reversed(range(len(times.time))):
        time = torch.full((len(z),), int(times.time[k]), device=z.device)
        noise = sde(z, degraded, time)
        if sampler == "posterior":  # image by image, since each has its generator
            each = zip(noise.split(1), z.split(1), generators, strict=True)
            z = torch.cat([scheduler.step(e, k, one, generator=g)[0] for e, one, g in each])
        else:
            z = reverse_mean(z, noise, passed[k], drift[k]) - (2 * drift[k]).sqrt() * draw()
    return degraded + sde.scale * z


def monai_scheduler(steps: int, of: int, end: float) -> nn.Module:
    """Build MONAI's ``DDPMScheduler`` for z, for the sampler "posterior".

    Its timesteps are positions in `schedule`, from 0.
    """
    from monai.networks.schedulers import DDPMScheduler, NoiseSchedules

    if "irsde_cosine" not in NoiseSchedules:
        NoiseSchedules.add_def("irsde_cosine", "Cosine schedule of the mean-reverting SDE")(_diffusion)
    return DDPMScheduler(num_train_timesteps=steps, schedule="irsde_cosine", clip_sample=False, of=of, end=end)


def _diffusion(num_train_timesteps: int, of: int, end: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute beta, alpha and alphabar of z, in the form that MONAI's schedulers take."""
    _, drift, passed = (torch.from_numpy(values) for values in schedule(num_train_timesteps, of=of, end=end))
    return -torch.expm1(-2 * drift), torch.exp(-2 * drift), torch.exp(-2 * passed)
