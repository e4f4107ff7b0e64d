"""Masks to scores on 20 pairs of 256 x 256 x 120 voxels, against four peers, as ratios of one run.

Each contender is a process that reads the same files and scores them one after the other, with one thread; seconds are
those of the processor. The contenders take turns, and the median of the rounds' ratios counts. Ours gives all five
numbers; each peer gives those it has, and these must be equal: Dice, HD95 between the centres of border voxels (the
larger of two directed percentiles, interpolated), surface Dice by area, volumes. The HD95 of the surface-distance
package is another (between voxel corners, weighted by area), so it is computed and timed, and not compared.

A threshold is lower than what was measured (exacta 5.2, surface-distance 7.0) by a tenth and more, for noise. Run with
``python -m pytest -s tests/benchmarks/test_scores_speed.py``; as a script it is one contender. The peers are in the
extra ``bench``.
"""

import json
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.benchmarks import contest

SHAPE, SPACING, TOLERANCE, PAIRS, ROUNDS = (256, 256, 120), (0.7, 0.7, 1.5), 2.0, 20, 3
# Package and how many times as fast ours is at least, by contender.
PEERS = {
    "monai": ("monai", 20),
    "simpleitk": ("simpleitk", 10),
    "exacta": ("exacta", 4.6),
    "surface_distance": ("surface-distance", 5),
}


def ours():
    from helpers import metrics

    def score(expert, predicted):
        found = metrics.scores(expert, predicted, spacing=SPACING, tolerance=TOLERANCE)
        return {name: value for name, value in found.items() if name != "status"}

    return score


def monai():
    import torch
    from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice

    def score(expert, predicted):
        y, y_pred = (torch.from_numpy(mask)[None, None].bool() for mask in (expert, predicted))  # foreground channel
        settings = {"include_background": True, "spacing": list(SPACING)}
        return {
            "dice": float(compute_dice(y_pred, y)),
            "hd95": float(compute_hausdorff_distance(y_pred, y, percentile=95, **settings)),
            "nsd": float(compute_surface_dice(y_pred, y, [TOLERANCE], use_subvoxels=True, **settings)),
        }

    return score


def simpleitk():
    import SimpleITK as sitk  # noqa: N813

    def score(expert, predicted):
        images = [sitk.GetImageFromArray(mask) for mask in (expert, predicted)]
        for image in images:
            image.SetSpacing(SPACING[::-1])
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        contours = [sitk.LabelContour(image) for image in images]
        directed = []
        for this, other in ((0, 1), (1, 0)):
            distance = sitk.SignedMaurerDistanceMap(contours[other], squaredDistance=False, useImageSpacing=True)
            on_contour = sitk.GetArrayViewFromImage(contours[this]) > 0
            directed.append(np.percentile(np.abs(sitk.GetArrayViewFromImage(distance)[on_contour]), 95))
        return {"dice": overlap.GetDiceCoefficient(), "hd95": max(directed)}

    return score


def exacta():
    from exacta.functional import evaluate

    def score(expert, predicted):  # labels: its fastest kind of input
        asked = {"dice": {}, "hd95": {}, "nsd": {"tolerance": TOLERANCE, "surface": "surfels"}}
        asked |= {"target_volume": {}, "predicted_volume": {}}
        settings = {"spacing": SPACING, "num_classes": 2, "include_background": False}
        found = {
            k: float(v[0, 0]) for k, v in evaluate(predicted[None], expert[None], metrics=asked, **settings).items()
        }
        volumes = {"expert_cc": found.pop("target_volume") / 1000, "automatic_cc": found.pop("predicted_volume") / 1000}
        return found | volumes

    return score


def surface_distance():
    import surface_distance as peer

    def score(expert, predicted):
        masks = expert.view(bool), predicted.view(bool)
        distances = peer.compute_surface_distances(*masks, SPACING)
        peer.compute_robust_hausdorff(distances, 95)
        return {
            "dice": peer.compute_dice_coefficient(*masks),
            "nsd": peer.compute_surface_dice_at_tolerance(distances, TOLERANCE),
        }

    return score


