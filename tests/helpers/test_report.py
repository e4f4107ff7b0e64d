"""Runs, claims, recorded runs and pages."""

import json

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers import book, paths, report, stats
from helpers.book import page
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import claims, parameters, provenance, recording, tables, values
from helpers.studies import own_scores

STUDY = "01_label_audit"


@pytest.mark.parametrize(
    ("ours", "printed", "same"),
    [
        (0.05303, ".0530", True),
        (0.05306, ".0530", False),
        (0.0005980, "0.0006", True),
        (1.6283e-8, "1.6e-8", True),
        (0.171, "1.6e-8", False),
        (0.06233, "6.2%", True),
        (0.0626, "6.2%", False),
        (11.7561, "11.76", True),
        (float("nan"), "0", False),
    ],
)
def test_same_digits(ours, printed, same):
    assert report.same_digits(ours, printed) is same


INTERVAL = {"statement": "s", "reference": "r", "statistic": "t", "source": "real", "published": "0.10"}
INTERVAL |= {"scope": "cohort", "same_data": True, "kind": "effect"}
DIGITS, SIMULATION = {"by": "digits", "kind": None}, {"scope": "effect", "source": "simulated"}
REAL, SIMULATED = {"SOURCE": "real"}, {"SOURCE": "simulated"}


@pytest.mark.parametrize(
    ("given", "verdict", "where"),
    [
        ({"ours": 0.09, "low": 0.02, "high": 0.2}, "reproduced", "on the paper's data"),
        ({"ours": 0.09, "low": 0.02, "high": 0.2, **SIMULATION}, "reproduced", "in simulation"),
        ({"ours": 0.2, **DIGITS}, "differs", "on the paper's data"),
        ({"ours": 0.1, **DIGITS, "published": "0.1"}, "reproduced", "on the paper's data"),
        ({"missing": "masks"}, "not testable here", ""),
        ({"missing": "masks", "impossible": "1 + 1 = 2"}, "impossible as printed", ""),
    ],
)
def test_the_first_reason_that_applies_gives_the_verdict(given, verdict, where):
    row = claims.claim("x", **{**INTERVAL, **given})
    assert (row["verdict"], row["where"]) == (verdict, where)
    assert row["why"] and set(row) == set(claims.COLUMNS)


FOUND = {"ours": 0.09, "low": 0.02, "high": 0.2}


@pytest.mark.parametrize(
    ("scope", "source", "same_data", "reduced", "verdict", "why"),
    [
        ("cohort", "real", True, "", "reproduced", "the published value is inside our interval"),
        ("cohort", "real", False, "", "not testable here", claims.OTHER),
        ("cohort", "simulated", False, "", "not testable here", claims.SIMULATED),
        ("cohort", "simulated", True, "", "not testable here", claims.SIMULATED),  # a simulation is never the paper's
        ("cohort", "real", True, "EFFORT 0.1", "not testable here", "reduced training: EFFORT 0.1"),
        ("effect", "real", True, "", "reproduced", "the published value is inside our interval"),
        ("effect", "real", False, "", "reproduced", "the published value is inside our interval"),
        ("effect", "simulated", False, "", "reproduced", "the published value is inside our interval"),
        ("effect", "simulated", False, "EFFORT 0.1", "not testable here", "reduced training: EFFORT 0.1"),
    ],
)
def test_the_scope_decides_which_data_can_test_a_claim(scope, source, same_data, reduced, verdict, why):
    given = {"scope": scope, "source": source, "same_data": same_data, "reduced": reduced, **FOUND}
    row = claims.claim("x", **{**INTERVAL, **given})
    assert (row["verdict"], row["why"], row["ours"]) == (verdict, why, 0.09)
    places = {("real", True): "on the paper's data", ("real", False): "on other data"}
    judged = verdict == "reproduced"
    assert row["where"] == (places.get((source, same_data), "in simulation") if judged else "")
    noted = "" if verdict == "not testable here" else "; n"  # a note on a result that was not judged could be wrong
    assert claims.claim("x", **{**INTERVAL, **given}, note="n")["why"] == why + noted
    arithmetic = claims.claim("x", **{**INTERVAL, **given}, impossible="1 + 1 = 2", note="n")
    assert (arithmetic["verdict"], arithmetic["why"]) == ("impossible as printed", "1 + 1 = 2; n")


