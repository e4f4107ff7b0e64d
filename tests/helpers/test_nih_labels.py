"""The NIH label tables: bad cells are refused, real tables give known counts, and a twin gives what was planted."""

import hashlib
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.nih_labels import __main__ as command
from helpers.datasets.nih_labels import fetching, layout, population
from helpers.errors import InputError

FINDINGS = list(datasets.NIH_MAPPING["primary"])


def small(**changes):
    """Tables of three patients, with changed cells: a table's name, and per row and column the new value."""
    shared = {layout.PATIENT: [1, 1, 2], layout.AGE: [60, 61, 40], layout.SEX: ["F", "F", "M"]}
    images = {layout.IMAGE: ["a.png", "b.png", "c.png"], layout.LABELS: ["Mass|Edema", "No Finding", "Pneumothorax"]}
    entries = pd.DataFrame({**images, "Follow-up #": [0, 1, 0], **shared, layout.VIEW: ["AP", "PA", "PA"]})
    read = {column: ["YES", "NO", "NO"] for column in layout.PANEL_FINDINGS} | {layout.PART: ["val", "test", "test"]}
    boxes = pd.DataFrame([["a.png", "Mass", 1, 2, 3, 4], ["c.png", "Infiltrate", 0, 0, 1_024, 1_024]])
    tables = {"entries": entries, "panel": entries.assign(**read), "boxes": boxes.set_axis(layout.BOX_COLUMNS, axis=1)}
    for name, cells in changes.items():
        for (row, column), value in cells.items():
            tables[name][column] = tables[name][column].astype(object)
            tables[name].loc[row, column] = value
    return tables


@pytest.fixture
def write(tmp_path):
    """A function that writes tables as the published files, and returns the folder."""

    def written(tables):
        for name, table in zip(layout.TABLES, tables.values(), strict=True):
            table.to_csv(tmp_path / name, index=False)
        return tmp_path

    return written


def test_tables_are_read(write):
    ages = {"entries": {(1, layout.AGE): 111}, "panel": {(0, layout.AGE): 155, (1, layout.AGE): 110}}
    images, panel, boxes, old = datasets.load_nih_labels(write(small(**ages)))
    assert images["age"].tolist()[::2] == [60, 40] and np.isnan(images["age"][1]) and old == 2
    assert panel["age_2019"].isna().tolist() == [True, False, False] and panel["age_2019"][1] == 110
    held = images.set_index("image")[list(datasets.NIH_FINDINGS.values())]
    assert [set(held.columns[row == 1]) for row in held.to_numpy()] == [
        {"mass", "edema"},
        {"no_finding"},
        {"pneumothorax"},
    ]
    assert panel["fracture"].tolist() == [1, 0, 0] and panel["part"].tolist() == ["val", "test", "test"]
    assert boxes["finding"].tolist() == ["mass", "infiltration"] and boxes.iloc[0, 2:].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("mapping", "airspace"), [("primary", [1, 0, 1]), ("narrow", [1, 0, 0]), ("narrow or infiltration", [1, 0, 0])]
)
def test_a_mapping_joins_both_readings(mapping, airspace, write):
    tables = datasets.load_nih_labels(write(small(entries={(2, layout.LABELS): "Atelectasis"})))
    table = datasets.panel_table(tables, mapping)
    assert table["airspace_opacity_mined"].tolist() == airspace
    assert table["nodule_or_mass_mined"].tolist() == [1, 0, 0] == table["nodule_or_mass_panel"].tolist()
    assert table["pneumothorax_mined"].tolist() == [0, 0, 0] and table["pneumothorax_panel"].tolist() == [1, 0, 0]
    assert list(table.columns[:7]) == ["image", "patient", "sex", "age", "age_2019", "view", "part"]
    with pytest.raises(InputError, match=r"mapping: must be primary.*Did you mean narrow\?"):
        datasets.panel_table(tables, "narow")


