"""Tables of images: columns are found by parameter or by name, and what is wrong is refused by row."""

import itertools

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import datasets
from helpers.book import inputs, small_runs, workflow
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import instances

ROWS = 24


def frame(**changed):
    """A table of 24 images of 12 patients."""
    k = np.arange(ROWS)
    table = {
        "image": [f"pictures/{i}.png" for i in k],
        "patient": [f"p{i // 2}" for i in k],
        "sex": np.where(k // 2 % 2, "female", "male"),
        "skin_type": 1 + k // 2 % 6,
        "age": 30 + k // 2 * 4,
        "diagnosis": np.where(k % 3 == 0, "NEV", "BCC"),
        "biopsied": k % 2,
    }
    return pd.DataFrame(table | changed)


@pytest.fixture
def made(tmp_path):
    """A function that writes a table and its images, and loads it."""
    (tmp_path / "pictures").mkdir()
    for i in range(ROWS):
        Image.new("L", (4, 4), i).save(tmp_path / "pictures" / f"{i}.png")

    def load(table=None, *, name="my.csv", **columns):
        table = frame() if table is None else table
        file = tmp_path / name
        writers = {".csv": table.to_csv, ".xlsx": table.to_excel, ".parquet": table.to_parquet}
        writers[file.suffix](file, index=False)
        return datasets.load_image_table(file, columns)

    return load


@pytest.mark.parametrize("name", ["my.csv", "my.xlsx", "my.parquet"])
def test_columns_with_usual_names_are_recognised(made, name):
    found = made(name=name)
    assert found.images["patient_id"].tolist() == [f"p{i // 2}" for i in range(ROWS)]
    assert found.images["case"].iloc[[0, -1]].tolist() == ["row 2", f"row {ROWS + 1}"]
    assert list(found.groups) == ["sex", "skin_type", "age"]
    assert list(found.labels) == ["diagnosis=NEV", "biopsied"]
    assert found.labels["biopsied"].tolist() == [i % 2 for i in range(ROWS)]
    assert found.labels["diagnosis=NEV"].sum() == ROWS / 3
    assert found.groups["age"].value_counts().to_dict() == {"<=52": 12, ">52": 12}  # patients' median of 30 to 74
    assert found.has_patients and "PATIENT: column 'patient'" in found.notes


def test_parameters_name_columns_and_values(made):
    table = frame().rename(columns={"image": "Where it is", "patient": "No."})
    asked = {"FILE": "where it is", "PATIENT": "No.", "GROUPS": "sex", "TARGETS": "diagnosis=bcc, age>40, biopsied"}
    found = made(table, **asked, COMPARE="skin_type: 1,2 | 3-4 | >=5; age: <=40 | >60")
    assert list(found.groups) == ["sex", "skin_type", "age"]
    assert found.groups["skin_type"].cat.categories.tolist() == ["1, 2", "3-4", ">=5"]
    assert found.groups["skin_type"].value_counts(sort=False).tolist() == [8, 8, 8]
    assert found.groups["age"].value_counts(sort=False).to_dict() == {"<=40": 6, ">60": 8}
    assert found.labels.sum().to_dict() == {"diagnosis=BCC": 16, "age>40": 18, "biopsied": 12}
    assert any("COMPARE does not name" in note and "age: 10 images" in note for note in found.notes)


def test_without_patients_each_row_is_one_and_this_is_noted(made):
    found = made(frame().drop(columns="patient"))
    assert not found.has_patients and found.images["patient_id"].nunique() == ROWS
    assert any("each row counts as a patient" in note for note in found.notes)


def test_names_without_folder_or_ending_are_looked_up(made):
    found = made(frame(image=[str(i) for i in range(ROWS)]))
    assert found.images["file"].str.endswith("/pictures/3.png")[3]


def test_values_with_commas_and_bars_are_quoted(made):
    site = np.where(np.arange(ROWS) % 4 < 2, "A, B", "C|D")
    found = made(frame(ward=site), GROUPS="ward", COMPARE='ward: "A, B" | "C|D"')
    assert found.groups["ward"].value_counts().to_dict() == {"A, B": 12, "C|D": 12}


def at(row, column, value):
    """The table with another value in one cell; the header is row 1."""
    table = frame().astype(object)
    if column not in table:
        table[column] = "train"
    table.loc[row - 2, column] = value
    return table


REFUSED = [
    (frame().drop(columns="image"), {}, "no column holds the paths"),
    (at(5, "image", "pictures/none.png"), {}, "my.csv, row 5, column image: there is no image file"),
    (at(5, "image", "pictures/0.png"), {}, "row 5, column image: this image is also in row 2"),
    (at(7, "patient", None), {}, "row 7, column patient: is empty, expected a patient"),
    (at(3, "split", "test"), {}, "this patient is in test here and in train in row 2"),
    (at(3, "split", "later"), {}, "row 3, column split: holds 'later'"),
    (frame(), {"PATIENT": "patiant"}, "Did you mean patient?"),
    (frame(), {"PATIENT": "sex", "SITE": "sex"}, "also named by PATIENT"),
    (frame(sex="male"), {"GROUPS": "sex"}, "column sex: has the one value 'male'"),
    (frame(), {"GROUPS": "image"}, "there is no column 'image'"),
    (frame(), {"COMPARE": "skin_type: 1,2"}, "is not understood"),
    (frame(), {"COMPARE": ":"}, "':' is not understood"),
    (frame(), {"COMPARE": "age: <=40 | >6.0.0"}, "no row has >6.0.0"),
    (frame(), {"COMPARE": "skin_type: 1,2 | 7"}, "no row has 7"),
    (frame(), {"COMPARE": "skin_type: 1,2 | 3,7"}, "no row has 7"),
    (frame(), {"COMPARE": "skin_type: 1 | 2; skin_type: 3 | 4"}, "column skin_type is named twice"),
    (frame(), {"COMPARE": "skin_type: 1,2 | 2,3"}, "1, 2 and 2,3 share rows"),
    (frame(), {"TARGETS": "diagnosis!=BCC"}, "'diagnosis!=BCC' is not understood"),
    (frame(), {"TARGETS": "age=>60"}, "'age=>60' is not understood"),
    (frame(stage=["T1-2", "T12", "T3"] * 8), {"TARGETS": "stage=T1/2"}, "no row has 'T1/2'"),
    (at(7, "patient", "NA"), {}, "row 7, column patient: holds 'NA', expected a patient"),
    (at(5, "image", "other/0.png"), {}, "row 5, column image: there is no image file other/0.png"),
    (frame(mask=frame()["image"]), {}, "row 2, column mask: holds 'pictures/0.png', expected another file"),
    (frame(mask=[f"masks/{i}.png" for i in range(ROWS)]), {}, "row 2, column mask: there is no mask file masks/0.png"),
    (frame(), {"TARGETS": "diagnosis=MEL"}, "no row has 'MEL'. The classes are BCC, NEV"),
    (frame(), {"TARGETS": "age"}, "has 12 different values"),
    (frame(), {"TARGETS": "diagnosis>3"}, "row 2, column diagnosis: holds 'NEV', expected a number"),
    (frame(slice="top"), {}, "row 2, column slice: holds 'top', expected a whole number from 0"),
    (frame(slice="1e300"), {}, "row 2, column slice: holds '1e300', expected a whole number from 0 to 999,999"),
]


@pytest.mark.parametrize(("table", "columns", "expected"), REFUSED, ids=[case[2][:40] for case in REFUSED])
def test_what_is_wrong_is_refused_in_one_line(made, table, columns, expected):
    with pytest.raises(InputError) as refused:
        made(table, **columns)
    assert expected in str(refused.value).replace("; ", ": ", 1) or expected in str(refused.value)
    assert "\n" not in str(refused.value)


CLASSES = [
    (["-1", "0", "1"], "1", "1"),
    (["HER2+", "HER2-", "HER2-"], "HER2-", "HER2-"),
    (["T1-2", "T12", "T3"], "T12", "T12"),
    (["1.0", "0.0", "2.0"], "1", "1.0"),
    (["bcc", "nev", "mel"], "BCC", "bcc"),
]


@pytest.mark.parametrize(("values", "asked", "taken"), CLASSES)
def test_a_class_is_the_one_that_is_named(made, values, asked, taken):
    found = made(frame(stage=values * 8), TARGETS=f"stage={asked}")
    assert list(found.labels) == [f"stage={taken}"]
    assert found.labels.iloc[:, 0].tolist() == [float(value == taken) for value in values * 8]


@pytest.mark.parametrize("name", ["my.csv", "my.xlsx", "my.parquet"])
def test_words_for_not_recorded_are_missing_in_every_format(made, name):
    table = frame(stage=["None", "cyst", "NA", "node"] * 6)
    found = made(table, name=name, GROUPS="stage", TARGETS="stage")
    assert found.groups["stage"].value_counts().to_dict() == {"cyst": 6, "node": 6}
    assert any(
        note.startswith("stage: 'NA', 'None' in 12 rows count as not recorded; COMPARE=") for note in found.notes
    )
    # As a label, None is the class in which nothing was found.
    assert list(found.labels) == ["stage=None", "stage=cyst", "stage=node"]
    assert found.labels["stage=None"].tolist() == [1.0, 0.0, pytest.approx(np.nan, nan_ok=True), 0.0] * 6


def test_a_setting_keeps_a_word_as_a_group_or_a_class(made):
    table = frame(stage=["unknown", "cyst", "n/a"] * 8)
    found = made(table, GROUPS="stage", COMPARE="stage: unknown | cyst", TARGETS="stage=unknown")
    assert found.groups["stage"].value_counts().to_dict() == {"unknown": 8, "cyst": 8}
    assert found.labels["stage=unknown"].tolist() == [1.0, 0.0, pytest.approx(np.nan, nan_ok=True)] * 8


def test_a_number_for_missing_is_no_age_and_a_plausible_one_is(made):
    bounds = {"GROUPS": "age", "COMPARE": "age: <=40 | >40", "TARGETS": "age>40"}
    found = made(frame(age=["30", "50", "999"] * 8), **bounds)
    assert found.groups["age"].value_counts().to_dict() == {"<=40": 8, ">40": 8}
    assert found.labels["age>40"].isna().sum() == 8
    weights = made(frame(grams=["900", "999", "1500"] * 8), GROUPS="grams", COMPARE="grams: <=950 | >950")
    assert weights.groups["grams"].value_counts().to_dict() == {"<=950": 8, ">950": 16}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["900", "1,200", "12,942"], {"<=1000": 8, ">1000": 16}),
        (["900,5", "1000,5", "12942,0"], {"<=1000": 8, ">1000": 16}),
        (["1 200", "900", "800"], {"<=1000": 16, ">1000": 8}),
    ],
)
def test_separators_of_thousands_and_decimal_commas_are_read_by_column(made, cells, expected):
    found = made(frame(grams=cells * 8), GROUPS="grams", COMPARE="grams: <=1000 | >1000")
    assert found.groups["grams"].value_counts().to_dict() == expected