def test_claim_without_value_or_interval_is_refused():
    with pytest.raises(InputError, match="neither a value nor a reason"):
        claims.claim("x", **INTERVAL)
    with pytest.raises(InputError, match="no 95% interval"):
        claims.claim("x", **INTERVAL, ours=0.1)


def test_every_published_claim_is_judged_and_unknown_ones_refused():
    rows = report.judge(STUDY, SIMULATED, {}, missing="the real rows")
    assert {r["verdict"] for r in rows} == {"not testable here"}
    with pytest.raises(InputError, match="no claim is called age-gape"):
        report.judge(STUDY, REAL, {}, extra={"age-gape": {}})


def test_a_value_that_a_cohort_cannot_give_makes_the_claim_untestable():
    extra = {key: {"missing": "x"} for key in ("hd95", "hd95-dir", "swap-older", "diff-bal")}
    values = {"silver_vs_gold_dice": {"gap_O_minus_Y": {"estimate": 0.05, "low": None, "high": None, "n": 20}}}
    judged = report.judge(STUDY, REAL, values, same_data=True, extra=extra)
    rows = {row["id"]: row for row in judged}
    assert rows["age-gap"]["verdict"] == "not testable here"
    assert rows["age-gap"]["why"] == "missing: silver_vs_gold_dice.gap_O_minus_Y.low, which this cohort cannot give"
    assert rows["age-slope"]["why"] == "missing: slopes.age alone, which this cohort cannot give"
    assert rows["ispy2-gap"]["why"] == "missing: ethnic.estimate, which this cohort cannot give"


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """A function that judges one claim, whose entry has the given fields."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    (tmp_path / "notebooks" / "claims").mkdir(parents=True)
    entry = {"id": "gap", "statement": "s", "reference": "r", "statistic": "t", "published": "0.3", "by": "interval"}
    entry |= {"scope": "cohort", "kind": "effect"}

    def judge(values, effort=1.0, same_data=True, **fields):
        text = json.dumps([{k: v for k, v in {**entry, **fields}.items() if v != ""}])
        (tmp_path / "notebooks" / "claims" / "09_discs.yaml").write_text(text)
        (row,) = report.judge("09_discs", {**REAL, "EFFORT": effort}, values, same_data=same_data)
        return row

    return judge


def test_a_claim_names_an_estimate_and_its_ends_and_n_are_found(judged):
    values = {"slopes": {"age": {"estimate": 0.25, "low": 0.125, "high": 0.5, "n": 40}}}
    row = judged(values, estimate="slopes.age")
    assert [row[k] for k in ("ours", "low", "high", "n")] == [0.25, 0.125, 0.5, 40]
    assert row["verdict"] == "reproduced"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"scope": None}, "09_discs.yaml, claim gap: it has no scope. Write scope: cohort or scope: effect"),
        ({"scope": "all"}, "09_discs.yaml, claim gap: its scope is 'all'. Write scope: cohort or scope: effect"),
        ({"scope": "effect", "by": "digits"}, "an effect on other data has other digits"),
        ({"least": {"STEP": 3}}, "least has STEP, which the study does not have. Known: SOURCE, EFFORT"),
        ({"kind": ""}, "09_discs.yaml, claim gap: it has no kind. Write kind: effect, none or not_worse"),
        ({"kind": "null"}, "09_discs.yaml, claim gap: its kind is 'null'. Write kind: effect, none or not_worse"),
        ({"kind": "none", "margin": 0.4}, "09_discs.yaml, claim gap: the margin has no reason"),
        (
            {"statement": "It helps strongly", "published": "> 0"},
            "printed. Write unjudged: strongly, or another no_effect",
        ),
    ],
)
def test_an_entry_that_does_not_say_what_can_test_it_is_refused(fields, says, judged):
    with pytest.raises(InputError) as error:
        judged({}, **fields)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("effort", "same_data", "verdict", "why"),
    [
        (0.5, True, "reproduced", "the published value is inside our interval"),
        (0.25, True, "not testable here", "reduced training: EFFORT 0.25 is below 0.5"),
        (0.25, False, "not testable here", claims.OTHER),
    ],
)
def test_a_run_that_trained_too_little_cannot_test_a_claim(effort, same_data, verdict, why, judged):
    values = {"gap": {"estimate": 0.25, "low": 0.125, "high": 0.5, "n": 40}}
    row = judged(values, effort, same_data, least={"EFFORT": 0.5}, estimate="gap")
    assert (row["verdict"], row["why"], row["ours"]) == (verdict, why, 0.25)
    assert judged({}, effort, False, estimate="gap")["why"] == claims.OTHER  # and not that this cohort lacks the value


@pytest.mark.parametrize(
    ("values", "n"),
    [
        ({"sizes": {"n": 12, "0.8": {"p": 0.3, "n": 7}}}, 7),  # its own
        ({"sizes": {"n": 12, "0.8": {"p": 0.3}}, "n": 9}, 12),  # of the nearest mapping around it
        ({"sizes": {"0.8": {"p": 0.3}}, "n": 9}, 9),
        ({"sizes": {"0.8": {"p": 0.3}}, "n": {"all": 9}}, None),  # that of the whole run is no number
    ],
)
def test_a_bare_number_has_the_n_of_the_nearest_mapping_around_it(values, n, judged):
    row = judged(values, estimate="sizes.0.8.p", by="digits", kind="")
    assert [row[k] for k in ("ours", "low", "high", "n", "verdict")] == [0.3, None, None, n, "reproduced"]


def test_a_bare_number_cannot_answer_a_claim_by_interval(judged):
    with pytest.raises(InputError, match="the value has no 95% interval"):
        judged({"gap": 0.3}, estimate="gap")


def test_a_mistyped_path_is_refused_and_one_that_the_run_leaves_out_is_not(judged):
    values = {"slopes": {"age": {"estimate": 0.25, "low": 0.125, "high": 0.5}}, "ruler": None}
    with pytest.raises(InputError, match=r"estimate slope\.age: the run has no value slope\. Did you mean slopes\?"):
        judged(values, estimate="slope.age")
    with pytest.raises(InputError, match=r"Did you mean ruler\?"):
        judged(values, estimate="rulers.change", missing="the images")
    for place in ("slopes.volume", "ruler.change", "elsewhere.gap"):  # left out by the choices of a run
        row = judged(values, estimate=place)
        assert row["verdict"] == "not testable here" and f"missing: {place}.estimate" in row["why"]


TYPES = {"SEED": int, "SOURCE": str, "RATE": float, "FLAG": bool, "DEVICE": str}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"SEDE": 1}, "parameter SEDE: the study has no such parameter. Did you mean SEED?"),
        ({"XYZZY": 1}, "Known: SEED"),
        ({"SEED": "1"}, "'1' is of type str, expected int"),
        ({"SEED": True}, "is of type bool, expected int"),
        ({"SEED": -1}, "-1 is out of range. Give a number from 0"),
        ({"RATE": "x"}, "expected float"),
        ({"RATE": float("nan")}, "nan is no finite number"),
        ({"RATE": 2.0}, "out of range. Give a number from 0 to 1"),
        ({"FLAG": 1}, "expected bool"),
        ({"SOURCE": "reel"}, "must be simulated or real, got 'reel'. Did you mean real?"),
        ({"DEVICE": "gpu"}, "must be auto, cpu, cuda or mps, got 'gpu'"),
    ],
)
def test_parameters_are_refused_with_one_line(asked, says):
    with pytest.raises(InputError) as error:
        parameters.check(asked, TYPES, {"RATE": (0, 1)}, where="a study")
    assert says in str(error.value)
    assert str(error.value).startswith("a study, parameter ")
    assert "\n" not in str(error.value)


def test_parameters_accept_what_fits():
    parameters.check({"SEED": 3, "RATE": 1, "SOURCE": "real", "FLAG": False}, TYPES, {"RATE": (0, 1)}, where="a study")


def test_start_refuses_what_papermill_would_inject_silently():
    names = {"__annotations__": {"SEED": int}, "SEED": 0, "SEEDS": 1, "json": json}
    with pytest.raises(InputError, match=r"parameter SEEDS: .*Did you mean SEED\?"):
        report.start(STUDY, names)


def test_start_refuses_a_finished_run_and_an_unwritable_folder(tmp_path):
    names = {"__annotations__": {"RUN_DIR": str, "SEED": int}, "SEED": 0}
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(InputError, match="it holds a finished run"):
        report.start(STUDY, {**names, "RUN_DIR": str(tmp_path)})
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        report.start(STUDY, {**names, "RUN_DIR": str(tmp_path / "file" / "below")})


@pytest.fixture
def finished(tmp_path):
    """Folder of a small finished run, with its executed notebook."""
    names = {"__annotations__": {"RUN_DIR": str, "SEED": int, "SOURCE": str}, "SEED": 5, "SOURCE": "simulated"}
    folder = tmp_path / "run"
    run = report.start(STUDY, {**names, "RUN_DIR": str(folder)})
    frame = pd.DataFrame({"table": ["t"], "reason": ["r"], "n": [3]})
    given = {"a": {"n": 4, "mean": 0.5}, "b": [np.float64(0.25), 12], "c": None, "d": {"n": 12, "mean": 0.5}}
    report.record(run, values=given, claims=[], dropped=frame, cases=pd.DataFrame({"x": [1.0]}))
    cells = [nbformat.v4.new_markdown_cell("# A question?"), nbformat.v4.new_code_cell(f"print('{folder}')")]
    output = nbformat.v4.new_output("stream", name="stderr", text="scoring:  50%|#####     | 5/10")
    cells[1]["outputs"] = [output, nbformat.v4.new_output("stream", name="stdout", text=f"{folder}/x")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["papermill"] = {"parameters": {"RUN_DIR": str(folder)}}
    nbformat.write(notebook, folder / f"{STUDY}.ipynb")
    return folder


def test_results_hold_values_and_provenance(finished):
    results = json.loads((finished / "results.json").read_text())
    assert results["values"] == {"a": {"n": 4, "mean": 0.5}, "b": [0.25, 12], "c": None, "d": {"n": 12, "mean": 0.5}}
    known = results["provenance"]
    assert known["command"] == f"papermill notebooks/{STUDY}.ipynb out.ipynb -p SEED 5"
    assert known["parameters"]["RUN_DIR"] == "RUN_DIR"
    notebook = paths.notebooks() / f"{STUDY}.ipynb"
    assert known["helpers"] == fingerprint.modules_of(notebook) and "helpers.stats.gaps" in known["helpers"]
    assert "helpers.report.run" not in {*known["helpers"], *known["loaded"]}
    assert known["notebook"] == fingerprint.notebook(notebook) and known["drawn"] == provenance.drawing(STUDY)
    assert (finished / "cases.parquet").is_file()
    assert not list(finished.glob("*.part"))


@pytest.mark.parametrize("bad", [float("nan"), np.float64("nan"), {1, 2}, object()])
def test_values_that_are_not_json_are_refused_by_name(bad):
    with pytest.raises(InputError, match=r"values\.deep\[1\]"):
        values.plain({"deep": [1, bad]}, "values")


def test_an_open_end_is_none():
    assert values.plain({"interval": [np.float64(0.5), float("inf")]}, "values") == {"interval": [0.5, None]}


def test_recorded_run_suppresses_small_cells_and_knows_what_changed(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "recorded", lambda: tmp_path / "recorded")
    recording.keep(finished, STUDY, "x")
    kept = report.recorded(STUDY, "x")
    assert kept.values == {"a": {"n": "<10", "mean": None}, "b": [0.25, 12], "c": None, "d": {"n": 12, "mean": 0.5}}
    assert kept.dropped["n"].tolist() == ["<10"]
    assert kept.changed == []
    file = tmp_path / "recorded" / STUDY / "x" / "results.json"
    results = json.loads(file.read_text())
    results["provenance"]["helpers"]["helpers.stats.gaps"] = "0" * 12
    file.write_text(json.dumps(results))
    assert report.recorded(STUDY, "x").changed == ["helpers.stats.gaps"]
    assert "helpers.stats.gaps" in report.recorded(STUDY, "x").notice().loc["code changed since", "recorded run"]


def test_repeats_of_a_recorded_run_are_tabulated(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "recorded", lambda: tmp_path / "recorded")
    results = json.loads((finished / "results.json").read_text())
    for label, seed, low in (("a", 0, 0.1), ("a_seed_2", 2, None), ("b", 1, 0.2)):
        results["values"]["gap"] = {"of": {"estimate": 0.5 + seed, "low": low, "high": 2.0, "n": 40, "p": 0.1}}
        results["provenance"]["parameters"]["SEED"] = seed
        (finished / "results.json").write_text(json.dumps(results))
        recording.keep(finished, STUDY, label)
    found = report.recorded_repeats(STUDY, "a*", "gap.of")
    assert list(found.index) == ["a", "a_seed_2"] and found["seed"].tolist() == [0, 2]
    assert found["estimate"].tolist() == [0.5, 2.5] and found["low"].isna().tolist() == [False, True]
    assert report.recorded_repeats(STUDY, "*", "gap.no").empty
    assert report.recorded_repeats(STUDY, "*", "b.0").empty


def test_recording_refuses_a_case_and_an_unfinished_run(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "recorded", lambda: tmp_path / "recorded")
    results = json.loads((finished / "results.json").read_text())
    results["values"]["worst"] = "duke_" + "000"
    (finished / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="names a case"):
        recording.keep(finished, STUDY, "x")
    (finished / "results.json").write_text("{")
    with pytest.raises(InputError, match="not readable as JSON"):
        recording.keep(finished, STUDY, "x")
    (finished / "results.json").unlink()
    with pytest.raises(InputError, match="not complete"):
        recording.keep(finished, STUDY, "x")
    assert not (tmp_path / "recorded" / STUDY / "x").exists()


def test_recording_does_not_replace_a_run_on_other_data(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "recorded", lambda: tmp_path / "recorded")
    place = recording.keep(finished, STUDY, "x")
    assert recording.keep(finished, STUDY, "x") == place
    file = place / "results.json"
    file.write_text(file.read_text().replace('"source": "simulated"', '"source": "real"'))
    with pytest.raises(InputError, match="holds a run on a real cohort, and this one is simulated"):
        recording.keep(finished, STUDY, "x")
    assert '"source": "real"' in file.read_text()


def test_nothing_recorded_yet_is_said():
    nothing = report.recorded(STUDY, "no such label")
    assert nothing.values == {}
    assert "not yet" in nothing.notice().iloc[0, 0]


def test_page_has_no_folder_and_no_progress_bar(finished, tmp_path):
    place = tmp_path / "page.ipynb"
    page.study_page(finished, place)
    text = place.read_text()
    assert str(tmp_path) not in text
    assert "RUN_DIR/x" in text
    assert "50%|" not in text
    assert "## How these numbers were made" in text


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("x = 1", "x = 1  # a comment", True),
        ("def f():\n    return 1", 'def f():\n    """Words."""\n    return 1', True),
        ("x = 1", "x = 2", False),
        ("def f():\n    return 1", "def f():\n    return 2", False),
    ],
)
def test_fingerprint_follows_what_code_does(before, after, same):
    assert (fingerprint.code(before) == fingerprint.code(after)) is same


@pytest.mark.parametrize(
    ("change", "same"),
    [("prose", True), ("explore", True), ("exercise", True), ("recorded", True), ("hide-input", False)],
)
def test_a_notebook_is_as_old_as_its_computing_cells(change, same, tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("gap = 1")])
    nbformat.write(book, tmp_path / "before.ipynb")
    cell = nbformat.v4.new_code_cell("gap", metadata={"tags": [change]})
    book.cells.append(nbformat.v4.new_markdown_cell("gap") if change == "prose" else cell)
    nbformat.write(book, tmp_path / "after.ipynb")
    before, after = (fingerprint.notebook(tmp_path / f"{name}.ipynb") for name in ("before", "after"))
    assert (before == after) is same


def test_tables_suppress_small_groups():
    frame = pd.DataFrame({"n": [9, 10], "mean": [0.5, 0.25], "note": ["a", "b"]}, index=["small", "large"])
    shown = report.show(frame)
    assert shown.loc["small"].tolist() == ["<10", "suppressed", "a"]
    assert shown.loc["large"].tolist() == [10, "0.250", "b"]


@pytest.mark.parametrize(("n", "shown"), [(0, 0), (1, "<10"), (9, "<10"), (10, 10)])
def test_groups_of_one_to_nine_are_suppressed(n, shown):
    small = shown == "<10"
    assert recording.suppress({"n": n, "mean": 0.5}) == {"n": shown, "mean": None if small else 0.5}
    row = tables.show(pd.DataFrame({"n": [n], "mean": [0.5]})).iloc[0]
    assert row["n"] == shown and row["mean"] == ("suppressed" if small else "0.500")


def test_a_group_whose_size_is_not_known_is_shown_as_such():
    frame = pd.DataFrame({"n": pd.array([4, None, 40], "Int64"), "mean": [0.5, 0.6, 0.7]}, index=["a", "b", "c"])
    shown = tables.show(frame)
    assert shown["n"].tolist() == ["<10", "–", 40] and shown["mean"].tolist() == ["suppressed", "0.600", "0.700"]


def test_the_size_of_a_group_is_suppressed_also_as_a_float():
    row = stats.estimates(pd.DataFrame({"estimate": [0.5], "low": [0.4], "high": [0.6], "n": [20], "n_light": [7]}))[0]
    for n_light in (row["n_light"], 7, 7.0):
        hidden = {"estimate": None, "low": None, "high": None, "n": 20, "n_light": "<10"}
        assert recording.suppress({**row, "n_light": n_light}) == hidden
    shown = {"estimate": 0.5, "n": 7.0, "n_light": 12.0, "n_dark": 0.0, "n_per_group": 7.5}
    assert recording.suppress(shown) == shown  # seven seeds, and no count of one to nine cases


def test_sizes_are_whole_numbers_also_where_some_are_missing():
    frame = pd.DataFrame({"n": [9.0, 12.0, np.nan], "mean": [0.5, 0.25, 0.75]}, index=["a", "b", "b"])
    assert report.show(frame)["n"].tolist() == ["<10", 12, "–"]


def test_tables_join_an_estimate_and_its_interval():
    frame = pd.DataFrame({"n": [9, 10], "mean": [0.5, -0.25], "low": [0.4, -0.5], "high": [0.6, np.nan]})
    shown = report.show(frame, estimate="mean", digits=2)
    assert list(shown.columns) == ["n", "mean [95% interval]"]
    assert shown["mean [95% interval]"].tolist() == ["suppressed", "−0.25"]
    assert report.show(frame.assign(n=20), estimate="mean").iloc[0, 1] == "0.500 [0.400, 0.600]"


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ((0.0013, -0.00021, 0.0029), 4, "0.0013 [−0.0002, 0.0029]"),
        ((0.0013, -0.00021, 0.0029), 3, "0.0013 [−0.0002, 0.0029]"),
        ((0.013, -0.0021, 0.0291), 3, "0.013 [−0.002, 0.029]"),
        ((2e-5, -1e-5, 4e-5), 3, "2.00e−05 [−1.00e−05, 4.00e−05]"),
        ((0.5, np.nan, np.nan), 3, "0.500"),
        ((np.nan, np.nan, np.nan), 3, "–"),
    ],
)
def test_an_interval_has_one_notation(values, digits, text):
    assert tables.interval(*values, digits) == text


@pytest.mark.parametrize(
    ("published", "ours", "text"),
    [
        ("0.0530", 0.053031, "0.0530"),
        ("0.002014", 0.0020138, "0.002014"),
        ("0.0006", 0.000598, "0.0006"),
        ("0.89", 0.8896, "0.890"),
        ("10.0%", 0.0999, "10.0 %"),
        ("0.52", None, "–"),
    ],
)
def test_ours_has_the_digits_of_the_published_number(published, ours, text):
    row = report.claims_table([{**INTERVAL, "published": published, "ours": ours, "verdict": "v", "why": "w"}])
    assert row["ours [95% interval]"].tolist() == [text]


@pytest.mark.parametrize(
    ("given", "value", "verdict"),
    [
        (
            {"ours": 0.09, "low": -0.02, "high": 0.2, "n": 100},
            "0.090 [−0.020, 0.200]",
            "inconclusive: our interval includes no effect; 80% power from an effect of 0.157; "
            "needs about 248 patients",
        ),
        (
            {"ours": 0.09, "low": 0.02, "high": 0.16, "n": 5.0, **SIMULATION},
            "0.090 [0.020, 0.160]",
            "reproduced in simulation: the published value is inside our interval; 80% power from an effect of 0.100",
        ),
        (
            {"ours": 0.01, "low": -0.2, "high": 0.22, "low90": -0.17, "high90": 0.19, "n": 3.0, **SIMULATION}
            | {"kind": "none", "margin": 0.15, "unit": "t", "because": "b", "published": "0", "source": "real"}
            | {"same_data": False},
            "0.010 [−0.200, 0.220], 90% [−0.170, 0.190]",
            "inconclusive: on other data; our 90% interval crosses the margin, 0.15 t (b); "
            "passes a margin from 0.190 on; needs about 14 seeds",
        ),
        (
            {"ours": 0.02, "low": -0.01, "high": 0.05, "n": 100},
            "0.020 [−0.010, 0.050]",
            "inconclusive: our interval includes no effect; 80% power from an effect of 0.043; "
            "large enough by the size that is asked for",
        ),
        (
            {"ours": 0.09, "low": -0.02, "high": 0.2, "published": "10.0%"},
            "9.0 [−2.0, 20.0] %",
            "inconclusive: our interval includes no effect; 80% power from an effect of 15.7 %",
        ),
        ({"missing": "masks"}, "–", "not testable here: missing: masks"),
    ],
)
def test_a_reader_sees_the_power_and_whether_a_verdict_is_of_a_simulation(given, value, verdict):
    row = report.claims_table([claims.claim("x", **{**INTERVAL, **given})])
    assert row["ours [95% interval]"].tolist() == [value]
    assert row["verdict"].tolist() == [verdict]


def sizes(**counts):
    return pd.DataFrame({"n": counts}).rename({"missing": "not recorded"})


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"m": 284, "f": 281, "x": 5, "missing": 24}, True),
        ({"m": 284, "f": 281, "x": 5, "y": 4, "missing": 20}, True),  # nine in all
        ({"m": 284, "f": 281, "x": 5, "y": 5, "missing": 20}, False),
        ({"m": 284, "f": 281, "x": 29}, False),
        ({"m": 284, "f": 281, "missing": 5}, False),
    ],
)
def test_a_small_group_does_not_come_back_by_subtraction(counts, hidden):
    table = {"sex": sizes(**counts)}
    rows = own_scores.beside_small(table)
    assert rows == ([("sex", "not recorded")] if hidden else [])
    shown = report.show(pd.concat(table), hide=rows)["n"]
    if hidden:
        assert shown["sex"].tolist()[-1] == "suppressed" and shown["sex"].tolist()[2] == "<10"


def test_the_words_do_not_tell_a_number_that_the_tables_hide():
    overall = pd.DataFrame({"gap": [np.nan], "p": [np.nan], "note": ["too few"]}, index=["sex"])
    for many, says in ((None, "for some cases"), (24, "for 24 cases"), (5, "for fewer than 10 cases")):
        assert says in own_scores.findings("dice", overall, {}, missing={"sex": many}).loc["sex", "finding"]
    assert "not recorded" not in own_scores.findings("dice", overall, {}, missing={"sex": 0}).loc["sex", "finding"]


@pytest.mark.parametrize("text", ["x", "", "[]", "{}", "\0", '{"nbformat": 4}'])
def test_a_file_that_is_no_notebook_makes_no_report(text, tmp_path):
    (tmp_path / "x").write_text(text)
    with pytest.raises(InputError, match="not a notebook"):
        book.write_html(tmp_path / "x")


def test_another_studys_notebook_makes_no_report(tmp_path):
    with pytest.raises(InputError, match="not an audit of the user's scores"):
        book.write_html(paths.notebooks() / "01_label_audit.ipynb", tmp_path / "x.html")


def test_texts_of_the_readers_table_are_shown_as_they_are(tmp_path):
    """In prose, in a table and in print: neither HTML nor Markdown in them does anything."""
    text = "*A* <b>B</b> [c](http://d.org) `e`"
    glued = nbformat.v4.new_output(
        "display_data",
        {"application/papermill.record/text/plain": repr(text)},
        metadata={"scrapbook": {"name": "worst"}},
    )
    printed = nbformat.v4.new_output("stream", name="stdout", text=text)
    table = nbformat.v4.new_output("display_data", {"text/html": pd.DataFrame({"group": [text]}).to_html()})
    cells = [
        nbformat.v4.new_markdown_cell("# An audit"),
        nbformat.v4.new_code_cell(id="setup"),
        nbformat.v4.new_markdown_cell("## The result\n\nThe worst group is {glue:text}`worst`."),
        nbformat.v4.new_code_cell(outputs=[printed]),
        nbformat.v4.new_code_cell(id="findings", outputs=[table]),
        nbformat.v4.new_code_cell(outputs=[glued]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "run.ipynb")
    page = book.write_html(tmp_path / "run.ipynb").read_text()
    assert page.count("*A* &lt;b&gt;B&lt;/b&gt; [c](http://d.org) `e`") == 3
    assert "<b>" not in page and "<em>" not in page and "<a " not in page and "<code>" not in page
