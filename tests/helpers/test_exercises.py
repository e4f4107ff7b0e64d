"""Check cells: what is right, wrong, open or refused."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import exercises, paths, stats
from helpers.book import course, workflow
from helpers.errors import InputError
from helpers.exercises import keys
from helpers.report import ipynb
from helpers.studies import biased_ruler
from tests.conftest import ROOT

STUDIES = sorted(p.stem for p in (ROOT / "notebooks" / "exercises").glob("*.yaml"))


def right(study: str) -> dict[int, object]:
    """Right answers by exercise, from the metadata of the solutions, which students do not get."""
    cells = ipynb.read(ROOT / "notebooks" / f"{study}.ipynb")["cells"]
    answered = [cell for cell in cells if "answer" in cell["metadata"]]
    assert all(course.is_solution(cell) for cell in answered), study
    return {int(NUMBER.search(cell["source"])[1]): cell["metadata"]["answer"] for cell in answered}


NUMBER = re.compile(r"Solution (\d+)")
RIGHT = {path.stem: right(path.stem) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
KEYED = [(study, number) for study, answers in RIGHT.items() for number in answers]


def test_every_study_has_keys():
    assert set(STUDIES) == set(RIGHT)
    runs = {(s, n) for s in STUDIES for n, key in exercises.read(s).items() if "within" in key}
    assert runs == {("01_label_audit", 3), ("02_biased_ruler", 3), ("14_phrase_grounding", 1)}
    assert set(KEYED) == {(s, n) for s in STUDIES for n in exercises.read(s)} - runs


@pytest.mark.parametrize(("study", "number"), KEYED)
def test_the_right_answer_is_right_and_every_other_wrong(study, number):
    right, key = RIGHT[study][number], exercises.read(study)[number]
    assert exercises.check(study, number, right).state == "right"
    if "choose" in key:
        assert exercises.check(study, number, f"  {right.upper()} ").state == "right"
        others = [choice for choice in key["choose"] if choice != right]
        assert len(others) == len(key["choose"]) - 1 >= 1
    else:
        assert exercises.check(study, number, np.float64(right + 0.9 * key["step"])).state == "right"
        others = [right + 2.6 * key["step"], right - 2.6 * key["step"], 10 * right, -right]
    for other in others:
        found = exercises.check(study, number, other)
        assert found.state == "wrong" and "not right" in found.text


@pytest.mark.parametrize(("answer", "state"), [(8, "wrong"), (9, "right"), (10, "right"), (11, "right"), (12, "wrong")])
def test_a_number_may_be_a_step_beside_the_right_one(answer, state, monkeypatch):
    monkeypatch.setattr(keys, "read", lambda study: yaml.safe_load(exercises.entry(1, "10", step=1.0)))
    assert exercises.check("a study", 1, answer).state == state


@pytest.mark.parametrize("study", STUDIES)
def test_no_answer_yet_is_said_kindly(study):
    for number in exercises.read(study):
        found = exercises.check(study, number, None)
        assert found.state == "open" and "no answer yet" in repr(found) and f"answer_{number}" in repr(found)


@pytest.mark.parametrize("study", STUDIES)
def test_no_key_says_its_answer(study):
    text = (ROOT / "notebooks" / "exercises" / f"{study}.yaml").read_text()
    for number, key in yaml.safe_load(text).items():
        assert set(key) <= {"choose", "step", "within", "salt", "hash"}
        if "step" in key:
            assert str(RIGHT[study][number]) not in key.values()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("maybe", "must be "),
        (3, "is int, expected text"),
        (["halves"], "is list, expected text"),
        (math.nan, "is float, expected text"),
        ("<b>halves</b>", "got '<b>halves</b>'"),
        ("x" * 10_000, "got 'xxx"),
    ],
)
def test_an_answer_that_is_no_choice_is_refused(answer, says):
    with pytest.raises(InputError, match=says) as error:
        exercises.check("01_label_audit", 1, answer)
    assert '"halves", "stays", "doubles"' in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("4", "is str, expected a number"),
        ("", "is str, expected a number"),
        (True, "is bool, expected a number"),
        (math.nan, "cannot be compared"),
        (-math.inf, "cannot be compared"),
        ([4], "is list, expected a number"),
        (4j, "is complex, expected a number"),
        (pd.NA, "expected a number"),
    ],
)
def test_an_answer_that_is_no_number_is_refused(answer, says):
    with pytest.raises(InputError, match=says):
        exercises.check("00_calibration", 2, answer)
    with pytest.raises(InputError, match=says):
        exercises.check("01_label_audit", 3, answer, right=lambda: 0.5)


def test_unknown_studies_and_exercises_are_named():
    with pytest.raises(InputError, match=r"no such study with exercises. Known: 00_bias_sandbox, 00_cal"):
        exercises.check("01_label_audi", 1, None)
    with pytest.raises(InputError, match=r"exercise 4 has no check. There are 1, 2, 3"):
        exercises.check("01_label_audit", 4, None)
    with pytest.raises(InputError, match="depends on the run"):
        exercises.check("01_label_audit", 3, 0.5)


def test_an_answer_about_the_run_is_compared_with_the_run():
    def asked(answer, right):
        return exercises.check("01_label_audit", 3, answer, right=right).state

    assert asked(0.41, lambda: 0.40) == "right"
    assert asked(0.45, lambda: 0.40) == "wrong"
    assert asked(0.45, lambda: None) == "not here"
    assert asked(None, lambda: 1 / 0) == "open", "nothing is computed before there is an answer"


def test_truths_are_what_the_solutions_compute():
    rng = np.random.default_rng(0)
    cases = pd.DataFrame({"dataset": rng.choice(["DUKE", "ISPY2"], 200), "menopause": rng.choice(["pre", "post"], 200)})
    both = pd.DataFrame({"gold": rng.random(200), "silver": rng.random(200)})
    ruler = biased_ruler.ruler(
        both["silver"], both["gold"], groups=cases["dataset"].to_numpy(), a="ISPY2", b="DUKE", n_boot=50
    )
    found = exercises.ruler_change(both, cases, group="dataset", a="ISPY2", b="DUKE")
    assert found == pytest.approx(ruler.mean.change.estimate)
    assert exercises.ruler_change(both, cases, group="dataset", a="ISPY2", b="NACT") is None
    top = both["gold"] > 0.5
    options = {"n": 200, "seed": 3}
    hidden = stats.hidden_gap(top, groups=cases["menopause"], sources=cases["dataset"], **options)
    assert exercises.hidden_gap_p(top, cases, group="menopause", **options) == hidden["p"]
    alone = cases.assign(menopause="unknown")
    with pytest.raises(InputError):
        exercises.hidden_gap_p(top, alone, group="menopause", **options)


def test_a_teacher_makes_a_key(tmp_path, monkeypatch, capsys):
    (tmp_path / "exercises").mkdir()
    monkeypatch.setattr(paths, "notebooks", lambda: tmp_path)
    text = ""
    for words in (["1", "Two", "--choose", "one,two"], ["2", "0.25", "--step", "0.01"]):
        assert workflow.main(["answer", *words]) == 0
        text += capsys.readouterr().out
    (tmp_path / "exercises" / "mine.yaml").write_text(text)
    assert exercises.check("mine", 1, "two").state == "right"
    assert exercises.check("mine", 1, "one").state == "wrong"
    assert exercises.check("mine", 2, 0.26).state == "right"
    assert exercises.check("mine", 2, 0.3).state == "wrong"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["1", "three", "--choose", "one,two"], "got 'three'"),
        (["1", "one"], "Give --choose or --step"),
        (["1", "four", "--step", "1"], "is not a number"),
        (["1", "4", "--step", "0"], "must be above 0, got 0"),
        (["1", "nan", "--step", "1"], "cannot be compared"),
    ],
)
def test_a_key_that_cannot_be_is_refused(capsys, words, says):
    assert workflow.main(["answer", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "1: 3", "1: {choose: [a]}", "1: {step: 1, salt: 5, hash: x}", "1: {}"])
def test_a_file_of_keys_that_cannot_be_used_is_refused(tmp_path, monkeypatch, text):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "mine.yaml").write_text(text)
    monkeypatch.setattr(paths, "notebooks", lambda: tmp_path)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        exercises.check("mine", 1, None)


def test_two_keys_of_one_answer_differ():
    first, second = (yaml.safe_load(keys.entry(1, "a", choose=["a", "b"]))[1] for _ in range(2))
    assert first["salt"] != second["salt"] and first["hash"] != second["hash"]
