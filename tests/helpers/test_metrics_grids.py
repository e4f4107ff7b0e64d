"""Scores and shapes on sheared and turned grids, against brute force over positions in mm."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial.transform import Rotation

from helpers import metrics
from helpers.errors import InputError
from helpers.metrics import surface
from helpers.metrics.nearness import affordable, places, within
from helpers.metrics.surface import border, close, element_areas, surface_elements

LENGTHS = np.array([0.7, 0.7, 2.0])
PLACES = np.indices((40, 36, 24))
BALL = sum((axis - c) ** 2 for axis, c in zip(PLACES, (18, 17, 11), strict=True)) <= 64
MOVED = np.roll(BALL, (2, 1, 1), (0, 1, 2))


def leaning(degrees: float) -> np.ndarray:
    """Slices 2 mm apart, each moved along the second axis, as in a scan with a tilted gantry."""
    steps = np.diag(LENGTHS)
    steps[1, 2] = 2 * np.tan(np.radians(degrees))
    return steps


def any_grid(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return Rotation.random(rng=rng).as_matrix() @ (np.diag(rng.uniform(0.5, 3, 3)) + rng.uniform(-0.6, 0.6, (3, 3)))


def blobs(seed: int, shape=(9, 11, 8)) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.0)
    return field > np.quantile(field, 0.7)


def apart(first: np.ndarray, second: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of each array's voxels, given by their indices, to the nearest of the other, from all pairs."""
    a, b = (np.array([steps @ index for index in voxels.T]) for voxels in (first, second))
    between = np.linalg.norm(a[:, None] - b[None], axis=2)
    return between.min(1), between.min(0)


def edge(mask: np.ndarray) -> np.ndarray:
    """Indices of the foreground with background across a face."""
    return np.array(np.nonzero(mask & ~binary_erosion(mask)))


# -- known values


@pytest.mark.parametrize(("degrees", "hd95"), [(0, 2.119), (-20, 2.100), (20, 2.126), (30, 2.167)])
def test_a_tilted_gantry(degrees, hd95):
    found = metrics.scores(BALL, MOVED, spacing=leaning(degrees))
    assert found["expert_cc"] == pytest.approx(BALL.sum() * 0.98 / 1000)  # 2.0668: a shear keeps the volume
    wanted = max(np.percentile(d, 95) for d in apart(edge(BALL), edge(MOVED), leaning(degrees)))
    assert found["hd95"] == pytest.approx(wanted, abs=1e-9)
    assert found["hd95"] == pytest.approx(hd95, abs=5e-4)


@pytest.mark.parametrize("seed", range(6))
def test_any_grid_agrees_with_brute_force(seed):
    steps, expert, predicted = any_grid(seed), blobs(seed), blobs(seed + 50)
    both = apart(edge(expert), edge(predicted), steps)
    assert metrics.hd95(expert, predicted, spacing=steps) == pytest.approx(max(np.percentile(d, 95) for d in both))
    surfaces, codes = zip(*(surface_elements(np.pad(m, 1)) for m in (expert, predicted)), strict=True)
    both, areas = apart(*surfaces, steps), [element_areas(steps)[code] for code in codes]
    for tolerance in (0.4, 1.7, 3.1, 6.0):
        agreed = sum(area[d <= tolerance].sum() for area, d in zip(areas, both, strict=True))
        found = metrics.scores(expert, predicted, spacing=steps, tolerance=tolerance)
        assert found["nsd"] == pytest.approx(agreed / np.concatenate(areas).sum(), abs=1e-12)
    assert found["expert_cc"] == pytest.approx(expert.sum() * abs(np.linalg.det(steps)) / 1000)


@pytest.mark.parametrize("lean", [0.3, 2.0, 3.6])
def test_every_voxel_within_a_limit_is_found(lean):
    """On a strongly sheared grid a voxel many steps away is near: the list of steps ends earlier there."""
    steps = np.array([[1.0, lean, 0], [0, 1, 0], [0, 0, 1]])
    source = np.array([[2], [22], [1]])
    target = np.array([np.repeat(range(30), 6), np.tile(range(0, 30, 5), 30), np.ones(180, int)])
    distance = apart(source, target, steps)[0][0]
    assert [within(source, target, steps, distance + e)[0] for e in (-1e-6, 1e-6)] == [False, True]
    source = np.array(np.nonzero(blobs(3, (20, 9, 9))))
    target = np.array(np.nonzero(np.random.default_rng(0).random((20, 9, 9)) < 0.01))
    nearest = apart(source, target, steps)[0]
    for limit in (0, 0.5, 1, 1.5, 2, 3, 5, 99):
        for check in (within, close):
            np.testing.assert_array_equal(check(source, target, steps, limit + 1e-9), nearest <= limit + 1e-9)


