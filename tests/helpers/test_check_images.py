"""The check of a user's images reports every planted trap, and nothing about a clean table."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from helpers import datasets, paths
from helpers.datasets.__main__ import main
from helpers.datasets.checking import scanning, suiting
from helpers.datasets.checking.lettering import has_text
from helpers.errors import InputError
from tests.helpers.pictures import NAME

ROWS, SIDE = 80, 96


def picture(seed):
    """A grey picture with a bright centre, another for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    soft = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 5)
    values = np.exp(-8 * (x**2 + y**2)) + 2 * soft / np.ptp(soft) * 0.3
    return (20 + 200 * (values - values.min()) / np.ptp(values)).astype(np.uint8)


def frame():
    k = np.arange(ROWS)
    patient = k // 2
    return pd.DataFrame(
        {
            "image": [f"pictures/{i}.png" for i in k],
            "patient": [f"{NAME}{i}" for i in patient],
            "split": np.where(patient % 5 == 0, "test", "train"),
            "colour_of_eyes": np.where(patient % 2, "brown", "blue"),
            "age": (30 + patient % 40).astype(str),
            "ill": patient // 2 % 2,
        }
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    (folder / "pictures").mkdir()
    for i in range(ROWS):
        Image.fromarray(picture(i)).save(folder / "pictures" / f"{i}.png")
    return folder


@pytest.fixture
def place(clean, tmp_path):
    """A folder with links to the clean pictures, so that a trap replaces some."""
    (tmp_path / "pictures").mkdir()
    for file in (clean / "pictures").iterdir():
        (tmp_path / "pictures" / file.name).symlink_to(file)
    return tmp_path


def put(place, i, values, **options):
    file = place / "pictures" / f"{i}.png"
    file.unlink()
    Image.fromarray(values).save(file, **options)


def check(place, table, **columns):
    table.to_csv(place / "my.csv", index=False)
    return datasets.check_images(place / "my.csv", {"GROUPS": "colour_of_eyes", **columns}, progress=False)


def test_nothing_is_reported_of_a_clean_table(place):
    found = check(place, frame())
    assert found.found == found.refused == []
    assert "80 images of 40 patients" in found.text and "Nothing was found" in found.text
    assert re.search(r"blue +40 +20 +10 of 20", found.text)
    assert NAME not in found.text and "pictures/" not in found.text


def ages(table):
    """Lose the age of every second ill patient."""
    return table.assign(age=table["age"].where((table["ill"] == 0) | (table.index // 2 % 4 == 2)))


def cell(table, column, rows, value):
    return table.assign(**{column: table[column].astype(object).where(~table.index.isin(rows), value)})


def planted(place):
    """Plant traps that do not meet each other, and return the table."""
    put(place, 7, picture(0))
    Image.fromarray(picture(2)).resize((80, 80)).save(place / "small.jpg", quality=70)
    image = Image.fromarray(picture(5))
    ImageDraw.Draw(image).text((2, 2), "AP 12:30", fill=255, font=ImageFont.load_default(18))
    put(place, 5, np.asarray(image))
    put(place, 8, np.full((SIDE, SIDE), 90, np.uint8))
    put(place, 20, 255 - picture(20))
    put(place, 9, np.stack([picture(9), picture(10), picture(11)], axis=2))
    put(place, 12, picture(12).astype(np.uint16) * 200)
    (place / "pictures" / "4.png").unlink()
    (place / "pictures" / "4.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    table = cell(ages(frame()), "image", [11], "small.jpg")
    return cell(cell(table, "age", [3], "Unknown"), "ill", [6, 7], 1)


FOUND = [
    "1 pair of pictures equal by bytes across patients: row 2 and row 9",
    "1 pair of pictures equal by bytes across parts",
    "1 pair of pictures equal by bytes with different labels",
    "1 pair of pictures near-duplicates across patients: row 4 and row 13",
    "1 pair of pictures near-duplicates across parts",
    "1 picture (row 10) blank",
    "1 picture (row 22) inverted against the others",
    "1 picture (row 7) perhaps with burnt-in text, a guess",
    "colour and grey are mixed: 1 and",
    "bit depths are mixed: 8 bits in 78, 16 bits in 1 pictures",
    "age: missing in",
    "age: 1 cell holds 'Unknown'",
]


def test_each_trap_is_reported(place):
    table = planted(place)
    table["split"] = np.where(table.index.isin([0, 1, 10, 11]), "test", "train")
    found = check(place, table)
    assert [sentence for sentence in FOUND if not any(sentence in one for one in found.found)] == [], found.text
    assert len(found.found) == len(FOUND), found.found
    assert len(found.refused) == 1 and "1 picture (row 6) cannot be read" in found.refused[0]
    assert all(NAME not in one and "pictures/" not in one for one in [found.text, *found.found])


def test_masks_are_read_and_held_against_their_pictures(place):
    for i in range(80):
        mask = np.zeros((SIDE, SIDE + (i == 30)), np.uint8)
        mask[2:5, 2:5] = i not in (3, 4)
        Image.fromarray(mask).save(place / f"mask{i}.png")
    (place / "mask9.png").write_bytes(b"no mask")
    found = check(place, frame().assign(mask=[f"mask{i}.png" for i in range(80)]))
    assert found.refused == ["row 11: the mask is no image (2 such rows)"], found.refused
    assert "2 of 80 masks are empty" in found.found


def test_a_label_of_one_class_in_a_group_is_reported(place):
    table = frame()
    found = check(place, table.assign(ill=table["ill"].where(table["colour_of_eyes"] == "blue", 0)))
    assert found.found == [
        "ill: it is 0 in all of colour_of_eyes brown (40 images, 20 patients), so no rate can be compared"
    ]


def test_rows_that_a_study_refuses_are_reported_and_the_rest_is_checked(place, capsys):
    table = cell(cell(frame(), "split", [0], "train"), "image", [5, 6], "no.png")
    table = cell(cell(cell(table, "patient", [8], None), "split", [14, 15], "later"), "image", [17], "pictures/16.png")
    sentences = [
        "row 7, column image: there is no such image file, or several have the name (2 such rows)",
        "row 16, column split: expected train, validation or test (2 such rows)",
        "row 10, column patient: no patient is named",
        "row 19, column image: this image is also in another row",
        "row 2, column split: this patient is in two parts; 1 patient is (2 such rows)",
    ]
    found = check(place, table)
    assert found.refused == [f"my.csv, {sentence}" for sentence in sentences]
    assert "Groups and labels" in found.text and NAME not in found.text
    with pytest.raises(InputError):
        datasets.load_image_table(place / "my.csv", {})
    assert main([f"IMAGES={place / 'my.csv'}", "GROUPS=colour_of_eyes"]) == 1
    assert sentences[0] in capsys.readouterr().out


def test_missing_cells_are_tested_by_patient(place):
    # 20 of 40 patients are ill, and the age of every second of these is missing: 10 of 20 against none.
    found = check(place, ages(frame()))
    assert any("50% of patients with ill, 0% of the others" in one and "40 patients" in one for one in found.found)
    from scipy.stats import fisher_exact

    p = fisher_exact([[10, 0], [10, 20]]).pvalue  # the one test of this table
    assert any(f"p = {p:.2g}" in one for one in found.found)


def test_small_groups_are_hidden(place):
    few = cell(cell(frame(), "colour_of_eyes", range(8), "green"), "age", [40], None)
    lines = check(place, few).text.splitlines()
    row = next(line for line in lines if re.match(r" +green ", line))
    assert row.split() == ["green", "-", "<10", "-"]
    assert any("colour_of_eyes green" in line for line in lines), "its share of missing cells is hidden too"
    assert next(line for line in lines if re.match(r" +age +1 ", line)).split()[-1] == "<10"


def test_the_hash_survives_size_and_jpeg_and_separates_others(clean):
    thumbs = [np.asarray(Image.fromarray(picture(i)).resize((64, 64), 4), float) for i in range(12)]
    hashes = [np.frombuffer(scanning.perceptual_hash(one), np.uint8) for one in thumbs]
    apart = [np.bitwise_count(a ^ b).sum() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(apart) > 40
    darker = np.frombuffer(scanning.perceptual_hash(thumbs[0] * 0.5), np.uint8)
    assert (darker == hashes[0]).all(), "a hash of ranks does not change with contrast"


def test_noise_and_texture_are_no_text():
    rng = np.random.default_rng(1)
    fields = (gaussian_filter(rng.normal(size=(200, 200)), s) * q * 40 + 128 for s in (0, 1, 2) for q in (1, 3, 9))
    assert not any(has_text(np.clip(one, 0, 255).astype(np.uint8)) for one in fields)


def test_studies_are_named_with_their_command_or_the_reason(place):
    text = check(place, frame(), TARGETS="ill").text
    assert f"make study STUDY=05_mitigation IMAGES={place / 'my.csv'} GROUPS=colour_of_eyes TARGETS=ill" in text
    frame().drop(columns="age").to_csv(place / "my.csv", index=False)
    bare = datasets.check_images(place / "my.csv", {"TARGETS": "ill"}, progress=False)
    assert "05_mitigation" in bare.text and "no: no column of groups" in bare.text
    assert all((paths.notebooks() / f"{name}.ipynb").is_file() for name in suiting.NEEDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["IMAGE=my.csv"], "Did you mean IMAGES?"),
        (["IMAGES=no.csv"], "there is no such file"),
        (["DATA_ROOT=no"], "no such folder"),
    ],
)
def test_bad_words_get_one_line(words, message, capsys):
    assert main(words) == 1
    err = capsys.readouterr().err
    assert message in err and len(err.strip().splitlines()) == 1


SIMULATED = {
    "FETAL_PLANES_DB": lambda folder: datasets.simulate_fetal_planes(30, n_test=10, seed=0, folder=folder),
    "CheXpert": lambda folder: datasets.simulate_chest_xrays(20, seed=0, folder=folder),
    "Fitzpatrick17k": lambda folder: datasets.simulate_dermatology(40, seed=0, folder=folder),
    "UCSF-PDGM": lambda folder: datasets.simulate_brain_tumours(12, seed=0, folder=folder),
}


@pytest.mark.parametrize(
    "title",
    [
        "Fitzpatrick17k",
        "FETAL_PLANES_DB",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("CheXpert", "UCSF-PDGM")),
    ],
)
def test_each_layout_is_recognised(title, tmp_path):
    root = SIMULATED[title](tmp_path)
    found = datasets.check_folder(root, progress=False)
    assert title in found.text.splitlines()[0] and "other rows in the same layout" in found.text
    assert "Pictures" in found.text and f"DATA_ROOT={root}" in found.text


def test_a_folder_with_a_table_of_images_is_sent_to_it(place):
    frame().to_csv(place / "my.csv", index=False)
    with pytest.raises(InputError, match="make check-data IMAGES="):
        datasets.check_folder(place)


@pytest.mark.parametrize(
    ("name", "images", "near"), [("covid_cxr", 319, 4), pytest.param("pad_ufes_20", 686, 0, marks=pytest.mark.slow)]
)
def test_real_images(real, name, images, near):
    found = datasets.check_images(real(name) / "images.csv", progress=False)
    assert f"{images} images" in found.text and found.refused == []
    across = [one for one in found.found if "near-duplicates across patients" in one]
    assert [one.split()[0] for one in across] == [str(near)] * bool(near)


def test_the_real_table_without_images(real_labels):
    found = datasets.check_folder(real_labels, progress=False)
    assert "the published table" in found.text and "only the table" in found.text


@pytest.mark.parametrize(
    ("study", "changed", "words"),
    [
        ("05_mitigation", {"split": ["train"] * 80}, "SPLIT has no row of test; leave it out, or name both parts"),
        ("02_biased_ruler", {"split": ["train"] * 80}, "no masks; name them as MASK=column"),
        (
            "05_mitigation",
            {"ill": [1] + [0] * 79},
            "no label has 10 patients of both classes in two groups; name others",
        ),
        ("06_vae_uncertainty", {}, ""),
    ],
)
def test_what_a_study_lacks_is_known_before_it_starts(place, study, changed, words):
    frame().assign(**changed).to_csv(place / "my.csv", index=False)
    table = datasets.load_image_table(place / "my.csv", {"GROUPS": "colour_of_eyes", "TARGETS": "ill"})
    assert datasets.unsuited(study, table).startswith(words) and bool(datasets.unsuited(study, table)) == bool(words)
