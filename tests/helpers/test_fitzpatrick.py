"""Loading a Fitzpatrick17k folder: simulated, real where the table is there, other releases, and broken downloads."""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import data, simulate
from helpers.errors import InputError
from helpers.simulate import skin_layout

N = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return simulate.dermatology(N, seed=2, size=16, shares=(0.1, *[0.15] * 6), folder=folder)


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "download"))


def load(root: Path, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    return data.load_fitzpatrick17k(root, progress=False, **options)


def table_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / skin_layout.TABLE, dtype=str)


def write(root: Path, table: pd.DataFrame) -> None:
    table.to_csv(root / skin_layout.TABLE, index=False)


def counted(dropped: pd.DataFrame, words: str) -> int:
    return int(dropped.loc[dropped["reason"].str.contains(words, regex=False), "n"].sum())


def images(root: Path) -> list[Path]:
    """Image files in the order of the table."""
    return [root / "images" / f"{name}.jpg" for name in table_of(root)["md5hash"]]


def encoded(mode: str, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (20, 30), 128 if mode in ("L", "I;16") else None).save(stream, kind)
    return stream.getvalue()


# The cases


def test_loader_gives_what_was_drawn(made):
    cases, dropped = load(made)
    drawn = pd.read_csv(made / "simulated_cases.csv")
    assert tuple(cases) == (*skin_layout.CASE_COLUMNS, "source") and len(cases) == N
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
    shutil.copy(root / skin_layout.TABLE, alone)
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
        own |= {column: row[column] for column in skin_layout.COLUMNS[3:]}
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


# Broken downloads


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("spoil", "reason", "lost"),
    [
        (lambda content: b"", "is empty", True),
        (lambda content: b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "is no image", True),
        (cut, "is cut off or damaged", True),
        (lambda content: content[:-30], "is cut off or damaged", True),
        (lambda content: encoded("I;16", "PNG"), "more than 8 bits", True),
        (lambda content: encoded("L"), "another MD5", False),
        (lambda content: encoded("CMYK"), "another MD5", False),
        (lambda content: encoded("RGBA", "PNG"), "another MD5", False),
        (lambda content: encoded("P", "GIF"), "another MD5", False),
    ],
)
def test_what_is_wrong_with_an_image_is_counted(root, tmp_path, spoil, reason, lost):
    for file in images(root)[:3]:
        file.write_bytes(spoil(file.read_bytes()))
    cases, dropped = load(root)
    assert counted(dropped, reason) == 3
    assert len(cases) == N - 3 * lost
    assert data.load_images(cases["file"], 8, progress=False, folder=tmp_path).shape == (len(cases), 3, 8, 8)


def test_missing_and_foreign_and_double_images_are_counted(root):
    first, second, third = images(root)[:3]
    first.unlink()
    (root / "images" / f"{'0' * 32}.jpg").write_bytes(second.read_bytes())
    (root / "again").mkdir()
    shutil.copy(third, root / "again" / third.name)
    (root / "images" / ".hidden.jpg").write_bytes(b"")
    (root / "notes.txt").write_text("")
    cases, dropped = load(root)
    assert len(cases) == N - 1
    found = {words: counted(dropped, words) for words in ("no such file", "file of no row", "stands twice")}
    assert found == {"no such file": 1, "file of no row": 1, "stands twice": 1}


def test_wrong_hashes_are_kept_and_counted(root):
    first, second = images(root)[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    cases, dropped = load(root)
    assert len(cases) == N and counted(dropped, "another MD5 than its row: kept") == 1
    assert hashlib.md5(content).hexdigest() == first.stem  # so it was right before


def cell(column: str, value: object, row: int = 4):
    def act(root: Path) -> object:
        table = table_of(root)
        table.loc[row - 2, column] = value
        write(root, table)
        return load(root)

    return act


def changed(change):
    def act(root: Path) -> object:
        write(root, change(table_of(root)))
        return load(root)

    return act


def without_table(root: Path) -> object:
    (root / skin_layout.TABLE).unlink()
    return load(root)


def without_images(root: Path) -> object:
    shutil.rmtree(root / "images")
    return load(root)


def keep(text: str):
    def act(root: Path) -> object:
        (root / "keep.csv").write_text(text)
        return load(root, keep=root / "keep.csv")

    return act


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda root: load(root / "none"), ("none", "no such file or folder")),
        (without_table, ("there is no fitzpatrick17k.csv",)),
        (without_images, ("holds no image", "images=False")),
        (lambda root: load(root, skin_type="monk"), ("skin_type", "monk")),
        (cell("fitzpatrick_scale", "7"), ("row 4", "column fitzpatrick_scale", "'7'")),
        (cell("fitzpatrick_centaur", "dark"), ("row 4", "column fitzpatrick_centaur", "'dark'")),
        (cell("fitzpatrick_scale", "2.5"), ("row 4", "column fitzpatrick_scale", "2.5")),
        (cell("md5hash", "abc"), ("row 4", "column md5hash", "32 hex")),
        (cell("md5hash", None), ("row 4", "column md5hash", "is empty")),
        (cell("label", None), ("row 4", "column label", "is empty")),
        (cell("nine_partition_label", None), ("row 4", "column nine_partition_label", "is empty")),
        (
            cell("nine_partition_label", "inflamatory", row=N),
            (f"row {N}", "column nine_partition_label", "inflamatory"),
        ),
        (cell("three_partition_label", "harmless", row=N), (f"row {N}", "column three_partition_label", "harmless")),
        (changed(lambda t: pd.concat([t, t.iloc[[2]]])), (f"row {N + 2}", "column md5hash", "row 4 too")),
        (changed(lambda t: t.drop(columns="label")), ("column label", "no such column")),
        (changed(lambda t: t.drop(columns="fitzpatrick_scale")), ("column fitzpatrick_scale", "no such column")),
        (changed(lambda t: t[:0]), ("no rows",)),
        (keep("md5hash\nabc\n"), ("keep.csv", "'abc'")),
        (keep("a,b\n1,2\n"), ("keep.csv", "column md5hash")),
        (keep("md5hash\n"), ("keep.csv", "no MD5")),
        (keep("0" * 32), ("keep.csv", "no image of the table")),
        (lambda root: load(root, keep=root / "nowhere.csv"), ("nowhere.csv", "cannot be read")),
    ],
)
def test_bad_input_is_one_clear_line(root, act, words):
    with pytest.raises(InputError) as caught:
        act(root)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "\n" not in message and caught.value.fix


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
    assert cases["qc"].value_counts().to_dict() == dict(zip(skin_layout.QC, (348, 32, 17, 10, 97), strict=True))
    assert dropped["n"].tolist() == [565]
    assert not cases["md5hash"].str[:8].duplicated().any()  # so eight digits name an image


