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
    next(Path(options["keep"]).glob("1-*.json")).unlink()
    pd.testing.assert_frame_equal(plans.repeat(product, plan, **options), first)
    assert CALLS[3:] == [(1, 0.5)]


def test_a_job_may_give_several_rows_or_none():
    def rows(*, n):
        return [{"k": k} for k in range(n)]

    found = plans.repeat(rows, [{"n": 2}, {"n": 0}, {"n": 1}], progress=False)
    assert found.to_dict("records") == [{"n": 2, "k": 0}, {"n": 2, "k": 1}, {"n": 1, "k": 0}]


@pytest.mark.parametrize(
    "plan", [[{"a": 1, "b": 2}] * 2, [{"a": "label bias", "b": 1}, {"a": "label_bias", "b": 1}]], ids=["equal", "alike"]
)
def test_rows_that_would_share_a_file_are_refused_before_any_is_run(plan, tmp_path):
    CALLS.clear()
    with pytest.raises(InputError, match=r"plan: .* is there twice"):
        plans.repeat(product, plan, keep=tmp_path, progress=False)
    assert not CALLS
