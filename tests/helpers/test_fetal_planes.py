"""Loading FETAL_PLANES_DB and the African planes, simulated and the real table of labels, and drawing them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets
from helpers.datasets.fetal_planes import layout, population, rendering
from helpers.errors import InputError
from tests.helpers.fetal import as_downloaded

N, N_TEST = 120, 40


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return datasets.simulate_fetal_planes(N, n_test=N_TEST, size=32, seed=3, folder=tmp_path_factory.mktemp("made"))


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def load(root: Path, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    return datasets.load_fetal_planes(root, progress=False, **options)


def counted(dropped: pd.DataFrame, words: str) -> int:
    return int(dropped["n"][dropped["reason"].str.contains(words, regex=False)].sum())


def table_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / layout.TABLE, sep=";", dtype=str)


def write(root: Path, table: pd.DataFrame, *, sep: str = ";") -> None:
    table.to_csv(root / layout.TABLE, sep=sep, index=False)


def pixels(cases: pd.DataFrame) -> np.ndarray:
    return np.stack([np.asarray(Image.open(file)) for file in cases["file"]]).astype(float)


def test_loader_gives_what_was_drawn(made):
    cases, dropped = load(made)
    drawn = pd.read_csv(made / datasets.CASES).set_index("Image_name").loc[cases["image"]]
    assert tuple(cases) == layout.CASE_COLUMNS and len(cases) == N + 4 * N_TEST and dropped.empty
    in_set = drawn["set"].to_numpy()
    assert ((cases["part"] == "train") == (in_set == "train")).all()
    assert ((cases["plane"] == "other plane") == (in_set == "other plane")).all()
    assert ((cases["machine"] == "Voluson S10") == (in_set == "machine between")).all()
    assert ((cases["machine"] == "other machines") == (in_set == "machine beyond")).all()
    assert (cases["brain_plane"].notna() == (cases["plane"] == "brain")).all()
    assert cases.groupby("patient")[["part", "machine", "operator"]].nunique().max().max() == 1
    assert cases["country"].isna().all() and cases["digest"].is_unique


def test_the_table_has_the_traps_of_the_real_one(made):
    text = (made / layout.TABLE).read_text()
    assert text.splitlines()[0] == "Image_name;Patient_num;Plane;Brain_plane;Operator;US_Machine;Train "
    table = table_of(made)
    assert set(table["Brain_plane"]) >= {"Not A Brain", "Trans-thalamic"}
    assert all("Other" in set(table[name]) for name in ("Plane", "Operator", "US_Machine"))
    digits = table["Image_name"].str.extract(r"_Plane(\d)_")[0].astype(int)
    assert table["Plane"].map(layout.PLANES).map(layout.DIGITS).eq(digits).all()


def test_four_columns_have_four_names_for_other(made):
    cases, _ = load(made, images=False)
    names = [set(cases[factor].dropna()) for factor in layout.FACTORS]
    assert "Other" not in set().union(*names)
    assert sum(map(len, names)) == len(set().union(*names))


def test_headers_may_have_blanks_and_any_case(root):
    expected, _ = load(root, images=False)
    write(root, table_of(root).rename(columns={"Train ": "train", "Plane": " PLANE "}))
    pd.testing.assert_frame_equal(load(root, images=False)[0], expected)


def test_rows_without_a_readable_file_are_left_out_and_counted(root):
    cases, _ = load(root)
    files = [Path(file) for file in cases["file"][:5]]
    files[0].unlink()
    files[1].write_text("<html>Not found</html>")
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(files[2])
    files[3].write_bytes(files[3].read_bytes()[:60])
    Image.open(files[4]).convert("RGBA").save(files[4])
    Image.new("L", (8, 8)).save(root / layout.IMAGES / "of_no_row.png")
    left, dropped = load(root)
    assert len(left) == len(cases) - 4 and cases["image"][4] in set(left["image"])
    reasons = ("no such file", "is no image", "more than 8 bits", "cut off or damaged", "file of no row")
    assert [counted(dropped, words) for words in reasons] == [1] * 5
    assert not dropped["reason"].str.contains("Patient").any()


def test_files_of_the_same_bytes_are_counted_and_kept(root):
    cases, _ = load(root)
    training = cases[cases["part"] == "train"].reset_index(drop=True)
    other = training.index[
        (training["plane"] != training["plane"][0]) & (training["patient"] != training["patient"][0])
    ]
    shutil.copy(training["file"][0], training["file"][other[0]])
    test = cases[(cases["part"] == "test") & (cases["plane"] == training["plane"][0])]
    shutil.copy(training["file"][0], test["file"].iloc[0])
    again, dropped = load(root)
    assert len(again) == len(cases) and again["digest"].duplicated().sum() == 2
    assert counted(dropped, "bytes of another") == 2
    assert [counted(dropped, f"another {name}") for name in ("plane", "patient", "part")] == [1, 2, 1]


def test_odd_file_names_are_counted(root):
    table = table_of(root)
    table.loc[0, "Image_name"] = f"Patient{99_999}_Plane9_1_of_1"
    write(root, table)
    _, dropped = load(root, images=False)
    assert counted(dropped, "class digit") == counted(dropped, "another patient") == 1


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Plane", "Fetal heart", "row 2, column Plane: holds 'Fetal heart', expected Fetal abdomen or"),
        ("US_Machine", None, "row 2, column US_Machine: is empty"),
        ("Brain_plane", "Brain", "column Brain_plane"),
        ("Operator", "Op. 9", "column Operator"),
        ("Train ", "2", "row 2, column Train: holds '2', expected 1 or 0"),
        ("Patient_num", "x7", "column Patient_num: holds 'x7', expected a whole number"),
        ("Image_name", None, "column Image_name: is empty"),
    ],
)
def test_a_wrong_cell_is_named(root, column, value, message):
    table = table_of(root)
    table.loc[0, column] = value
    write(root, table)
    with pytest.raises(InputError) as error:
        load(root, images=False)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_wrong_tables_are_refused(root, tmp_path):
    table = table_of(root)
    write(root, table, sep=",")
    with pytest.raises(InputError, match="not separated by semicolons"):
        load(root)
    write(root, table.drop(columns="Operator"))
    with pytest.raises(InputError, match="column Operator: there is no such column"):
        load(root)
    write(root, table[:0])
    with pytest.raises(InputError, match="a header and no rows"):
        load(root)
    write(root, pd.concat([table, table[:1]]))
    with pytest.raises(InputError, match="a name that no other row has"):
        load(root)
    several = table.index[table["Patient_num"].duplicated()][0]
    split = table.copy()
    split.loc[several, "Train "] = "1" if split.loc[several, "Train "] == "0" else "0"
    write(root, split)
    with pytest.raises(InputError, match="one part for each patient"):
        load(root, images=False)
    (root / layout.TABLE).unlink()
    with pytest.raises(InputError, match=f"there is no {layout.TABLE}"):
        load(root)


def test_a_folder_without_images_is_refused(root):
    shutil.rmtree(root / layout.IMAGES)
    assert len(load(root, images=False)[0])
    with pytest.raises(InputError, match="holds no image of the 280 rows"):
        load(root)


def test_a_fan_is_padded_to_a_square(tmp_path):
    """Neither cut nor squeezed: the wide picture fills the width, and black the rest."""
    Image.fromarray(np.full((20, 40), 200, np.uint8)).save(tmp_path / "wide.png")
    how = {"fit": "pad", "scale": "bytes", "progress": False, "folder": tmp_path}
    picture = datasets.load_pictures([tmp_path / "wide.png"], 32, **how)[0, 0]
    assert (picture[8:24] == 200).all() and (picture[:7] == 0).all() and (picture[25:] == 0).all()


# The African planes


def test_numbers_of_patients_start_again_in_every_country(tmp_path):
    root = datasets.simulate_african_planes(30, seed=1, size=16, folder=tmp_path)
    cases, dropped = datasets.load_african_planes(root, progress=False)
    table = pd.read_csv(root / layout.AFRICAN_TABLE)
    assert tuple(cases) == layout.CASE_COLUMNS and dropped.empty and len(cases) == 150
    assert cases["patient"].nunique() == len(table[["Center", "Patient_num"]].drop_duplicates())
    assert cases["patient"].nunique() > table["Patient_num"].nunique()
    assert set(cases["plane"]) == set(layout.AFRICAN_PLANES) and set(cases["country"]) == set(layout.COUNTRIES)
    assert all(Path(file).parent.name == country for file, country in zip(cases["file"], cases["country"], strict=True))
    table.loc[0, "Center"] = "Chad"
    table.to_csv(root / layout.AFRICAN_TABLE, index=False)
    with pytest.raises(InputError, match="column Center: holds 'Chad', expected Algeria or"):
        datasets.load_african_planes(root)


# Drawing


def test_the_same_seed_draws_the_same_images(made, tmp_path):
    again = datasets.simulate_fetal_planes(N, n_test=N_TEST, size=32, seed=3, folder=tmp_path)
    other = datasets.simulate_fetal_planes(N, n_test=N_TEST, size=32, seed=4, folder=tmp_path)
    assert (pixels(load(made)[0]) == pixels(load(again)[0])).all()
    assert set(load(made)[0]["digest"]).isdisjoint(load(other)[0]["digest"])


def drawn(**planted) -> tuple[pd.DataFrame, rendering.Scene]:
    names = ("shift", "tie", "high", "high_in_training", "machine", "operator", "habitus")
    default = dict(zip(names, (1.0, 0.0, 0.3, 0.3, 1.0, 1.0, 1.0), strict=True))
    return population.draw({"n": 3000, "n_test": 1500, "seed": 1, "planted": default | planted})


def test_factors_are_drawn_apart_and_tied_by_the_world():
    """Cramer's V, the root of chi squared over n, of independent factors has a mean near the root of df / n."""
    cases, _ = drawn()
    training = cases[cases["set"] == "train"]
    for a, b in (("machine", "plane"), ("machine", "operator"), ("habitus", "plane"), ("habitus", "machine")):
        counts = pd.crosstab(training[a], training[b]).to_numpy(float)
        expected = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
        assert ((counts - expected) ** 2 / expected).sum() / counts.sum() / (min(counts.shape) - 1) < 0.02
    tied, _ = drawn(**datasets.FETAL_WORLDS["tied"])
    planes = tied[tied["set"] == "train"].groupby("machine")["plane"].agg(set)
    assert planes["Voluson E6"] == {"abdomen", "brain"} and planes["Aloka"] == {"cervix", "femur", "thorax"}


