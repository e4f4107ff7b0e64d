"""Simulated pictures of skin: the layout is the real one, and each world plants its cause and nothing else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
from PIL import Image
from scipy import ndimage
from skimage import color

from helpers import datasets, stats
from helpers.datasets.fitzpatrick import layout, population, rendering
from helpers.errors import InputError
from helpers.studies import skin_tone

SIZE, N = 24, 480
TWO_GROUPS = (0.0, 0.2, 0.3, 0.0, 0.0, 0.3, 0.2)
# Class of the typology angle that each skin type belongs to, in degrees (Del Bino and Bernerd, Br. J. Dermatol. 169:33,
# 2013).
ITA_CLASSES = ((55, 90), (41, 55), (28, 41), (10, 28), (-30, 10), (-90, -30))
# World -> by how much the variance of the grain of dark exceeds that of light: over all, and at one condition.
GRAIN = {"none": (0, 0), "representation": (0, 0), "tone": (0.06**2, 0.06**2), "condition": (0.6 * 0.08**2, 0)}


def read(root: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """What was drawn for each case, with its labels, and the pictures as (n, size, size, 3) from 0 to 1."""
    cases = pd.read_csv(root / "simulated_cases.csv").merge(pd.read_csv(root / layout.TABLE), on="md5hash")
    pictures = [np.asarray(Image.open(root / "images" / f"{name}.jpg")) for name in cases["md5hash"]]
    return cases.assign(dark=cases["skin_type"] >= 5), np.stack(pictures) / 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("skin")


@pytest.fixture(scope="module")
def worlds(folder) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    options = {"size": SIZE, "shares": TWO_GROUPS, "folder": folder}
    return {
        name: read(datasets.simulate_dermatology(N, **options, **planted))
        for name, planted in datasets.SKIN_WORLDS.items()
    }


def interval(first: np.ndarray, second: np.ndarray, level: float = 0.99) -> tuple[float, float]:
    """Welch's interval of the second mean minus the first."""
    found = scipy.stats.ttest_ind(second, first, equal_var=False).confidence_interval(level)
    return found.low, found.high


def noise_sd(pictures: np.ndarray) -> np.ndarray:
    """Standard deviation of pixel noise of each picture, from second differences that smooth fields do not have."""
    kernel = np.outer([1, -2, 1], [1, -2, 1]) / 6
    return ndimage.convolve(pictures.mean(axis=3), kernel[None], mode="reflect").std(axis=(1, 2))


# The model of skin


def flat(melanin: float) -> np.ndarray:
    return rendering.render(rendering.Fields(*np.zeros((4, 1, 1))), melanin=melanin)[0, 0]


def typology_angle(picture: np.ndarray) -> np.ndarray:
    """ITA in degrees, arctan((L* - 50) / b*), larger is lighter: Chardon et al., Int. J. Cosmet. Sci. 13:191, 1991."""
    lab = color.rgb2lab(picture)
    return np.degrees(np.arctan2(lab[..., 0] - 50, lab[..., 2]))


def test_each_skin_type_renders_into_its_class_of_the_typology_angle():
    for melanin, (low, high) in zip(rendering.MELANIN, ITA_CLASSES, strict=True):
        for person in (-1, 1):
            assert low < typology_angle(flat(melanin + person * rendering.MELANIN_SD)) < high, melanin


def test_pictures_darken_from_type_1_to_6(folder):
    shares = (0.0, *[1 / 6] * 6)
    cases, pictures = read(datasets.simulate_dermatology(150, seed=3, size=SIZE, shares=shares, folder=folder))
    angle = np.median(typology_angle(pictures).reshape(len(cases), -1), axis=1)
    lightness = color.rgb2lab(pictures)[..., 0].mean(axis=(1, 2))
    for values in (angle, lightness):
        by_type = pd.Series(values).groupby(cases["skin_type"]).median()
        assert len(by_type) == 6 and (by_type.diff().dropna() < -2).all(), by_type
    medians = pd.Series(angle).groupby(cases["skin_type"]).median()
    for (low, high), value in zip(ITA_CLASSES, medians, strict=True):
        assert low - 5 < value < high + 5  # a lesion and the shade of the body move the middle of a picture


