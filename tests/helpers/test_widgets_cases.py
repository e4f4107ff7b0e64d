"""From a group to its worst cases, and their pictures."""

import re
import warnings
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from helpers import datasets, scores, widgets
from helpers.errors import InputError
from helpers.widgets import cases
from tests.helpers.test_widgets_groups import Explorer

mpl.use("Agg")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Folder of a simulated cohort, and its frame with a score each."""
    root = datasets.simulate_breast_mri(30, seed=1, shape=(24, 24, 10), folder=tmp_path_factory.mktemp("breasts"))
    patients, _ = datasets.load_mama_mia(root)
    tables, _ = scores.collect(root, workers=1, progress=False)
    return root, datasets.join_scores(patients, tables["automatic"], where="automatic")[0]


@pytest.fixture
def frame() -> pd.DataFrame:
    """Twelve cases with known ranks; the pictures of case k have k slices and the value k."""
    return pd.DataFrame(
        {
            "patient_id": [f"SECRET_{k}" for k in range(12)],
            "dice": [0.9, 0.1, 0.5, 0.2, np.nan, 0.8, 0.7, 0.6, 0.3, 0.4, 0.95, 0.1],
            "sex": list("FMFMFMFMFMFM"),
            "side": list("lllrrrlllrrr"),
        }
    )


def load(row: pd.Series) -> widgets.Pictures:
    k = int(row["patient_id"].removeprefix("SECRET_"))
    image = np.full((k + 1, 8, 6), 20 * k, np.uint8) + np.arange(k + 1, dtype=np.uint8)[:, None, None]
    mask = np.zeros((k + 1, 8, 6), bool)
    mask[k // 2, 2:5, 2:4] = True
    return widgets.Pictures({"image": image, "gold": image}, {"gold": mask})


def explore(frame, load=load, **options) -> Explorer:
    return Explorer(widgets.explore_cases(frame, load, **{"groups": ["sex", "side"], "scores": ["dice"], **options}))


def shown(figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def row_names(figure) -> list[str]:
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def sentence(figure) -> str:
    return figure.axes[0].texts[0].get_text()


def test_the_worst_come_first_and_ties_in_their_order(frame):
    worst = cases.worst_cases(frame, score="dice")
    assert worst.places.tolist() == [1, 11, 3, 8, 9, 2, 7, 6, 5, 0, 10]
    assert cases.worst_cases(frame, score="dice", highest=True).places[0] == 10
    women = cases.worst_cases(frame, score="dice", groups=["sex"], level="F")
    assert women.places.tolist() == [8, 2, 6, 0, 10] and women.name == "F"
    both = cases.worst_cases(frame, score="dice", groups=["sex", "side"], level="M × r")
    assert both.places.tolist() == [11, 3, 9, 5]
    shuffled = frame.sample(frac=1, random_state=0)  # places are those of rows, whatever the index
    assert shuffled.iloc[cases.worst_cases(shuffled, score="dice").places[0]]["dice"] == 0.1


def test_the_view_shows_the_pictures_of_the_ranks_at_their_fullest_slice(frame):
    table, figure = widgets.cases_view(frame, load, score="dice", groups=["sex"], level="F")
    assert list(table.index) == [f"case {k}" for k in range(1, 6)] and list(table) == ["dice", "sex"]
    assert row_names(figure) == ["case 1\nslice 5/9", "case 2\nslice 2/3", "case 3\nslice 4/7"]
    picture = shown(figure)
    assert picture[80, 80, 0] == 20 * 8 + 4
    gap = picture.shape[1] - 2 * cases.SIDE
    assert (picture[: cases.SIDE, cases.SIDE + gap :] == cases.OUTLINES[0]).all(-1).any(), "the mask is outlined"
    assert not (picture[: cases.SIDE, : cases.SIDE] == cases.OUTLINES[0]).all(-1).any()
    _, other = widgets.cases_view(frame, load, score="dice", groups=["sex"], level="F", ranks=[1], at=8)
    assert row_names(other) == ["case 1\nslice 9/9"] and shown(other)[80, 80, 0] == 20 * 8 + 8


def test_no_identifier_is_shown(frame):
    table, _ = widgets.cases_view(frame, load, score="dice", groups=["sex"])
    explorer = explore(frame)
    assert "SECRET" not in table.to_html() + explorer.table + explorer.figure


def test_controls_lead_from_a_group_to_a_slice(frame):
    explorer = explore(frame)
    assert [*explorer.controls] == ["group", "cross with", "cases of", "score", "case", "slice"]
    assert [name for name, _ in explorer.controls["cases of"].options] == ["all", "F (n < 10)", "M (n < 10)"]
    seen = {explorer.figure}
    explorer.pick(cases_of="M")
    assert "M: 6 cases with a score" in explorer.table
    assert (explorer.controls["case"].max, explorer.controls["slice"].max) == (6, 2)
    seen.add(explorer.figure)
    explorer.pick(case=2)
    assert (explorer.controls["slice"].max, explorer.controls["slice"].value) == (12, 6)
    seen.add(explorer.figure)
    explorer.pick(slice=9)
    assert "slice 9" in explorer.figure
    seen.add(explorer.figure)
    explorer.pick(cross_with="side")
    assert explorer.chosen("cases of") is None and explorer.controls["case"].value == 1
    explorer.pick(cases_of="M × r", case=3)
    assert "M × r: 4 cases" in explorer.table
    seen.add(explorer.figure)
    assert len(seen) == 5
    assert explorer.pick(group="side").chosen("cases of") is None
    explorer.pick(cross_with=None, cases_of="l").pick(score="dice")
    assert explorer.controls["cases of"].value == "l"


def test_the_explorer_draws_what_the_view_draws(frame):
    explorer = explore(frame).pick(cases_of="F", case=2, slice=1)
    picked = {"score": "dice", "groups": ["sex"], "level": "F"}
    _, figure = widgets.cases_view(frame, load, **picked, ranks=[2], at=0)
    assert cases.figure_html(figure, "").partition("src=")[2] == explorer.figure.partition("src=")[2]


def test_a_case_is_read_once_and_drawn_once_a_change(frame, monkeypatch):
    read, drawn = [], []
    monkeypatch.setattr(cases, "_figure", lambda *args, of=cases._figure: drawn.append(1) or of(*args))
    explorer = explore(frame, lambda row: read.append(row["patient_id"]) or load(row))
    explorer.pick(slice=2).pick(case=2).pick(slice=3, case=1)
    assert read == ["SECRET_1", "SECRET_11"]
    before = len(drawn)
    explorer.pick(cases_of="F")
    assert len(drawn) == before + 1


def test_of_an_error_the_highest_is_the_worst(frame):
    frame = frame.assign(error=1 - frame["dice"])
    explorer = explore(frame, scores=["dice", "error"], errors=["error"])
    first = explorer.figure.partition("src=")[2]
    assert explorer.pick(score="error").figure.partition("src=")[2] == first


def test_real_people_are_drawn_only_for_who_asks(frame):
    read = []
    explorer = explore(frame, lambda row: read.append(1) or load(row), real=True)
    assert not read and explorer.figure == "" and "real people" in explorer.table and "0.1" not in explorer.table
    assert "data:image/png" in explorer.pick(show_real_people=True).figure and read
    explorer.pick(show_real_people=False)
    assert explorer.figure == "" and "0.1" not in explorer.table
    table, figure = widgets.cases_view(frame, load, score="dice", real=True)
    assert "0.1" not in table.to_html() and not figure.axes[0].images and "real people" in sentence(figure)


# -- bad input


def test_nothing_to_show(frame):
    for part in (frame.head(0), frame.assign(dice=np.nan), frame.iloc[[4]]):
        explorer = explore(part)
        assert "no case of this selection has a score" in explorer.table and explorer.figure == ""
    for empty in ({"groups": []}, {"scores": []}):
        assert "there is no column to choose from" in explore(frame, **empty).table
    with pytest.raises(InputError, match="no case of this group has a score"):
        widgets.cases_view(frame, load, score="dice", groups=["sex"], level="X")
    _, figure = widgets.cases_view(frame, load, score="dice", ranks=[50])
    assert "no cases of these ranks" in sentence(figure)


def test_a_single_case_of_a_single_slice_has_nothing_to_slide(frame):
    explorer = explore(frame.head(1))
    assert [explorer.controls[k].layout.display for k in ("case", "slice")] == ["none", "none"]
    assert "data:image/png" in explorer.figure


def test_groups_without_scores_and_missing_groups(frame):
    frame = frame.assign(dice=frame["dice"].where(frame["sex"] != "F"), side=None)
    explorer = explore(frame)
    assert [name for name, _ in explorer.controls["cases of"].options] == ["all", "M (n < 10)"]
    assert [name for name, _ in explorer.pick(group="side").controls["cases of"].options] == ["all"]
    assert "data:image/png" in explorer.figure


def test_any_name_of_a_group(frame):
    names = ["<script>alert(1)</script>", "x" * 200, "נשים צעירות", "年轻女性", "$\\frac{1}$ and $100", "two\nlines"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer = explore(frame.assign(sex=names * 2))
        for name in names:
            explorer.pick(cases_of=name)
            assert "data:image/png" in explorer.figure
            assert "<script" not in explorer.table + explorer.figure


def test_pictures_that_cannot_be_read_are_a_sentence_without_names(frame):
    def broken(row):
        raise InputError(f"/some/folder/{row['patient_id']}", f"no folder for {row['patient_id']}", "Download them")

    _, figure = widgets.cases_view(frame, broken, score="dice")
    assert sentence(figure) == "The pictures of this case cannot be read. Download them"
    explorer = explore(frame, broken)
    assert "case 1" in explorer.table and "data:image/png" in explorer.figure


# -- what the studies' data hold


def test_breasts_with_gold_and_silver(cohort):
    root, silver = cohort
    row = silver.iloc[3]
    pictures = widgets.breast_pictures(root)(row)
    volume = datasets.load_volume(root, row["patient_id"])
    assert [*pictures.images] == ["image", "gold", "silver"]
    assert pictures.masks["gold"].sum() == volume.expert.sum(), "the whole tumour is in the picture"
    assert pictures.masks["silver"].sum() == volume.automatic.sum()
    k = pictures.first()
    assert k == volume.expert.sum(axis=(0, 1)).argmax()
    seen = pictures.masks["gold"][k]
    assert np.array_equal(seen.sum(axis=0)[seen.sum(axis=0) > 0], (c := volume.expert[..., k].sum(axis=1))[c > 0])
    assert pictures.images["image"].dtype == np.uint8 and pictures.images["image"].std() > 10
    table, figure = widgets.cases_view(silver, widgets.breast_pictures(root), score="dice", groups=["dataset"])
    assert len(table) == 10 and len(row_names(figure)) == 3


def test_a_folder_of_tables_has_no_pictures(cohort, tmp_path):
    _, silver = cohort
    _, figure = widgets.cases_view(silver, widgets.breast_pictures(tmp_path), score="dice")
    text = sentence(figure)
    assert "cannot be read" in text and str(tmp_path) not in text and not re.search(r"\d{3}", text)


def test_scans_with_their_reconstruction_and_its_error():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"case": ["train", "a", "b", "a"]})
    masks = rng.integers(0, 2, (4, 1, 8, 8)).astype(np.uint8)
    images = {arm: rng.random((3, 1, 8, 8)).astype(np.float32) for arm in ("original", "unet")}
    outputs = SimpleNamespace(rows=np.array([1, 2, 3]), images=images, masks={"unet": 1 - masks[1:]})
    task = SimpleNamespace(rows=rows, masks=masks)
    pictures = widgets.scan_pictures(task, outputs)(pd.Series({"case": "a", "arm": "unet"}))
    assert np.array_equal(pictures.images["original"], (255 * images["original"][[0, 2], 0]).round())
    assert np.array_equal(pictures.images["reconstruction"], (255 * images["unet"][[0, 2], 0]).round())
    assert np.array_equal(pictures.masks["original"], masks[[1, 3], 0] > 0)
    assert np.array_equal(pictures.masks["reconstruction"], masks[[1, 3], 0] == 0)
    with pytest.raises(InputError, match="no output for this case"):
        widgets.scan_pictures(task, outputs)(pd.Series({"case": "train", "arm": "unet"}))
    without = widgets.scan_pictures(SimpleNamespace(rows=rows, masks=None), outputs)
    assert without(pd.Series({"case": "b", "arm": "unet"})).masks == {}


def test_an_error_map_is_black_where_nothing_differs_and_brightest_from_half_of_the_range():
    first, second = np.zeros((1, 1, 4), np.uint8), np.array([[[0, 30, 128, 255]]], np.uint8)
    colours = widgets.error_map(first, second)[0, 0].astype(int).sum(axis=1)
    assert colours[0] < 10 < colours[1] < colours[2] == colours[3]
    assert np.array_equal(
        widgets.error_map(*(np.repeat(x[..., None], 3, -1) for x in (first, second)))[0, 0].sum(1), colours
    )


def test_skin_with_its_reconstruction(monkeypatch):
    images = np.random.default_rng(0).integers(0, 255, (3, 3, 8, 8), dtype=np.uint8)
    monkeypatch.setattr("helpers.learn.reconstruct", lambda model, images: images + model)
    loader = widgets.skin_pictures({(0, "A"): np.uint8(1)}, images, ["x", "y", "z"])
    pictures = loader(pd.Series({"run": 0, "training": "A", "image": "y"}))
    assert np.array_equal(pictures.images["original"][0], images[1].transpose(1, 2, 0))
    assert np.array_equal(pictures.images["reconstruction"], pictures.images["original"] + np.uint8(1))
    assert pictures.images["error"].shape == (1, 8, 8, 3)
    for row in ({"run": 1, "training": "A", "image": "y"}, {"run": 0, "training": "A", "image": "w"}):
        with pytest.raises(InputError, match="no model or image for this case"):
            loader(pd.Series(row))