@pytest.mark.parametrize(
    ("changes", "where", "problem"),
    [
        ({"entries": {(0, layout.LABELS): "Mass|Edma"}}, "row 2, column Finding Labels", "holds 'Mass|Edma', expected"),
        ({"entries": {(1, layout.LABELS): "No Finding|Mass"}}, "row 3", "'No Finding' alone"),
        ({"entries": {(1, layout.LABELS): "Mass|"}}, "row 3", "holds 'Mass|'"),
        ({"entries": {(1, layout.LABELS): None}}, "row 3, column Finding Labels", "is empty, expected a value"),
        ({"entries": {(1, layout.IMAGE): "a.png"}}, "row 3, column Image Index", "expected each image once"),
        ({"entries": {(1, layout.VIEW): "LL"}}, "row 3, column View Position", "holds 'LL', expected AP or PA"),
        ({"entries": {(1, layout.SEX): "X"}}, "row 3, column Patient Gender", "holds 'X', expected F or M"),
        ({"entries": {(1, layout.SEX): "M"}}, "row 3, column Patient Gender", "the sex of this patient's first row"),
        ({"entries": {(1, layout.AGE): "58Y"}}, "row 3, column Patient Age", "holds '58Y', expected an age in whole"),
        ({"entries": {(1, layout.AGE): -1}}, "row 3, column Patient Age", "holds '-1'"),
        ({"entries": {(1, layout.PATIENT): 1.5}}, "row 3, column Patient ID", "expected a patient's number"),
        ({"panel": {(2, layout.IMAGE): "b.png"}}, "row 4, column Image Index", "expected each image once"),
        ({"panel": {(2, layout.IMAGE): "d.png"}}, "row 4, column Image Index", f"an image of {layout.ENTRIES}"),
        ({"panel": {(2, layout.PATIENT): 1}}, "row 4, column Patient ID", "the patient of the NIH table"),
        ({"panel": {(2, "Fracture"): "MAYBE"}}, "row 4, column Fracture", "holds 'MAYBE', expected NO or YES"),
        ({"panel": {(2, layout.PART): "train"}}, "row 4, column Set Id", "expected val or test"),
        ({"panel": {(2, layout.AGE): 40.5}}, "row 4, column Patient Age", "holds '40.5'"),
        ({"boxes": {(1, layout.IMAGE): "d.png"}}, "row 3, column Image Index", f"an image of {layout.ENTRIES}"),
        ({"boxes": {(1, "Finding Label"): "Hernia"}}, "row 3, column Finding Label", "holds 'Hernia', expected"),
        ({"boxes": {(1, "w"): 1_024.5}}, "row 3, column Bbox [x,y,w,h]", "holds '0, 0, 1024.5, 1024', expected x, y,"),
        ({"boxes": {(1, "Bbox [x"): -1}}, "row 3, column Bbox", "holds '-1, "),
        ({"boxes": {(1, "h]"): 0}}, "row 3, column Bbox", "within an image of 1024 pixels"),
        ({"boxes": {(1, "y"): "top"}}, "row 3, column Bbox", "holds '0, top, "),
    ],
)
def test_bad_cells_are_refused(changes, where, problem, write):
    folder = write(small(**changes))
    table = dict(zip(small(), layout.TABLES, strict=True))[next(iter(changes))]
    with pytest.raises(InputError) as error:
        datasets.load_nih_labels(folder)
    assert f"{table}, {where}" in str(error.value) and problem in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", layout.TABLES)
@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file.unlink(), "there is no .*real-labels"),
        (lambda file: file.write_bytes(file.read_bytes()[:60]), "cannot be read as a gzip file"),
        (
            lambda file: file.write_bytes(file.read_bytes()[:30] + b"\0\0\0\0" + file.read_bytes()[34:]),
            "as a gzip file",
        ),
        (lambda file: file.write_text("Image Index"), "cannot be read as a gzip file"),
        (lambda file: pd.read_csv(file).iloc[:, 1:].to_csv(file, index=False), "column Image Index: there is no such"),
        (lambda file: pd.read_csv(file).head(0).to_csv(file, index=False), "has a header and no rows"),
    ],
)
def test_bad_files_are_refused(name, spoil, problem, write):
    folder = write(small())
    spoil(folder / name)
    with pytest.raises(InputError, match=problem):
        datasets.load_nih_labels(folder)