@pytest.mark.parametrize("family", rendering.FAMILIES)
def test_equal_contrast_is_the_same_texture_on_every_tone(family):
    fields = rendering.draw(np.random.default_rng(1), family, SIZE)
    light, dark = (
        rendering.render(fields, melanin=m, equal=True) for m in (rendering.MELANIN[0], rendering.MELANIN[5])
    )
    assert np.ptp(light - dark, axis=(0, 1)).max() < 1e-12
    assert (light - dark).mean() > 0.2
    assert light.std(axis=(0, 1)).min() > 0.02  # and there is a texture


@pytest.mark.parametrize("family", ["macule", "ring", "rash", "network"])
def test_physical_contrast_is_lower_on_dark_skin(family):
    for seed in range(5):
        fields = rendering.draw(np.random.default_rng(seed), family, SIZE)
        light, dark = (rendering.render(fields, melanin=rendering.MELANIN[k]).std(axis=(0, 1)).mean() for k in (0, 5))
        assert dark < 0.8 * light


def test_families_differ_by_more_than_bodies_do():
    """The nearest mean picture of a few others tells the family far more often than chance would."""
    rng = np.random.default_rng(0)

    def features(family: str) -> np.ndarray:
        fields = rendering.draw(rng, family, 32)
        picture = rendering.render(fields, melanin=rendering.MIDDLE)
        flat = picture.reshape(-1, 3)
        edges = np.abs(ndimage.laplace(picture.mean(axis=2)))
        return np.array([*flat.std(axis=0), *flat.min(axis=0), *flat.max(axis=0), *flat.mean(axis=0), edges.mean()])

    drawn = {family: np.stack([features(family) for _ in range(40)]) for family in rendering.FAMILIES}
    scale = np.concatenate(list(drawn.values())).std(axis=0)
    middles = {family: found[:20].mean(axis=0) for family, found in drawn.items()}
    right = [
        min(middles, key=lambda name: np.linalg.norm((one - middles[name]) / scale)) == family
        for family, found in drawn.items()
        for one in found[20:]
    ]
    assert np.mean(right) > 0.6  # chance: 1 in 7


# The layout


@pytest.fixture(scope="module")
def made(folder) -> Path:
    return datasets.simulate_dermatology(120, seed=5, size=32, folder=folder)


def test_layout_is_that_of_the_real_download(made):
    table = pd.read_csv(made / "fitzpatrick17k.csv", dtype=str, keep_default_na=False)
    assert tuple(table) == layout.COLUMNS and len(table) == 120
    assert {p.name for p in made.iterdir()} == {"fitzpatrick17k.csv", "images", "simulated_cases.csv", "truth.json"}
    files = {p.name: p for p in (made / "images").iterdir()}
    assert set(files) == set(table["md5hash"] + ".jpg")
    for name, path in files.items():
        assert hashlib.md5(path.read_bytes()).hexdigest() + ".jpg" == name
    image = Image.open(path)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 32))
    assert set(table["fitzpatrick_scale"]) <= {"-1", "1", "2", "3", "4", "5", "6"} >= set(table["fitzpatrick_centaur"])
    assert table["url"].str.fullmatch(r"https://example\.org/simulated/\d+\.jpg").all()
    assert (table["url_alphanum"] == table["url"].str.replace(r"\W", "", regex=True) + ".jpg").all()
    cases = pd.read_csv(made / "simulated_cases.csv")
    assert list(cases["md5hash"]) == list(table["md5hash"])
    assert not (set(table["qc"]) - {"", *layout.QC})


