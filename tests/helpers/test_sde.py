"""The mean-reverting SDE: its schedule, its marginals, the change of variables, losses and samplers."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.errors import InputError
from helpers.learn import MeanReverting, schedule, sde

T, SCALE, END = 100, 10 / 255, 0.005


def published(steps: int = T) -> dict[str, np.ndarray]:
    """Quantities of Luo et al. as they are written there; index t, with 0 for the start."""
    n = steps + 2
    a = np.array([np.cos((k / n + 0.008) / 1.008 * np.pi / 2) ** 2 for k in range(n + 1)])
    a /= a[0]
    theta = np.array([1 - a[j + 1] for j in range(steps + 1)])
    c = np.concatenate([[0], np.cumsum(theta[1:])])
    dt = -np.log(END) / c[-1]
    return {"theta": theta, "c": c, "dt": dt, "v": SCALE**2 * (1 - np.exp(-2 * c * dt))}


def pair(n: int = 2, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Degraded and clean images."""
    rng = np.random.default_rng(0)
    clean = rng.uniform(0.1, 0.9, (n, 1, size, size))
    return tuple(torch.from_numpy(x).float() for x in (clean + rng.normal(0, 0.05, clean.shape), clean))


class Oracle(nn.Module):
    """A network that knows the clean image, and so the noise."""

    def __init__(self, clean: torch.Tensor) -> None:
        super().__init__()
        self.clean, self.passed = clean, torch.from_numpy(schedule(T).passed)

    def forward(self, pair: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        z, degraded = pair[:, :1], pair[:, 1:]
        passed = self.passed[index, None, None, None]
        return ((z - torch.exp(-passed) * (self.clean - degraded) / SCALE) / sde.noise_sd(passed)).float()


def generators(seeds) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_schedule_is_the_published_one():
    found, paper = schedule(T), published()
    np.testing.assert_allclose(sde.thetas(T), paper["theta"], rtol=1e-12)
    np.testing.assert_allclose(found.drift, paper["theta"][1:] * paper["dt"], rtol=1e-9)
    np.testing.assert_allclose(found.passed, paper["c"][1:] * paper["dt"], rtol=1e-12)
    assert np.exp(-found.passed[-1]) == pytest.approx(END, rel=1e-12)


def test_few_steps_are_some_of_all():
    few, all_ = schedule(10, of=T), schedule(T)
    assert few.time.tolist() == list(range(10, 101, 10))
    np.testing.assert_allclose(few.passed, all_.passed[few.time - 1])
    np.testing.assert_allclose(few.drift, all_.drift.reshape(10, 10).sum(1))


def test_forward_sde_has_the_marginals():
    """Euler-Maruyama of dx = theta (mu - x) dt + sigma dw with 20 small steps in each."""
    paper, fine, n = published(), 20, 40_000
    rng = np.random.default_rng(1)
    x, x0, mu = np.full(n, 0.8), 0.8, 0.3
    for t in range(1, T + 1):
        h = paper["dt"] / fine
        for _ in range(fine):
            sigma = np.sqrt(2 * SCALE**2 * paper["theta"][t])
            x += paper["theta"][t] * (mu - x) * h + sigma * np.sqrt(h) * rng.standard_normal(n)
        if t in (10, 40, 100):
            passed = schedule(T).passed[t - 1]
            mean, variance = mu + (x0 - mu) * np.exp(-passed), SCALE**2 * -np.expm1(-2 * passed)
            assert variance == pytest.approx(paper["v"][t], rel=1e-9)
            # Four standard errors of chance, and half a step's drift of discretisation.
            assert x.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n) + 0.5 * (x0 - mu) * 0.005)
            assert x.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / n) + 0.005)


def test_change_of_variables_is_exact():
    """A reverse step in x, as published, is the step in z."""
    paper, (mu, clean) = published(), [x.double() for x in pair()]
    found = schedule(T)
    x, noise = torch.rand_like(mu), torch.randn(mu.shape, dtype=mu.dtype, generator=torch.manual_seed(0))
    for t in (1, 2, 50, T):
        theta, dt = paper["theta"][t], paper["dt"]
        score = -noise / np.sqrt(paper["v"][t])
        in_x = x - (theta * (mu - x) - 2 * SCALE**2 * theta * score) * dt
        passed, drift = (torch.tensor(values[t - 1]) for values in (found.passed, found.drift))
        in_z = mu + SCALE * sde.reverse_mean((x - mu) / SCALE, noise, passed, drift)
        torch.testing.assert_close(in_z, in_x, rtol=1e-9, atol=1e-11)

        a, b, c = np.exp(-theta * dt), np.exp(-paper["c"][t] * dt), np.exp(-paper["c"][t - 1] * dt)
        best = a * (1 - c**2) / (1 - b**2) * (x - mu) + c * (1 - a**2) / (1 - b**2) * (clean - mu) + mu
        in_z = mu + SCALE * sde.likeliest((x - mu) / SCALE, (clean - mu) / SCALE, passed, drift)
        torch.testing.assert_close(in_z, best, rtol=1e-9, atol=1e-11)


