"""Measures of maps against boxes: known cases, maps turned upside down, constant maps, and bad input."""

import numpy as np
import pytest

from helpers import metrics
from helpers.errors import InputError

MEASURES = (metrics.contrast_to_noise, metrics.map_overlap, metrics.pointing, metrics.mass_share)


def boxed(n: int = 3, side: int = 8) -> np.ndarray:
    part = np.zeros((n, side, side), bool)
    part[:, 2:5, 3:6] = True
    return part


def test_contrast_to_noise_is_that_of_the_definition_and_signed():
    maps, part = np.random.default_rng(0).random((3, 8, 8)), boxed()
    found = metrics.contrast_to_noise(maps, part)
    for k in range(3):
        inside, outside = maps[k][part[k]], maps[k][~part[k]]
        expected = (inside.mean() - outside.mean()) / np.sqrt(inside.var() + outside.var())
        assert found[k] == pytest.approx(expected)
    np.testing.assert_allclose(metrics.contrast_to_noise(1 - maps, part), -found)


def test_a_map_that_is_constant_inside_and_outside_has_no_contrast_to_noise():
    part = boxed(1)
    assert np.isnan(metrics.contrast_to_noise(part.astype(float), part)).all()
    assert np.isnan(metrics.contrast_to_noise(np.full((1, 8, 8), 0.3), part)).all()


def test_overlap_of_a_perfect_map_is_one_and_of_its_negative_nothing():
    part = boxed()
    assert (metrics.map_overlap(part.astype(float), part) == 1).all()
    assert (metrics.map_overlap(1 - part.astype(float), part) == 0).all()
    assert metrics.map_overlap(part.astype(float), part).shape == (3, 5)


def test_overlap_is_that_of_thresholded_maps():
    maps, part = np.random.default_rng(1).random((3, 8, 8)), boxed()
    scaled = (maps - maps.min((1, 2), keepdims=True)) / np.ptp(maps, axis=(1, 2), keepdims=True)
    for level in (0.1, 0.5):
        above = scaled > level
        expected = (above & part).sum((1, 2)) / (above | part).sum((1, 2))
        np.testing.assert_allclose(metrics.map_overlap(maps, part, thresholds=(level,))[:, 0], expected)


def test_pointing_asks_for_the_largest_value_and_shares_out_ties():
    maps, part = np.zeros((3, 8, 8)), boxed()
    maps[0, 3, 4] = maps[1, 0, 0] = maps[2, 3, 4] = maps[2, 0, 0] = 1
    assert metrics.pointing(maps, part).tolist() == [1, 0, 0.5]


def test_a_constant_map_points_nowhere_and_has_its_mass_in_proportion():
    maps, part = np.full((1, 8, 8), 0.2), boxed(1)
    assert np.isnan(metrics.pointing(maps, part)).all() and np.isnan(metrics.map_overlap(maps, part)).all()
    assert metrics.mass_share(maps, part) == pytest.approx(9 / 64)
    assert np.isnan(metrics.mass_share(0 * maps, part)).all()
    assert metrics.localisation(maps, part) == 0.5


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps, part: (maps, part[:1]), "maps: maps .* and a part of bool"),
        (lambda maps, part: (maps, part.astype(int)), "a part of int64"),
        (lambda maps, part: (maps, part & False), "part: image 0 has no box"),
        (lambda maps, part: (maps, part | True), "a box that covers all of it"),
        (lambda maps, part: (maps * np.nan, part), "map 0 has NaN or infinite pixels"),
    ],
)
def test_bad_maps_are_refused(measure, change, message):
    with pytest.raises(InputError, match=message):
        measure(*change(np.random.default_rng(0).random((3, 8, 8)), boxed()))


def test_thresholds_and_negative_maps_are_refused():
    maps, part = np.random.default_rng(0).random((3, 8, 8)), boxed()
    with pytest.raises(InputError, match=r"thresholds: .* are not numbers from 0 to 1"):
        metrics.map_overlap(maps, part, thresholds=(2.0,))
    with pytest.raises(InputError, match="maps: the least value is -"):
        metrics.mass_share(-maps, part)
