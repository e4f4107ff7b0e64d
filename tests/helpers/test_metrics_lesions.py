"""IoU, ASSD and detection of lesions: known cases, brute force, and agreement with other implementations."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.ndimage import binary_erosion, gaussian_filter
from skimage.measure import label

from helpers import metrics
from helpers.errors import InputError

SPACING = (0.7, 1.1, 2.5)
NAN = float("nan")


def blobs(seed: int, shape=(20, 18, 14), smooth=1.0, share=0.15) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), smooth)
    return field > np.quantile(field, 1 - share)


def pairs():
    """Masks of many lesions, of which the predicted ones are moved and changed."""
    for seed in range(12):
        expert = blobs(seed, smooth=(0.6, 0.9, 1.2)[seed % 3])
        yield expert, np.roll(expert, seed % 4 - 1, seed % 3) ^ blobs(seed + 50, smooth=0.5, share=0.01 * (seed % 5))


def line(text: str) -> np.ndarray:
    """A row of voxels, marked by #, as a volume."""
    return np.array([[[c == "#" for c in text]]])


# -- IoU and ASSD


def test_iou_of_boxes():
    expert, predicted = np.zeros((2, 10, 10, 10), bool)
    expert[2:6, 2:6, 2:6] = predicted[4:8, 2:6, 2:6] = True
    assert metrics.iou(expert, predicted) == 32 / 96


def test_iou_is_that_of_simpleitk_and_goes_with_dice():
    for expert, predicted in pairs():
        images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (expert, predicted)]
        measure = sitk.LabelOverlapMeasuresImageFilter()
        measure.Execute(*images)
        found = metrics.iou(expert, predicted)
        assert found == pytest.approx(measure.GetJaccardCoefficient())
        assert metrics.dice(expert, predicted) == pytest.approx(2 * found / (1 + found))


def directed(expert, predicted, spacing):
    edges = [np.argwhere(m & ~binary_erosion(m)) * spacing for m in (expert, predicted)]
    between = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=2)
    return between.min(1), between.min(0)


def test_assd_by_hand():
    """Three voxels against one: three distances on one side and one on the other, all of them in one mean."""
    expert, predicted = line("###......"), line("#........")
    assert metrics.assd(expert, predicted, spacing=(1, 1, 2)) == pytest.approx((0 + 2 + 4 + 0) / 4)
    assert metrics.assd(expert, np.roll(expert, 4, 2), spacing=(1, 1, 2)) == pytest.approx((8 + 6 + 4) / 3)
    assert metrics.assd(expert, expert, spacing=(1, 1, 2)) == 0


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_assd_is_the_pooled_mean_of_monai_and_brute_force():
    import torch
    from monai.metrics import compute_average_surface_distance

    differ = 0
    for expert, predicted in pairs():
        found = metrics.assd(expert, predicted, spacing=SPACING)
        both = directed(expert, predicted, SPACING)
        assert found == pytest.approx(np.concatenate(both).mean())
        differ += abs(found - np.mean([d.mean() for d in both])) > 1e-3  # panoptica's definition
        hot = [torch.from_numpy(np.stack([~m, m])[None]) for m in (predicted, expert)]
        theirs = compute_average_surface_distance(*hot, symmetric=True, spacing=list(SPACING))
        assert found == pytest.approx(float(theirs), rel=1e-5)
    assert differ > 6


# -- detection, by hand: expert, predicted, options, then n_expert n_predicted matched missed spurious, rates

