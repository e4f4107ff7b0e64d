"""Choice of a structure: labels, segments by name, every label; and the names of cases."""

import os
import unicodedata

import numpy as np
import pandas as pd
import pytest

from helpers import metrics
from helpers.datasets.shared.files import case_name, find, patient_ids
from helpers.errors import InputError
from helpers.scores import COLUMNS, read_pair, score_folders
from tests.helpers import mask_files as write
from tests.helpers.mask_files import AFFINE, A, B

SPACING = (0.7, 0.7, 2.0)
HALF = np.indices(A.shape)[0] < 18
LABELS = np.where(HALF, A, 4 * A)  # label 1 in one half of the ball, 4 in the other
MOVED = np.roll(LABELS, (2, 1, 1), (0, 1, 2))
OUTER, INNER = A, A * (np.indices(A.shape)[2] > 11)  # two that overlap


def score(root, **settings):
    return score_folders(root / "e", root / "p", **{"keep": root / "k", "workers": 1, "progress": False, **settings})


def layered(path, outer, inner):
    write.nrrd(path, [outer, inner], write.slicer(("Whole Organ", 1, 0), ("lesion", 1, 1)))


def old_slicer(path, outer, inner):
    fields = {"Segment0_ID": "a", "Segment0_Name": "Whole Organ", "Segment1_ID": "b", "Segment1_Name": "lesion"}
    write.nrrd(path, [outer, inner], fields)


def one_layer(path, outer, inner):
    """A file in which the lesion covers the organ."""
    write.nrrd(path, [np.where(inner, 7, outer)], write.slicer(("Whole Organ", 1, 0), ("lesion", 7, 0)))


def seg(path, outer, inner):
    write.seg(path, {"Whole Organ": outer, "lesion": inner}, order=np.random.default_rng(0))


def fractional(path, outer, inner):
    """Shares of 200: the cut at one half leaves the same foreground."""
    write.seg(path, {"Whole Organ": outer * 130 + 40, "lesion": inner * 100}, kind="FRACTIONAL")


SEGMENTS = {
    "two layers": ("c.seg.nrrd", layered),
    "layers of an older Slicer": ("c.nrrd", old_slicer),
    "DICOM": ("c.dcm", seg),
    "fractional DICOM": ("c.dcm", fractional),
}


@pytest.mark.parametrize("kind", SEGMENTS)
@pytest.mark.parametrize(("value", "which"), [("lesion", 1), ("whole  ORGAN", 0), ("Whole Organ, lesion", 0)])
def test_segments_by_name(tmp_path, kind, value, which):
    name, writer = SEGMENTS[kind]
    writer(tmp_path / "e" / name, OUTER, INNER)
    writer(tmp_path / "p" / name, np.roll(OUTER, 1, 0), np.roll(INNER, 1, 0))
    first, second, _ = read_pair(tmp_path / "e" / name, tmp_path / "p" / name, value=value)
    wanted = (OUTER, INNER)[which]
    assert first.sum() == second.sum() == wanted.sum()
    assert metrics.dice(first, second) == metrics.dice(wanted, np.roll(wanted, 1, 0))


def test_a_comma_in_a_name_separates_nothing(tmp_path):
    fields = write.slicer(("tumour, left", 1, 0), ("left", 1, 1))
    for name in ("a.nrrd", "b.nrrd"):
        write.nrrd(tmp_path / name, [OUTER, INNER], fields)
    first, _, _ = read_pair(tmp_path / "a.nrrd", tmp_path / "b.nrrd", value="Tumour, left")
    assert first.sum() == OUTER.sum()


def test_names_of_one_file_serve_the_other(tmp_path):
    one_layer(tmp_path / "e.seg.nrrd", OUTER, INNER)
    write.nifti(tmp_path / "p.nii", 7 * B)
    first, second, _ = read_pair(tmp_path / "e.seg.nrrd", tmp_path / "p.nii", value="lesion")
    assert first.sum() == INNER.sum() and second.sum() == B.sum()
    second, first, _ = read_pair(tmp_path / "p.nii", tmp_path / "e.seg.nrrd", value="lesion")
    assert first.sum() == INNER.sum() and second.sum() == B.sum()


@pytest.mark.parametrize(("value", "labels"), [("1", [1]), (4, [4]), ("1,4", [1, 4]), (" 4 , 1", [1, 4]), ("9", [])])
def test_labels_alone_and_together(tmp_path, value, labels):
    write.nifti(tmp_path / "e" / "c.nii", LABELS)
    write.itk(tmp_path / "p" / "c.mha", MOVED)
    frame, _ = score(tmp_path, value=value)
    wanted = metrics.scores(np.isin(LABELS, labels), np.isin(MOVED, labels), spacing=SPACING)
    assert frame[["dice", "hd95", "nsd", "expert_cc"]].loc[0].to_dict() == pytest.approx(
        {key: wanted[key] for key in ("dice", "hd95", "nsd", "expert_cc")}, rel=1e-6
    )
    assert frame["status"][0] == wanted["status"]


