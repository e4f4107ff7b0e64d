"""No patient of the public collections is named anywhere in the repository."""

import re

import pandas as pd

from helpers.report.recording import CASE_ID
from tests.tiny import ROOT, generated

BINARY = {".png", ".woff", ".woff2", ".ico"}


def texts():
    """Every text file of the project that is not generated."""
    todo = [ROOT]
    while todo:
        folder = todo.pop()
        names = [p.name for p in folder.iterdir()]
        left_out = generated(str(folder), names)
        for place in (folder / name for name in names if name not in left_out):
            if place.is_dir():
                todo.append(place)
            elif place.is_file() and place.suffix not in BINARY:
                yield place, place.read_text(errors="replace")


def test_only_made_up_identifiers():
    """A number of zeros is an example and belongs to nobody."""
    for place, text in texts():
        named = {m[0] for m in CASE_ID.finditer(text) if set(re.search(r"\d+$", m[0])[0]) != {"0"}}
        assert not named, place


def test_no_real_identifier(real_rows):
    ids = pd.read_excel(real_rows / "clinical_and_imaging_info.xlsx", sheet_name="dataset_info")["patient_id"]
    real = {i.upper() for i in ids}
    for place, text in texts():
        assert not {m[0].upper() for m in CASE_ID.finditer(text)} & real, place


def test_no_real_picture(real_labels):
    real = set(pd.read_csv(real_labels / "fitzpatrick17k.csv", usecols=["md5hash"])["md5hash"])
    for place, text in texts():
        assert not set(re.findall(r"[0-9a-f]{32}", text)) & real, place


def test_no_real_image_of_a_chest(real):
    table = pd.read_csv(real("nih_labels") / "Data_Entry_2017_v2020.csv.gz", usecols=["Image Index"])
    names = set(table["Image Index"].str.removesuffix(".png"))
    for place, text in texts():
        assert not set(re.findall(r"\d{8}_\d{3}", text)) & names, place
