"""Dice, HD95, surface Dice and volumes: known shapes, properties, and agreement with other implementations."""

import itertools
import re

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.ndimage import binary_erosion, gaussian_filter

from helpers import metrics
from helpers.datasets.shared.nifti import round_labels
from helpers.errors import InputError
from helpers.metrics.surface import element_areas

SPACING = (0.7, 1.1, 2.5)


def blobs(seed: int, shape=(9, 11, 8), smooth=1.0, share=0.3) -> np.ndarray:
    """A random mask that usually touches the image's edge."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), smooth)
    return field > np.quantile(field, 1 - share)


def fuzz():
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        smooth = (0, 0.7, 1.5)[seed % 3]
        shape = tuple(int(n) for n in rng.integers(3, 13, 3))
        yield blobs(seed, shape, smooth), blobs(seed + 500, shape, 0.7, 0.4), rng.uniform(0.4, 3, 3)


def ball(shape, centre, radius_mm, spacing) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    return sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) <= radius_mm**2


# -- known values


def test_box_counts():
    expert, predicted = np.zeros((2, 10, 10, 10), bool)
    expert[2:6, 2:6, 2:6] = True
    predicted[4:8, 2:6, 2:6] = True
    assert metrics.dice(expert, predicted) == 0.5
    assert metrics.scores(expert, predicted, spacing=(1, 2, 5))["expert_cc"] == pytest.approx(0.64)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_plate_moved_along_an_axis_is_that_far_away_in_mm(axis, steps):
    first, second = np.zeros((2, 12, 12, 12), bool)
    first[(slice(None),) * axis + (3,)] = True
    second[(slice(None),) * axis + (3 + steps,)] = True
    assert metrics.hd95(first, second, spacing=SPACING) == pytest.approx(steps * SPACING[axis])


def test_one_voxel_moved_diagonally():
    first, second = np.zeros((2, 6, 6, 6), np.uint8)
    first[1, 1, 1] = second[3, 2, 4] = 1
    assert metrics.hd95(first, second, spacing=SPACING) == pytest.approx(np.hypot(np.hypot(1.4, 1.1), 7.5))


def test_concentric_balls():
    spacing = (0.5, 0.5, 1.0)
    shape, centre = (90, 90, 45), (22.0, 22.0, 22.0)
    inner, outer = (ball(shape, centre, radius, spacing) for radius in (10, 14))
    assert metrics.dice(outer, inner) == pytest.approx(2 * 10**3 / (10**3 + 14**3), abs=0.005)
    assert metrics.hd95(outer, inner, spacing=spacing) == pytest.approx(4, abs=0.6)
    # each surface lies within half a voxel's diagonal (0.61 mm) of its ball's, so the two are 4 +- 1.22 mm apart
    below, above = (metrics.scores(outer, inner, spacing=spacing, tolerance=t) for t in (4 - 1.23, 4 + 1.23))
    assert (below["nsd"], above["nsd"]) == (0, 1)
    assert above["automatic_cc"] == pytest.approx(4 / 3 * np.pi, rel=0.01)


def test_percentile_ignores_a_small_far_island_and_keeps_a_large_one():
    expert = ball((60, 60, 60), (20, 20, 20), 10, (1, 1, 1))
    speck, lump = expert.copy(), expert.copy()
    speck[50, 50, 50] = True
    lump[46:56, 46:56, 46:56] = True
    assert metrics.hd95(expert, speck, spacing=(1, 1, 1)) == 0
    assert metrics.hd95(expert, lump, spacing=(1, 1, 1)) > 25


def test_a_face_has_its_own_area():
    """A half-filled volume: all of the surface inside the image is one plane of known area."""
    areas = element_areas(np.array(SPACING))
    flat_x = sum(1 << i for i, c in enumerate(itertools.product((0, 1), repeat=3)) if c[0])
    assert areas[flat_x] == pytest.approx(SPACING[1] * SPACING[2])
    one_corner = np.linalg.norm([1.1 * 2.5, 0.7 * 2.5, 0.7 * 1.1]) / 8
    assert areas[1] == pytest.approx(one_corner)
    assert areas[0] == areas[255] == 0 and (areas[1:255] > 0).all()
    assert np.allclose(areas, areas[::-1])  # swapping foreground and background moves no surface


def test_surface_at_the_tolerance_is_within_it():
    first, second = np.zeros((2, 20, 6, 6), bool)
    first[2:5], second[2:5] = True, True
    second[5:15] = True  # one face moves by ten voxels of 0.2 mm: 2.0000000000000004 in floating point
    moved = {t: metrics.scores(first, second, spacing=(0.2, 50, 50), tolerance=t)["nsd"] for t in (1.99, 2.0)}
    assert moved[1.99] < 0.9 and moved[2.0] == 1


# -- properties


@pytest.mark.parametrize(("expert", "predicted", "spacing"), list(fuzz()))
def test_properties(expert, predicted, spacing):
    there = metrics.scores(expert, predicted, spacing=spacing)
    back = metrics.scores(predicted, expert, spacing=spacing)
    assert there["dice"] == back["dice"] and there["nsd"] == pytest.approx(back["nsd"], abs=1e-12)
    assert there["hd95"] == pytest.approx(back["hd95"], abs=1e-12)
    assert (there["expert_cc"], there["automatic_cc"]) == (back["automatic_cc"], back["expert_cc"])

    same = metrics.scores(expert, expert, spacing=spacing, tolerance=0)
    assert (same["dice"], same["hd95"], same["nsd"]) == (1, 0, 1)

    doubled = metrics.scores(expert, predicted, spacing=2 * spacing, tolerance=4.0)
    assert doubled["hd95"] == pytest.approx(2 * there["hd95"]) and doubled["nsd"] == pytest.approx(there["nsd"])

    turned = metrics.scores(
        expert.transpose(2, 0, 1)[::-1], predicted.transpose(2, 0, 1)[::-1], spacing=spacing[[2, 0, 1]]
    )
    for name in ("dice", "hd95", "nsd"):
        assert turned[name] == pytest.approx(there[name], abs=1e-9)

    widths = [metrics.scores(expert, predicted, spacing=spacing, tolerance=t)["nsd"] for t in (0, 0.5, 1, 2, 4, 99)]
    assert widths == sorted(widths) and widths[-1] == 1

    # the image around the masks changes nothing
    wide = metrics.scores(np.pad(expert, 3), np.pad(predicted, 3), spacing=spacing)
    for name in ("dice", "hd95", "nsd", "expert_cc"):
        assert wide[name] == pytest.approx(there[name], abs=1e-9)

    one_by_one = {
        "dice": metrics.dice(expert, predicted),
        "hd95": metrics.hd95(expert, predicted, spacing=spacing),
    }
    assert {name: there[name] for name in one_by_one} == one_by_one


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_storage_does_not_matter(dtype, order):
    expert, predicted = blobs(1, (17, 13, 11), share=0.05), blobs(2, (17, 13, 11), share=0.1)
    wanted = metrics.scores(expert, predicted, spacing=SPACING)

    def store(mask):
        value = (mask * (1 if dtype is bool else 100)).astype(dtype)
        return value.copy(order) if order in "CF" else np.repeat(value, 2, axis=1)[:, ::2]

    assert metrics.scores(store(expert), store(predicted), spacing=SPACING) == wanted


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 1), (3, 1, 2), (7, 3, 5), (8, 8, 8), (2, 9, 31)])
def test_box_is_found_wherever_one_voxel_lies(shape):
    for where in np.ndindex(shape):
        mask = np.zeros(shape, bool)
        mask[where] = True
        pair = metrics.cropping.crop(mask, mask)
        assert pair.expert.shape == (3, 3, 3) and pair.expert.sum() == 1


def test_the_box_of_two_empty_masks_is_empty():
    pair = metrics.cropping.crop(np.zeros((4, 5)), np.zeros((4, 5)))
    assert not pair.expert.any() and not pair.predicted.any()
    assert (pair.shape, pair.empty) == ((4, 5), True)


def test_two_dimensions_have_dice_and_hd95_but_no_surface_dice():
    first, second = np.zeros((2, 8, 8), bool)
    first[2:4, 2:4] = second[2:4, 4:6] = True
    assert metrics.dice(first, second) == 0
    assert metrics.hd95(first, second, spacing=(1, 3)) == pytest.approx(6)
    with pytest.raises(InputError, match="three-dimensional"):
        metrics.scores(first, second, spacing=(1, 3))


# -- empty masks and bad input


@pytest.mark.parametrize(
    ("expert", "predicted", "status"),
    [(True, False, "missed"), (False, True, "spurious"), (False, False, "both empty")],
)
def test_empty_masks_get_the_worst_values(expert, predicted, status):
    masks = np.zeros((2, 30, 20, 10), np.uint8)
    masks[0, 3:6, 3:6, 3:6] = expert
    masks[1, 4:6, 3:6, 3:6] = predicted
    found = metrics.scores(*masks, spacing=(1, 2, 4))
    assert found["status"] == status
    assert found["hd95"] == pytest.approx(np.sqrt(30**2 + 40**2 + 40**2))
    assert (found["dice"], found["nsd"]) == (0, 0)
    assert found["expert_cc"] == pytest.approx(0.216 * expert)
    assert found["automatic_cc"] == pytest.approx(0.144 * predicted)
    assert metrics.dice(*masks) == 0 and metrics.hd95(*masks, spacing=(1, 2, 4)) == found["hd95"]


def test_status_of_a_scored_case():
    assert metrics.scores(blobs(0), blobs(1), spacing=SPACING)["status"] == "scored"


MASK = np.eye(4, dtype=np.uint8)[None].repeat(4, 0)


@pytest.mark.parametrize(
    ("expert", "predicted", "settings", "message"),
    [
        (MASK, MASK[:2], {}, r"one shape, found \(4, 4, 4\) and \(2, 4, 4\)"),
        (MASK[:0], MASK[:0], {}, r"expected voxels in two masks"),
        (MASK[0, 0, 0], MASK[0, 0, 0], {}, r"expected voxels in two masks"),
        (MASK, MASK * np.arange(4, dtype=np.uint8), {}, "predicted mask: expected a binary mask.*0, 1, 2, 3"),
        (MASK * 0.3 + MASK.cumsum(0), MASK, {}, "expert mask: expected a binary mask"),
        (np.where(MASK, np.nan, 0), MASK, {}, "expert mask: expected a binary mask.*nan"),
        (-MASK.astype(float), MASK, {}, "expert mask: expected a binary mask.*-1"),
        (MASK, MASK, {"spacing": (1, 1)}, "3 positive lengths"),
        (MASK, MASK, {"spacing": (1, 1, 0)}, "3 positive lengths"),
        (MASK, MASK, {"spacing": (1, 1, np.nan)}, "3 positive lengths"),
        (MASK, MASK, {"spacing": (1, 1, np.inf)}, "3 positive lengths"),
        (MASK, MASK, {"spacing": (1, 1, -1)}, "3 positive lengths"),
        (MASK, MASK, {"spacing": "1mm"}, "3 positive lengths"),
        (MASK, MASK, {"spacing": ("a", "b", "c")}, "3 positive lengths"),
        (MASK, MASK, {"tolerance": -1}, "tolerance"),
        (MASK, MASK, {"tolerance": "2"}, "tolerance"),
        (MASK, MASK, {"tolerance": np.nan}, "tolerance"),
        (MASK, MASK, {"tolerance": np.inf}, "tolerance"),
        (MASK, MASK, {"tolerance": True}, "tolerance"),
    ],
)
def test_bad_input_is_refused(expert, predicted, settings, message):
    with pytest.raises(InputError, match=message):
        metrics.scores(expert, predicted, **{"spacing": (1, 1, 1), **settings})


# Values of three columns, repeated, and what is marked or the values that the error shows.
ROUNDED = [
    ([0, 1, 0.9999999], [0, 1, 1]),
    ([0, 0.9999999, 0.9999], [0, 1, 1]),
    ([0, 1.0005, 0.9995], [0, 1, 1]),
    ([1e-7, 1, 1], [0, 1, 1]),
    ([-1e-17, 1, 1.0000001], [0, 1, 1]),
    ([0, 254.99997, 255], [0, 1, 1]),
    ([0, 1.9999999, 2], [0, 1, 1]),
    ([0, 1e-7, 2e-7], [0, 0, 0]),
    ([0, 1e-7, 1e-7], [0, 1, 1]),  # one positive value, however small, is a label
    ([0, 0.3, 0.3], [0, 1, 1]),
    ([0, 1, 0.998], "0, 0.998, 1$"),
    ([0, 0.00101, 1], "0, 0.00101, 1$"),
    ([0, 1, 1.0020000001], "0, 1, 1.002$"),
    ([0.4, 0.40000001, 1], "0.4, 0.40000001, 1$"),
    ([0, 0.9999, 2], "0, 0.9999, 2$"),
    ([0, 10000000, 10000001], "0, 10000000, 10000001$"),
    ([0, np.inf, 1], "0, 1, inf$"),
    ([0, -0.9999999, -1], "-1, -0.9999999, 0$"),
]


# Labels of a file, and these rounded; None where a value is no label, or nothing remains, so the file's values stay.
NEARLY = [
    ([0, 0.9999999, 2.0001], [0, 1, 2]),
    ([0, 3.9995, -1.0005], [0, 4, -1]),
    ([0, 1, 2], None),
    ([0, 1, 1.002], None),
    ([0, 1e-7, 2e-7], None),
    ([0, np.nan, 0.9999999], None),
    ([0, np.inf, 0.9999999], None),
]


@pytest.mark.parametrize(("values", "wanted"), NEARLY)
def test_labels_of_a_file_are_rounded_by_the_same_rule(values, wanted):
    labels = np.array(values)
    found = round_labels(labels)
    assert (found is labels) == (wanted is None) and (wanted is None or found.tolist() == wanted)
    assert round_labels(labels[:0]).size == 0 and round_labels(np.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("values", "wanted"), ROUNDED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_are_rounded_and_errors_tell_values_apart(values, wanted, dtype):
    mask, whole = np.tile(np.array(values, dtype), (3, 3, 1)), np.ones((3, 3, 3), bool)
    if isinstance(wanted, list):
        marked = np.tile(wanted, (3, 3, 1))
        assert metrics.scores(mask, whole, spacing=SPACING) == metrics.scores(marked, whole, spacing=SPACING)
    elif len(set(mask.ravel().tolist())) == 3:  # some values are one in single precision
        with pytest.raises(InputError, match="expert mask: expected a binary mask") as found:
            metrics.dice(mask, whole)
        shown = found.value.problem.rpartition("values ")[2].split(", ")
        assert len(set(shown)) == 3
        assert dtype is np.float32 or re.match(wanted, ", ".join(shown))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (MASK * 1j, "complex values.*magnitudes first"),
        (MASK + 0j, "complex values.*magnitudes first"),
        (MASK.astype(np.complex64), "complex values.*magnitudes first"),
        (np.ma.masked_equal(MASK, 0), "masked array.*Fill or crop"),
        (list(np.ma.masked_equal(MASK, 0)), "masked array.*Fill or crop"),
        (MASK.astype(object), "not numbers .data type object"),
        (MASK.astype(str), "not numbers .data type <U"),
        (MASK.astype(bytes), "not numbers .data type .S"),
        (MASK.astype("M8[D]"), "not numbers .data type datetime64"),
        (np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "not numbers .data type ..'R'"),
        (None, "not numbers .data type object"),
        ([[1, 0], [1]], "not an array of numbers"),
    ],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_what_is_no_array_of_numbers_is_refused_in_one_line(mask, message):
    calls = [
        lambda m: metrics.dice(m, MASK),
        lambda m: metrics.hd95(MASK, m, spacing=SPACING),
        lambda m: metrics.scores(m, m, spacing=SPACING),
        lambda m: metrics.shape(m, spacing=SPACING),
    ]
    for call in calls:
        with pytest.raises(InputError, match=message) as found:
            call(mask)
        assert "\n" not in str(found.value)


def test_a_tensor_with_a_gradient_is_refused_and_one_without_is_taken():
    import torch

    tensor = torch.from_numpy(MASK).float()
    assert metrics.dice(tensor, MASK) == 1
    with pytest.raises(InputError, match=r"expert mask: .*\.detach\(\)"):
        metrics.dice(tensor.requires_grad_(), MASK)


def test_a_masked_array_that_masks_nothing_is_an_array():
    assert metrics.dice(np.ma.masked_equal(MASK, 9), MASK) == 1


# -- other implementations


def one_hot(mask):
    import torch

    return torch.from_numpy(np.stack([~mask, mask])[None])


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_agrees_with_monai():
    from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice

    for expert, predicted, spacing in fuzz():
        ours = metrics.scores(expert, predicted, spacing=spacing, tolerance=1.3)
        y_pred, y, spacing = one_hot(predicted), one_hot(expert), list(map(float, spacing))
        assert ours["dice"] == pytest.approx(float(compute_dice(y_pred, y, include_background=False)), abs=1e-6)
        hausdorff = compute_hausdorff_distance(y_pred, y, percentile=95, spacing=spacing)
        assert ours["hd95"] == pytest.approx(float(hausdorff), rel=1e-5)
        by_area = compute_surface_dice(y_pred, y, [1.3], spacing=spacing, use_subvoxels=True)
        assert ours["nsd"] == pytest.approx(float(by_area), abs=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_surface_area_of_every_neighbourhood_agrees_with_monai():
    """Each of the 256 ways to fill a cube of eight voxels, alone in its volume."""
    from monai.metrics.utils import get_code_to_measure_table

    areas, _ = get_code_to_measure_table(list(SPACING), device="cpu")
    # MONAI's kernel gives corner (0, 0, 0) the highest bit, ours the lowest
    reverse = [int(f"{code:08b}"[::-1], 2) for code in range(256)]
    assert np.allclose(element_areas(np.array(SPACING))[reverse], areas.numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_agrees_with_the_surface_distance_package():
    package = pytest.importorskip("surface_distance", reason="the surface-distance package is not installed")
    for expert, predicted, spacing in fuzz():
        distances = package.compute_surface_distances(expert, predicted, spacing)
        theirs = package.compute_surface_dice_at_tolerance(distances, 1.3)
        assert metrics.scores(expert, predicted, spacing=spacing, tolerance=1.3)["nsd"] == pytest.approx(theirs)


def test_agrees_with_simpleitk():
    for expert, predicted, spacing in fuzz():
        expert, predicted = np.pad(expert, 1), np.pad(predicted, 1)  # LabelContour sees no border at the image's edge
        images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (expert, predicted)]
        for image in images:
            image.SetSpacing([float(s) for s in spacing[::-1]])
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        contours = [sitk.LabelContour(image) for image in images]
        directed = []
        for this, other in ((0, 1), (1, 0)):
            distance = sitk.SignedMaurerDistanceMap(contours[other], squaredDistance=False, useImageSpacing=True)
            on_contour = sitk.GetArrayViewFromImage(contours[this]) > 0
            # inside is negative, but a contour one voxel thin is at 0
            directed.append(np.percentile(np.abs(sitk.GetArrayViewFromImage(distance)[on_contour]), 95))
        ours = metrics.scores(expert, predicted, spacing=spacing)
        assert ours["dice"] == pytest.approx(overlap.GetDiceCoefficient())
        assert ours["hd95"] == pytest.approx(max(directed), rel=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("tolerance", [0, 0.4, 1.99, 3.0, 7.5])
def test_surface_dice_at_any_tolerance_agrees_with_monai(tolerance):
    from monai.metrics import compute_surface_dice

    for seed, spacing in enumerate([(0.7, 0.7, 1.5), (0.25, 1.1, 4.0), (3.0, 0.9, 0.6)]):
        expert, predicted = blobs(seed, (24, 20, 16), 1.5, 0.1), blobs(seed + 9, (24, 20, 16), 2.0, 0.1)
        theirs = compute_surface_dice(
            one_hot(predicted), one_hot(expert), [tolerance], spacing=list(spacing), use_subvoxels=True
        )
        ours = metrics.scores(expert, predicted, spacing=spacing, tolerance=tolerance)["nsd"]
        assert ours == pytest.approx(float(theirs), abs=1e-5)


def test_agrees_with_brute_force():
    """HD95 straight from its definition: all pairs of border voxels."""
    for expert, predicted, spacing in itertools.islice(fuzz(), 12):
        edges = [np.argwhere(m & ~binary_erosion(m)) * spacing for m in (expert, predicted)]
        between = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=2)
        wanted = max(np.percentile(between.min(1), 95), np.percentile(between.min(0), 95))
        assert metrics.hd95(expert, predicted, spacing=spacing) == pytest.approx(wanted)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_definitions_that_differ_do_differ():
    """What the docstring says of other definitions holds: MONAI's surface Dice without subvoxels is another number."""
    from monai.metrics import compute_surface_dice

    expert, predicted = blobs(3), blobs(4)
    by_count = float(compute_surface_dice(one_hot(predicted), one_hot(expert), [1.0], spacing=list(SPACING)))
    assert abs(by_count - metrics.scores(expert, predicted, spacing=SPACING, tolerance=1.0)["nsd"]) > 0.01
    images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (expert, predicted)]
    maximum = sitk.HausdorffDistanceImageFilter()
    maximum.Execute(*images)
    assert maximum.GetHausdorffDistance() > metrics.hd95(expert, predicted, spacing=(1, 1, 1))