# Pictures as arrays


def test_images_are_squares_of_the_middle(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (200, 100, 50)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide.transpose(1, 0, 2)).save(tmp_path / "tall.png")
    found = data.load_images([tmp_path / "wide.png", tmp_path / "tall.png"], 10, progress=False, folder=tmp_path)
    assert found.dtype == np.uint8 and found.shape == (2, 3, 10, 10)
    inside = found[..., 1:-1, 1:-1]
    assert (inside == np.array([200, 100, 50]).reshape(1, 3, 1, 1)).all()


def test_images_keep_order_and_orientation(made, tmp_path):
    files = images(made)
    found = data.load_images(files, 16, progress=False, folder=tmp_path)
    for array, file in zip(found, files, strict=True):
        assert np.array_equal(array.transpose(1, 2, 0), np.asarray(Image.open(file)))


def test_second_call_reads_what_is_kept(root, tmp_path, monkeypatch):
    files = images(root)[:5]
    first = data.load_images(files, 8, progress=False, folder=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1 and not list(tmp_path.glob("*.part"))
    monkeypatch.setattr("helpers.data.images.decode", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(first, data.load_images(files, 8, progress=False, folder=tmp_path))


def test_a_changed_file_order_or_size_is_read_anew(root, tmp_path):
    files = images(root)[:3]
    first = data.load_images(files, 8, progress=False, folder=tmp_path)
    assert np.array_equal(first[::-1], data.load_images(files[::-1], 8, progress=False, folder=tmp_path))
    assert data.load_images(files, 4, progress=False, folder=tmp_path).shape == (3, 3, 4, 4)
    shutil.copy(files[1], files[0])
    again = data.load_images(files, 8, progress=False, folder=tmp_path)
    assert np.array_equal(again[0], first[1]) and not np.array_equal(again[0], first[0])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda files: data.load_images([], 8), ("files",)),
        (lambda files: data.load_images(files, 0), ("size", "0")),
        (lambda files: data.load_images(files, 8.5), ("size", "8.5")),
        (lambda files: data.load_images([*files, files[0].with_name("no.jpg")], 8), ("no.jpg", "cannot be read")),
        (lambda files: data.load_images(files, 8, folder=files[0] / "x", progress=False), ("cannot be written",)),
    ],
)
def test_images_refuse_bad_input(root, act, words):
    with pytest.raises(InputError) as caught:
        act(images(root)[:2])
    assert all(word in str(caught.value) for word in words), caught.value


def test_images_try_all_files_before_they_refuse(root, tmp_path):
    files = images(root)[:4]
    files[0].write_bytes(b"")
    files[2].write_bytes(b"text")
    with pytest.raises(InputError, match=r"is empty \(and 1 more\)") as caught:
        data.load_images(files, 8, progress=False, folder=tmp_path)
    assert caught.value.where == str(files[0]) and not list(tmp_path.glob("*.npy"))


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
        found = data.leaks(given, train=train, test=[h.upper() for h in test])
        assert found.to_dict("index") == {"a": {"train": 1, "test": 1}, alone: {"train": 1, "test": 1}}
    assert data.leaks(clusters(), train=hashes[:2], test=hashes[2:]).empty
    assert data.leaks(clusters(), train=hashes[:1], valid=hashes[4:5], test=hashes[[3, 5]]).index.tolist() == ["c"]


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda: data.leaks(clusters(), train=["0" * 32]), "splits"),
        (lambda: data.leaks(clusters().drop(columns="cluster"), train=[], test=[]), "column cluster"),
        (lambda: data.leaks(pd.concat([clusters(), clusters().assign(cluster="d")[:1]]), a=[], b=[]), "one cluster"),
        (lambda: data.leaks("nowhere.csv", train=[], test=[]), "nowhere.csv"),
    ],
)
def test_leaks_refuse_bad_input(act, word):
    with pytest.raises(InputError, match=word):
        act()
