"""A plan is run row by row, in any number of processes, and what is finished is not run again."""

from pathlib import Path

import pandas as pd
import pytest

from helpers.errors import InputError
from helpers.keep import plans

CALLS = []


def product(*, a, b, by=1):
    CALLS.append((a, b))
    return {"product": a * b * by}


def test_a_grid_has_every_combination_the_last_axis_quickest():
    assert plans.grid(seed=range(2), world=["x", "y"]) == [
        {"seed": 0, "world": "x"},
        {"seed": 0, "world": "y"},
        {"seed": 1, "world": "x"},
        {"seed": 1, "world": "y"},
    ]
    assert plans.grid(seed=range(2), world=[]) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_come_in_the_order_of_the_plan(workers):
    plan = plans.grid(a=[3, 1, 2], b=[10, 20])
    found = plans.repeat(product, plan, workers=workers, progress=False, by=2)
    assert found.to_dict("records") == [row | {"product": 2 * row["a"] * row["b"]} for row in plan]


def test_what_is_kept_is_not_run_again(tmp_path):
    CALLS.clear()
    plan, options = plans.grid(a=[1, 2], b=[0.5]), {"keep": tmp_path / "kept", "progress": False}
    first = plans.repeat(product, plan, **options)
    assert CALLS == [(1, 0.5), (2, 0.5)]
    more = plans.repeat(product, plans.grid(a=[1, 2, 3], b=[0.5]), **options)
    assert CALLS[2:] == [(3, 0.5)] and len(more) == 3
    pd.testing.assert_frame_equal(plans.repeat(product, plan, **options), first)
    assert len(CALLS) == 3
    next(Path(options["keep"]).glob("1-0.5-*.json")).unlink()
    pd.testing.assert_frame_equal(plans.repeat(product, plan, **options), first)
    assert CALLS[3:] == [(1, 0.5)]


def test_a_job_may_give_several_rows_or_none():
    def rows(*, n):
        return [{"k": k} for k in range(n)]

    found = plans.repeat(rows, [{"n": 2}, {"n": 0}, {"n": 1}], progress=False)
    assert found.to_dict("records") == [{"n": 2, "k": 0}, {"n": 2, "k": 1}, {"n": 1, "k": 0}]


def test_equal_rows_are_refused_before_any_is_run(tmp_path):
    CALLS.clear()
    with pytest.raises(InputError, match=r"plan: the row \{'a': 1, 'b': 2\} occurs twice"):
        plans.repeat(product, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], keep=tmp_path, progress=False)
    with pytest.raises(InputError, match="cannot be written"):
        (tmp_path / "file").write_text("no folder")
        plans.repeat(product, [{"a": 1, "b": 2}], keep=tmp_path / "file" / "kept", progress=False)
    assert not CALLS


def named(*, first, second):
    return {"name": f"{first}, {second}"}


def test_each_row_has_a_file_that_no_other_row_takes(tmp_path):
    """Values may hold whatever a file name may not, and be alike."""
    values = ["a", "A", "a/b", "../../out", "a b", "a_b", "a-b", "", "x" * 300, 1, "1", None]
    plan = plans.grid(first=values, second=["c", "b-c"])
    swapped = [{"second": row["first"], "first": row["second"]} for row in plan]
    for rows in (plan, [row for row in swapped if row not in plan]):
        found = plans.repeat(named, rows, keep=tmp_path / "kept", progress=False)
        again = plans.repeat(named, rows, keep=tmp_path / "kept", progress=False)
        for table in (found, again):
            assert table["name"].tolist() == [f"{row['first']}, {row['second']}" for row in rows]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_result_does_not_take_a_column_of_the_plan():
    with pytest.raises(InputError, match="job: it returns a, a column of the plan"):
        plans.repeat(lambda a: {"a": 99}, [{"a": 1}], progress=False)


def test_rows_of_other_columns_are_other_rows(tmp_path):
    for row in ({"a": 1, "b": 2}, {"a": 1, "c": 2}):
        found = plans.repeat(lambda **given: {"row": str(given)}, [row], keep=tmp_path, progress=False)
        assert found["row"].tolist() == [str(row)]
