"""A diffusion with prototypes: its activations, its patches, its training, its edits and its weights on disk."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError
from helpers.learn import prototype_fitting
from helpers.learn.prototype_networks import ENCODERS, patches_of
from helpers.studies.prototypes.worlds import draw_pictures

SMALL = {"count": 6, "features": (8, 16), "diffusion_steps": 50}


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return draw_pictures("balanced", 64, seed=1).pictures


@pytest.fixture(scope="module")
def model(pictures):
    options = {"steps": 30, "batch_size": 16, "device": "cpu", "progress": False}
    return learn.fit_prototypes(pictures, seed=0, network=SMALL, **options).model


def test_activation_is_the_published_function_of_the_nearest_patch(model, pictures):
    signed = torch.from_numpy(2 * pictures[:3] - 1)
    with torch.no_grad():
        patches = model.encoder(signed).flatten(2).transpose(1, 2)
        squared = torch.cdist(patches, model.prototypes[None].expand(3, -1, -1)).square().amin(1)
    expected = torch.log((squared + 1) / (squared + 1e-4))
    np.testing.assert_allclose(learn.prototype_activations(model, pictures[:3]), expected, atol=2e-2)
    assert learn.prototype_activations(model, pictures).min() >= 0
    assert learn.prototype_activations(model, pictures).max() <= np.log(1e4) + 1e-3


@pytest.mark.parametrize(
    ("name", "side", "expected", "grid"),
    [("small", 16, (7, 2, -1), 6), ("published", 64, (15, 2, -1), 26), ("published 224", 224, (61, 4, -3), 43)],
)
def test_patches_are_the_receptive_fields_of_the_encoder(name, side, expected, grid):
    assert patches_of(ENCODERS[name]) == expected
    model = learn.prototype_diffusion(encoder=name, features=(8, 16), count=2)
    with torch.no_grad():
        assert model.encoder(torch.zeros(1, 1, side, side)).shape[2:] == (grid, grid)


def test_only_pixels_of_the_patch_move_its_place(model):
    picture = torch.zeros(1, 1, 16, 16, requires_grad=True)
    model.encoder(picture)[0, :, 2, 3].sum().backward()
    rows, columns = np.nonzero(picture.grad[0, 0].numpy())
    side, jump, start = model.patches
    assert rows.min() >= start + 2 * jump and rows.max() < start + 2 * jump + side
    assert columns.min() >= start + 3 * jump and columns.max() < start + 3 * jump + side


def test_nearest_patch_holds_the_place_of_the_smallest_distance(model, pictures):
    inside = learn.nearest_patches(model, pictures[:4])
    assert inside.shape == (4, 6, 16, 16) and (inside.sum((2, 3)) <= 49).all() and inside.any((2, 3)).all()


def test_prototypes_begin_at_patches_of_the_pictures(pictures):
    model = learn.prototype_diffusion(**SMALL)
    prototype_fitting.begin_at_patches(model, 2 * pictures - 1, seed=0)
    with torch.no_grad():
        nearest = model.distances(torch.from_numpy(2 * pictures - 1)).amin((0, 2, 3))
    assert nearest.max() < 1e-4
    assert len(torch.unique(model.prototypes, dim=0)) == 6


def test_likeness_is_0_for_prototypes_at_right_angles_and_the_least_distance_for_equal_ones():
    assert prototype_fitting.likeness(torch.eye(3)) == 0
    assert prototype_fitting.likeness(torch.ones(3, 4)) == pytest.approx(0.5, abs=1e-5)


def test_learning_rate_rises_once_and_falls_to_0():
    rates = [prototype_fitting.one_cycle(k / 100) for k in range(101)]
    assert np.argmax(rates) == 30 and rates[0] == pytest.approx(0.04) and rates[100] == pytest.approx(0, abs=1e-12)
    assert (np.diff(rates[:31]) > 0).all() and (np.diff(rates[30:]) < 0).all()


def test_training_is_the_same_again_and_moves_encoder_prototypes_and_network(pictures, model):
    options = {"steps": 30, "batch_size": 16, "device": "cpu", "progress": False}
    again = learn.fit_prototypes(pictures, seed=0, network=SMALL, **options).model
    start = learn.prototype_diffusion(**SMALL, seed=0)
    for name, weights in again.state_dict().items():
        assert torch.equal(weights, model.state_dict()[name]), name
    for part in ("encoder", "network", "prototypes"):
        moved = [not torch.equal(w, start.state_dict()[k]) for k, w in model.state_dict().items() if k.startswith(part)]
        assert all(moved), part


def test_the_published_penalty_and_the_whole_picture_can_be_trained(pictures):
    options = {"steps": 3, "batch_size": 16, "device": "cpu", "progress": False}
    fitted = learn.fit_prototypes(pictures, seed=0, network=SMALL, distinct=0.1, start="uniform", **options)
    assert {"error", "alike"} <= set(fitted.history)
    whole = learn.fit_prototypes(pictures, seed=0, network={**SMALL, "encoder": "whole"}, **options).model
    assert learn.prototype_activations(whole, pictures).shape == (64, 6)
    assert not learn.dead_prototypes(whole, pictures).any()


def test_drawing_with_the_same_activations_returns_the_pictures(model, pictures):
    given = learn.prototype_activations(model, pictures[:8])
    noise = learn.noise_of(model, pictures[:8], steps=25, rounds=6)
    again = learn.draw_from_noise(model, noise, given, steps=25)
    assert np.abs(again - pictures[:8]).mean() < 0.02
    other = learn.draw_from_noise(model, noise, given[::-1].copy() + 2, steps=25)
    assert np.abs(other - again).max() > 1e-4


def test_pictures_are_watched_and_clipped(model, pictures):
    seen = {}
    noise = learn.noise_of(model, pictures[:2], steps=5)
    given = learn.prototype_activations(model, pictures[:2])
    made = learn.draw_from_noise(model, noise, given, steps=5, watch=seen.__setitem__)
    assert list(seen) == [50, 40, 30, 20, 10] and made.min() >= 0 and made.max() <= 1


def test_dead_prototypes_are_nearest_to_no_patch(pictures):
    model = learn.prototype_diffusion(**SMALL)
    prototype_fitting.begin_at_patches(model, 2 * pictures - 1, seed=0)
    with torch.no_grad():
        model.prototypes[2] = 50.0
    assert learn.dead_prototypes(model, pictures).tolist() == [False, False, True, False, False, False]


def test_weights_are_saved_and_loaded(model, pictures, tmp_path):
    file = tmp_path / "w.pt"
    learn.save_vae(model, file)
    loaded = learn.load_prototypes(file, **SMALL)
    np.testing.assert_array_equal(
        learn.prototype_activations(loaded, pictures), learn.prototype_activations(model, pictures)
    )
    with pytest.raises(InputError, match="has shape"):
        learn.load_prototypes(file, **{**SMALL, "count": 7})
    with pytest.raises(InputError, match="no such file"):
        learn.load_prototypes(tmp_path / "none.pt", **SMALL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: learn.prototype_diffusion(count=1), "2 prototypes or more"),
        (lambda p: learn.prototype_diffusion(encoder="large"), "encoder: must be small"),
        (lambda p: learn.prototype_diffusion(target="picture"), "target: must be velocity"),
        (lambda p: learn.fit_prototypes(p[:, :, :6, :6], seed=0, network=SMALL), "6 x 6 pixels, patches of 7"),
        (lambda p: learn.fit_prototypes(p[:, :, :15, :15], seed=0, network=SMALL), "divisible by 2"),
        (lambda p: learn.fit_prototypes(2 * p, seed=0, network=SMALL), "values from"),
        (lambda p: learn.fit_prototypes(p[:1], seed=0, network={**SMALL, "count": 60}), "36 patches for 60"),
        (lambda p: learn.fit_prototypes(p, seed=0, network=SMALL, start="zero"), "start: must be patches"),
        (lambda p: learn.fit_prototypes(p, seed=0, network=SMALL, distinct=-1), "distinct = -1"),
    ],
)
def test_bad_input_is_refused(pictures, call, message):
    with pytest.raises(InputError, match=message):
        call(pictures)


def test_activations_that_are_nan_are_refused(pictures):
    model = learn.prototype_diffusion(**SMALL)
    with torch.no_grad():
        model.prototypes[0] = float("nan")
    with pytest.raises(InputError, match="NaN or infinite"):
        learn.prototype_activations(model, pictures)


def test_noise_and_pictures_must_fit_the_model(model, pictures):
    for name, call in (
        ("noise", lambda given: learn.draw_from_noise(model, given, np.zeros((len(given), 6)), steps=5)),
        ("pictures", lambda given: learn.prototype_activations(model, given)),
    ):
        with pytest.raises(InputError, match=rf"{name}: expected \(n, 1, h, w\), found \(2, 3, 16, 16\)"):
            call(np.repeat(pictures[:2], 3, axis=1))
        with pytest.raises(InputError, match=f"{name}: 16 x 15 pixels"):
            call(pictures[:2, :, :, :15])
        with pytest.raises(InputError, match=f"{name}: some values are NaN"):
            call(np.full_like(pictures[:2], np.nan))
    with pytest.raises(InputError, match="pictures: expected numbers, found <U"):
        learn.prototype_activations(model, pictures[:2].astype(str))


def test_wanted_activations_must_fit_the_noise(model, pictures):
    for wrong in (np.zeros((3, 6)), np.zeros((2, 7)), np.zeros(6), np.full((2, 6), np.nan)):
        with pytest.raises(InputError, match=r"wanted: expected \(2, 6\) finite activations"):
            learn.draw_from_noise(model, pictures[:2], wrong, steps=5)