CASES = [
    ("##..##..##", "##..##..##", {}, (3, 3, 3, 0, 0), (1, 1, 1)),
    ("##..##..##", "##..#.....", {}, (3, 2, 2, 1, 0), (2 / 3, 1, 4 / 5)),  # an IoU of 0.5 is enough
    ("###.......", "#.........", {}, (1, 1, 0, 1, 1), (0, 0, 0)),
    ("###.......", "#.........", {"overlap": 0.3}, (1, 1, 1, 0, 0), (1, 1, 1)),
    ("###.......", "#.........", {"overlap": 1 / 3}, (1, 1, 1, 0, 0), (1, 1, 1)),
    ("#...#...#.", "..#...#...", {}, (3, 2, 0, 3, 2), (0, 0, 0)),
    ("#...#...#.", "..#...#...", {"overlap": "any"}, (3, 2, 0, 3, 2), (0, 0, 0)),
    # one large prediction over two lesions: one pair at most, or two that are touched
    ("##..##....", "######....", {}, (2, 1, 0, 2, 1), (0, 0, 0)),
    ("##..##....", "######....", {"overlap": 0.3}, (2, 1, 1, 1, 0), (1 / 2, 1, 2 / 3)),
    ("##..##....", "######....", {"overlap": "any"}, (2, 1, 2, 0, 0), (1, 1, 1)),
    # one lesion in two predicted parts, and a third that touches none
    ("#####.....", "##.##..#..", {"overlap": "any"}, (1, 3, 1, 0, 1), (1, 2 / 3, 4 / 5)),
    ("#####.....", "##.##..#..", {"overlap": 0.4}, (1, 3, 1, 0, 2), (1, 1 / 3, 1 / 2)),
    # the pair of largest IoU, 5 of 9, would leave a lesion of each alone; two pairs can be made
    ("#######.##", "#.#######.", {"overlap": 0.1}, (2, 2, 2, 0, 0), (1, 1, 1)),
    ("#######.##", "#.#######.", {"overlap": 0.13}, (2, 2, 1, 1, 1), (1 / 2, 1 / 2, 1 / 2)),
    ("#.#####", "#####..", {"overlap": 0.1}, (2, 1, 1, 1, 0), (1 / 2, 1, 2 / 3)),
    ("####.###", ".#####.#", {"overlap": 0.1}, (2, 2, 2, 0, 0), (1, 1, 1)),
    # nothing to find, nothing found
    ("..........", "##........", {}, (0, 1, 0, 0, 1), (NAN, 0, 0)),
    ("##........", "..........", {}, (1, 0, 0, 1, 0), (0, NAN, 0)),
    ("..........", "..........", {}, (0, 0, 0, 0, 0), (NAN, NAN, NAN)),
    ("..........", "##........", {"overlap": "any"}, (0, 1, 0, 0, 1), (NAN, 0, 0)),
    ("##........", "..........", {"overlap": "any"}, (1, 0, 0, 1, 0), (0, NAN, 0)),
    ("..........", "..........", {"overlap": "any"}, (0, 0, 0, 0, 0), (NAN, NAN, NAN)),
]


@pytest.mark.parametrize(("expert", "predicted", "options", "counts", "rates"), CASES)
def test_lesions_by_hand(expert, predicted, options, counts, rates):
    found = metrics.lesions(line(expert), line(predicted), **options)
    names = ("n_expert", "n_predicted", "matched", "missed", "spurious")
    assert tuple(found[n] for n in names) == counts
    assert all(type(found[n]) is int for n in names)
    rates_found = [found[n] for n in ("sensitivity", "precision", "f1")]
    assert rates_found == pytest.approx(list(rates), nan_ok=True)
    if not counts[2] or options == {"overlap": "any"}:
        assert np.isnan([found["iou"], found["dice"]]).all()
    masks = line(expert), line(predicted)
    together = metrics.agreement(*masks, spacing=(1, 1, 2), **options)
    assert [together[f"lesions_{n}"] for n in ("expert", "predicted", "found")] == list(counts[:3])
    wanted = [*rates, metrics.iou(*masks), metrics.assd(*masks, spacing=(1, 1, 2))]
    names = ("lesion_sensitivity", "lesion_precision", "lesion_f1", "iou", "assd")
    assert [together[n] for n in names] == pytest.approx(wanted, nan_ok=True)
    assert len(together) == 8


def test_the_quality_of_pairs_is_the_mean_over_pairs():
    found = metrics.lesions(line("####.##..#"), line("###..##...."[:10]))
    assert found["iou"] == pytest.approx((3 / 4 + 1) / 2)
    assert found["dice"] == pytest.approx((6 / 7 + 1) / 2)


@pytest.mark.parametrize(("connectivity", "count"), [(6, 4), (18, 3), (26, 1), (None, 1)])
def test_connectivity_is_the_number_of_neighbours(connectivity, count):
    mask = np.zeros((6, 6, 6), bool)
    for place in ((0, 0, 0), (1, 1, 1), (1, 2, 2), (2, 3, 3), (2, 3, 4)):  # corner, edge, corner, face
        mask[place] = True
    assert metrics.lesions(mask, mask, connectivity=connectivity)["n_expert"] == count


@pytest.mark.parametrize(("connectivity", "count"), [(4, 2), (8, 1), (None, 1)])
def test_planes_have_lesions_too(connectivity, count):
    found = metrics.lesions(np.eye(2), np.eye(2), connectivity=connectivity)
    assert (found["n_expert"], found["f1"]) == (count, 1)


# -- against other implementations


def brute(expert, predicted, least, connectivity):
    """IoU of all pairs by comparing masks, and the best choice of pairs by trying all."""
    parts = [label(m, connectivity=connectivity) for m in (expert, predicted)]
    ious = np.array(
        [
            [metrics.iou(parts[0] == i, parts[1] == j) for j in range(1, parts[1].max() + 1)]
            for i in range(1, parts[0].max() + 1)
        ]
    ).reshape(parts[0].max(), parts[1].max())
    return ious, np.where(ious >= least, ious, 0)


