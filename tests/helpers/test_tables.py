"""Tables as tools write them: the right rows, or one line that names the place."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from helpers.datasets.shared.tables import column, columns_of, read_table
from helpers.errors import InputError

ROWS = [["p1", "0.83", "F"], ["p2", "0.75", "M"]]
PLAIN = "id,dice,sex\np1,0.83,F\np2,0.75,M\n"
# Text of a file, the row numbers of its two rows in a spreadsheet, and a part of the note.
READ = {
    "plain": (PLAIN, [2, 3], ""),
    "sep with semicolons": ("sep=;\nid;dice;sex\np1;0.83;F\np2;0.75;M\n", [3, 4], "semicolons"),
    "sep in quotes": ('"sep=;"\nid;dice;sex\np1;0.83;F\np2;0.75;M\n', [3, 4], "semicolons"),
    "sep with a tab": ("sep=\t\nid\tdice\tsex\np1\t0.83\tF\np2\t0.75\tM\n", [3, 4], "tabs"),
    "sep with a bar": ("sep=|\nid|dice|sex\np1|0.83|F\np2|0.75|M\n", [3, 4], "'|'"),
    "SEP in capitals and a comma": ("SEP=,\nid,dice,sex\np1,0.83,F\np2,0.75,M\n", [3, 4], ""),
    "a title": ("Results of model A\n" + PLAIN, [3, 4], "line 1 was skipped"),
    "a title and a blank": ("Results of model A\n\n" + PLAIN, [4, 5], "lines 1 to 2 were skipped"),
    "two titles, semicolons": (
        "Results\nin 2024\nid;dice;sex\np1;0.83;F\np2;0.75;M\n",
        [4, 5],
        "lines 1 to 2 were skipped",
    ),
    "a title with blanks, as Excel writes it": ("Results of model A,,\n" + PLAIN, [3, 4], "line 1 was skipped"),
    "a title in quotes with blanks": ('"Results, 2024",,\n,,\n' + PLAIN, [4, 5], "lines 1 to 2 were skipped"),
    "a title with blanks, semicolons": ("Results;;\nid;dice;sex\np1;0.83;F\np2;0.75;M\n", [3, 4], "line 1 was skipped"),
    "bars": ("id|dice|sex\np1|0.83|F\np2|0.75|M\n", [2, 3], "bars ('|')"),
    "a title and bars": ("Results\nid|dice|sex\np1|0.83|F\np2|0.75|M\n", [3, 4], "line 1 was skipped"),
    "a blank above": ("\n\n" + PLAIN, [4, 5], ""),
    "Windows ends of lines": (PLAIN.replace("\n", "\r\n"), [2, 3], ""),
    "a blank of no width in the header": (PLAIN.replace("dice", "\u200bdice"), [2, 3], ""),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_is_read_with_its_row_numbers(name, encoding, tmp_path):
    text, rows, note = READ[name]
    file = tmp_path / "my.csv"
    file.write_bytes(text.encode(encoding))
    frame, notes = read_table(file, "SCORES")
    assert frame.to_numpy().tolist() == ROWS
    assert frame.columns.tolist() == columns_of(file, "SCORES") == ["id", "dice", "sex"]
    assert frame.index.tolist() == rows
    assert note in "; ".join(notes) if note else notes == []


REFUSED = {
    "more fields than the header": (
        "Results, model A\nid,dice,sex\np1,0.83,F\n",
        r"rows have more fields than the header: line 2 has 3, line 1 has 2\. .* Is line 2 the header",
    ),
    "a title of two fields above four": (
        "Results, 2024\nid,dice,sex,age\np1,0.83,F,3\n",
        r"line 2 has 4, line 1 has 2\. .* Is line 2 the header",
    ),
    "a title of two fields and a short row": (
        "Results, 2024\np0,0.1\nid,dice,sex\np1,0.83,F\n",
        r"line 3 has 3, line 1 has 2\. .* Is line 3 the header",
    ),
    "a title of two fields and a blank": (
        "Results,2024,\nid,dice,sex\np1,0.83,F\np2,0.83,F\n",
        r"line 1 has names of 2 columns, line 2 has 3 texts\. Is line 2 the header",
    ),
    "a title as wide as the table": (
        "Results,2024,final,v2\ncase,dice,sex,site\np1,0.83,F,A\np2,0.75,M,A\n",
        r"line 1 may be a title, line 2 has 4 texts\. Is line 2 the header",
    ),
    "a title of texts as wide as the table": (
        "Results;model A;final;v2\ncase;dice;sex;site\np1;0,83;F;A\np2;0,75;M;A\n",
        r"line 1 may be a title, line 2 has 4 texts\. Is line 2 the header",
    ),
    "two titles as wide as the table": (
        "Results,2024,v2\nModel,7,B\n,,\ncase,dice,sex\np1,0.83,F\np2,0.75,M\n",
        r"line 1 may be a title, line 4 has 3 texts\. Is line 4 the header",
    ),
    "a title with one text twice": (
        "Results,2024,v2,v2\ncase,dice,sex,site\np1,0.83,F,A\n",
        r"line 1 may be a title, line 2 has 4 texts\. Is line 2 the header",
    ),
    "a title as wide as two columns": ("Results,2024\ncase,dice\np1,0.83\n", r"Is line 2 the header"),
    "one column of decimal commas": ("dice\n0,83\n0,75\n", "rows have more fields than the header"),
    "sep alone": ("sep=;\n", "a header and no rows"),
    "twice after a title": ("Results\nid,dice,dice\n1,2,3\n", "two columns are called 'dice'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_in_doubt_is_refused_in_one_line(name, tmp_path):
    text, says = REFUSED[name]
    file = tmp_path / "my.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_table(file, "SCORES")
    assert "\n" not in str(caught.value)


def workbook(path: Path, rows: list[list[object]]) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_workbook_with_a_title_is_read_with_its_row_numbers(tmp_path):
    rows = [["Results of model A"], [], ["id", "dice", "sex"], ["p1", 0.83, "F"], ["p2", 0.75, "M"]]
    frame, notes = read_table(workbook(tmp_path / "my.xlsx", rows), "SCORES")
    assert (frame.to_numpy().tolist(), frame.index.tolist()) == (ROWS, [4, 5])
    assert notes == ["lines 1 to 2 were skipped as a title: the header is in line 3"]


def test_a_formula_without_a_stored_value_is_refused_by_cell(tmp_path):
    # A program that does not compute writes the formula alone, and readers find an empty cell.
    file = workbook(tmp_path / "my.xlsx", [["id", "dice"], ["p1", 0.83], ["p2", "=B2-0.1"]])
    with pytest.raises(InputError, match=r"my\.xlsx, cell B3: holds a formula without a stored value"):
        read_table(file, "SCORES")


def test_a_parquet_file_numbers_its_rows_as_a_spreadsheet(tmp_path):
    pd.DataFrame(ROWS, columns=["id", "dice", "sex"]).to_parquet(tmp_path / "my.parquet")
    frame, _ = read_table(tmp_path / "my.parquet", "SCORES")
    assert frame.index.tolist() == [2, 3]


def test_a_named_index_of_a_parquet_file_is_a_column(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["id", "dice", "sex"])
    for index, names in ((["id"], ["id", "dice", "sex"]), (["id", "sex"], ["id", "sex", "dice"])):
        frame.set_index(index).to_parquet(tmp_path / "my.parquet")
        assert read_table(tmp_path / "my.parquet", "SCORES")[0].columns.tolist() == names
    frame.set_index("id", drop=False).to_parquet(tmp_path / "my.parquet")
    assert read_table(tmp_path / "my.parquet", "SCORES")[0].to_numpy().tolist() == ROWS


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["Results", 2024], ["id", "dice", "sex"], ["p1", 0.83, "F"]], r"line 2 has 3 texts\. Is line 2 the header"),
        ([["Results", 2024, "v2"], ["id", "dice", "sex"], ["p1", 0.83, "F"]], r"line 1 may be a title, line 2 has 3"),
        ([["Results", None, None, "v2"], ["id", "dice", "sex", "age", "x"], ["p1", 0.83, "F", 3, 4]], "Is line 2 the"),
    ],
)
def test_a_workbook_with_a_title_of_several_cells_is_refused_by_line(rows, says, tmp_path):
    with pytest.raises(InputError, match=says):
        read_table(workbook(tmp_path / "my.xlsx", rows), "SCORES")


def test_a_table_of_texts_with_remarks_has_its_header(tmp_path):
    for text in ("file,sex,\na.png,F,good\nb.png,M,bad\n", ",sex\na.png,F\nb.png,M\n"):
        (tmp_path / "my.csv").write_text(text)
        assert len(read_table(tmp_path / "my.csv", "IMAGES")[0]) == 2


# Tables whose first rows hold texts where numbers follow; each is a case.
HONEST = {
    "a score that failed": "id,dice,sex\np1,failed,F\np2,0.83,F\np3,0.75,M\n",
    "a missing score": "id,dice,sex\np1,,M\np2,0.83,F\np3,0.75,M\n",
    "no numbers": "file,sex,site\na,F,A\nb,M,B\nc,M,B\n",
    "years as names": "id,2023,2024\np1,0.8,0.7\np2,0.83,0.6\np3,0.75,0.6\n",
    "two columns": "id,dice\np1,failed\np2,0.83\np3,0.75\n",
}


@pytest.mark.parametrize("name", HONEST)
def test_a_first_case_of_texts_is_no_header(name, tmp_path):
    (tmp_path / "my.csv").write_text(HONEST[name])
    assert read_table(tmp_path / "my.csv", "SCORES")[0].index.tolist() == [2, 3, 4]


@pytest.mark.parametrize("names", [[None, "dice", "sex"], ["id", "dice", None], ["id", "dice", "sex"]])
def test_a_column_without_a_name_is_read(names, tmp_path):
    rows = [names, ["p1", 0.83, "F"], ["p2", 0.75, "M"]]
    assert read_table(workbook(tmp_path / "my.xlsx", rows), "SCORES")[0].to_numpy().tolist() == ROWS
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    (tmp_path / "my.csv").write_text(text)
    assert read_table(tmp_path / "my.csv", "SCORES")[0].to_numpy().tolist() == ROWS


@pytest.mark.parametrize("cover", [["My study"], ["Author", "Date"]])
def test_a_cover_sheet_is_refused_with_the_names_of_the_others(cover, tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(cover)
    book.create_sheet("Scores").append(["id", "dice"])
    book.save(tmp_path / "my.xlsx")
    with pytest.raises(InputError, match="The first sheet is read, and there are also 'Scores'"):
        read_table(tmp_path / "my.xlsx", "SCORES")
    book.active.append(["someone", "today"])
    book.active.append(["nobody", "never"])
    book.save(tmp_path / "my.xlsx")
    frame, _ = read_table(tmp_path / "my.xlsx", "SCORES")
    with pytest.raises(InputError, match=r"there is no column 'dice'.*there are also 'Scores'"):
        column(frame, "dice", where="SCORE", file=tmp_path / "my.xlsx")


@pytest.mark.parametrize("kind", ["gzip", "bz2", "lzma", "zip"])
def test_a_compressed_text_is_to_be_unpacked(kind, tmp_path):
    file = tmp_path / f"my.csv.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("my.csv", PLAIN)
    else:
        file.write_bytes(importlib.import_module(kind).compress(PLAIN.encode()))
    with pytest.raises(InputError, match=r"it is compressed\. Unpack it"):
        read_table(file, "SCORES")