def test_a_comma_in_doubt_is_refused(made):
    with pytest.raises(InputError, match=r"column grams: holds '1,200', where the comma may"):
        made(frame(grams=["1,200", "1,500", "0.5"][:2] * 12), GROUPS="grams", COMPARE="grams: <=1000 | >1000")


def test_numbers_written_in_two_ways_are_one_group(made):
    found = made(frame(skin=["1", "1.0", "2"] * 8), GROUPS="skin")
    assert found.groups["skin"].value_counts().to_dict() == {"1": 16, "2": 8}
    assert "skin: '1' and '1.0' are one group" in found.notes


def test_na_among_numbers_and_decimal_commas_are_understood(made):
    ages = ["NA" if i == 4 else f"{30 + i},5" for i in range(ROWS)]
    found = made(frame(age=ages, biopsied=["NA", "0", "1"] * 8), GROUPS="age", COMPARE="age: <=40 | >40")
    assert found.groups["age"].value_counts().to_dict() == {"<=40": 9, ">40": 14}
    assert found.labels["biopsied"].isna().sum() == 8
    halves = made(frame(age=ages), GROUPS="age")
    assert halves.groups["age"].isna().sum() == 1 and any("'NA' in fewer than 10 rows" in note for note in halves.notes)


def test_rows_keep_their_numbers_after_blank_lines(made, tmp_path):
    made()
    lines = (tmp_path / "my.csv").read_text().splitlines()
    lines[6] = lines[6].replace("p2", "", 1)
    (tmp_path / "my.csv").write_text("\n" + "\n".join([*lines[:3], "", "", *lines[3:]]) + "\n")
    with pytest.raises(InputError, match="row 10, column patient: is empty"):
        datasets.load_image_table(tmp_path / "my.csv")


