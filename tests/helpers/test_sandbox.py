"""The sandbox's view and its sliders."""

import matplotlib.pyplot as plt
import pytest

from helpers.studies import calibration
from helpers.studies.calibration.sandbox import SLIDERS, START


@pytest.mark.parametrize("name", calibration.SET_UPS)
def test_the_view_of_each_set_up(name):
    table, figure = calibration.sandbox_view(**calibration.SET_UPS[name])
    assert table.columns.tolist() == ["n_a", "n_b", "B − A [95% interval]", "note"]
    assert {"mean", "mean on gold", "mean, given hospital"} <= set(table.index)
    numbers = table.loc["mean":"mean, given hospital", "B − A [95% interval]"]
    assert numbers.str.fullmatch(r"[−\d.]+ \[[−\d.]+, [−\d.]+\]").all(), "never a gap without its interval"
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[0] == f"mean  (n = {table['n_a']['mean'] + table['n_b']['mean']})"
    assert not plt.get_fignums()


def test_the_largest_of_many_gaps_has_both_p_values():
    table, figure = calibration.sandbox_view(**calibration.SET_UPS["a gap from noise"])
    note = table.loc["largest of 12 gaps", "note"]
    assert "n = 120" in note and "if it had been the only one" in note and note.endswith("as the largest")
    assert len(figure.axes) == 3
    assert len(calibration.sandbox_view()[1].axes) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n_a": 0, "n_b": 0}, "both groups are empty"),
        ({"n_a": 0}, "under 10 cases in A"),
        ({"n_b": 8}, "under 10 cases in B"),
        ({"n_a": 3, "n_b": 8, "attributes": 2}, "no attribute has two levels of 10 cases"),
        ({"threshold": 1.0}, "nobody succeeds: this ruler cannot tell"),
        ({"threshold": 0.0}, "everybody succeeds: this ruler cannot tell"),
        ({"second_a": 1.0, "second_b": 1.0}, "1 hospital(s) with both groups: two are needed"),
        ({"difficulty": 0.3, "opposite": 0.15, "hospital_effect": 0.2, "second_a": 0}, None),
        ({"difficulty": -0.1, "hospital_effect": 0.2}, "together they ask for mean scores"),
        ({"label_bias": 1.0}, None),
        ({"label_bias": -1.0}, None),
    ],
)
def test_what_no_audit_can_read_is_a_view_with_a_message(arguments, says):
    table, figure = calibration.sandbox_view(**arguments)
    assert says is None or table["note"].str.contains(says, regex=False).any()
    assert figure.axes


def test_a_group_under_ten_shows_neither_number_nor_size():
    table, figure = calibration.sandbox_view(n_b=8)
    readings = table.loc["mean":"mean, given hospital"]
    assert set(readings["n_b"]) == {"<10"} and set(readings["B − A [95% interval]"]) == {"suppressed"}
    assert "no reading has 10 cases" in figure.axes[0].texts[0].get_text()
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["A\nn = 300"]


def test_a_slider_redraws_and_a_set_up_redraws_once(monkeypatch):
    controls, table, picture = calibration.explore_sandbox().children
    set_ups, *sliders = controls.children
    difficulty = next(slider for slider in sliders if slider.description == "difficulty of B")
    first = table.value, picture.value
    difficulty.value = 0.2
    assert table.value != first[0] and picture.value != first[1]
    calls = []
    view = calibration.sandbox_view
    monkeypatch.setattr("helpers.studies.calibration.sandbox.sandbox_view", lambda **a: calls.append(a) or view(**a))
    set_ups.value = "other labels"
    assert len(calls) == 1
    assert calls[0] == {**START, **calibration.SET_UPS["other labels"]}
    set_ups.value = "nothing planted"
    assert len(calls) == 2 and calls[1] == START and (table.value, picture.value) == first


def test_every_set_up_lies_within_the_sliders():
    for name, set_up in calibration.SET_UPS.items():
        for argument, value in set_up.items():
            low, high, step, _ = SLIDERS[argument]
            assert low <= value <= high, (name, argument)
            assert abs((value - low) / step - round((value - low) / step)) < 1e-9, (name, argument)
    assert set(START) == set(SLIDERS)
