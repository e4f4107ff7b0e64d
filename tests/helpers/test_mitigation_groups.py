"""Groups by one attribute and by all crossed, and weights that make them equal."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import InputError
from helpers.studies import mitigation


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sex": ["F", "M", "F", None, "M", "F"],
            "race": ["x", "y", "y", "x", None, "x"],
            "age": [20.0, 60.0, 61.0, 40.0, 80.0, np.nan],
        },
        index=[7, 7, 3, 2, 1, 0],  # an index says nothing
    )


def test_groups_are_all_attributes_crossed():
    found = mitigation.joint_groups(table()[["sex", "race"]])
    assert found.names == ["F, x", "F, y", "M, y"]  # of the four, those that occur
    assert found.codes.tolist() == [0, 2, 1, -1, -1, 0]


def test_a_missing_attribute_is_the_code_minus_one():
    assert mitigation.attribute_groups(table()["sex"]).codes.tolist() == [0, 1, 0, -1, 1, 0]
    found = mitigation.joint_groups(table(), bins={"age": (0, 60, 120)})
    assert found.codes.tolist() == [0, 2, 1, -1, -1, -1]


def test_a_number_on_an_edge_belongs_to_the_bin_below():
    found = mitigation.attribute_groups(table()["age"], bins=(0, 60, 120))
    assert found.codes.tolist() == [0, 0, 1, 0, 1, -1] and len(found.names) == 2
    # The lowest edge is inside; a bin without anybody is no group.
    low = mitigation.attribute_groups(pd.Series([0, 120], name="age"), bins=(0, 30, 60, 120))
    assert low.codes.tolist() == [0, 1] and len(low.names) == 2


def test_names_of_bins_say_their_edges():
    found = mitigation.joint_groups(table()[["sex", "age"]].dropna(), bins={"age": (0, 60, 120)})
    assert found.names == ["F, <=60", "F, >60", "M, <=60", "M, >60"]
    ages = pd.Series([10.0, 50, 70, 90], name="age")
    assert mitigation.attribute_groups(ages, bins=(0, 40, 60.5, 80, 120)).names == [
        "<=40",
        ">40 to 60.5",
        ">60.5 to 80",
        ">80",
    ]
    assert mitigation.attribute_groups(ages, bins=(0, 120)).names == ["0 to 120"]


def test_raw_years_are_refused_with_one_error_that_names_bins():
    years = pd.DataFrame({"sex": ["F", "M"] * 20, "age": np.arange(20, 60)})
    for frame in (years, years.astype({"age": float}), years.astype({"age": "Int64"}), years.astype({"age": object})):
        with pytest.raises(InputError, match=r"age.*40 different numbers.*bins") as caught:
            mitigation.joint_groups(frame)
        assert "(0, 60, 120)" in str(caught.value) and "\n" not in str(caught.value)
    assert len(mitigation.joint_groups(years, bins={"age": (0, 40, 120)}).names) == 4


def test_few_numbers_and_truth_values_are_labels():
    assert mitigation.attribute_groups(pd.Series([1, 2, 1, 6])).codes.tolist() == [0, 1, 0, 2]
    assert mitigation.attribute_groups(pd.Series([True, False, True])).names == ["False", "True"]
    assert mitigation.attribute_groups(pd.Series(["b", "a", "b"], dtype="category")).codes.tolist() == [1, 0, 1]


BAD = {
    "no attribute": (lambda t: mitigation.joint_groups(t[[]]), "attributes.*there is no attribute"),
    "all missing": (lambda t: mitigation.joint_groups(t.assign(sex=None)[["sex"]]), "sex.*missing in all 6"),
    "bins of nothing": (lambda t: mitigation.joint_groups(t[["sex"]], bins={"age": (0, 1)}), "no attribute age"),
    "bins of labels": (lambda t: mitigation.joint_groups(t[["sex"]], bins={"sex": (0, 1)}), "sex.*cannot be cut"),
    "bins that fall": (lambda t: mitigation.joint_groups(t[["age"]], bins={"age": (60, 0)}), "age.*rising edges"),
    "one edge": (lambda t: mitigation.joint_groups(t[["age"]], bins={"age": (60,)}), "age.*two or more"),
    "outside": (lambda t: mitigation.joint_groups(t[["age"]], bins={"age": (0, 60)}), "age: 61.*outside"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_error(case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words):
        act(table())


# -- weights


def test_weights_are_one_over_the_size_as_printed():
    codes = np.array([0, 0, 0, 1, 2, 2])
    sizes = np.array([3, 3, 3, 1, 2, 2])
    printed = (1 / sizes) / (1 / sizes).sum()  # p_i = (1 / n_g(i)) / sum_j (1 / n_g(j))
    np.testing.assert_allclose(mitigation.balanced_weights(codes), printed)
    np.testing.assert_allclose(np.bincount(codes, printed), 1 / 3)


def test_weights_of_a_single_group_are_equal():
    np.testing.assert_allclose(mitigation.balanced_weights([0, 0, 0, 0]), 0.25)
    np.testing.assert_allclose(mitigation.balanced_weights([-1, -1]), 0.5)


def test_a_case_of_unknown_group_gets_the_mean_weight():
    weights = mitigation.balanced_weights([0, 0, 0, 1, -1])
    assert weights.sum() == pytest.approx(1)
    assert weights[4] == pytest.approx(weights[:4].mean())
    assert weights[:3].sum() == pytest.approx(weights[3])


def test_groups_are_drawn_equally_often():
    codes = np.repeat([0, 1, 2], [300, 30, 3])
    drawn = np.random.default_rng(0).choice(codes, 6000, p=mitigation.balanced_weights(codes))
    counts = np.bincount(drawn)
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(6000 * (1 / 3) * (2 / 3))