def test_a_column_that_is_asked_for_gives_up_its_usual_role(made):
    found = made(frame(site=["north", "south"] * 12, part=["arm", "leg"] * 12), GROUPS="site, part")
    assert list(found.groups) == ["site", "part"] and found.images[["site", "split"]].isna().all(axis=None)
    other = made(frame(part=["arm", "leg"] * 12))
    assert other.images["split"].isna().all() and any("is no split" in note for note in other.notes)


@pytest.mark.parametrize("groups", ["sex, at birth", '"sex, at birth"', "'sex, at birth'", "sex,at birth"])
def test_a_group_may_have_a_comma_in_its_name(made, groups):
    table = frame().rename(columns={"sex": "sex, at birth"})
    assert list(made(table, GROUPS=groups).groups) == ["sex, at birth"]
    assert list(made(table, GROUPS=f"AGE, {groups}").groups) == ["age", "sex, at birth"]


@pytest.mark.parametrize("name", ['5" wide', 'wide, "or" not', "a 'b', c"])
def test_a_group_may_have_quotes_in_its_name(made, name):
    assert list(made(frame().rename(columns={"sex": name}), GROUPS=f"{name}, AGE").groups) == [name, "age"]


def test_groups_that_differ_by_case_alone_are_said(made):
    found = made(frame(sex=["female", "Female", "male"] * 8), GROUPS="sex")
    assert any("'female' and 'Female' differ only by case" in note for note in found.notes)
    assert not any("differ only" in note for note in made(COMPARE="age: <=60 | >60").notes)
    joined = made(frame(sex=["female", "Female", "male"] * 8), COMPARE="sex: female, Female | male")
    assert joined.groups["sex"].value_counts().tolist() == [16, 8]
    assert not any("differ only" in note for note in joined.notes)


