"""Diffusion of pictures: levels of noise, what a network predicts, DDIM there and back, and the denoising network."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import diffusion, sde

WIDTH = 0.5  # standard deviation of the Gaussian pictures, whose best velocity is known


def pictures(n: int = 4, size: int = 8, seed: int = 0) -> torch.Tensor:
    return WIDTH * torch.randn(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


def best(levels: torch.Tensor):
    """The best prediction of the velocity for independent Gaussian pixels."""

    def predict(x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        a, s = diffusion._parts(levels[times], x)
        return a * s * x * (1 - WIDTH**2) / (a**2 * WIDTH**2 + s**2)

    return predict


def moved_network(**options) -> torch.nn.Module:
    """A small network whose last layer is not zero, as it is before training."""
    network = learn.denoiser(features=(8, 16), **options)
    with torch.no_grad():
        for weights in network.parameters():
            weights += 0.05 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(weights.numel()))
    return network.eval()


@pytest.mark.parametrize("kind", diffusion.SCHEDULES)
def test_levels_are_those_published_and_depend_on_the_share_of_time(kind):
    from monai.networks.schedulers import DDIMScheduler

    many, few = learn.noise_levels(1000, kind=kind), learn.noise_levels(200, kind=kind)
    theirs = DDIMScheduler(1000, schedule=kind.replace(" ", "_") + "_beta").alphas_cumprod
    np.testing.assert_allclose(many[1:], theirs, rtol=2e-4)
    assert many[0] == few[0] == 1
    np.testing.assert_allclose(few, many[::5], atol=0.01)
    assert (few.diff() < 0).all() and few[-1] < 0.02


def test_velocity_noise_and_picture_are_one_another():
    level, noise = learn.noise_levels(50)[[3, 20, 41, 50]], torch.randn(4, 1, 8, 8)
    x = learn.noised(pictures(), noise, level)
    moving = learn.velocity(pictures(), noise, level)
    torch.testing.assert_close(learn.as_picture(x, moving, level), pictures(), atol=1e-5, rtol=0)
    torch.testing.assert_close(learn.as_noise(x, moving, level), noise, atol=1e-5, rtol=0)
    torch.testing.assert_close(learn.as_velocity(x, noise, level), moving, atol=1e-4, rtol=1e-4)


def test_times_begin_at_the_picture_end_at_noise_and_have_like_gaps():
    times = learn.ddim_times(learn.noise_levels(1000), 17)
    assert times[0] == 0 and times[-1] == 1000 and len(times) == 18
    assert np.ptp(np.diff(times)) <= 1


def test_gaussian_pictures_become_noise_and_come_back():
    levels = learn.noise_levels(1000)
    options = {"levels": levels, "steps": 500}
    noise = learn.ddim_invert(best(levels), pictures(), **options)
    a, s = diffusion._parts(levels[-1], noise)
    expected = pictures() * (a**2 * WIDTH**2 + s**2).sqrt() / WIDTH  # the flow is known
    torch.testing.assert_close(noise, expected, rtol=0.01, atol=1e-3)
    torch.testing.assert_close(learn.ddim_generate(best(levels), noise, **options), pictures(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("target", diffusion.TARGETS)
def test_inversion_returns_the_picture_with_few_steps(target):
    levels, network = learn.noise_levels(200), moved_network()

    def predict(x, times):
        moving = 0.3 * network(x, times) + best(levels)(x, times)
        return moving if target == "velocity" else learn.as_noise(x, moving, levels[times])

    def missed(rounds: int) -> float:
        options = {"levels": levels, "steps": 12, "target": target}
        noise = learn.ddim_invert(predict, pictures(), rounds=rounds, **options)
        return float((learn.ddim_generate(predict, noise, **options) - pictures()).abs().max())

    errors = [missed(rounds) for rounds in (1, 3, 12)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 1e-3


def test_steps_through_all_times_are_those_of_monai():
    from monai.networks.schedulers import DDIMScheduler

    levels, network = learn.noise_levels(50), moved_network()
    theirs = DDIMScheduler(50, beta_start=1e-4 * 20, beta_end=0.4, clip_sample=False, prediction_type="v_prediction")
    noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    x = noise
    with torch.no_grad():
        for time in theirs.timesteps:
            x, _ = theirs.step(network(x, (time + 1).expand(2)), int(time), x)
    torch.testing.assert_close(learn.ddim_generate(network, noise, levels=levels, steps=50), x, atol=1e-4, rtol=1e-4)


def test_the_mean_reverting_sde_takes_the_steps_of_monai():
    from monai.networks.schedulers import DDIMScheduler

    class Guess(torch.nn.Module):
        def forward(self, pair, index):
            return 0.8 * pair[:, :1] + 0.01 * index[:, None, None, None]

    model, degraded = learn.MeanReverting(Guess(), steps=30), pictures(2)
    found = sde.sample(model, degraded, [torch.Generator().manual_seed(k) for k in (0, 1)], sampler="ddim", steps=10)
    times = learn.schedule(10, of=30)
    theirs = DDIMScheduler(10, clip_sample=False)
    theirs.alphas_cumprod = torch.from_numpy(np.exp(-2 * times.passed)).float()
    z = torch.cat([torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(k)) for k in (0, 1)])
    with torch.no_grad():
        for k in reversed(range(10)):
            z, _ = theirs.step(model(z, degraded, torch.full((2,), int(times.time[k]))), k, z)
    torch.testing.assert_close(found, degraded + model.scale * z, atol=1e-3, rtol=1e-3)


def test_pictures_are_watched_on_their_way():
    levels, seen = learn.noise_levels(100), {}
    noise = torch.randn(4, 1, 8, 8)
    made = learn.ddim_generate(best(levels), noise, levels=levels, steps=5, watch=seen.__setitem__)
    assert list(seen) == [100, 80, 60, 40, 20]
    assert (seen[20] - made).abs().mean() < (seen[100] - made).abs().mean()


@pytest.mark.parametrize("target", diffusion.TARGETS)
def test_loss_is_0_for_the_right_prediction_alone(target):
    levels, picture = learn.noise_levels(100), torch.full((64, 1, 4, 4), 0.3)

    def right(x, times, shift=None):
        a, s = diffusion._parts(levels[times], x)
        noise = (x - a * 0.3) / s
        return learn.velocity(picture, noise, levels[times]) if target == "velocity" else noise

    options = {"levels": levels, "target": target}
    assert learn.denoising_loss(right, (picture,), **options) < 1e-6
    assert learn.denoising_loss(lambda x, times: 0 * x, (picture,), **options) > 0.05
    assert learn.denoising_loss(lambda x, times, shift: right(x, times) + shift, (picture, picture), **options) > 0.05


def test_a_network_learns_pictures_from_their_condition():
    rng = np.random.default_rng(0)
    given = rng.integers(0, 2, (256, 1)).astype(np.float32)
    shown = np.where(given[..., None, None] > 0, 0.8, -0.8) * np.ones((1, 1, 8, 8), np.float32)
    levels, network = learn.noise_levels(100), learn.denoiser(features=(8, 16), vector=1)

    class Conditioned(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x, times, vector):
            return self.network(x, times, class_labels=vector)

    def loss(model, batch):
        return learn.denoising_loss(model, batch, levels=levels)

    options = {"steps": 60, "batch_size": 32, "lr": 3e-3, "seed": 0, "device": "cpu", "progress": False}
    fitted = learn.fit(Conditioned(), (shown.astype(np.float32), given), loss, every=20, **options)
    assert fitted.history["loss"].iloc[-1] < 0.6 * fitted.history["loss"].iloc[0]
    noise, wanted = torch.randn(4, 1, 8, 8), torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    made = learn.ddim_generate(lambda x, t: fitted.model(x, t, wanted), noise, levels=levels, steps=10)
    means = made.mean((1, 2, 3))
    assert means[1::2].min() > means[::2].max()


def test_network_takes_a_vector_tokens_or_both():
    x, times = torch.randn(2, 1, 8, 8), torch.tensor([1, 9])
    vector, tokens = torch.randn(2, 5), torch.randn(2, 3, 4)
    network = moved_network(vector=5, tokens=4)
    one = network(x, times, class_labels=vector, context=tokens)
    assert one.shape == x.shape
    assert not torch.allclose(one, network(x, times, class_labels=vector + 1, context=tokens))
    assert not torch.allclose(one, network(x, times, class_labels=vector, context=tokens + 1))
    assert moved_network()(x, times).shape == x.shape
    assert sum(p.numel() for p in learn.denoiser().parameters()) < 200_000


def test_initial_weights_are_those_of_the_seed():
    one, same, other = (learn.denoiser(features=(8, 16), vector=3, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "wrong",
    [{"features": (16,)}, {"features": (12, 16)}, {"attention": 3}, {"vector": -1}, {"tokens": 1.5}, {"blocks": 0}],
)
def test_bad_networks_are_refused(wrong):
    with pytest.raises(InputError):
        learn.denoiser(**wrong)


def test_bad_steps_are_refused():
    levels = learn.noise_levels(50)
    for call in (
        lambda: learn.noise_levels(20),
        lambda: learn.noise_levels(50, kind="cosine"),
        lambda: learn.ddim_times(levels, 1),
        lambda: learn.ddim_times(levels, 51),
        lambda: learn.ddim_invert(best(levels), pictures(), levels=levels, steps=5, rounds=0),
        lambda: learn.ddim_generate(best(levels), pictures(), levels=levels, steps=5, target="x"),
    ):
        with pytest.raises(InputError):
            call()
