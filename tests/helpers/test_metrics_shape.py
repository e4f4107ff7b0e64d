"""Size and form of masks whose form is known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops

from helpers import metrics
from helpers.errors import InputError


def ellipsoid(radii, spacing):
    """Voxels whose centre lies in an ellipsoid (or ellipse) around the middle voxel; lengths in mm."""
    axes = [np.arange(-k, k + 1) * s for k, s in ((int(r / s) + 2, s) for r, s in zip(radii, spacing, strict=True))]
    return sum((x / r) ** 2 for x, r in zip(np.meshgrid(*axes, indexing="ij"), radii, strict=True)) <= 1


SPACINGS = [(1.0, 1.0, 1.0), (0.5, 0.5, 1.0), (0.7, 0.7, 2.0)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_ball(spacing):
    radius = 20.0
    found = metrics.shape(ellipsoid((radius,) * 3, spacing), spacing=spacing, smooth=max(spacing))
    assert found["volume_cc"] == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.01)
    assert found["surface_mm2"] == pytest.approx(4 * np.pi * radius**2, rel=0.03)  # smoothing shrinks a little
    assert 0.99 < found["sphericity"] <= 1
    assert found["surface_to_volume"] == pytest.approx(3 / radius, rel=0.03)
    assert found["elongation"] == pytest.approx(1, abs=0.01)
    assert found["flatness"] == pytest.approx(1, abs=0.01)


def test_steps_make_a_ball_less_round_and_the_more_so_the_longer_the_voxels():
    plain = [metrics.shape(ellipsoid((15.0,) * 3, s), spacing=s)["sphericity"] for s in SPACINGS]
    assert plain[0] == pytest.approx(0.915, abs=0.01)
    assert plain[2] < plain[0] - 0.03
    smooth = [metrics.shape(ellipsoid((15.0,) * 3, s), spacing=s, smooth=2.0)["sphericity"] for s in SPACINGS]
    assert np.ptp(smooth) < 0.005


@pytest.mark.parametrize("spacing", SPACINGS)
def test_an_ellipsoid(spacing):
    radii = (27.0, 18.0, 13.5)
    found = metrics.shape(ellipsoid(radii, spacing), spacing=spacing, smooth=max(spacing) / 2)
    a, b, c = (r**1.6075 for r in radii)
    area = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / 1.6075)  # Thomsen's, within 1.1%
    volume = 4 / 3 * np.pi * np.prod(radii)
    assert found["elongation"] == pytest.approx(18 / 27, rel=0.02)
    assert found["flatness"] == pytest.approx(13.5 / 27, rel=0.02)
    assert found["volume_cc"] == pytest.approx(volume / 1000, rel=0.01)
    assert found["surface_mm2"] == pytest.approx(area, rel=0.05)
    assert found["sphericity"] == pytest.approx(np.cbrt(36 * np.pi * volume**2) / area, rel=0.05)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_a_box(spacing):
    mask = np.zeros((70, 60, 50), bool)
    mask[5:65, 10:50, 10:40] = True  # 60 x 40 x 30 voxels
    sides = np.array([60, 40, 30]) * spacing
    found = metrics.shape(mask, spacing=spacing)
    area = 2 * (sides.prod() / sides).sum()
    assert found["volume_cc"] == pytest.approx(sides.prod() / 1000)
    assert found["surface_mm2"] == pytest.approx(area, rel=0.03)  # the mesh cuts the edges off
    assert found["surface_to_volume"] == pytest.approx(area / sides.prod(), rel=0.03)
    assert found["sphericity"] == pytest.approx(np.cbrt(36 * np.pi * sides.prod() ** 2) / area, rel=0.03)
    ordered = np.sort(sides)[::-1]
    assert found["elongation"] == pytest.approx(ordered[1] / ordered[0])
    assert found["flatness"] == pytest.approx(ordered[2] / ordered[0])


def test_axes_are_those_of_the_inertia_tensor():
    mask = ellipsoid((9.0, 5.0, 4.0), (1.0, 0.5, 2.0))
    tensor = regionprops(mask.astype(np.uint8), spacing=(1.0, 0.5, 2.0))[0].inertia_tensor
    covariance = np.trace(tensor) / 2 * np.eye(3) - tensor + np.diag([1.0, 0.25, 4.0]) / 12
    axes = np.sqrt(np.linalg.eigvalsh(covariance)[::-1])
    found = metrics.shape(mask, spacing=(1.0, 0.5, 2.0))
    assert [found["elongation"], found["flatness"]] == pytest.approx([axes[1] / axes[0], axes[2] / axes[0]])


def test_neither_place_nor_direction_nor_value_matters():
    mask = ellipsoid((9.0, 5.0, 4.0), (1.0, 0.5, 2.0))
    there = metrics.shape(mask, spacing=(1.0, 0.5, 2.0))
    moved = np.pad(mask, [(0, 5), (3, 0), (7, 1)])
    assert metrics.shape(3 * moved.astype(np.uint8), spacing=(1.0, 0.5, 2.0)) == pytest.approx(there)
    assert metrics.shape(mask.transpose(2, 0, 1), spacing=(2.0, 1.0, 0.5)) == pytest.approx(there, rel=1e-6)
    edge = metrics.shape(np.ones((4, 4, 4), bool), spacing=(1, 1, 1))
    inside = metrics.shape(np.pad(np.ones((4, 4, 4), bool), 3), spacing=(1, 1, 1))
    assert edge == pytest.approx(inside)


def test_lengths_scale():
    mask = ellipsoid((9.0, 5.0, 4.0), (1.0, 1.0, 1.0))
    one, two = (metrics.shape(mask, spacing=(s, s, s)) for s in (1.0, 2.0))
    assert two["volume_cc"] == pytest.approx(8 * one["volume_cc"])
    assert two["surface_mm2"] == pytest.approx(4 * one["surface_mm2"], rel=1e-5)
    assert two["surface_to_volume"] == pytest.approx(one["surface_to_volume"] / 2, rel=1e-5)
    assert two["sphericity"] == pytest.approx(one["sphericity"], rel=1e-5)


def test_volume_is_that_of_the_other_metric():
    mask = ellipsoid((9.0, 5.0, 4.0), (1.0, 0.5, 2.0))
    found = metrics.scores(mask, mask, spacing=(1.0, 0.5, 2.0))["expert_cc"]
    assert metrics.shape(mask, spacing=(1.0, 0.5, 2.0))["volume_cc"] == found


def test_planes():
    disc = metrics.shape(ellipsoid((20.0, 20.0), (0.5, 1.0)), spacing=(0.5, 1.0), smooth=1.0)
    assert disc["area_mm2"] == pytest.approx(np.pi * 400, rel=0.01)
    assert disc["perimeter_mm"] == pytest.approx(2 * np.pi * 20, rel=0.02)
    assert 0.99 < disc["sphericity"] <= 1
    assert disc["perimeter_to_area"] == pytest.approx(2 / 20, rel=0.02)
    box = np.zeros((50, 50), bool)
    box[5:45, 5:25] = True
    found = metrics.shape(box, spacing=(1.0, 0.5))
    assert found["area_mm2"] == 400
    assert found["perimeter_mm"] == pytest.approx(100, rel=0.02)
    assert found["elongation"] == pytest.approx(10 / 40)
    box[15:35, 10:20] = False
    ring = metrics.shape(box, spacing=(1.0, 0.5))
    assert ring["area_mm2"] == 300
    assert ring["perimeter_mm"] == pytest.approx(150, rel=0.03)
    assert ring["perimeter_to_area"] == pytest.approx(0.5, rel=0.03)


def test_one_voxel_has_a_form():
    mask = np.zeros((5, 5, 5), bool)
    mask[2, 2, 2] = True
    found = metrics.shape(mask, spacing=(1, 2, 4))
    assert found["elongation"] == pytest.approx(0.5)
    assert found["flatness"] == pytest.approx(0.25)
    assert 0 < found["sphericity"] < 1


@pytest.mark.parametrize(
    ("mask", "options", "words"),
    [
        (np.zeros((4, 4, 4)), {}, "empty"),
        (np.full((4, 4, 4), 0.5) * np.arange(4), {}, "binary"),
        (np.ones((4, 4, 4, 4)), {"spacing": (1, 1, 1, 1)}, "dimensions"),
        (np.ones((4, 4, 4)), {"spacing": (1, 1)}, "spacing"),
        (np.ones((4, 4, 4)), {"smooth": -1}, "smooth"),
        (np.ones((4, 4, 4)), {"smooth": np.inf}, "smooth"),
        (np.ones((4, 4, 4)), {"smooth": True}, "smooth"),
        (np.pad(np.ones((1, 1, 1)), 4), {"smooth": 3.0}, "empty after smoothing by 3 mm"),
    ],
)
def test_bad_input_is_said(mask, options, words):
    with pytest.raises(InputError, match=words):
        metrics.shape(mask, **{"spacing": (1, 1, 1), **options})