def test_strangers_are_strange_unless_nothing_is_shifted():
    for shift, strange in ((1.0, True), (0.0, False)):
        cases, scene = drawn(shift=shift)
        stranger = (cases["set"] == "other plane").to_numpy()
        assert (scene.shape[stranger] == rendering.SHAPES.index("other plane")).all() == strange
        for name, side in (("machine between", "between"), ("machine beyond", "beyond")):
            place = cases["place"][cases["set"] == name]
            assert (~place.isin([0, 1])).all() == strange
            assert not strange or (place.between(0, 1).all() == (side == "between"))
    truth = population.truth({"shift": 0.0, "high": 0.3, "high_in_training": 0.3})
    assert not any(kind["is_shifted"] for kind in truth["strangers"].values())


def test_attenuation_darkens_the_deep_part_of_an_image(made):
    cases, _ = load(made)
    habitus = pd.read_csv(made / datasets.CASES).set_index("Image_name").loc[cases["image"], "habitus"].to_numpy()
    values = pixels(cases)
    ratio = values[:, 20:28, 10:22].mean((1, 2)) / values[:, 6:12, 10:22].mean((1, 2))
    assert np.median(ratio[habitus == "high"]) < 0.85 * np.median(ratio[habitus == "low"])
    assert (values[:, 0, 0] == 0).all() and (values[:, 16, 16].mean() > 20)