@pytest.mark.parametrize("ndim", [1, 2, 3, 4])
def test_voxels_within_a_radius_in_any_number_of_dimensions(ndim):
    """Voxels at both ends of rows and planes, whose steps could lead into the next row."""
    rng = np.random.default_rng(ndim)
    shape, spacing = (9, 10, 8, 5)[:ndim], rng.uniform(0.4, 2, ndim)
    source, target = (places(np.flatnonzero(rng.random(np.prod(shape)) < share), shape) for share in (0.7, 0.3))
    nearest = apart(source, target, np.diag(spacing))[0]
    for radius in (0, 0.5, 1.3, 4.0):
        np.testing.assert_array_equal(within(source, target, spacing, radius), nearest <= radius)


def test_a_large_radius_is_halved_until_it_is_cheap_and_a_search_does_the_rest():
    few, many = np.array([[0, 0, 90], [5, 0, 80]]).T, np.array(np.nonzero(BALL))
    assert affordable(many, many, LENGTHS, 2.0) == 2.0
    assert affordable(few, many, LENGTHS, 20.0) < 5
    nearest = apart(few, many, np.diag(LENGTHS))[0]
    for limit in nearest:
        np.testing.assert_array_equal(close(few, many, LENGTHS, limit + 1e-9), nearest <= limit + 1e-9)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_border_is_the_foreground_without_its_erosion(ndim):
    for seed in range(4):
        mask = np.random.default_rng(seed).random((6, 7, 5)[:ndim]) < 0.8
        np.testing.assert_array_equal(border(np.pad(mask, 1)), edge(mask))


def test_many_voxels_far_away_are_measured_on_the_grid(monkeypatch):
    """Thousands of voxels in the middle of a surface, which a k-d tree would be slow for."""
    whole, middle = np.ones((30, 28, 20), bool), np.zeros((30, 28, 20), bool)
    middle[12:18, 10:16, 8:13] = np.random.default_rng(0).random((6, 6, 5)) < 0.5
    wanted = metrics.hd95(whole, middle, spacing=LENGTHS)
    calls = []
    monkeypatch.setattr(surface, "MANY", 10)
    monkeypatch.setattr(surface, "GRID", 1000)
    monkeypatch.setattr(surface, "_map", lambda *given, measure=surface._map: calls.append(1) or measure(*given))
    assert metrics.hd95(whole, middle, spacing=LENGTHS) == pytest.approx(wanted, rel=1e-12)
    assert calls
    first, second = edge(whole), edge(middle)
    nearest = apart(first, second, np.diag(LENGTHS))[0]
    np.testing.assert_allclose(surface._map(first, second, LENGTHS), nearest, rtol=1e-12)


@pytest.mark.parametrize("moved", [0, 3, 9])
def test_the_percentile_of_many_voxels_is_that_of_all_their_distances(moved):
    """Surfaces of thousands of voxels, of which a sample leaves most out, and an island that is far away."""
    predicted = np.roll(BALL, moved, 1) | (PLACES[0] > 38) & (PLACES[1] < moved) & (PLACES[2] < 20)
    both = apart(edge(BALL), edge(predicted), np.diag(LENGTHS))
    wanted = max(np.percentile(d, 95) for d in both)
    assert metrics.hd95(BALL, predicted, spacing=LENGTHS) == pytest.approx(wanted, abs=1e-12)
    assert metrics.hd95(predicted, BALL, spacing=LENGTHS) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_areas_are_those_of_the_sheared_pieces(seed):
    """A plane, a corner, and a surface without edge, whose vector areas sum to zero."""
    steps = any_grid(seed)
    areas = element_areas(steps)
    corners = list(itertools.product((0, 1), repeat=3))
    for axis in range(3):
        flat = sum(1 << i for i, corner in enumerate(corners) if corner[axis])
        assert areas[flat] == pytest.approx(np.linalg.norm(np.cross(*np.delete(steps, axis, axis=1).T)))
    ends = steps.T / 2  # the middles of the three edges at corner (0, 0, 0)
    assert areas[1] == pytest.approx(np.linalg.norm(np.cross(ends[1] - ends[0], ends[2] - ends[0])) / 2)
    assert np.allclose(areas, areas[::-1])


# -- the same grid in other words


