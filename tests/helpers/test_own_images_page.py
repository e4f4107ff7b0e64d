"""The page on a user's images: its table of columns is that of the code, and its commands name what there is."""

import re

from helpers import datasets
from helpers.book import image_columns
from helpers.datasets.checking import suiting
from helpers.datasets.shared import raster
from tests import words
from tests.conftest import ROOT

TEXT = (ROOT / "book" / "how-to" / "own-images.md").read_text(encoding="utf-8")


def test_the_columns_are_those_of_the_code():
    assert f"-->\n\n{image_columns.table()}\n\n<!-- end" in TEXT
    rows = image_columns.table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(datasets.IMAGE_COLUMNS)
    assert all(len(re.split(r"(?<!\\)\|", row)) == 5 for row in rows), "a bar ends a cell"


def test_its_commands_name_studies_and_parameters():
    commands = re.findall(r"make study (STUDY=\w+[^`\n]*)", TEXT)
    assert {re.match(r"STUDY=(\w+)", one)[1] for one in commands} == set(suiting.NEEDS)
    named = set(re.findall(r"\b([A-Z]{4,})=", " ".join(commands))) - {"STUDY", "IMAGES"}
    assert named <= set(datasets.IMAGE_COLUMNS)


def test_make_passes_them_all_on():
    (line,) = re.findall(r"^TABLE := (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert line.split() == ["IMAGES", *datasets.IMAGE_COLUMNS]


def test_it_names_the_formats_and_avoids_some_words():
    known = {"JPEG2000": "JPEG 2000", "PPM": "PNM", "WEBP": "WebP"}
    assert all(known.get(one, one) in TEXT for one in (*raster.FORMATS, "DICOM", "NIfTI"))
    assert words.faults(words.markdown(TEXT)) == []
