"""Where only what draws has changed, pages are drawn anew from what is kept, and no value changes."""

import json
import re

import pytest

from tests import toy
from tests.conftest import Checkout, changed

PAGE = f"book/studies/{toy.STUDY}.ipynb"
RUN = f"runs/tiny/{toy.STUDY}/default"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "the-biased-ruler"
    toy.make(folder)
    checkout = Checkout(folder)
    assert made(checkout) == {"study", "page"}
    return checkout


def made(checkout) -> set[str]:
    """Rules that ran until the page was there."""
    done = checkout.snakemake(PAGE, "--config", "profile=tiny")
    assert done.returncode == 0, done.stdout[-3000:]
    return set(re.findall(r"^(?:local)?rule (\w+):$", done.stdout, re.M))


def picture(checkout) -> str:
    cells = json.loads((checkout.folder / PAGE).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    (image,) = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return image


def test_a_page_is_drawn_anew_and_its_results_stay(project):
    before, place = picture(project), project.folder / RUN / "results.json"
    old, stamp = json.loads(place.read_text()), place.stat().st_mtime_ns

    def darker(text: str) -> str:
        assert text.count('"axes.facecolor": "white"') == 1
        return text.replace('"axes.facecolor": "white"', '"axes.facecolor": "black"')

    look = project.folder / "src" / "helpers" / "figures" / "look.py"
    with changed(look, darker):
        assert made(project) == {"page"}
        assert picture(project) != before
        new = json.loads(place.read_text())
        drawn = new["provenance"].pop("drawn"), old["provenance"].pop("drawn")
        assert drawn[0] != drawn[1] and new == old and place.stat().st_mtime_ns == stamp
        assert made(project) == set()
    assert made(project) == {"page"} and picture(project) == before


def test_another_claim_is_judged_and_the_study_does_not_run_again(project):
    place = project.folder / RUN / "results.json"
    old = json.loads(place.read_text())
    assert [(row["published"], row["ours"]) for row in old["claims"]] == [("3.14", 3.14159)]
    sheet = project.folder / "notebooks" / "claims" / f"{toy.STUDY}.yaml"
    with changed(sheet, lambda text: text.replace("3.14", "3.15")):
        assert made(project) == {"page"}
        new = json.loads(place.read_text())
        assert [(row["published"], row["ours"]) for row in new["claims"]] == [("3.15", 3.14159)]
        assert {**new, "claims": [], "provenance": {}} == {**old, "claims": [], "provenance": {}}
    assert made(project) == {"page"}


def test_what_draws_must_change_no_value(project):
    place = project.folder / RUN / "results.json"
    before = place.read_bytes()
    values = project.folder / "src" / "helpers" / "report" / "values.py"
    returned = "        return value if math.isfinite"
    assert values.read_text().count(returned) == 1
    with changed(values, lambda text: text.replace(returned, returned.replace("value", "round(value, 2)"))):
        done = project.snakemake(PAGE, "--config", "profile=tiny")
    assert done.returncode != 0
    assert re.search(r"it gives other values \(area: was 3\.14159, is 3\.14, by 0\.00159, \d in all\)", done.stdout)
    assert place.read_bytes() == before