@pytest.mark.parametrize("least", [0.5, 0.7, 0.25, 0.02])
@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_agrees_with_brute_force(least, connectivity, rank):
    for expert, predicted in itertools.islice(pairs(), 5):
        expert, predicted = expert[:9, :9, :9], predicted[:9, :9, :9]
        ious, usable = brute(expert, predicted, least, rank)
        found = metrics.lesions(expert, predicted, overlap=least, connectivity=connectivity)
        assert (found["n_expert"], found["n_predicted"]) == ious.shape
        pairs_made, total = best(usable)
        assert found["matched"] == pairs_made
        if pairs_made:
            assert found["iou"] * pairs_made == pytest.approx(total)
        touched = metrics.lesions(expert, predicted, overlap="any", connectivity=connectivity)
        assert touched["matched"] == (ious > 0).any(1).sum()
        assert touched["spurious"] == (ious == 0).all(0).sum()


def best(worth: np.ndarray) -> tuple[int, float]:
    """Most pairs, and then their largest sum, by trying every choice (dynamic programming over used columns)."""
    states = {frozenset(): (0, 0.0)}
    for row in worth:
        new = dict(states)
        for used, (count, total) in states.items():
            for j in np.flatnonzero(row):
                if j not in used:
                    new[used | {j}] = max(new.get(used | {j}, (0, 0.0)), (count + 1, total + row[j]))
        states = new
    return max(states.values())


def test_counts_of_lesions_are_those_of_simpleitk_and_scikit_image():
    for expert, predicted in pairs():
        for connectivity, rank in ((6, 1), (26, 3)):
            found = metrics.lesions(expert, predicted, connectivity=connectivity)
            for mask, name in ((expert, "n_expert"), (predicted, "n_predicted")):
                image = sitk.GetImageFromArray(mask.astype(np.uint8))
                theirs = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, connectivity == 26)).max()
                assert found[name] == theirs == label(mask, connectivity=rank).max()


@pytest.mark.parametrize("least", [0.5, 0.1, "any"])
def test_symmetry_and_place(least):
    for expert, predicted in pairs():
        there, back = (metrics.lesions(*m, overlap=least) for m in ((expert, predicted), (predicted, expert)))
        assert there["sensitivity"] == pytest.approx(back["precision"])
        assert there["f1"] == pytest.approx(back["f1"])
        moved = [np.pad(m, ((3, 0), (0, 5), (1, 1))).transpose(2, 0, 1)[::-1] for m in (expert, predicted)]
        assert metrics.lesions(*moved, overlap=least) == pytest.approx(there, nan_ok=True)
        same = metrics.lesions(expert, expert, overlap=least)
        assert (same["sensitivity"], same["precision"], same["f1"], same["spurious"]) == (1, 1, 1, 0)


def test_thousands_of_lesions_take_no_more_memory_than_their_pairs():
    """A table of all 20,000 x 20,000 pairs would need 3 GB."""
    expert = np.zeros((200, 400, 2), bool)
    expert[::2, ::2, 0] = True
    found = metrics.lesions(expert, expert, overlap=0.1)
    assert found["matched"] == 20000 and found["iou"] == 1


# -- empty masks and bad input


@pytest.mark.parametrize(("expert", "predicted"), [("##..", "...."), ("....", "##.."), ("....", "....")])
def test_empty_masks_follow_the_policy(expert, predicted):
    found = metrics.agreement(line(expert), line(predicted), spacing=(1, 2, 3))
    assert found["iou"] == metrics.iou(line(expert), line(predicted)) == 0
    assert found["assd"] == pytest.approx(np.sqrt(1 + 4 + 144))
    assert found["assd"] == metrics.hd95(line(expert), line(predicted), spacing=(1, 2, 3))


MASK = np.eye(4, dtype=np.uint8)[None].repeat(4, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overlap": 0}, "overlap = 0: expected an IoU"),
        ({"overlap": 1.01}, "overlap = 1.01: expected an IoU"),
        ({"overlap": NAN}, "overlap = nan: expected an IoU"),
        ({"overlap": True}, "overlap = True: expected an IoU"),
        ({"overlap": "0.5"}, "overlap = '0.5': expected an IoU"),
        ({"overlap": np.array(["any", "any"])}, "overlap = .*: expected an IoU"),
        ({"overlap": None}, "overlap = None: expected an IoU"),
        ({"connectivity": 8}, "connectivity: must be 6, 18 or 26, got 8"),
        ({"connectivity": 1}, "connectivity: must be 6, 18 or 26, got 1"),
        ({"connectivity": "26"}, "connectivity: must be 6, 18 or 26, got '26'"),
    ],
)
def test_bad_options_are_refused(options, message):
    for call in (metrics.lesions, lambda *m, **o: metrics.agreement(*m, spacing=SPACING, **o)):
        with pytest.raises(InputError, match=message):
            call(MASK, MASK, **options)


def test_bad_masks_are_refused():
    for call in (metrics.iou, metrics.lesions, lambda *m: metrics.assd(*m, spacing=SPACING)):
        with pytest.raises(InputError, match="predicted mask: complex values"):
            call(MASK, MASK * 1j)
        with pytest.raises(InputError, match="one shape"):
            call(MASK, MASK[1:])
    with pytest.raises(InputError, match="3 positive lengths"):
        metrics.assd(MASK, MASK, spacing=(1, 1))
