"""Measures of a reconstruction are means over the images of a case."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import learn, metrics
from helpers.errors import InputError
from helpers.learn.restoration_measuring import dice_of_each

CASE = np.array(["b", "a", "b", "c", "b"])


@pytest.fixture
def given() -> dict:
    """Five images of three cases, under the original and one arm."""
    rng = np.random.default_rng(0)
    clean, made = rng.uniform(size=(2, 5, 1, 16, 16)).astype(np.float32)
    rows = pd.DataFrame({"case": CASE, "patient_id": CASE, "split": np.where(CASE == "a", "validation", "test")})
    rows = rows.assign(slice=range(5), sex=np.where(CASE == "a", "F", "M"), grade=np.where(CASE == "b", 1.0, 0.0))
    chances = {arm: rng.uniform(size=(5, 1)) for arm in ("original", "unet")}
    expert, *drawn = (rng.uniform(size=(3, 5, 1, 16, 16)) > 0.6).astype(np.uint8)
    return {
        "rows": rows,
        "images": {"original": clean, "unet": made},
        "probabilities": chances,
        "targets": ["grade"],
        "masks": dict(zip(("original", "unet"), drawn, strict=True)),
        "expert": expert,
    }


def test_a_case_has_the_mean_over_its_images(given):
    found = learn.measure_restored(**given)
    assert list(found.cases["case"]) == ["b", "a", "c"]  # in the order in which they come
    assert "slice" not in found.cases and list(found.cases["grade"]) == [1, 0, 0]
    of_each = {
        "psnr": metrics.psnr(given["images"]["unet"], given["images"]["original"]),
        "ssim": metrics.ssim(given["images"]["unet"], given["images"]["original"]),
        "dice": dice_of_each(given["expert"], given["masks"]["unet"]),
    }
    for name, values in of_each.items():
        expected = pd.Series(values).groupby(CASE).mean()[["b", "a", "c"]]
        np.testing.assert_allclose(found.scores[name]["unet"], expected, rtol=1e-6)
    expected = pd.Series(given["probabilities"]["unet"][:, 0]).groupby(CASE).mean()[["b", "a", "c"]]
    np.testing.assert_allclose(found.probabilities["unet"]["grade"], expected)
    assert list(found.scores["psnr"]) == ["unet"] and list(found.scores["dice"]) == ["original", "unet"]


def test_dice_of_pairs_and_of_nothing():
    masks = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    drawn = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(dice_of_each(masks, drawn), [0.5, np.nan, 0])


def test_images_without_a_mask_are_left_out_of_the_dice(given):
    for mask in (given["expert"], given["masks"]["unet"]):
        mask[[0, 1]] = 0  # one of three images of b, and the only one of a
    dice = learn.measure_restored(**given).scores["dice"]["unet"]
    kept = dice_of_each(given["expert"], given["masks"]["unet"])[[2, 4]].mean()
    assert dice[0] == pytest.approx(kept) and np.isnan(dice[1]) and dice[2] > 0


def test_a_part_is_one_split(given):
    part = learn.measure_restored(**given).part("test")
    assert list(part.cases["case"]) == ["b", "c"]
    assert all(len(frame) == 2 for frame in (*part.scores.values(), *part.probabilities.values()))


BAD = {
    "equal images": (
        lambda g: g["images"]["unet"].__setitem__(3, g["images"]["original"][3]),
        "arm unet: 1 images equal those of 'original'.*infinite",
    ),
    "no baseline": (lambda g: g["images"].pop("original"), "baseline: must be .*, got 'original'"),
    "lengths": (lambda g: g["probabilities"].update(unet=np.zeros((4, 1))), "unet: 4 images for 5 rows"),
    "masks": (lambda g: g["masks"].update(unet=g["masks"]["unet"][:3]), "unet: 3 images for 5 rows"),
    "two sexes": (lambda g: g["rows"].__setitem__("sex", list("FFMMM")), "column sex: 1 cases have images that differ"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case, given):
    spoil, words = BAD[case]
    spoil(given)
    with pytest.raises(InputError, match=words):
        learn.measure_restored(**given)
