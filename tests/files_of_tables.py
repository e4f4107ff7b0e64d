"""Tables of scores as users have them, each with the right value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import stats
from helpers.datasets.own.loader import OwnScores, load_own_scores
from helpers.errors import InputError
from tests.files import case

TABLES = "tables"


def rows(n: int = 40, **columns: Sequence[object]) -> pd.DataFrame:
    """Make a table of n cases of two sexes; the scores rise by 0.01 a row."""
    plain = {
        "id": [f"c{k}" for k in range(n)],
        "dice": np.round(0.5 + 0.01 * np.arange(n), 4),
        "sex": ["F", "M"] * (n // 2),
    }
    return pd.DataFrame(plain | {name: list(values) for name, values in columns.items()})


def load(folder: Path, table: pd.DataFrame, **asked: object) -> OwnScores:
    """Write a table as CSV and read it."""
    file = folder / "my.csv"
    table.to_csv(file, index=False)
    return load_own_scores(file, **({"groups": "sex", "span": ""} | asked))


def means(own: OwnScores, by: str = "sex") -> dict[str, float]:
    """Compute the mean score of each group, to four digits."""
    return own.cases.groupby(by, observed=True)[own.score].mean().round(4).to_dict()


def refused(says: str, act: object, *args: object, **options: object) -> None:
    """Check that a call ends in one line with a text."""
    try:
        act(*args, **options)
    except InputError as error:
        assert "\n" not in str(error)
        assert re.search(says, str(error)), str(error)
        return
    raise AssertionError(f"not refused: {says}")


def noted(own: OwnScores, text: str) -> None:
    """Check that a note has a text."""
    assert any(text in note for note in own.notes), own.notes


@case(TABLES, "thousands with commas: `300`, `1,200`, `12,942`", "300, 1200 and 12942, with a note")
def thousands(folder: Path) -> None:
    own = load(folder, rows(um=["300", "1,200", "999", "12,942"] * 10), score="um")
    assert own.cases["um"].tolist() == [300, 1200, 999, 12942] * 10
    noted(own, "um: commas were read as separators of thousands")


@case(TABLES, "decimal commas: `0,83`, `1,5`", "0.83 and 1.5, with a note")
def decimal_commas(folder: Path) -> None:
    own = load(folder, rows(dice=["0,83", "1,5"] * 20))
    assert own.cases["dice"].tolist() == [0.83, 1.5] * 20
    noted(own, "dice: decimal commas were read as points")


@case(TABLES, "`1,200` and `2,345` alone in a column", "refused: the comma may mean either")
def commas_in_doubt(folder: Path) -> None:
    says = r"my\.csv, row 2, column um: holds '1,200', where the comma may cut decimals or separate thousands"
    refused(says, load, folder, rows(um=["1,200", "2,345"] * 20), score="um")


@case(TABLES, "`1 200`, `1'200` and `1.234,5`", "1200, 1200 and 1234.5")
def other_thousands(folder: Path) -> None:
    assert load(folder, rows(um=["1 200", "90"] * 20), score="um").cases["um"].tolist() == [1200, 90] * 20
    assert load(folder, rows(um=["1'200", "90"] * 20), score="um").cases["um"].tolist() == [1200, 90] * 20
    assert load(folder, rows(um=["1.234,5", "90,5"] * 20), score="um").cases["um"].tolist() == [1234.5, 90.5] * 20


@case(
    TABLES,
    'words for "not recorded": `Unknown`, `n/a`, `-`, `?`, `missing`, `not reported`, `None`',
    'missing, with a note; `NAMES="sex: Unknown=unknown"` makes one a group',
    "nipy/heudiconv#495; fairlearn/fairlearn#1155",
)
def not_recorded(folder: Path) -> None:
    r = np.random.default_rng(5)
    sex, x, unknown = np.array(["F", "M"])[r.integers(0, 2, 300)], r.normal(0.8, 0.05, 300), r.random(300) < 0.12
    for word in ("Unknown", "n/a", "-", "?", "(missing)", "not_reported", "None", "Prefer not to say.", "Don't know"):
        table = pd.DataFrame({"dice": np.where(unknown, x - 0.08, x).round(4), "sex": np.where(unknown, word, sex)})
        own = load(folder, table)
        assert own.cases["sex"].isna().sum() == unknown.sum() == 49
        assert round(float(np.ptp(list(means(own).values()))), 4) == 0.0046
        noted(own, f"sex: {word!r} in 49 rows count as not recorded")
    kept = load(folder, table.replace({"sex": {word: "Unknown"}}), names="sex: Unknown=unknown")
    assert kept.cases["sex"].value_counts()["unknown"] == 49


@case(
    TABLES,
    "numbers for missing, such as `9999` or `-9`, among much smaller ones, also as scores",
    "missing, with a note; a `SPAN` that includes them keeps scores",
)
def missing_codes(folder: Path) -> None:
    own = load(folder, rows(sex=["F", "M", "9999", "F"] * 10))
    assert own.cases["sex"].value_counts().to_dict() == {"F": 20, "M": 10}
    aged = load(folder, rows(age=["30", "60", "999", "-9"] * 10), groups="age", bins="age: 40")
    assert aged.cases["age"].value_counts().to_dict() == {"up to 40": 10, "over 40": 10}
    misses = load(folder, rows(hd95=["9999", *["4"] * 19, "-9", *["6"] * 19]), score="hd95")
    assert means(misses) == {"F": 5.0, "M": 5.0} and len(misses.cases) == 38
    grams = load(folder, rows(grams=["900", "999", "1500", "4000"] * 10), groups="grams", bins="grams: 950")
    assert grams.cases["grams"].value_counts().to_dict() == {"up to 950": 10, "over 950": 30}


@case(
    TABLES,
    "`1; 1,414; 2; 2,236` and `300; 999; 1,200`: three digits behind every comma",
    "read by the size of the whole numbers: 1.414, but 1200",
)
def three_digits(folder: Path) -> None:
    roots = load(folder, rows(hd95=["1", "1,414", "2", "2,236"] * 10), score="hd95")
    assert roots.cases["hd95"].tolist() == [1, 1.414, 2, 2.236] * 10
    says = "row 4, column um: holds '1.234', where the point may cut decimals or separate thousands"
    refused(says, load, folder, rows(um=["300", "999", "1.234", "12.942"] * 10), score="um")


@case(TABLES, "codes of many digits: `1234567` and `1234568`", "two groups: codes are compared to the last digit")
def long_codes(folder: Path) -> None:
    own = load(folder, rows(site=["1234567", "1234568"] * 20), groups="site")
    assert own.cases["site"].value_counts().to_dict() == {"1234567": 20, "1234568": 20}


@case(
    TABLES,
    "numbers as names of groups: `3` and `3.0`, `1` and `01`",
    "one group, with a note",
    "JobCollins/fairness_pipeline_dev_toolkit#38",
)
def numbers_as_names(folder: Path) -> None:
    assert load(folder, rows(60, sex=["1.5", "3", "3.0"] * 20)).cases["sex"].value_counts().to_dict() == {
        "3": 40,
        "1.5": 20,
    }
    own = load(folder, rows(60, sex=["1", "01", "2"] * 20))
    assert own.cases["sex"].value_counts().to_dict() == {"1": 40, "2": 20}
    noted(own, "'01' and '1' are one group")


@case(
    TABLES, "names with signs: `HER2+` and `HER2-`, `ER+` and `ER-`, `>40` and `<40`", "two groups, without a warning"
)
def names_with_signs(folder: Path) -> None:
    for pair in (["HER2+", "HER2-"], [">40", "<40"], ["40+", "40-"], ["ER+", "ER-"]):
        own = load(folder, rows(sex=pair * 20))
        assert sorted(own.cases["sex"].cat.categories) == sorted(pair)
        assert not [note for note in own.notes if "differ only" in note]


@case(
    TABLES,
    "rows of summaries: `Mean`, `SD`, `25quantile`, `Average:`, `Mean ± SD`, `Mean F`",
    "left out and counted",
    "MIC-DKFZ/nnUNet#702",
)
def summaries(folder: Path) -> None:
    names = ["Mean", "SD", "StdDev", "25quantile", "75quantile", "Average:", "Overall", "Mean ± SD", "Mean F", "median"]
    more = pd.DataFrame({"id": names, "dice": 0.7, "sex": "F"})
    own = load(folder, pd.concat([rows(), more], ignore_index=True), case="id")
    assert len(own.cases) == 40 and own.dropped["n"].tolist() == [10]


@case(TABLES, "a source of numbers, or of forty hospitals", "categories, however many", "jcbeer/longCombat#10")
def sources(folder: Path) -> None:
    assert load(folder, rows(120, site=[k % 15 for k in range(120)]), source="site").cases["site"].nunique() == 15
    names = [f"hospital {k % 40}" for k in range(120)]
    assert load(folder, rows(120, site=names), source="site").cases["site"].nunique() == 40


@case(
    TABLES,
    "`inf` in a column of distances",
    "refused: write the worst value, since leaving misses out flatters",
    "Project-MONAI/MONAI#9096",
)
def endless(folder: Path) -> None:
    says = r"row 2, column hd95: holds 'inf', which has no mean .*the group that has most of them looks better"
    refused(says, load, folder, rows(hd95=["inf", *range(1, 40)]), score="hd95")


@case(
    TABLES,
    "a first line `sep=;`, a title above the header, blank lines",
    "skipped; a note names the line of the header",
    "pandas-dev/pandas#47303",
)
def lines_above(folder: Path) -> None:
    body = rows().to_csv(index=False, sep=";")
    for text, note in (
        ("sep=;\n" + body, "semicolons"),
        ("Results\n\n" + body, "the header is in line 3"),
        ("\n\n" + body, ""),
    ):
        (folder / "my.csv").write_text(text)
        own = load_own_scores(folder / "my.csv", groups="sex")
        assert means(own) == {"F": 0.69, "M": 0.7}
        assert not note or any(note in one for one in own.notes)


@case(TABLES, "a title of several fields above the header", "refused, with the line that may be the header")
def title_of_fields(folder: Path) -> None:
    (folder / "my.csv").write_text("Results, model A\n" + rows().to_csv(index=False))
    refused("line 2 has 3, line 1 has 2.*Is line 2 the header", load_own_scores, folder / "my.csv", groups="sex")


@case(
    TABLES,
    "UTF-8 with and without mark, UTF-16, Windows-1252; commas, semicolons, tabs",
    "read",
    "pandas-dev/pandas#4623",
)
def encodings(folder: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        for sep in ",;\t":
            (folder / "my.csv").write_bytes(rows(sex=["ä", "M"] * 20).to_csv(index=False, sep=sep).encode(encoding))
            assert means(load_own_scores(folder / "my.csv", groups="sex")) == {"ä": 0.69, "M": 0.7}


@case(TABLES, "`.xlsx`, `.parquet`, `.feather`", "read; of a workbook the first sheet")
def binary_tables(folder: Path) -> None:
    for ending, write in (("xlsx", "to_excel"), ("parquet", "to_parquet"), ("feather", "to_feather")):
        file = folder / f"my.{ending}"
        getattr(rows(), write)(file, **({"index": False} if ending == "xlsx" else {}))
        assert means(load_own_scores(file, groups="sex")) == {"F": 0.69, "M": 0.7}


@case(TABLES, "a formula in a workbook that no program has computed", "refused by cell: it would read as empty")
def formulas(folder: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for k, row in enumerate(rows().to_numpy().tolist()):
        book.active.append(["id", "dice", "sex"] if k == 0 else row)
    book.active["B5"] = "=B4+0.01"
    book.save(folder / "my.xlsx")
    refused(
        r"my\.xlsx, cell B5: holds a formula without a stored value", load_own_scores, folder / "my.xlsx", groups="sex"
    )


@case(TABLES, "a blank of no width in a column name, as web pages have", "removed")
def no_width(folder: Path) -> None:
    assert means(load(folder, rows().rename(columns={"dice": "\u200bdice", "sex": "sex\ufeff"}))) == {
        "F": 0.69,
        "M": 0.7,
    }


@case(
    TABLES,
    '`np.array(["a", "b", np.nan])` as groups, in which NumPy writes `nan` as a text',
    "missing",
    "fairlearn/fairlearn#1698",
)
def array_of_texts(folder: Path) -> None:
    found = stats.by_group(np.linspace(0, 1, 60), groups=np.array(["a", "b", np.nan] * 20))
    assert found["n"].to_dict() == {"a": 20, "b": 20}


@case(TABLES, "complex scores, a masked array with masked values, a frame as groups", "refused in one line")
def odd_arrays(folder: Path) -> None:
    score, groups = np.linspace(0, 1, 60), ["a", "b"] * 30
    refused("complex numbers", stats.by_group, score + 0j, groups=groups)
    refused("6 of 60 values", stats.by_group, np.ma.masked_less(score, 0.1), groups=groups)
    refused(r"groups: shape \(60, 1\)", stats.by_group, score, groups=pd.DataFrame({"sex": groups}))
