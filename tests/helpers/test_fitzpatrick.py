"""Loading a Fitzpatrick17k folder: simulated, real where the table is there, and other releases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.fitzpatrick import layout
from helpers.errors import InputError
from tests.helpers.skin import N, counted, images, load, table_of, write


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return datasets.simulate_dermatology(N, seed=2, size=16, shares=(0.1, *[0.15] * 6), folder=folder)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


# The cases


def test_loader_gives_what_was_drawn(made):
    cases, dropped = load(made)
    drawn = pd.read_csv(made / "simulated_cases.csv")
    assert tuple(cases) == (*layout.CASE_COLUMNS, "source") and len(cases) == N
    assert set(cases["source"]) == {"example.org"}
    assert list(cases["md5hash"]) == list(drawn["md5hash"])
    known = cases["scale"].notna()
    assert 0 < (~known).sum() == counted(dropped, "skin type missing")
    assert (cases["scale"][known] == drawn["skin_type"][known]).all()
    assert (cases["scale"].dtype, cases["centaur"].dtype) == ("Int64", "Int64")
    expected = cases["scale"].map({1: "light", 2: "light", 5: "dark", 6: "dark"})
    assert cases["group"].astype("str").equals(expected.astype("str")) and set(cases["group"].dropna()) == {
        "light",
        "dark",
    }
    assert all(Path(file).name == f"{name}.jpg" for file, name in zip(cases["file"], cases["md5hash"], strict=True))
    assert list(dropped.columns) == ["table", "reason", "n"] and len(dropped) == 1


def test_groups_follow_the_labels_chosen(made):
    scale, _ = load(made)
    centaur, dropped = load(made, skin_type="centaur")
    assert centaur["skin_type"].equals(centaur["centaur"].rename("skin_type"))
    pd.testing.assert_frame_equal(
        scale.drop(columns=["skin_type", "group"]), centaur.drop(columns=["skin_type", "group"])
    )
    assert not centaur["group"].equals(scale["group"])
    assert counted(dropped, "skin type missing") == centaur["centaur"].isna().sum()


def test_a_table_alone_needs_no_images(root, tmp_path):
    expected, _ = load(root)
    alone = tmp_path / "alone" / "labels.csv"
    alone.parent.mkdir()
    shutil.copy(root / layout.TABLE, alone)
    cases, _ = load(alone, images=False)
    pd.testing.assert_frame_equal(cases.drop(columns="file"), expected.drop(columns="file"))
    assert cases["file"].isna().all()
    with pytest.raises(InputError, match="holds no image"):
        load(alone)


def test_older_tables_have_one_label_of_the_skin_type(root):
    expected, _ = load(root)
    table = table_of(root).rename(columns={"fitzpatrick_scale": "fitzpatrick"})
    write(root, table.drop(columns=["fitzpatrick_centaur", "qc", "url_alphanum"]))
    cases, _ = load(root)
    assert cases["skin_type"].equals(expected["skin_type"]) and cases["centaur"].isna().all()
    with pytest.raises(InputError, match="fitzpatrick_centaur"):
        load(root, skin_type="centaur")


@pytest.mark.parametrize("place", [".", "a/b", "IMAGES"])
def test_images_may_lie_anywhere_below_the_table(root, place):
    expected, _ = load(root)
    files = images(root)
    (root / place).mkdir(parents=True, exist_ok=True)
    for file in files:
        file.rename(root / place / file.name.upper())
    cases, dropped = load(root)
    pd.testing.assert_frame_equal(cases.drop(columns="file"), expected.drop(columns="file"))
    assert len(dropped) == 1


def test_images_named_by_their_address(root):
    for file, name in zip(images(root), table_of(root)["url_alphanum"], strict=True):
        file.rename(file.with_name(name))
    assert len(load(root)[0]) == N


def corrected(root: Path) -> Path:
    """Turn a folder into the corrected release: nested images with short names, and its own table of some of them."""
    table = table_of(root)
    rows = []
    for i, (file, row) in enumerate(zip(images(root), table.to_dict("records"), strict=True)):
        short = row["label"][:2]
        name = f"{short}_f{row['fitzpatrick_scale']}_{i}_{row['md5hash'][:8]}"
        (root / f"{short}_53").mkdir(exist_ok=True)
        file.rename(root / f"{short}_53" / f"{name}.jpg")
        own = {"filepath": f"{short}_53/{name}.jpg", "filename": name, "diag": short, "fst": row["fitzpatrick_scale"]}
        own |= {"partition": "train", "md5hash": row["md5hash"], "fitzpatrick": row["fitzpatrick_scale"]}
        own |= {column: row[column] for column in layout.COLUMNS[3:]}
        rows.append(own)
    path = root / "corrected.csv"
    pd.DataFrame(rows[: N // 2]).to_csv(path, index=False)
    return path


def test_the_corrected_release(root):
    expected, _ = load(root)
    cases, dropped = load(corrected(root))
    half = expected[: N // 2].drop(columns=["file", "centaur"])
    pd.testing.assert_frame_equal(cases.drop(columns=["file", "centaur"]), half)
    assert counted(dropped, "file of no row") == N // 2


def test_the_first_table_with_the_corrected_images_and_its_list(root):
    path = corrected(root)
    assert len(load(root)[0]) == N
    cases, dropped = load(root, keep=path)
    assert len(cases) == N // 2 == counted(dropped, "not in the list: left out")
    assert dropped["table"].tolist()[-1] == "corrected.csv"


@pytest.mark.parametrize("how", ["csv", "text", "hashes"])
def test_a_list_of_images_to_keep(root, tmp_path, how):
    hashes = table_of(root)["md5hash"][5:15].tolist()
    more = [*hashes[:-1], hashes[-1].upper() + " ", "0" * 32]
    path = tmp_path / "keep.txt"
    if how == "csv":
        pd.DataFrame({"cluster": 1, "MD5hash": more}).to_csv(path, index=False)
    else:
        path.write_text("\n".join(more))
    cases, dropped = load(root, keep=more if how == "hashes" else path)
    assert cases["md5hash"].tolist() == hashes
    assert (counted(dropped, "left out"), counted(dropped, "MD5 of no row")) == (N - 10, 1)


# The real table


def test_real_table(real_labels):
    cases, dropped = load(real_labels, images=False)
    assert len(cases) == 16_577
    assert cases["scale"].value_counts().sort_index().tolist() == [2947, 4808, 3308, 2781, 1533, 635]
    assert cases["centaur"].value_counts().sort_index().tolist() == [5561, 3180, 2934, 1974, 1293, 562]
    assert (cases["scale"].isna().sum(), cases["centaur"].isna().sum()) == (565, 1073)
    assert cases["group"].value_counts().to_dict() == {"light": 7755, "dark": 2168}
    assert load(real_labels, images=False, skin_type="centaur")[0]["group"].value_counts().to_dict() == {
        "light": 8741,
        "dark": 1855,
    }
    assert [cases[column].nunique() for column in ("label", "nine", "three")] == [114, 9, 3]
    assert cases["qc"].value_counts().to_dict() == dict(zip(layout.QC, (348, 32, 17, 10, 97), strict=True))
    assert dropped["n"].tolist() == [565]
    assert not cases["md5hash"].str[:8].duplicated().any()  # so eight digits name an image


# Duplicates across a split


def clusters() -> pd.DataFrame:
    hashes = [f"{k:032x}" for k in range(6)]
    return pd.DataFrame({"md5hash": hashes, "cluster": ["a", "a", "b", "b", "c", "c"]})


def test_leaks_name_the_clusters_on_both_sides(tmp_path):
    hashes = clusters()["md5hash"]
    alone = "f" * 32
    train, test = [hashes[0], hashes[0], hashes[2], alone], [hashes[1], hashes[4], hashes[5], alone]
    clusters().to_csv(tmp_path / "clusters.csv", index=False)
    for given in (clusters(), tmp_path / "clusters.csv"):
        found = datasets.leaks(given, train=train, test=[h.upper() for h in test])
        assert found.to_dict("index") == {"a": {"train": 1, "test": 1}, alone: {"train": 1, "test": 1}}
    assert datasets.leaks(clusters(), train=hashes[:2], test=hashes[2:]).empty
    assert datasets.leaks(clusters(), train=hashes[:1], valid=hashes[4:5], test=hashes[[3, 5]]).index.tolist() == ["c"]


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda: datasets.leaks(clusters(), train=["0" * 32]), "splits"),
        (lambda: datasets.leaks(clusters().drop(columns="cluster"), train=[], test=[]), "column cluster"),
        (
            lambda: datasets.leaks(pd.concat([clusters(), clusters().assign(cluster="d")[:1]]), a=[], b=[]),
            "one cluster",
        ),
        (lambda: datasets.leaks("nowhere.csv", train=[], test=[]), "nowhere.csv"),
    ],
)
def test_leaks_refuse_bad_input(act, word):
    with pytest.raises(InputError, match=word):
        act()