def test_hierarchy_is_nested_and_half_of_each_class_is_hard():
    truth = population.truth(datasets.SKIN_WORLDS["condition"], list(population.SHARES))
    table = pd.DataFrame.from_dict(truth["conditions"], orient="index")
    assert (len(table), table["nine"].nunique(), table["three"].nunique()) == (12, 5, 3)
    assert (table.groupby("nine")["three"].nunique() == 1).all()
    assert set(table["family"]) == set(rendering.FAMILIES)
    for group in ("prevalence_light", "prevalence_dark"):
        assert table[group].sum() == pytest.approx(1)
        assert table.groupby("nine")[group].sum().to_dict() == pytest.approx(
            table.groupby("nine")["prevalence_light"].sum().to_dict()
        )
    variation = (table["prevalence_dark"] - table["prevalence_light"]).abs().sum() / 2
    assert truth["total_variation"]["label"] == pytest.approx(variation) == pytest.approx(0.6)


def test_hierarchy_is_part_of_the_real_one(real_labels):
    real = pd.read_csv(real_labels / "fitzpatrick17k.csv").drop_duplicates("label").set_index("label")
    truth = population.truth(datasets.SKIN_WORLDS["none"], list(population.SHARES))
    for label, row in truth["conditions"].items():
        assert tuple(real.loc[label, ["nine_partition_label", "three_partition_label"]]) == (row["nine"], row["three"])


def drawn(**options) -> pd.DataFrame:
    arguments = {
        "n": 20_000,
        "seed": 4,
        "shares": list(population.SHARES),
        "planted": datasets.SKIN_WORLDS["none"],
    }
    return population.draw(arguments | {"centaur_agreement": [0.479, 0.910]} | options)


def test_default_shares_are_those_of_the_real_table(real_labels):
    real = pd.read_csv(real_labels / "fitzpatrick17k.csv")["fitzpatrick_scale"].value_counts(normalize=True)
    assert real.sort_index().tolist() == pytest.approx(population.SHARES)


def test_shares_and_second_labels_are_those_asked_for():
    frame = pd.concat([drawn(seed=seed) for seed in range(10)])
    found = frame["scale"].value_counts().sort_index()
    assert found.index.tolist() == [-1, 1, 2, 3, 4, 5, 6]
    assert scipy.stats.chisquare(found, np.array(population.SHARES) * len(frame)).pvalue > 0.001
    known = frame["centaur"] != -1
    steps = (frame["centaur"] - frame["skin_type"])[known].abs()
    for share, hits in ((0.479, steps == 0), (0.910, steps <= 1), (1.0, steps <= 2)):
        assert abs(hits.mean() - share) <= 3.5 * np.sqrt(share * (1 - share) / len(hits))
    assert frame["centaur"][known].between(1, 6).all()
    assert drawn(centaur_agreement=[1.0, 1.0]).query("centaur != -1").eval("centaur == skin_type").all()


@pytest.mark.parametrize("entanglement", [0.0, 0.6, 1.0])
def test_hard_conditions_are_as_prevalent_as_the_truth_says(entanglement):
    planted = datasets.SKIN_WORLDS["none"] | {"entanglement": entanglement}
    frame, truth = drawn(planted=planted), population.truth(planted, list(population.SHARES))
    for skin_type, row in truth["skin_type"].items():
        part = frame.loc[frame["skin_type"] == skin_type, "hard"]
        assert abs(part.mean() - row["hard_share"]) <= 3.5 * np.sqrt(0.25 / len(part)) * (row["hard_share"] % 1 > 0)


# The worlds


@pytest.mark.parametrize("world", GRAIN)
def test_truth_holds_what_the_world_plants(world):
    planted = datasets.SKIN_WORLDS[world]
    grain = population.truth(planted, list(population.SHARES))["grain_variance"]
    assert grain["dark_minus_light"] == pytest.approx(GRAIN[world][0])
    assert (
        grain["dark_minus_light_given_easy"] == grain["dark_minus_light_given_hard"] == pytest.approx(GRAIN[world][1])
    )
    assert set(planted) == {"colour", "contrast", "tone_grain", "condition_grain", "entanglement"}