# The simulated twin.


def rates(table, weights=None):
    """Sensitivity of the mined label by finding and sex: columns F and M."""
    rows = {}
    for finding in FINDINGS:
        held = table[table[f"{finding}_panel"] == 1]
        w = pd.Series(1.0, held.index) if weights is None else weights[held.index]
        rows[finding] = (held[f"{finding}_mined"] * w).groupby(held["sex"]).sum() / w.groupby(held["sex"]).sum()
    return pd.DataFrame(rows).T


def design_weights(tables):
    """One over the share drawn, by sex, view and whether any of the panel's findings is mined."""
    mined = [name for names in datasets.NIH_MAPPING["primary"].values() for name in names]
    images = tables.images.assign(any=tables.images[mined].max(axis=1))
    drawn = images["image"].isin(set(tables.panel["image"]))
    share = drawn.groupby([images["sex"], images["view"], images["any"]]).transform("mean")
    return pd.Series(1 / share.to_numpy(), images["image"])[tables.panel["image"]].reset_index(drop=True)


def truth(world, column):
    return datasets.nih_truth(world).pivot(index="finding", columns="sex", values=column).loc[FINDINGS]


@pytest.mark.parametrize("world", datasets.NIH_WORLDS)
def test_a_world_has_the_rates_that_are_planted(world):
    """Over ten cohorts; the limit is four standard errors of their mean."""
    plain, weighted = [], []
    for seed in range(10):
        tables = datasets.draw_nih_labels(world, 1_500, seed=seed)
        table = datasets.panel_table(tables)
        plain.append(rates(table).to_numpy())
        weighted.append(rates(table, design_weights(tables)).to_numpy())
    for found, column in ((plain, "plain_sensitivity"), (weighted, "sensitivity")):
        error = np.std(found, axis=0, ddof=1) / np.sqrt(10)
        assert (np.abs(np.mean(found, axis=0) - truth(world, column).to_numpy()) < 4 * error).all(), column


def test_only_the_sex_world_has_a_gap_and_only_in_selection_is_the_plain_one_wrong():
    def gap(world, column):
        return (truth(world, column)["F"] - truth(world, column)["M"]).round(9)

    assert {world: set(gap(world, "sensitivity")) for world in datasets.NIH_WORLDS} == {
        "none": {0.0},
        "sex": {-0.15},
        "selection only": {0.0},
        "patients": {0.0},
    }
    wrong = {
        world for world in datasets.NIH_WORLDS if (gap(world, "plain_sensitivity") != gap(world, "sensitivity")).any()
    }
    assert wrong == {"selection only"} and (gap("selection only", "plain_sensitivity") > 0.07).all()


def test_weights_mend_the_gap_of_one_cohort_of_the_default_size():
    tables = datasets.draw_nih_labels("selection only")
    table = datasets.panel_table(tables)
    plain, weighted = rates(table), rates(table, design_weights(tables))
    assert plain.loc["airspace_opacity", "F"] - plain.loc["airspace_opacity", "M"] > 0.10
    assert abs(weighted.loc["airspace_opacity", "F"] - weighted.loc["airspace_opacity", "M"]) < 0.05


def test_images_of_a_patient_are_alike_as_planted():
    """The intraclass correlation of a finding, from pairs of images of a patient; its standard error is below 0.02."""
    truths = {world: population.draw(world, 6_000, 0) for world in ("none", "patients")}
    for world, drawn in truths.items():
        held, owner = drawn.truth["airspace_opacity"] - 0.40, drawn.entries[layout.PATIENT]
        total, squares, m = (x.groupby(owner).sum() for x in (held, held**2, held * 0 + 1))
        pairs = (m * (m - 1)).clip(upper=90)  # a patient counts as one of ten images at most
        several = m > 1
        within = (total**2 - squares)[several] / (m * (m - 1))[several]
        found = np.average(within, weights=pairs[several]) / (0.40 * 0.60)
        assert found == pytest.approx(datasets.NIH_WORLDS[world].alike, abs=0.06)
    sizes = truths["patients"].entries[layout.PATIENT].value_counts()
    assert sizes.max() == 90 and (sizes == 1).mean() == pytest.approx(1 - 2**-1.2, abs=0.03)