CONTENDERS = {
    "ours": ours,
    "monai": monai,
    "simpleitk": simpleitk,
    "exacta": exacta,
    "surface_distance": surface_distance,
}


def blob(rng, centre, radius_mm):
    """A lumpy ellipsoid, drawn in its own box of the volume."""
    mask = np.zeros(SHAPE, np.uint8)
    reach = np.ceil(1.6 * radius_mm / np.array(SPACING)).astype(int)
    low, high = np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, SHAPE)
    grid = np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij")
    x, y, z = ((g - c) * s / radius_mm for g, c, s in zip(grid, centre, SPACING, strict=True))
    a, b, c, d = rng.uniform(0.8, 1.2, 4)
    lumps = 0.15 * np.sin(5 * x + 6 * d) * np.cos(4 * y) + 0.1 * np.sin(7 * z + 3 * d)
    inside = (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1 + lumps
    mask[tuple(slice(p, q) for p, q in zip(low, high, strict=True))] = inside
    return mask


def pair(number):
    """Tumours of 4 to 22 mm radius; every fifth prediction has a false positive in the other breast."""
    rng = np.random.default_rng(number)
    centre, radius = rng.integers((50, 50, 35), (110, 206, 85)), rng.uniform(4, 22)
    expert = blob(rng, centre, radius)
    predicted = blob(rng, centre + rng.integers(-3, 4, 3), radius * rng.uniform(0.85, 1.15))
    if number % 5 == 0:
        predicted |= blob(rng, np.array([200, 128, 60]), rng.uniform(3, 6))
    return expert, predicted


def run_contender(name, folder):
    """Read and score all pairs; the first pair is scored once before, so that no import or table is timed."""
    reading = scoring = 0.0
    results, score = [], None
    for number in range(PAIRS):
        start = time.process_time()
        masks = [
            np.ascontiguousarray(nib.load(folder / f"{number:02d}_{who}.nii.gz").dataobj)
            for who in ("expert", "predicted")
        ]
        reading += time.process_time() - start
        if score is None:
            score = CONTENDERS[name]()
            score(*masks)
        start = time.process_time()
        result = score(*masks)
        scoring += time.process_time() - start
        results.append(result)
    results = [{key: float(value) for key, value in result.items()} for result in results]
    return {"reading": reading / PAIRS, "seconds": scoring / PAIRS, "results": results}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs")
    for number in range(PAIRS):
        for who, mask in zip(("expert", "predicted"), pair(number), strict=True):
            nib.save(nib.Nifti1Image(mask, np.diag([*SPACING, 1])), place / f"{number:02d}_{who}.nii.gz")
    return place


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("peer", PEERS)
def test_ours_is_as_many_times_as_fast_with_equal_values(peer, folder):
    package, asked = PEERS[peer]
    contest.version(package)
    contenders = {
        name: contest.process("tests.benchmarks.test_scores_speed", name, str(folder)) for name in ("ours", peer)
    }
    turns = contest.take_turns(contenders, rounds=ROUNDS, warm=False)
    for number, (mine, theirs) in enumerate(zip(*(rounds[0]["results"] for rounds in turns.values()), strict=True)):
        for key, value in theirs.items():
            assert mine[key] == pytest.approx(value, rel=1e-5, abs=1e-5), (number, key)
    assert turns["ours"][0]["peak_mb"] < 1000
    print("\n" + contest.table(turns, peer, seconds=".4f", reading=".4f", peak_mb=".0f"))
    contest.at_least(asked, "scores of a pair of masks of 256 x 256 x 120 voxels", turns, peer, package=package)


if __name__ == "__main__":
    print(json.dumps(run_contender(sys.argv[1], Path(sys.argv[2]))))