@pytest.mark.parametrize("world", GRAIN)
def test_colour_tells_the_groups_apart_only_where_it_is_planted(worlds, world):
    cases, pictures = worlds[world]
    brightness = pictures.mean(axis=(1, 2, 3))
    low, high = interval(brightness[~cases["dark"]], brightness[cases["dark"]])
    assert high < -0.1 if world == "representation" else low < 0 < high, (low, high)
    spread = scipy.stats.ttest_ind(*(pictures.std(axis=(1, 2)).mean(axis=1)[cases["dark"] == d] for d in (False, True)))
    if world in ("none", "representation"):
        assert spread.pvalue > 0.01  # contrast is equal


@pytest.mark.parametrize("world", GRAIN)
def test_grain_is_where_it_is_planted_and_survives_jpeg(worlds, world):
    cases, pictures = worlds[world]
    _, plain = worlds["none"]
    found = noise_sd(pictures)
    grainy = cases["grain"] > 0
    assert grainy.any() == (world in ("tone", "condition"))
    for sd in cases.loc[grainy, "grain"].unique():
        # What the kernel sees of the picture itself adds little: twice what it sees in pictures without grain.
        assert np.sqrt(np.mean(found[cases["grain"] == sd] ** 2)) == pytest.approx(sd, rel=0.06)
    if world == "tone":
        assert (cases["grain"] > 0).equals(cases["dark"])
        added = (pictures - plain).mean(axis=3)
        # JPEG rounds its coefficients, which adds a few hundredths of the variance and takes none away.
        assert 1 < added[cases["dark"]].var() / 0.06**2 < 1.05
        assert added[~cases["dark"]].var() == 0
    for hard in (0, 1):
        part = cases["hard"] == hard
        low, high = interval(found[part & ~cases["dark"]], found[part & cases["dark"]])
        assert low > 0.02 if world == "tone" else low < 0 < high, (hard, low, high)


def test_entanglement_shows_in_the_finest_labels_alone(worlds):
    levels = ["three_partition_label", "nine_partition_label", "label"]
    for world, (cases, _) in worlds.items():
        shift = skin_tone.prevalence_shift(cases, levels=levels, group="dark", a=False, b=True, n_permutations=500)
        assert (shift["p"].iloc[:2] > 0.01).all(), (world, shift["p"])
        assert shift["p"].iloc[2] < 0.01 if world == "condition" else shift["p"].iloc[2] > 0.01, (world, shift["p"])
    assert stats.contrast(cases["hard"], groups=cases["dark"], a=False, b=True) > 0.45  # the last one is `condition`