@pytest.mark.parametrize("factor", ["machine", "operator", "habitus"])
def test_an_effect_of_nought_leaves_no_trace(factor):
    """Then the scene's values have equal distributions whatever the factor."""
    for size, differs in ((1.0, True), (0.0, False)):
        cases, scene = drawn(**{factor: size}, shift=0.0, high=0.5)
        value = {"machine": scene.gamma, "operator": scene.angle, "habitus": scene.attenuation}[factor]
        means = pd.Series(np.asarray(value)).groupby(cases[factor].to_numpy()).mean()
        assert (np.ptp(means) > 0.1) == differs


def test_truth_names_what_was_planted(tmp_path):
    root = datasets.simulate_fetal_planes(
        20, n_test=5, size=16, folder=tmp_path, **datasets.FETAL_WORLDS["attenuation"]
    )
    truth = json.loads((root / "truth.json").read_text())
    assert truth["share_high_habitus"] == {"train": 0.05, "test": 0.5}
    assert truth["strangers"]["machine between"]["value"] == "Voluson S10"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n: 0 is not a whole number"),
        ({"n_test": 1.5}, "n_test: 1.5"),
        ({"size": 8}, "from 16 to 512"),
        ({"shift": 2}, "shift: 2 is not a number from 0 to 1"),
    ],
)
def test_bad_arguments_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        datasets.simulate_fetal_planes(**options, folder=tmp_path)


# The real table of labels


@pytest.fixture(scope="module")
def real_labels_table(real, tmp_path_factory) -> Path:
    return as_downloaded(real("fetal_planes") / "fetal_planes_splits.csv", tmp_path_factory.mktemp("real"))


def test_the_real_table_has_the_published_counts(real_labels_table):
    cases, dropped = load(real_labels_table, images=False)
    assert len(cases) == 12_400 and cases["patient"].nunique() == 1_792 and dropped.empty
    assert cases["plane"].value_counts().to_dict() == {
        "other plane": 4_213,
        "brain": 3_092,
        "thorax": 1_718,
        "cervix": 1_626,
        "femur": 1_040,
        "abdomen": 711,
    }
    assert cases["brain_plane"].value_counts().to_dict() == {
        "trans-thalamic": 1_638,
        "trans-cerebellum": 714,
        "trans-ventricular": 597,
        "other brain plane": 143,
    }
    counts = {"Voluson E6": 5_862, "Aloka": 5_114, "Voluson S10": 1_082, "other machines": 342}
    assert cases["machine"].value_counts().to_dict() == counts
    counts = {"other operators": 3_613, "operator 3": 3_560, "operator 1": 2_792, "operator 2": 2_435}
    assert cases["operator"].value_counts().to_dict() == counts
    assert cases["part"].value_counts().to_dict() == {"train": 7_129, "test": 5_271}


def test_the_real_split_hides_a_shift_of_the_scanner(real_labels_table):
    cases, _ = load(real_labels_table, images=False)
    scanner = cases[cases["machine"] == "Voluson S10"]
    assert ((scanner["part"] == "test").sum(), len(scanner)) == (1_071, 1_082)
    nested = cases.groupby("operator")["machine"].agg(set)
    assert nested["operator 1"] == nested["operator 2"] == {"Voluson E6"} and nested["operator 3"] == {"Aloka"}
