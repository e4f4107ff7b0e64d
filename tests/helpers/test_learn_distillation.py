"""Self-supervised training: its losses by loops over pairs, its teacher by hand, and that it resumes bit for bit."""

import math

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import distillation
from helpers.learn.views import masks
from tests.helpers.training import assert_same

SMALL = {"width": 16, "depth": 2, "heads": 2, "patch": 4, "side": 16, "registers": 2}
VIEWS = learn.Views(large=16, small=8)


def pixels(n=24, side=20, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 1, side, side)).astype(np.float32)


def model(steps=6, seed=0):
    return learn.self_distillation(learn.vit(**SMALL, seed=seed), steps=steps, hidden=16, bottleneck=8, prototypes=12)


def fit(net, steps=6, folder=None, **settings):
    settings = {"batch_size": 8, "lr": 1e-3, "seed": 0, "every": 2, "device": "cpu", "progress": False} | settings
    train = lambda net, views: net(*views)  # noqa: E731
    return learn.fit(net, (pixels(),), train, steps=steps, augment=VIEWS, checkpoint=folder, **settings)


def draw(seed=0):
    torch.manual_seed(seed)
    return VIEWS((torch.from_numpy(pixels(6)),))


# -- the views


def test_views_have_their_shapes_and_show_the_image():
    images = torch.linspace(0, 1, 20).view(1, 1, 1, 20).expand(50, 1, 20, 20)  # brighter to the right
    plain = learn.Views(large=16, small=8, n_small=3, contrast=0, brightness=0, blur=0, noise=0)
    large, small, masked = plain((images,))
    assert large.shape == (100, 1, 16, 16) and small.shape == (150, 1, 8, 8) and masked.shape == (100, 16)
    assert (large.diff(dim=3) >= 0).all() and large.diff(dim=2).abs().max() < 1e-5  # not turned, not mirrored
    assert 0 <= large.min() < large.max() <= 1

    def spread(views):  # from the first to the last pixel, as if they were the edges of the view
        return (views[:, 0, 0, -1] - views[:, 0, 0, 0]).mean()

    assert spread(small) < spread(large)


def test_half_of_the_views_are_flipped_upside_down():
    images = torch.linspace(0, 1, 20).view(1, 1, 20, 1).expand(200, 1, 20, 20)
    large, _, _ = learn.Views(large=16, small=8, contrast=0, brightness=0, blur=0, noise=0)((images,))
    down = (large[:, 0, -1, 0] > large[:, 0, 0, 0]).float().mean()
    assert 0.4 < down < 0.6
    never, _, _ = learn.Views(large=16, small=8, flip=0, contrast=0, brightness=0, blur=0, noise=0)((images,))
    assert (never[:, 0, -1, 0] > never[:, 0, 0, 0]).all()


@pytest.mark.parametrize("grid", [2, 6, 14])
def test_masks_are_rectangles_in_half_of_the_views(grid):
    found = masks(40, grid, torch.device("cpu")).view(40, grid, grid)
    assert found.any((1, 2)).sum() == 20
    for one in found[found.any((1, 2))]:
        rows, columns = one.any(1), one.any(0)
        assert torch.equal(one, rows[:, None] & columns[None]) and rows.diff().sum() <= 2
        assert 1 <= one.sum() <= math.ceil(0.75 * grid**2)


@pytest.mark.parametrize(
    ("views", "found"),
    [(learn.Views(small=24), "smaller than a view of 24"), (learn.Views(patch=5), "no multiple of 5")],
)
def test_views_that_do_not_fit_are_refused(views, found):
    with pytest.raises(InputError, match=found):
        views((torch.from_numpy(pixels()),))


# -- the losses


def softmax(x, temperature):
    e = np.exp(x / temperature)
    return e / e.sum(-1, keepdims=True)


def test_losses_of_a_step_are_those_of_loops_over_pairs():
    net = model().train()
    net.centre.copy_(torch.linspace(-0.1, 0.1, 12))
    net.patch_centre.copy_(torch.linspace(0.2, -0.2, 12))
    large, small, masked = draw()
    centres = [c.clone().double().numpy() for c in (net.centre, net.patch_centre)]
    found = {name: float(value.detach()) for name, value in net(large, small, masked).items()}

    def heads(net, head, views, masked=None):
        with torch.no_grad():
            tokens = net.tokens(views, masked)
            return head(tokens).double().numpy(), tokens[:, 0].double().numpy()

    teacher, _ = heads(net.teacher, net.teacher_head, large)
    student, tokens = heads(net.student, net.head, large, masked)
    local, _ = heads(net.student, net.head, small)
    t = softmax(teacher[:, 0] - centres[0], 0.04).reshape(2, 6, 12)
    s = np.log(softmax(np.concatenate([student[:, 0], local[:, 0]]), 0.1)).reshape(-1, 6, 12)
    pairs = [-(t[a] * s[b]).sum(1).mean() for a in range(2) for b in range(4) if a != b]
    assert found["dino"] == pytest.approx(np.mean(pairs), abs=1e-5)
    patches, logs = softmax(teacher[:, 3:] - centres[1], 0.04), np.log(softmax(student[:, 3:], 0.1))
    each = [-(patches[i][m] * logs[i][m]).sum(1).mean() for i, m in enumerate(masked.numpy()) if m.any()]
    assert len(each) == 6 and found["ibot"] == pytest.approx(np.mean(each), abs=1e-5)
    koleo = 0.0
    for view in tokens.reshape(2, 6, -1):
        unit = view / np.linalg.norm(view, axis=1, keepdims=True)
        far = np.linalg.norm(unit[:, None] - unit[None], axis=2) + 9 * np.eye(6)
        koleo -= np.log(far.min(1) + 1e-8).mean()
    assert found["koleo"] == pytest.approx(koleo, abs=1e-4)
    assert found["loss"] == pytest.approx(found["dino"] + found["ibot"] + 0.1 * found["koleo"], abs=1e-5)
    mean = teacher[:, 0].mean(0)
    np.testing.assert_allclose(net.centre, 0.9 * centres[0] + 0.1 * mean, atol=1e-6)