SEVERAL = {
    "labels": (
        "c.nii",
        lambda p: write.nifti(p, LABELS),
        {},
        'found the labels 0, 1, 4. Choose by MASK_VALUE: .*"1,2"',
    ),
    "segments": (
        "c.seg.nrrd",
        lambda p: layered(p, OUTER, INNER),
        {},
        r"found the segments 'Whole Organ' \(1\), 'lesion'",
    ),
    "no such segment": ("c.dcm", lambda p: seg(p, OUTER, INNER), {"value": "liver"}, "it has 'Whole Organ', 'lesion'"),
    "no names": ("c.nii", lambda p: write.nifti(p, LABELS), {"value": "liver"}, "no names of segments, so 'liver'"),
    "one label of two": ("c.seg.nrrd", lambda p: layered(p, OUTER, INNER), {"value": 1}, "that of 'Whole Organ' and"),
    "no layer": ("c.nrrd", lambda p: write.nrrd(p, [A], write.slicer(("a", 1, 3))), {}, "no usable label and layer"),
    "labels below 0": ("c.nii", lambda p: write.nifti(p, -A.astype("i2")), {}, r"-1, 0\. Write the background as 0"),
    "each, below 0": (
        "c.nii",
        lambda p: write.nifti(p, LABELS - 2 * A.astype("i2")),
        {"value": "each"},
        "-1, 0, 2. Write the backgr",
    ),
    "shares, each": ("c.nii", lambda p: write.nifti(p, A * 0.4), {"value": "each"}, "found the values 0, 0.4"),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_labels_and_unknown_names_are_refused(tmp_path, kind):
    name, writer, settings, error = SEVERAL[kind]
    writer(tmp_path / "e" / name)
    writer(tmp_path / "p" / name)
    with pytest.raises(InputError, match=rf"{name}.*{error}"):
        score(tmp_path, **settings)


def test_layers_of_one_label_need_names_in_both_masks(tmp_path):
    layered(tmp_path / "e" / "c.seg.nrrd", OUTER, INNER)
    layered(tmp_path / "p" / "c.seg.nrrd", OUTER, INNER)
    assert score(tmp_path, value="each")[0]["label"].tolist() == ["Whole Organ", "lesion"]
    (tmp_path / "p" / "c.seg.nrrd").unlink()
    write.nifti(tmp_path / "p" / "c.nii", A)
    with pytest.raises(InputError, match=r"one of the masks has no names\. Give them different labels, or"):
        score(tmp_path, value="each")


@pytest.mark.parametrize(
    ("value", "notes"),
    [
        (4, ["no predicted mask has MASK_VALUE '4': the labels found there are 1, 3"]),
        ("1,4", ["no predicted mask has MASK_VALUE '4': the labels found there are 1, 3"]),
        (3, ["no expert mask has MASK_VALUE '3': the labels found there are 1, 4"]),
        (1, []),  # absent in one of two masks
    ],
)
def test_a_label_that_no_mask_has_is_noted(tmp_path, value, notes):
    """BraTS has changed its label 4 to 3: such predictions are not empty."""
    for name, expert, predicted in (("a", LABELS, np.where(HALF, B, 3 * B)), ("b", LABELS, 3 * B)):
        write.nifti(tmp_path / "e" / f"{name}.nii", expert)
        write.nifti(tmp_path / "p" / f"{name}.nii", predicted)
    for _ in range(2):  # the second time from the kept file
        frame, _ = score(tmp_path, value=value)
        assert list(frame) == list(COLUMNS) and frame.attrs["notes"] == notes


@pytest.mark.parametrize("value", [0, -1, "0", True, 1.5, None])
def test_values_that_are_no_label(tmp_path, value):
    with pytest.raises(InputError, match=r"MASK_VALUE.*is no label above 0"):
        score(tmp_path, value=value)


def test_each_label_has_a_row(tmp_path):
    write.nifti(tmp_path / "e" / "a.nii", LABELS)
    write.nifti(tmp_path / "p" / "a.nii", MOVED)
    write.nifti(tmp_path / "e" / "b.nii", LABELS)
    write.nifti(tmp_path / "p" / "b.nii", 4 * B)
    write.nifti(tmp_path / "e" / "empty.nii", 0 * A)
    write.nifti(tmp_path / "p" / "empty.nii", 0 * A)
    for _ in range(2):  # the second time from the kept file
        frame, dropped = score(tmp_path, value="each")
        assert list(frame) == ["patient_id", "label", *COLUMNS[1:]]
        assert frame[["patient_id", "label", "status"]].to_numpy().tolist() == [
            ["A", "1", "scored"], ["A", "4", "scored"], ["B", "1", "missed"], ["B", "4", "scored"]
        ]  # fmt: skip
        assert frame["dice"][1] == metrics.dice(LABELS == 4, MOVED == 4)
        assert dropped.set_index("reason")["n"]["no label in either mask"] == 1
    assert frame["dice"][0] == score(tmp_path, value=1)[0]["dice"][0]  # the settings are part of the key


def test_each_segment_is_matched_by_name_not_by_number(tmp_path):
    write.nrrd(tmp_path / "e" / "c.seg.nrrd", [np.where(INNER, 7, OUTER)], write.slicer(("o", 1, 0), ("l", 7, 0)))
    write.nrrd(tmp_path / "p" / "c.nrrd", [np.where(INNER, 1, 7 * OUTER)], write.slicer(("L", 1, 0), ("O", 7, 0)))
    frame, _ = score(tmp_path, value="each")
    assert frame[["label", "dice"]].to_numpy().tolist() == [["o", 1.0], ["l", 1.0]]
    write.nifti(tmp_path / "e" / "c.nii", np.where(INNER, 7, OUTER))
    (tmp_path / "e" / "c.seg.nrrd").unlink()
    frame, _ = score(tmp_path, value="each")  # by number where only one has names
    assert frame["label"].tolist() == ["L", "O"] and (frame["dice"] < 1).all()


def test_large_labels_and_equal_names_keep_their_rows(tmp_path):
    large = np.where(HALF, 1000001, 1000002).astype(np.int32) * A
    write.nifti(tmp_path / "e" / "c.nii", large)
    write.nifti(tmp_path / "p" / "c.nii", large)
    assert score(tmp_path, value="each")[0]["label"].tolist() == ["1000001", "1000002"]
    with pytest.raises(InputError, match="found the labels 0, 1000001, 1000002"):
        score(tmp_path)
    (tmp_path / "p" / "c.nii").unlink()
    write.nifti(tmp_path / "e" / "c.nii", LABELS)
    write.nrrd(tmp_path / "p" / "c.nrrd", [LABELS], write.slicer(("part", 1, 0), ("part", 4, 0)))
    assert score(tmp_path, value="each")[0]["label"].tolist() == ["part (1)", "part (4)"]


@pytest.mark.parametrize(("name", "noted"), [("Tumour", False), ("kidney", True)])
def test_another_name_of_the_only_segment_is_noted(tmp_path, name, noted):
    write.nrrd(tmp_path / "e" / "c.seg.nrrd", [A], write.slicer(("tumour", 1, 0)))
    write.seg(tmp_path / "p" / "c.dcm", {name: B, "empty": 0 * B})
    assert [note[:25] for note in score(tmp_path)[0].attrs["notes"]] == ["the segment has one name "] * noted


@pytest.mark.parametrize(("here", "there", "noted"), [(2, 1, True), (255, 1, False), (1, 255, False), (2, 2, False)])
def test_other_values_of_the_foreground_are_noted(tmp_path, here, there, noted):
    for name in ("a", "b"):
        write.nifti(tmp_path / "e" / f"{name}.nii", A * here)
        write.nifti(tmp_path / "p" / f"{name}.nii", B * there)
    frame, _ = score(tmp_path)
    note = "foreground is 2 in the expert masks and 1 in the predicted ones: are they one structure? (2 cases)"
    assert frame.attrs["notes"] == [note] * noted
    assert frame["dice"].round(3).tolist() == [0.77, 0.77]


def test_more_adds_the_columns_of_agreement(tmp_path, monkeypatch):
    """Only keys are checked: what they hold is a matter of `metrics`."""

    def agreement(expert, predicted, *, spacing):
        return {"iou": float((expert & predicted).sum() / (expert | predicted).sum()), "lesions": 1}

    monkeypatch.setattr(metrics, "agreement", agreement, raising=False)
    write.nifti(tmp_path / "e" / "c.nii", A)
    write.nifti(tmp_path / "p" / "c.nii", B)
    assert list(score(tmp_path)[0]) == list(COLUMNS)
    frame, _ = score(tmp_path, more=True)
    assert list(frame) == [*COLUMNS, "iou", "lesions"]
    assert frame["iou"][0] == pytest.approx(frame["dice"][0] / (2 - frame["dice"][0]))  # IoU = D / (2 - D)


# -- names

SPELLINGS = {
    "decomposed letters": ("Scha\u0308del_01.nii.gz", "Sch\u00e4del_01.nii.gz"),
    "two blanks": ("a  b.nii", "A b.nii.gz"),
    "other formats": ("C.V2.NII.GZ", "c.v2.seg.nrrd"),
    "a letter that grows": ("stra\u00dfe.nii", "STRASSE.nii"),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_names_agree_in_folders_and_tables(tmp_path, kind):
    here, there = SPELLINGS[kind]
    write.nifti(tmp_path / "e" / here, A)
    (write.itk if there.endswith("nrrd") else write.nifti)(tmp_path / "p" / there, B)
    frame, dropped = score(tmp_path)
    assert dropped.empty
    table = patient_ids(pd.Series([here, there, f"masks/{here}", unicodedata.normalize("NFD", there)]))
    assert set(table) == set(frame["patient_id"]) == {case_name(here)}


def test_names_that_differ_by_zeros_are_hinted_at_and_not_guessed(tmp_path):
    write.nifti(tmp_path / "e" / "001.nii", A)
    write.nifti(tmp_path / "p" / "1.nii", B)
    with pytest.raises(InputError, match=r"no file names match.*Write numbers alike: 1 and 001 are two names"):
        score(tmp_path)
    write.nifti(tmp_path / "e" / "x.nii", A)
    write.nifti(tmp_path / "p" / "x.nii", B)
    frame, dropped = score(tmp_path)
    assert len(frame) == 1 and dropped["n"].tolist() == [1, 1]
    assert frame.attrs["notes"] == ["names that differ by leading zeros alone, as 1 and 001, were not matched (1 case)"]


def test_a_file_of_another_format_is_counted_and_named(tmp_path):
    for name in ("a", "b"):
        write.nifti(tmp_path / "e" / f"{name}.nii", A)
    write.nifti(tmp_path / "p" / "a.nii", B)
    for name in ("b.xyz", "a.vtk", "notes.doc", "b.json"):
        (tmp_path / "p" / name).write_text("mask")
    frame, dropped = score(tmp_path)
    assert dropped.to_numpy().tolist() == [["predicted masks", "a file of a format that is not read", 1]]
    assert frame.attrs["notes"][0].startswith("predicted masks: .xyz is no mask format that is read: .seg.nrrd, ")
    (tmp_path / "p" / "a.nii").unlink()
    with pytest.raises(InputError, match=r"\(2 expert masks found, 0 predicted\); .*\.vtk: is no mask format that is"):
        score(tmp_path)


def test_one_folder_for_both_is_refused(tmp_path):
    write.nifti(tmp_path / "e" / "c.nii", A)
    (tmp_path / "p").symlink_to(tmp_path / "e")
    with pytest.raises(InputError, match="name one folder, so every score would be perfect"):
        score(tmp_path)


def test_a_folder_of_a_case_with_two_masks_is_refused(tmp_path):
    for name in ("a", "b"):
        write.nifti(tmp_path / "e" / "c" / f"{name}.nii", A)
    write.nifti(tmp_path / "p" / "c.nii", B)
    with pytest.raises(InputError, match=r"e.c: the folder of this case holds 2 files of masks\. Keep one"):
        score(tmp_path)


def test_files_of_a_data_set_are_found_by_composed_and_decomposed_names(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "Schädel")).mkdir()
    (tmp_path / unicodedata.normalize("NFD", "Schädel") / "a  b.nii").touch()
    assert find(tmp_path, "SCHÄDEL", "A b.nii").name == "a  b.nii"
    assert find(tmp_path, "Schadel") is None


def test_two_files_of_one_case_are_refused_and_a_folder_next_to_a_file_is_not(tmp_path):
    for side, values in (("e", A), ("p", B)):
        write.nifti(tmp_path / side / "c.nii", values)
        write.pictures(tmp_path / side / "c", values)
    assert score(tmp_path)[0]["dice"].round(3).tolist() == [0.77]
    write.npy(tmp_path / "p" / "C.npy", B)
    with pytest.raises(InputError, match=r"two masks of one case, C\.npy and c\.nii"):
        score(tmp_path)


@pytest.mark.parametrize(("name", "data"), [("c.mhd", "c.raw"), ("c.nhdr", "c.raw"), ("c", "c/slice3.png")])
def test_a_change_of_any_file_of_a_mask_is_seen(tmp_path, name, data):
    write.nifti(tmp_path / "e" / "c.nii", A)
    writer = write.pictures if name == "c" else lambda p, v: write.itk(p, v)
    writer(tmp_path / "p" / name, B)
    before = score(tmp_path)[0]["dice"][0]
    header = tmp_path / "p" / name
    state = header.stat()
    writer(header, A)
    assert (tmp_path / "p" / data).is_file()
    os.utime(header, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert round(before, 3) == 0.77 and score(tmp_path)[0]["dice"][0] == 1


def test_affine_of_labels_is_kept(tmp_path):
    """The choice of a label changes no position."""
    write.nifti(tmp_path / "e.nii", LABELS, AFFINE)
    write.nifti(tmp_path / "p.nii", MOVED, AFFINE)
    assert read_pair(tmp_path / "e.nii", tmp_path / "p.nii", value=1)[2] == pytest.approx(SPACING)
