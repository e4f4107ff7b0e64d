"""Phrases with boxes: MS-CXR and VinDr-CXR in files of their layout, each trap, and the simulator."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets
from helpers.datasets.ms_cxr import layout, rendering
from helpers.datasets.shared.grounded import side_of
from helpers.errors import InputError
from tests.helpers.pictures import dicom

PLACE = "files/p10/p10000{k}/s50000{k}/a{k}.jpg"


def row(k: int = 1, text: str = "left pleural effusion", **changes) -> dict:
    made = {layout.PICTURE: f"a{k}", layout.CATEGORY: "Pleural Effusion", layout.TEXT: text}
    made |= {layout.PATH: PLACE.format(k=k), "x": 10, "y": 20, "w": 30, "h": 40}
    return made | {"image_width": 100, "image_height": 100, "split": "test"} | changes


def table(folder, *rows: dict, name: str = layout.TABLES[0], drop: str = ""):
    frame = pd.DataFrame(rows)
    frame.drop(columns=[drop] if drop else []).to_csv(folder / name, index=False)
    return folder


def pictures(folder, *ks: int, size: tuple[int, int] = (100, 100)) -> None:
    for k in ks:
        file = folder / PLACE.format(k=k)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 255, size[::-1], dtype=np.uint8)).save(file)


def test_rows_of_a_phrase_are_merged_by_picture_category_and_text(tmp_path):
    rows = [row(), row(x=60, w=20), row(text="right basal opacity", category_name="Lung Opacity"), row(2)]
    loaded = datasets.load_ms_cxr(table(tmp_path, *rows))
    assert loaded.phrases["boxes"].tolist() == [2, 1, 1]
    assert loaded.phrases["side"].tolist() == ["left", "right", "left"]
    assert loaded.phrases["patient"].tolist() == ["p100001", "p100001", "p100002"]
    assert loaded.boxes["phrase"].tolist() == [0, 0, 1, 2]
    masks = datasets.box_masks(loaded, 10)
    assert masks[0].sum() == (3 + 2) * 4 and masks[0, 2:6, 1:4].all() and masks[0, 2:6, 6:8].all()


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("left effusion", "left"),
        ("Right basal opacity", "right"),
        ("opacity", None),
        ("left and right effusion", None),
        ("bilateral effusion, right larger", None),
        ("leftover", None),
    ],
)
def test_a_side_is_named_once(text, side):
    assert side_of(text) == side


def test_the_first_release_has_no_split_and_is_all_test(tmp_path):
    loaded = datasets.load_ms_cxr(table(tmp_path, row(), name=layout.TABLES[1], drop="split"))
    assert loaded.phrases["split"].tolist() == ["test"]
    assert "no column split" in loaded.dropped["reason"].str.cat()


def test_sex_is_that_of_the_patients_table(tmp_path):
    table(tmp_path, row(), row(2), row(3))
    pd.DataFrame({"subject_id": [100001, 100002], "gender": ["F", "M"]}).to_csv(tmp_path / "patients.csv", index=False)
    loaded = datasets.load_ms_cxr(tmp_path)
    assert loaded.phrases["sex"].fillna("none").tolist() == ["F", "M", "none"]
    assert loaded.dropped.set_index("reason").loc["patient without a sex", "n"] == 1


def test_boxes_fit_the_square_that_pictures_are_cut_to(tmp_path):
    wide = {"image_width": 200, "image_height": 100}
    rows = [row(x=50, y=0, w=50, h=50, **wide), row(2, x=0, y=0, w=40, h=40, **wide), row(3, x=40, w=60, y=0, **wide)]
    loaded = datasets.load_ms_cxr(table(tmp_path, *rows))
    assert loaded.dropped.set_index("reason").loc["box outside the square in the centre: left out", "n"] == 1
    assert loaded.boxes[["x", "width"]].to_numpy().tolist() == [[0, 0.5], [0, 0.5]]
    pictures(tmp_path, 1, 3, size=(200, 100))
    datasets.check_grounded(loaded)
    shown = np.full((100, 200), 10, np.uint8)
    shown[0:50, 50:100] = 200
    Image.fromarray(shown).save(tmp_path / "shown.png")
    square = datasets.load_pictures([tmp_path / "shown.png"], 16, progress=False, folder=tmp_path)[0, 0]
    assert (square > 0.5).tolist() == datasets.box_masks(loaded, 16)[0].tolist()


def test_narrower_images_of_another_release_fit_and_other_shapes_are_refused(tmp_path):
    loaded = datasets.load_ms_cxr(table(tmp_path, row()))
    pictures(tmp_path, 1, size=(50, 50))
    datasets.check_grounded(loaded)
    pictures(tmp_path, 1, size=(50, 80))
    with pytest.raises(InputError, match="picture 0: is 50 x 80, and 100 x 100 in the table"):
        datasets.check_grounded(loaded)


def test_a_text_with_two_categories_is_kept_once_each_and_counted(tmp_path):
    loaded = datasets.load_ms_cxr(table(tmp_path, row(), row(category_name="Pneumonia")))
    assert len(loaded.phrases) == 2
    reason = "text with two categories in one picture: kept once each"
    assert loaded.dropped.set_index("reason").loc[reason, "n"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 80}, "row 2, column x: holds '80.*', expected a box within its image"),
        ({"w": "inf"}, "row 2, column width: holds 'inf', expected a finite number of pixels"),
        ({"x": "-inf"}, "row 2, column x: holds '-inf', expected a finite number of pixels"),
        ({"image_height": "inf"}, "row 2, column image_height: holds 'inf', expected a finite number"),
        ({"w": 0}, "row 2, column width: holds '0.*', expected a number of pixels above 0"),
        ({"y": "top"}, "row 2, column y: holds 'top', expected a number of pixels"),
        ({"y": None}, "row 2, column y: is empty, expected a value"),
        ({"label_text": None}, "row 2, column label_text: is empty"),
        ({"category_name": "Nodule"}, "row 2, column category_name: holds 'Nodule', expected one of Atelectasis"),
        ({"path": "a.jpg"}, "row 2, column path: holds 'a.jpg', expected a path such as files"),
        ({"split": "third"}, "row 2, column split: holds 'third', expected train, val or test"),
        ({"split": None}, "row 2, column split: is empty"),
        ({"image_width": 0}, "row 2, column image_width: holds '0.*', expected a number of pixels above 0"),
        ({"image_width": 1000, "x": 0}, "no box is in the square in the centre"),
    ],
)
def test_bad_rows_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        datasets.load_ms_cxr(table(tmp_path, row(**change)))


def test_a_patient_in_two_splits_is_refused_and_named(tmp_path):
    other = PLACE.format(k=1).replace("s500001/a1", "s500009/a9")
    rows = [row(), row(2), row(9, path=other, split="train")]
    message = r"split: patient p100001 is in test and in train\. Put all rows of a patient into one split"
    with pytest.raises(InputError, match=message):
        datasets.load_ms_cxr(table(tmp_path, *rows))
    with pytest.raises(InputError, match="and 1 more are in two splits"):
        datasets.load_ms_cxr(table(tmp_path, *rows, row(2, text="right opacity", split="val")))


def test_missing_tables_and_columns_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no MS_CXR_Local_Alignment"):
        datasets.load_ms_cxr(tmp_path)
    with pytest.raises(InputError, match="column label_text: there is no such column"):
        datasets.load_ms_cxr(table(tmp_path, row(), drop="label_text"))
    pd.DataFrame([row()]).head(0).to_csv(tmp_path / layout.TABLES[0], index=False)
    with pytest.raises(InputError, match="has a header and no rows"):
        datasets.load_ms_cxr(tmp_path)


# VinDr-CXR


def vindr(folder, part: str, *rows: tuple, readers: bool = False):
    names = ["image_id", *(["rad_id"] if readers else []), "class_name", "x_min", "y_min", "x_max", "y_max"]
    pd.DataFrame(rows, columns=names).to_csv(folder / f"annotations_{part}.csv", index=False)
    (folder / part).mkdir(exist_ok=True)
    for name in {row[0] for row in rows}:
        dicom(folder / part / f"{name}.dicom", np.zeros((40, 20), np.uint8))
    return folder


def test_boxes_of_vindr_have_the_size_of_their_file(tmp_path):
    rows = [("a", "Nodule/Mass", 5, 15, 15, 25), ("b", "No finding", None, None, None, None)]
    loaded = datasets.load_vindr_cxr(vindr(tmp_path, "test", *rows))
    assert loaded.phrases["text"].tolist() == ["nodule/mass"] and loaded.phrases["sex"].isna().all()
    assert loaded.boxes[["x", "y", "width", "height"]].to_numpy().tolist() == [[0.25, 0.25, 0.5, 0.5]]
    assert loaded.dropped.set_index("reason").loc["no finding: has no box", "n"] == 1


def test_three_readers_of_vindr_are_taken_together(tmp_path):
    rows = [("a", f"R{k}", "Infiltration", 2 * k, 15, 2 * k + 6, 25) for k in range(3)]
    loaded = datasets.load_vindr_cxr(vindr(tmp_path, "train", *rows, readers=True), part="train")
    assert loaded.phrases["boxes"].tolist() == [3]
    assert "several readers" in loaded.dropped["reason"].str.cat()


def test_both_parts_of_vindr_are_the_splits(tmp_path):
    rows = [("a", "R1", "Infiltration", 2, 15, 8, 25), ("b", "R1", "Nodule/Mass", 3, 12, 9, 20)]
    vindr(tmp_path, "train", *rows, readers=True)
    vindr(tmp_path, "test", ("c", "Nodule/Mass", 5, 15, 15, 25), ("c", "Infiltration", 0, 12, 4, 20))
    loaded = datasets.load_vindr_cxr(tmp_path, part="both")
    assert loaded.phrases["split"].tolist() == ["train", "train", "test", "test"]
    assert loaded.boxes["phrase"].tolist() == [0, 1, 2, 3]
    assert loaded.boxes["x"].tolist() == [0.1, 0.15, 0.25, 0]
    datasets.check_grounded(loaded)
    vindr(tmp_path, "test", ("b", "Nodule/Mass", 5, 15, 15, 25))
    with pytest.raises(InputError, match="image_id: image b is in train and in test"):
        datasets.load_vindr_cxr(tmp_path, part="both")


def test_vindr_without_a_finding_is_refused(tmp_path):
    none = ("a", "No finding", None, None, None, None)
    with pytest.raises(InputError, match=r"annotations_test.csv: all 2 rows are 'No finding'"):
        datasets.load_vindr_cxr(vindr(tmp_path, "test", none, ("b", *none[1:])))
    with pytest.raises(InputError, match=r"annotations_test.csv: has a header and no rows"):
        datasets.load_vindr_cxr(vindr(tmp_path, "test"))


def test_bad_vindr_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no annotations_test"):
        datasets.load_vindr_cxr(tmp_path)
    with pytest.raises(InputError, match="part: must be train, test or both"):
        datasets.load_vindr_cxr(tmp_path, part="val")
    with pytest.raises(InputError, match=r"column x: holds .15.*, expected a box within its image"):
        datasets.load_vindr_cxr(vindr(tmp_path, "test", ("a", "Nodule/Mass", 15, 5, 30, 25)))
    with pytest.raises(InputError, match=r"column width: holds .-5.*, expected a number of pixels above 0"):
        datasets.load_vindr_cxr(vindr(tmp_path, "test", ("a", "Nodule/Mass", 15, 5, 10, 25)))
    vindr(tmp_path, "test", ("a", "Nodule/Mass", 5, 5, 10, 25))
    (tmp_path / "test" / "a.dicom").unlink()
    with pytest.raises(InputError, match="dicom"):
        datasets.load_vindr_cxr(tmp_path)


# Simulated


def test_drawings_have_the_layout_and_what_was_planted(tmp_path):
    root = datasets.simulate_ms_cxr(12, 8, same=0.5, folder=tmp_path)
    loaded = datasets.load_ms_cxr(root)
    datasets.check_grounded(loaded)
    assert loaded.phrases["split"].value_counts().to_dict() == {"train": 24, "test": 16}
    assert (loaded.phrases.groupby("picture")["side"].nunique() == 2).all() and loaded.phrases["sex"].notna().all()
    middle = loaded.boxes["x"] + loaded.boxes["width"] / 2
    right = loaded.phrases["side"].iloc[loaded.boxes["phrase"]].to_numpy() == "right"
    assert (middle[right] < 0.5).all() and (middle[~right] > 0.5).all()
    assert root == datasets.simulate_ms_cxr(12, 8, same=0.5, folder=tmp_path)


@pytest.mark.parametrize(("same", "kinds"), [(0.0, {2}), (1.0, {1})])
def test_the_share_of_equal_findings_is_planted(tmp_path, same, kinds):
    loaded = datasets.load_ms_cxr(datasets.simulate_ms_cxr(10, 2, same=same, folder=tmp_path))
    assert set(loaded.phrases.groupby("picture")["category"].nunique()) == kinds


def test_fainter_signs_are_in_women_alone_and_one_place_is_one_box(tmp_path):
    plain, faint = (datasets.simulate_ms_cxr(12, 2, contrast=c, folder=tmp_path) for c in (1.0, 0.2))
    women = datasets.load_ms_cxr(plain).phrases.drop_duplicates("picture")
    changed = [
        (np.asarray(Image.open(file)) != np.asarray(Image.open(str(faint) + file.removeprefix(str(plain))))).any()
        for file in women["file"]
    ]
    assert changed == (women["sex"] == "F").tolist()
    loaded = datasets.load_ms_cxr(datasets.simulate_ms_cxr(20, 2, places="one", folder=tmp_path))
    where = loaded.boxes.join(loaded.phrases[["category", "side"]], on="phrase")
    assert (where.groupby(["category", "side"])["x"].nunique() == 1).all()


def test_a_sign_is_of_its_direction_alone_and_keeps_the_mean_brightness():
    shown = {}
    for name in rendering.SIGNS:
        plain, _ = rendering.draw(np.random.default_rng(3), 64, {})
        picture, boxes = rendering.draw(np.random.default_rng(3), 64, {"left": name})
        added, (x, y, width, height) = picture - plain, boxes["left"]
        inside = added[y : y + height, x : x + width]
        assert abs(added.mean()) < 1e-3 and abs(inside.mean()) < 0.01 < 0.1 < inside.std()
        assert (inside**2).sum() > 0.9 * (added**2).sum()
        down, across = np.gradient(inside)
        shown[name] = inside.std(), across.mean(), down.mean()
        assert list(np.sign(np.round(shown[name][1:], 3))) == list(rendering.SIGNS[name])
    spread = np.array([of[0] for of in shown.values()])
    assert np.ptp(spread) < 0.01


def test_pictures_of_the_validation_are_a_split_of_the_table(tmp_path):
    loaded = datasets.load_ms_cxr(datasets.simulate_ms_cxr(6, 3, n_validation=2, folder=tmp_path))
    assert loaded.phrases["split"].value_counts().to_dict() == {"train": 12, "test": 6, "validation": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"same": 2}, "same: 2 is not a number from 0 to 1"),
        ({"contrast": 0}, "contrast: at 0 a sign cannot be seen"),
        ({"places": "two"}, "places: must be any or one"),
        ({"size": 8}, "size: 8 is not a whole number from 32 to 512"),
        ({"n_test": 0}, "n_test: 0 is not a whole number"),
        ({"n_validation": -1}, "n_validation: -1 is not a whole number"),
    ],
)
def test_bad_arguments_of_the_simulator_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        datasets.simulate_ms_cxr(**{"n_train": 4, "n_test": 2, "folder": tmp_path} | change)
