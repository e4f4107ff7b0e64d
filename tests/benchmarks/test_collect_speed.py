"""Ten thousand runs in one table against pandas.json_normalize file by file, as a ratio of one run, and in seconds.

The peer makes a frame a file, and one of them all. Its time grows at least in proportion to the files, so that one in
20 is timed and the result scaled; on these few, both must give the same numbers. SQL is timed beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import book
from tests.benchmarks import contest

RUNS, GROUPS, STEP = 10_000, 60, 20
STUDY = "09_sweep"


def results(seed: int) -> dict:
    """Some 300 values and 20 kB, as a study of this book leaves them."""
    rng = np.random.default_rng(seed)
    values = {
        f"group_{k}": {"estimate": a, "low": b, "high": [c, d], "n": k}
        for k, (a, b, c, d) in enumerate(rng.random((GROUPS, 4)).tolist())
    }
    claims = [{"id": f"c{k}", "statement": "x" * 200, "ours": 0.5, "why": "y" * 100} for k in range(10)]
    made = {"parameters": {"SEED": seed, "RUN_DIR": "RUN_DIR"}, "started": "2026-01-01 00:00 UTC", "wall_seconds": 1.5}
    made |= {"git": {"commit": "abc", "dirty": False}, "helpers": {f"helpers.m{k}": "0" * 12 for k in range(80)}}
    return {"values": values, "claims": claims, "dropped": [], "figures": [], "provenance": made}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    pd.DataFrame({"case": range(40), "dice": np.linspace(0, 1, 40)}).to_parquet(root / "cases.parquet")
    rows = (root / "cases.parquet").read_bytes()
    for seed in range(RUNS):
        place = root / "sweep" / STUDY / f"SEED={seed:05d}"
        place.mkdir(parents=True)
        (place / "results.json").write_text(json.dumps(results(seed), indent=1))
        (place / "cases.parquet").write_bytes(rows)
    return root


def theirs(folder: Path, step: int) -> pd.DataFrame:
    files = sorted(folder.glob("*/*/*/results.json"))[::step]
    return pd.concat([pd.json_normalize(json.loads(f.read_text())["values"]) for f in files], ignore_index=True)


@pytest.mark.timeout(1800)
def test_collecting_is_at_least_five_times_faster(folder):
    theirs(folder, RUNS // 10)  # warm
    contenders = {
        "ours": lambda: book.collect(folder=folder),
        "one value": lambda: book.collect(values=["group_1.estimate"], folder=folder),
        "json_normalize": lambda: theirs(folder, STEP),
        "SQL, one value": lambda: _sql(folder, "SELECT results->>'$.group_1.estimate' FROM runs"),
        "SQL, all cases": lambda: _sql(folder, "SELECT instance, avg(dice) FROM cases GROUP BY ALL"),
    }
    turns = contest.take_turns(contenders, rounds=1, warm=False)
    turns["json_normalize"] = [{"seconds": turn["seconds"] * STEP} for turn in turns["json_normalize"]]
    print("\n" + contest.table(turns, "json_normalize", seconds=".2f"))
    work = f"{RUNS:,} runs in one table; the peer's scaled from {RUNS // STEP}"
    contest.at_least(5, work, turns, "json_normalize", package="pandas")


@pytest.mark.timeout(1800)
def test_equal_values(folder):
    table, peer = book.collect(folder=folder).iloc[::STEP].reset_index(drop=True), theirs(folder, STEP)
    for name in ("group_0.estimate", "group_59.low", "group_7.n"):
        pd.testing.assert_series_equal(table[name], peer[name])
    assert table["group_5.high.1"].tolist() == [pair[1] for pair in peer["group_5.high"]]


def _sql(folder: Path, query: str) -> list[tuple]:
    return book.database(folder).sql(query).fetchall()