def reconstruction_error(pictures: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Mean squared error of a linear autoencoder with 24 units."""
    flat = pictures.reshape(len(pictures), -1)
    middle = flat[train].mean(axis=0)
    axes = np.linalg.svd(flat[train] - middle, full_matrices=False)[2][:24]
    centred = flat[test] - middle
    return ((centred - centred @ axes.T @ axes) ** 2).mean(axis=1)


@pytest.mark.parametrize("world", GRAIN)
def test_a_linear_autoencoder_finds_the_cause_of_the_gap(worlds, world):
    cases, pictures = worlds[world]
    light, dark = (np.flatnonzero(cases["dark"] == d) for d in (False, True))
    test = np.concatenate([light[:80], dark[:80]])
    frame = cases.iloc[test]
    trained = {"light": light[80:220], "both": np.concatenate([light[80:150], dark[80:150]]), "dark": dark[80:220]}
    gaps = {}
    for name, train in trained.items():
        error = reconstruction_error(pictures, train, test)
        gaps[name] = interval(error[~frame["dark"]], error[frame["dark"]])
        over_all, at_condition = GRAIN[world]
        if over_all:
            assert 0 < gaps[name][0] < over_all < 1.15 * gaps[name][1]
        for hard in (0, 1):
            part = frame["hard"] == hard
            low, high = interval(error[part & ~frame["dark"]], error[part & frame["dark"]])
            if world != "representation":
                assert low < 1.15 * at_condition + 1e-9 and high > 0.85 * at_condition - 1e-9, (name, hard, low, high)
    if world == "representation":
        assert gaps["light"][0] > 0 > gaps["dark"][1] and gaps["both"][0] < 0 < gaps["both"][1]
    if world == "none":
        assert all(low < 0 < high for low, high in gaps.values())


def test_physical_contrast_makes_dark_skin_easier(folder):
    cases, pictures = read(datasets.simulate_dermatology(360, size=SIZE, shares=TWO_GROUPS, folder=folder))
    light, dark = (np.flatnonzero(cases["dark"] == d) for d in (False, True))
    train = np.concatenate([light[:70], dark[:70]])
    error = [reconstruction_error(pictures, train, group[70:]) for group in (light, dark)]
    assert interval(*error)[1] < 0


@pytest.mark.parametrize("contrast", ["physical", "equal"])
def test_clipping_is_rare_even_with_all_planted_at_most(folder, contrast):
    worst = {"colour": 1.0, "contrast": contrast, "tone_grain": 0.08, "condition_grain": 0.06, "entanglement": 1.0}
    shares = (0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.7)
    root = datasets.simulate_dermatology(60, size=SIZE, shares=shares, folder=folder, **worst)
    assert json.loads((root / "truth.json").read_text())["clipped_share"] < 0.02


def test_clipping_is_next_to_none_in_the_worlds(worlds, folder, made):
    roots = [
        datasets.simulate_dermatology(N, size=SIZE, shares=TWO_GROUPS, folder=folder, **p)
        for p in datasets.SKIN_WORLDS.values()
    ]
    for root in (*roots, made):
        assert json.loads((root / "truth.json").read_text())["clipped_share"] < 1e-4


# Made once


def test_same_content_whatever_the_number_of_workers(tmp_path):
    one, two = (datasets.simulate_dermatology(4, size=16, workers=k, folder=tmp_path / str(k)) for k in (1, 2))
    assert one.name == two.name
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert len(files) == 7 and files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_made_once_and_anew_where_an_argument_differs(tmp_path):
    first = datasets.simulate_dermatology(4, size=16, folder=tmp_path)
    stamp = (first / "truth.json").stat().st_mtime_ns
    assert datasets.simulate_dermatology(4, size=16, folder=tmp_path) == first
    assert (first / "truth.json").stat().st_mtime_ns == stamp
    others = ({"seed": 1}, {"size": 17}, {"colour": 0.5}, {"contrast": "equal"}, {"shares": TWO_GROUPS})
    assert len({first, *(datasets.simulate_dermatology(4, **{"size": 16} | o, folder=tmp_path) for o in others)}) == 6


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n": 0}, "n:"),
        ({"seed": -1}, "seed"),
        ({"size": 8}, "size"),
        ({"size": 64.0}, "size"),
        ({"colour": 1.5}, "colour"),
        ({"colour": np.nan}, "colour"),
        ({"contrast": "none"}, "contrast"),
        ({"tone_grain": "much"}, "tone_grain"),
        ({"condition_grain": 0.5}, "condition_grain"),
        ({"entanglement": -0.1}, "entanglement"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.1,) * 7}, "shares"),
        ({"shares": "many"}, "shares"),
        ({"centaur_agreement": (0.9, 0.5)}, "centaur_agreement"),
        ({"centaur_agreement": 0.5}, "centaur_agreement"),
        ({"workers": 0}, "workers"),
    ],
)
def test_bad_arguments_are_named(options, word, tmp_path):
    with pytest.raises(InputError, match=word) as caught:
        datasets.simulate_dermatology(**{"n": 2} | options, folder=tmp_path)
    assert "\n" not in str(caught.value) and not any(tmp_path.iterdir())