def test_a_changed_table_or_picture_is_another_state(made, tmp_path):
    made()
    words = [f"IMAGES={tmp_path / 'my.csv'}", "GROUPS=sex"]
    first = inputs.state(words)
    assert first == inputs.state(words) == inputs.state([*words, "SOURCE=real"]) and not inputs.state(["SEED=3"])
    Image.new("L", (4, 4), 200).save(tmp_path / "pictures" / "3.png", compress_level=0)
    second = inputs.state(words)
    made(frame().iloc[:-2])
    assert len({first, second, inputs.state(words)}) == 3


def test_a_mask_of_another_size_is_refused_before_anything_starts(made, tmp_path):
    (tmp_path / "masks").mkdir()
    for i in range(ROWS):
        Image.new("L", (4, 5 if i == 7 else 4), 1).save(tmp_path / "masks" / f"{i}.png")
    table = made(frame(mask=[f"masks/{i}.png" for i in range(ROWS)]))
    with pytest.raises(InputError, match=r"row 9, .*7\.png: is 4 x 5 pixels, and its picture 4 x 4"):
        datasets.check_files(table)


def test_deep_pictures_are_scaled_to_bytes(made, tmp_path):
    deep = np.arange(16, dtype=np.uint16).reshape(4, 4) * 1000
    table = made()
    Image.fromarray(deep).save(tmp_path / "pictures" / "3.png")
    _, found = datasets.table_pictures(table, 4, as_bytes=True)
    assert found.shape == (1, 3, 4, 4) and found.dtype == np.uint8  # all others are of one colour
    np.testing.assert_array_equal(found[0, 0], np.round(deep / 15000 * 255))


def test_no_split_ever_parts_a_patient():
    rng = np.random.default_rng(3)
    for seed, given in itertools.product(range(20), (False, True)):
        patient = pd.Series(rng.integers(0, 30, 150).astype(str))
        part = pd.Series(pd.NA, patient.index, dtype="str")
        if given:
            part = patient.astype(int).map(lambda p: "test" if p % 4 == 0 else "train").astype("str")
        found = pd.Series(datasets.shared_out(patient, part, shares=(0.6, 0.1, 0.3), seed=seed))
        assert (found.groupby(patient).nunique() == 1).all()
        assert set(found) == {"train", "validation", "test"}
        if given:
            assert ((found == "test") == (part == "test")).all()