def test_posterior_of_the_scheduler_is_the_published_one():
    paper, (mu, clean) = published(), pair()
    scheduler = sde.monai_scheduler(T, T, END)
    x = mu + SCALE * torch.randn(mu.shape, generator=torch.manual_seed(0))
    for t in (1, 2, 3, 10, 50, T):
        a, b = np.exp(-paper["theta"][t] * paper["dt"]), np.exp(-paper["c"][t] * paper["dt"])
        c = np.exp(-paper["c"][t - 1] * paper["dt"])
        mean = a * (1 - c**2) / (1 - b**2) * (x - mu) + c * (1 - a**2) / (1 - b**2) * (clean - mu) + mu
        sd = SCALE * np.sqrt((1 - a**2) * (1 - c**2) / (1 - b**2))

        z, z0 = (x - mu) / SCALE, (clean - mu) / SCALE
        noise = (z - b * z0) / np.sqrt(1 - b**2)
        drawn = torch.randn(z.shape, generator=torch.manual_seed(7)) if t > 1 else torch.zeros_like(z)
        found, start = scheduler.step(noise, t - 1, z, generator=torch.manual_seed(7))
        torch.testing.assert_close(mu + SCALE * found, mean + sd * drawn, rtol=0, atol=1e-5)
        # At late times the start is read through a factor of 200.
        torch.testing.assert_close(mu + SCALE * start, clean, rtol=0, atol=1e-5 if t < T else 1e-4)


# What each sampler leaves of the difference from the clean image, root mean square, in units of the images. The last
# step of Euler-Maruyama adds noise of scale * sqrt(2 drift), 0.0008, to errors of its steps before.
LEFT = {"posterior": 1e-6, "ddim": 1e-6, "euler_maruyama": 1e-3}


@pytest.mark.parametrize("sampler", LEFT)
def test_samplers_give_back_what_an_oracle_knows(sampler):
    degraded, clean = pair(4, 8)
    made = sde.sample(MeanReverting(Oracle(clean)), degraded, generators(range(4)), sampler=sampler)
    assert float((made - clean).square().mean().sqrt()) < LEFT[sampler]


@pytest.mark.parametrize("sampler", ["posterior", "ddim"])
def test_few_steps_give_back_what_an_oracle_knows(sampler):
    degraded, clean = pair(4, 8)
    made = sde.sample(MeanReverting(Oracle(clean)), degraded, generators(range(4)), sampler=sampler, steps=7)
    torch.testing.assert_close(made, clean, rtol=0, atol=1e-5)


class Smooth(nn.Module):
    """A network without batch statistics, whose noise depends on all it is given."""

    def forward(self, pair: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return (0.3 * pair[:, :1] + pair[:, 1:] + index[:, None, None, None] / T).tanh()


@pytest.mark.parametrize("sampler", sde.SAMPLERS)
def test_an_image_does_not_depend_on_its_batch(sampler):
    degraded, _ = pair(3)
    model = MeanReverting(Smooth())
    together = sde.sample(model, degraded, generators([5, 6, 7]), sampler=sampler, steps=8)
    alone = sde.sample(model, degraded[1:2], generators([6]), sampler=sampler, steps=8)
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-6)
    other = sde.sample(model, degraded[1:2], generators([8]), sampler=sampler, steps=8)
    assert (other - alone).abs().max() > 1e-3


def test_losses_of_an_oracle():
    batch = pair(64)
    knows = MeanReverting(Oracle(batch[1]))
    torch.manual_seed(0)
    assert sde.loss(knows, batch, sde=knows, kind="noise") < 1e-6
    # The Euler step with the true noise is the likeliest step to first order in the drift, which is 0.1 at most.
    blind = MeanReverting(Smooth())
    known, unknown = (float(sde.loss(model, batch, sde=model, kind="ml")) for model in (knows, blind))
    assert known < 0.1 * unknown


def test_velocity_is_another_reading_of_the_same_noise():
    """Velocity is sqrt(kept) noise - sqrt(1 - kept) start: an oracle of it gives the noise, and its loss is zero."""
    degraded, clean = pair(64)
    start, passed = (clean - degraded) / SCALE, torch.from_numpy(schedule(T).passed)[:, None, None, None]

    class Velocity(Oracle):
        def forward(self, pair: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
            noise = super().forward(pair, index)
            return (torch.exp(-passed[index]) * noise - sde.noise_sd(passed[index]) * start).float()

    time = torch.arange(1, 65)
    noise = torch.randn(start.shape, generator=torch.manual_seed(0))
    z = (torch.exp(-passed[time - 1]) * start + sde.noise_sd(passed[time - 1]) * noise).float()
    model = MeanReverting(Velocity(clean), predicts="velocity")
    torch.testing.assert_close(model(z, degraded, time), noise, rtol=0, atol=1e-3)
    assert sde.loss(model, (degraded, clean), sde=model, kind="velocity") < 1e-6
    made = sde.sample(model, degraded, generators(range(64)), steps=9)
    torch.testing.assert_close(made, clean, rtol=0, atol=1e-5)


def test_velocity_of_nothing_leaves_the_image_where_it_is():
    """A network that has learned nothing: read as noise it drives images away, read as velocity it does not."""
    degraded, _ = pair(8)

    class Nothing(nn.Module):
        def forward(self, pair: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(pair[:, :1])

    away = {
        predicts: float(
            (
                sde.sample(MeanReverting(Nothing(), predicts=predicts), degraded, generators(range(8)), steps=10)
                - degraded
            )
            .square()
            .mean()
            .sqrt()
        )
        for predicts in ("noise", "velocity")
    }
    assert away["velocity"] < SCALE < 1 < away["noise"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: schedule(0), "steps = 0"),
        (lambda: schedule(11, of=10), "from 1 to 10"),
        (lambda: schedule(10, end=1), "end = 1"),
        (lambda: MeanReverting(Smooth(), scale=0), "scale = 0"),
        (lambda: MeanReverting(Smooth(), predicts="image"), "predicts: must be noise or velocity, got 'image'"),
        (lambda: sde.sample(MeanReverting(Smooth()), pair()[0], [], sampler="ode"), "sampler: must be .*, got 'ode'"),
    ],
)
def test_bad_settings_are_refused(act, words):
    with pytest.raises(InputError, match=words):
        act()
