"""The study of skin tone on the real label table, which comes without pictures, gives the numbers known of it."""

import json

import papermill
import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "03_skin_tone_vae.ipynb"


@pytest.fixture(scope="module")
def results(real_labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    parameters = {"SOURCE": "real", "DATA_ROOT": str(real_labels), "RUN_DIR": str(folder)}
    parameters |= {"TEST_SIZE": 500, "TRAIN_SIZE": 1668}
    papermill.execute_notebook(NOTEBOOK, folder / "out.ipynb", parameters, progress_bar=False)
    return json.loads((folder / "results.json").read_text())


@pytest.mark.slow
def test_counts(results):
    values = results["values"]
    assert values["n"] == {"all": 16577, "light": 7755, "dark": 2168}
    scale = {"1": 2947, "2": 4808, "3": 3308, "4": 2781, "5": 1533, "6": 635}
    centaur = {"1": 5561, "2": 3180, "3": 2934, "4": 1974, "5": 1293, "6": 562}
    assert values["types"] == {"scale": scale, "centaur": centaur}


@pytest.mark.slow
def test_levels_agree_at_the_top_and_not_at_the_bottom(results):
    shift = results["values"]["shift"]
    printed = {"three": (0.9999, 0.108), "nine": (0.990, 0.119), "label": (0.413, 0.381)}
    for level, (pearson, variation) in printed.items():
        assert shift[level]["pearson"] == pytest.approx(pearson, abs=0.0005), level
        assert shift[level]["total_variation"] == pytest.approx(variation, abs=0.0005), level
    assert [shift[level]["conditions"] for level in printed] == [3, 9, 114]


@pytest.mark.slow
def test_the_published_size_is_the_whole_dark_pool(results):
    sampling = results["values"]["sampling"]
    assert sampling["dark"]["pool"] == 1668
    assert [round(sampling[f"distinct_{k}"]) for k in "ABC"] == [1490, 1444, 1055]


@pytest.mark.slow
def test_two_labellers_agree_on_less_than_half(results):
    agreement = results["values"]["agreement"]
    assert agreement["exact"]["estimate"] == pytest.approx(0.479, abs=0.0005)
    assert agreement["within one"]["estimate"] == pytest.approx(0.910, abs=0.0005)
    assert agreement["exact"]["n"] == 15230


@pytest.mark.slow
def test_what_needs_pictures_is_said_to(results):
    verdicts = {c["id"]: c["verdict"] for c in results["claims"]}
    assert verdicts["images"] == verdicts["dark-pool"] == "reproduced"
    assert verdicts["types"] == "impossible as printed"
    assert (verdicts["dark-4-to-6"], verdicts["coarse"]) == ("differs", "inconclusive")
    assert verdicts["fine"] == "direction"
    assert results["values"]["sampling"]["pool_4_to_6"] == 4949 - 500
    for claim in ("represented", "balanced", "worst-case", "best-case", "sd", "low-error", "sd-left-out"):
        assert verdicts[claim] == "not testable here"
    assert results["values"]["effects"] is None