def test_labels_with_one_class_in_a_part_are_left_out_by_name():
    labels = pd.DataFrame({"both": [0, 1, 0, 1], "one": [0, 1, 0, 0], "none": [0, 1, np.nan, np.nan]})
    usable, notes = datasets.two_classes(labels, np.array(["train", "train", "test", "test"]))
    assert usable == ["both"]
    assert notes == [
        "one: left out, since it has only 0 in test",
        "none: left out, since it has no value in test",
    ]


@pytest.mark.parametrize(
    ("name", "images", "patients"), [("pad_ufes_20", 686, 537), ("lgg_flair", 978, 110), ("covid_cxr", 319, 183)]
)
def test_real_tables_load_as_they_are(real, name, images, patients):
    found = datasets.load_image_table(real(name) / "images.csv", {})
    assert (len(found.images), found.images["patient_id"].nunique()) == (images, patients)
    assert "sex" in found.groups


def test_a_record_finds_its_table_again(made, tmp_path):
    table = made(GROUPS="sex")
    wanted = fingerprint.data(tmp_path / "my.csv", *table.files)
    (tmp_path / "other.csv").write_text("image\npictures/0.png\n")
    assert small_runs._table("r", wanted, {"GROUPS": "sex"}, str(tmp_path)) == tmp_path / "my.csv"
    with pytest.raises(InputError, match="no table there names the images"):
        small_runs._table("r", "another", {"GROUPS": "sex"}, str(tmp_path))


def test_a_command_checks_the_table_and_its_files_before_anything_starts(made, tmp_path):
    made(frame(patient=np.arange(ROWS), skin_type=1 + 2 * (np.arange(ROWS) % 2)))
    words = [f"IMAGES={tmp_path / 'my.csv'}", "COMPARE=skin_type: 1 | 3"]
    values = workflow.settle("03_skin_tone_vae", "tiny", words)
    assert values["SOURCE"] == "real" and values["COMPARE"] == "skin_type: 1 | 3"
    with pytest.raises(InputError, match="SOURCE: it is simulated, but IMAGES names a table"):
        workflow.settle("03_skin_tone_vae", "tiny", [*words, "SOURCE=simulated"])
    with pytest.raises(InputError, match="03_skin_tone_vae, parameter PATIENTS: the study has no such parameter"):
        workflow.settle("03_skin_tone_vae", "tiny", [*words, "PATIENTS=patient"])
    with pytest.raises(InputError, match="DUPLICATES: lists MD5s of Fitzpatrick17k, and IMAGES names a table"):
        workflow.settle("03_skin_tone_vae", "tiny", [*words, "DUPLICATES=near.csv"])
    with pytest.raises(InputError, match=r"my\.csv, 02_biased_ruler: no masks; name them as MASK=column"):
        workflow.settle("02_biased_ruler", "tiny", words)
    (tmp_path / "pictures" / "3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"row 5, .*3\.png"):
        workflow.settle("03_skin_tone_vae", "tiny", words)


@pytest.mark.parametrize("parameter", ["IMAGES", "LABELS", "KEEP", "DUPLICATES", "FEATURES"])
def test_files_of_one_name_have_runs_of_two_names_and_no_path_is_shown(parameter, tmp_path):
    names = {instances.instance([f"{parameter}={tmp_path / place / 'my.csv'}"]) for place in ("here", "there")}
    assert len(names) == 2 and all(name.startswith(f"{parameter}=my-") for name in names)
    assert instances.computing({parameter: str(tmp_path / "my.csv")}) == {parameter: parameter}


@pytest.mark.parametrize("column", ["file", "mask"])
def test_a_file_that_cannot_be_decoded_is_named_with_its_row(made, column, tmp_path):
    (tmp_path / "masks").mkdir()
    for i in range(ROWS):
        Image.fromarray(np.eye(4, dtype=np.uint8) * (i + 1)).save(tmp_path / "masks" / f"{i}.png")
        Image.fromarray(np.eye(4, dtype=np.uint8) * (i + 1)).save(tmp_path / "pictures" / f"{i}.png")
    bad = tmp_path / ("masks" if column == "mask" else "pictures") / "11.png"
    bad.write_bytes(bad.read_bytes()[:-30])
    table = made(frame(mask=[f"masks/{i}.png" for i in range(ROWS)]))
    with pytest.raises(InputError, match=rf"^row 13, .*{bad.parent.name}/11\.png: "):
        datasets.table_masks(table, 4) if column == "mask" else datasets.table_pictures(table, 4)