def test_the_folder_holds_what_is_drawn_in_memory(tmp_path):
    folder = datasets.simulate_nih_labels("sex", 200, seed=3, folder=tmp_path)
    for read, drawn in zip(datasets.load_nih_labels(folder), datasets.draw_nih_labels("sex", 200, seed=3), strict=True):
        pd.testing.assert_frame_equal(read, drawn) if isinstance(read, pd.DataFrame) else None
    assert datasets.simulate_nih_labels("sex", 200, seed=3, folder=tmp_path) == folder
    bytes_of = {name: (folder / name).read_bytes() for name in layout.TABLES}
    again = datasets.simulate_nih_labels("sex", 200, seed=3, folder=tmp_path / "again")
    assert {name: (again / name).read_bytes() for name in layout.TABLES} == bytes_of
    assert not datasets.is_nih_release(folder)


def test_check_data_knows_the_folder(write):
    found = datasets.check_folder(write(small(panel={(0, layout.AGE): 155})), progress=False)
    assert "NIH labels, 3 images of 2 patients" in found.text and "16_chest_labels" in found.text
    assert "other rows in the same layout" in found.text and "1 of ages: above 110" in found.text
    assert found.refused == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "sx"}, "world: must be none, .* Did you mean sex"),
        ({"n_patients": 0}, "n_patients: 0 is not a whole number"),
        ({"seed": -1}, "seed: -1 is not"),
    ],
)
def test_bad_arguments_of_the_twin_are_refused(arguments, message, tmp_path):
    for make in (datasets.draw_nih_labels, lambda **given: datasets.simulate_nih_labels(**given, folder=tmp_path)):
        with pytest.raises(InputError, match=message):
            make(**arguments)


# The position prior.


def placed(boxes, patients=12):
    """Tables of boxes and images: a patient and image for each box, or the patients in turn."""
    image = [f"{k}.png" for k in range(len(boxes))]
    table = pd.DataFrame(boxes, columns=["x", "y", "width", "height"]).assign(image=image, finding="mass")
    return table, pd.DataFrame({"image": image, "patient": np.arange(len(boxes)) % patients})


@pytest.mark.parametrize(
    ("boxes", "auroc"),
    [
        ([(256, 256, 512, 512)] * 12, 1.0),  # all in the same place
        ([(0, 0, 512, 1_024)] * 12 + [(512, 0, 512, 1_024)] * 12, 0.5),  # each patient has one image of either side
        ([(0, 0, 1_024, 512)] * 11 + [(0, 512, 1_024, 512)], 11 / 12),  # one in the other place: its area is 0
    ],
)
def test_a_position_prior_is_known(boxes, auroc):
    found = datasets.position_prior(placed(boxes)[0], images=placed(boxes)[1]).iloc[0]
    assert found["auroc"] == pytest.approx(auroc, abs=1e-12)
    assert found["low"] <= found["auroc"] <= found["high"]
    assert (found["n"], found["patients"], found["boxes"]) == (len(boxes), 12, len(boxes))


def test_few_patients_are_suppressed_and_an_unknown_image_is_refused():
    boxes, images = placed([(0, 0, 9, 9)] * 20, patients=9)
    found = datasets.position_prior(boxes, images=images).iloc[0]
    assert np.isnan(found["auroc"]) and found["patients"] == 0
    with pytest.raises(InputError, match="boxes: 1 are of no image"):
        datasets.position_prior(boxes, images=images.iloc[1:])
    with pytest.raises(InputError, match="boxes: there is no box"):
        datasets.position_prior(boxes.head(0), images=images)