@pytest.mark.parametrize("seed", range(4))
def test_a_turned_grid_has_the_values_of_its_lengths(seed):
    lengths = np.random.default_rng(seed).uniform(0.5, 3, 3)
    expert, predicted = blobs(seed, (12, 11, 9)), blobs(seed + 50, (12, 11, 9))
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    flipped = np.array([[0, -1, 0], [1, 0, 0], [0, 0, -1]])
    for values in (metrics.scores, metrics.agreement, lambda a, b, **k: metrics.shape(a, **k)):
        wanted = values(expert, predicted, spacing=lengths)
        assert values(expert, predicted, spacing=np.diag(lengths)) == wanted
        assert values(expert, predicted, spacing=flipped * lengths) == wanted
        assert values(expert, predicted, spacing=turn * lengths) == pytest.approx(wanted, abs=1e-9, nan_ok=True)
        stored = (turn * lengths).astype(np.float32)  # as in the header of a file
        found = values(expert, predicted, spacing=stored)
        assert found.pop("status", None) == wanted.pop("status", None)
        assert found == pytest.approx(wanted, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("degrees", [0.1, 20, 60])
def test_a_shear_and_a_turn_are_one(degrees):
    """Distances, areas and volumes do not change when the whole sheared grid is turned."""
    turn = Rotation.random(rng=np.random.default_rng(7)).as_matrix()
    for values in (metrics.scores, metrics.agreement):
        one, two = (values(BALL, MOVED, spacing=m @ leaning(degrees)) for m in (np.eye(3), turn))
        assert one == pytest.approx(two, abs=1e-9)
    one, two = (metrics.shape(BALL, spacing=m @ leaning(degrees)) for m in (np.eye(3), turn))
    assert one == pytest.approx(two, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_and_the_direction_of_axes_do_not_matter(seed):
    steps, expert, predicted = any_grid(seed), blobs(seed), blobs(seed + 50)
    wanted = metrics.scores(expert, predicted, spacing=steps, tolerance=1.3)
    for order in ((1, 2, 0), (1, 0, 2)):
        pair = [m.transpose(order) for m in (expert, predicted)]
        assert metrics.scores(*pair, spacing=steps[:, order], tolerance=1.3) == pytest.approx(wanted)
    for axis in range(3):
        pair, signs = [np.flip(m, axis) for m in (expert, predicted)], np.where(np.arange(3) == axis, -1, 1)
        assert metrics.scores(*pair, spacing=steps * signs, tolerance=1.3) == pytest.approx(wanted)


def test_the_worst_distance_is_the_longest_diagonal():
    steps = np.array([[1.0, -0.5, 0], [0, 2, 0], [0, 0, 3]])
    shape = np.array([10, 20, 5])
    ends = [steps @ (shape * e) for e in itertools.product((0, 1), repeat=3)]
    wanted = max(np.linalg.norm(a - b) for a, b in itertools.combinations(ends, 2))
    mask = np.zeros(shape, bool)
    assert metrics.hd95(mask, mask, spacing=steps) == pytest.approx(wanted)


def test_planes_may_be_sheared():
    steps, first, second = np.array([[0.8, 0.5], [0, 1.3]]), blobs(1)[..., 0], blobs(2)[..., 0]
    wanted = max(np.percentile(d, 95) for d in apart(edge(first), edge(second), steps))
    assert metrics.hd95(first, second, spacing=steps) == pytest.approx(wanted)
    square = np.pad(np.ones((60, 40), bool), 2)
    found = metrics.shape(square, spacing=steps)
    assert found["area_mm2"] == pytest.approx(2400 * 0.8 * 1.3)
    assert found["perimeter_mm"] == pytest.approx(2 * (60 * 0.8 + 40 * np.hypot(0.5, 1.3)), rel=0.02)


def test_a_sheared_box_has_the_form_of_a_leaning_one():
    """The mesh of a block of voxels, and its axes, against those of the parallelepiped."""
    box = np.zeros((50, 60, 45), bool)
    box[5:45, 5:55, 5:40] = True
    steps = leaning(25)
    sides = steps * (40, 50, 35)
    found = metrics.shape(box, spacing=steps)
    area = 2 * sum(np.linalg.norm(np.cross(sides[:, i], sides[:, j])) for i, j in ((0, 1), (0, 2), (1, 2)))
    volume = abs(np.linalg.det(sides))
    axes = np.sqrt(np.linalg.eigvalsh(sides @ sides.T))[::-1]  # uniform in a parallelepiped: a twelfth of this
    assert found["volume_cc"] == pytest.approx(volume / 1000)
    assert found["surface_mm2"] == pytest.approx(area, rel=0.03)
    assert found["surface_to_volume"] == pytest.approx(area / volume, rel=0.03)
    assert found["elongation"] == pytest.approx(axes[1] / axes[0])
    assert found["flatness"] == pytest.approx(axes[2] / axes[0])


# -- bad input


@pytest.mark.parametrize(
    "spacing",
    [
        np.ones((3, 3)),  # all steps along one line
        np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]]),  # in one plane
        np.diag([1, 1, 0]),
        np.diag([1, 1, np.nan]),
        np.eye(4),
        np.eye(2),
        np.eye(3) * 1j,
        np.eye(3, dtype=bool),
        np.ma.masked_equal(np.diag([1.0, 2, 3]), 3),
        np.eye(3).astype(str),
        ("1", "1", "2"),
        (1, 1, 2j),
        (True, True, True),
        None,
        [[1, 0], [0, 1, 1]],
    ],
    ids=repr,
)
def test_what_is_no_grid_is_refused_in_one_line(spacing):
    with pytest.raises(InputError, match=r"3 positive lengths in mm.*3 x 3 matrix") as found:
        metrics.scores(BALL, MOVED, spacing=spacing)
    assert "\n" not in str(found.value) and len(str(found.value)) < 320


def test_a_sheared_grid_is_not_smoothed():
    with pytest.raises(InputError, match="not at right angles"):
        metrics.shape(BALL, spacing=leaning(20), smooth=1.0)