def test_nothing_masked_costs_nothing():
    large, small, masked = draw()
    found = model()(large, small, torch.zeros_like(masked))
    assert float(found["ibot"]) == 0 and found["loss"].isfinite()
    found["loss"].backward()


def test_the_teacher_follows_at_a_rate_that_falls():
    net = model(steps=4).train()
    with torch.no_grad():
        for p in net.student.parameters():
            p.add_(1.0)
    for step, rate in enumerate([0, 0.01 * (math.cos(math.pi / 4) + 1) / 2, 0.005]):  # not before the first update
        before = net.teacher.norm.bias.clone()
        net(*draw(step))
        moved = (net.teacher.norm.bias - before) / (net.student.norm.bias - before)
        torch.testing.assert_close(moved, torch.full_like(moved, rate), rtol=1e-3, atol=1e-6)
    assert int(net.step) == 3 and not any(p.requires_grad for p in net.teacher.parameters())


def test_evaluation_changes_nothing():
    net = model().eval()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    net(*draw())
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


def test_the_last_layer_is_fixed_at_the_start():
    net = model(steps=1000).train()
    net(*draw())["loss"].backward()
    assert net.head.prototypes.grad is None and net.head.mlp[0].weight.grad is not None
    net.step.fill_(500)
    net(*draw())["loss"].backward()
    assert net.head.prototypes.grad is not None


# -- the training


def test_an_interrupted_training_resumes_bit_for_bit(tmp_path):
    whole = fit(model(), folder=tmp_path / "a", validate=lambda _net: 0.0)
    calls = []

    def stop(_net):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        fit(model(), folder=tmp_path / "b", validate=stop)
    again = fit(model(), folder=tmp_path / "b", validate=lambda _net: 0.0)
    assert again.resumed == 2
    assert_same(whole, again)
    moved = whole.model.teacher.cls_token - learn.vit(**SMALL).cls_token
    assert moved.abs().max() > 0 and int(whole.model.step) == 6


def test_training_tells_images_apart():
    """Images of two kinds get other prototypes: the loss falls below that of equal outputs for all images."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.5, (96, 1, 16, 16)).astype(np.float32)
    x[::2, :, :, ::2] += 2
    sizes = {"hidden": 32, "bottleneck": 16, "prototypes": 12, "momentum": 0.9, "temperature": (0.04, 0.04)}
    net = learn.self_distillation(learn.vit(**SMALL), steps=50, **sizes)
    views = learn.Views(large=16, small=8, brightness=0.2, contrast=0.2, noise=0.1)
    train = lambda net, views: net(*views)  # noqa: E731
    usual = {"batch_size": 32, "lr": 3e-3, "seed": 0, "every": 10, "device": "cpu", "progress": False}
    found = learn.fit(net, (x,), train, steps=50, augment=views, **usual)
    assert found.history["dino"].iloc[-1] < 0.5 * math.log(12)
    outputs = found.model.teacher_head(found.model.teacher.tokens(torch.from_numpy(x))[:, 0]) - found.model.centre
    best = outputs.argmax(1).numpy()
    first, second = (np.bincount(best[k::2], minlength=12) for k in (0, 1))
    assert np.minimum(first, second).sum() <= 3  # of 96 images


@pytest.mark.parametrize("changed", [{"steps": 0}, {"prototypes": -1}, {"momentum": 1}])
def test_numbers_out_of_range_are_refused(changed):
    with pytest.raises(InputError, match=next(iter(changed))):
        learn.self_distillation(learn.vit(**SMALL), **{"steps": 5} | changed)


def test_spread_of_tokens_is_least_costly():
    circle = torch.linspace(0, 2 * math.pi, 9)[:-1]
    even = torch.stack([circle.cos(), circle.sin()], 1)
    assert distillation.nearness(even) < distillation.nearness(even + torch.tensor([2.0, 0]))