# Fetching.


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in the published layout, which the expected checksums are changed to fit, and the command's folder."""
    source = datasets.simulate_nih_labels("none", 60, folder=tmp_path / "twin")
    file = tmp_path / "wheel" / "torchxrayvision-1.5.7-py3-none-any.whl"
    file.parent.mkdir()
    content = {name: (source / name).read_bytes() for name in layout.TABLES}
    wrapped(file, content)
    monkeypatch.setattr(layout, "TABLES", {name: hashlib.sha256(held).hexdigest() for name, held in content.items()})
    monkeypatch.setattr(layout, "WHEEL", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(fetching.paths, "data", lambda: tmp_path / "data")
    return file


def wrapped(file, tables, version="1.5.7"):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in tables.items():
            archive.writestr(f"torchxrayvision/data/{name}", content)
        archive.writestr("torchxrayvision/data/chexpert_train.csv.gz", b"other terms")
        archive.writestr("torchxrayvision/__init__.py", b"raise SystemExit('imported')")
        archive.writestr(f"torchxrayvision-{version}.dist-info/METADATA", f"Version: {version}\n")


def test_three_tables_are_taken_and_finished_ones_kept(wheel, tmp_path, capsys):
    folder = tmp_path / "data" / "nih_labels"
    assert command.main([f"WHEEL={wheel}"]) == 0
    assert {file.name for file in folder.iterdir()} == {*layout.TABLES, layout.TIDY}
    said = capsys.readouterr().out
    assert said.count("written") == 3 and "Wang et al." in said and "Majkowska et al." in said and "make audit" in said
    tidy = pd.read_csv(folder / layout.TIDY)
    pd.testing.assert_frame_equal(tidy, datasets.panel_table(datasets.load_nih_labels(folder)), check_dtype=False)
    assert "torchxrayvision" not in sys.modules
    damaged, kept = list(layout.TABLES)[:2]
    (folder / damaged).write_bytes(b"half")
    before = (folder / kept).stat()
    assert command.main([f"WHEEL={wheel}"]) == 0 and capsys.readouterr().out.count("was there already") == 2
    assert (folder / kept).stat().st_ino == before.st_ino and (folder / damaged).stat().st_size > 4
    wheel.unlink()
    assert command.main([]) == 0 and capsys.readouterr().out.count("was there already") == 3


def other_version(file):
    tables = {name: zipfile.ZipFile(file).read(layout.INSIDE + name) for name in layout.TABLES}
    tables.pop(layout.BOXES)
    wrapped(file, tables | {layout.PANEL: b"another release"}, version="1.4.0")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file.unlink(), "WHEEL = .*: there is no such file"),
        (lambda file: file.write_bytes(file.read_bytes()[:-40]), "is damaged or not a wheel"),
        (
            lambda file: file.write_bytes(file.read_bytes().replace(b"other", b"OTHER")),
            "three tables are the published",
        ),
        (lambda file: file.write_bytes(flipped(file.read_bytes())), "is damaged or not a wheel .*CRC"),
        (other_version, r"torchxrayvision 1\.4\.0 with .*google2019\S+ has SHA-256 \w{12}, BBox\S+ is absent\. Give"),
    ],
)
def test_a_wrong_wheel_is_refused_in_one_line(spoil, problem, wheel, tmp_path, capsys):
    spoil(wheel)
    assert command.main([f"WHEEL={wheel}"]) == 1
    with pytest.raises(InputError, match=problem):
        fetching.fetch(wheel)
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "data").exists()


def flipped(content):
    return content[:200] + bytes([content[200] ^ 1]) + content[201:]


# A stand-in for pip: its exit status, what it writes, and what it says.
@pytest.mark.parametrize(
    ("status", "error", "problem"),
    [
        (1, "WARNING: Retrying\nERROR: No matching distribution", r"could not download it \(No matching .*WHEEL="),
        (1, "no network", r"could not download it \(no network\)"),
        (0, "", "could not download it"),
    ],
)
def test_a_failed_download_is_one_line(status, error, problem, wheel, monkeypatch):
    code = f"import sys; sys.stderr.write({error!r}); sys.exit({status})"
    run = fetching.subprocess.run
    monkeypatch.setattr(fetching.subprocess, "run", lambda command, **how: run([sys.executable, "-c", code], **how))
    with pytest.raises(InputError, match=problem):
        fetching.fetch()


def test_pip_downloads_one_wheel_without_dependencies_and_may_be_missing(wheel, tmp_path, monkeypatch):
    asked = []

    def run(command, **how):
        asked.append(command)
        (tmp_path / "copy.whl").write_bytes(wheel.read_bytes())
        (tmp_path / "copy.whl").rename(f"{command[command.index('--dest') + 1]}/{wheel.name}")
        return fetching.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetching.subprocess, "run", run)
    assert fetching.fetch()[1] == list(layout.TABLES)
    assert {"--no-deps", "torchxrayvision==1.5.7"} <= set(asked[0]) and "install" not in asked[0]
    assert not any("://" in word for word in asked[0])
    (tmp_path / "data" / "nih_labels" / layout.PANEL).unlink()
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip: this Python has no pip"):
        fetching.fetch()


def test_an_unknown_word_is_refused(capsys):
    assert command.main(["WHEEEL=x"]) == 1 and "Did you mean WHEEL?" in capsys.readouterr().err


# The real tables.


@pytest.fixture(scope="module")
def nih(real):
    return datasets.load_nih_labels(real("nih_labels"))


def test_the_real_tables_are_recognised(real, tmp_path):
    assert datasets.is_nih_release(real("nih_labels"))
    for name in layout.TABLES:
        (tmp_path / name).write_bytes((real("nih_labels") / name).read_bytes())
    assert datasets.is_nih_release(tmp_path)
    (tmp_path / layout.BOXES).write_bytes((tmp_path / layout.BOXES).read_bytes() + b" ")
    assert not datasets.is_nih_release(tmp_path)


def test_counts_of_the_real_tables(nih):
    """Measured first in the dossier of the study, independently of this reader."""
    images, panel, boxes, old = nih
    sizes = images["patient"].value_counts()
    assert (len(images), len(sizes), sizes.max(), round((sizes == 1).mean(), 2)) == (112_120, 30_805, 184, 0.57)
    owner = images.set_index("image")["patient"]
    patients = owner[panel["image"]]
    assert (len(panel), patients.nunique(), old) == (4_376, 1_695, 1)
    assert (patients.value_counts() == sizes[patients.unique()].reindex(patients.value_counts().index)).sum() == 261
    assert (len(boxes), boxes["image"].nunique(), owner[boxes["image"]].nunique()) == (984, 880, 726)
    assert boxes["finding"].nunique() == 8
    parts = panel.assign(patient=patients.to_numpy()).groupby("part")
    assert parts.size().to_dict() == {"test": 1_962, "val": 2_414}
    assert parts["patient"].nunique().to_dict() == {"test": 860, "val": 835}
    assert parts["pneumothorax"].mean().round(3).to_dict() == {"test": 0.099, "val": 0.018}


def test_the_panel_read_no_random_part_of_the_real_images(nih):
    images = nih.images.assign(drawn=nih.images["image"].isin(set(nih.panel["image"])))
    assert images.groupby("view")["drawn"].mean().round(3).to_dict() == {"AP": 0.072, "PA": 0.017}
    names = [name for name in datasets.NIH_FINDINGS.values() if name != "no_finding"]
    shares = pd.Series({name: images.loc[images[name] == 1, "drawn"].mean() for name in names})
    assert (shares.idxmin(), round(shares.min(), 3)) == ("fibrosis", 0.023)
    assert (shares.idxmax(), round(shares.max(), 3)) == ("edema", 0.074)


def test_the_releases_of_age_differ(nih):
    """One of the five ages that are more than a year older, and one of the 25 rows that cross 50, is 155 years."""
    table = datasets.panel_table(nih)
    change = table["age_2019"] - table["age"]
    assert ((change != 0).sum(), (change == 1).sum(), (change > 1).sum()) == (1_546, 1_541, 4)
    assert change.isna().sum() == 1 and change[change > 1].agg(["min", "max"]).tolist() == [2, 43]
    crossing = ((table["age"] >= 50) != (table["age_2019"] >= 50)) & change.notna()
    assert crossing.sum() == 25 - 1
