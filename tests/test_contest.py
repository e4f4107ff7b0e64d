"""Benchmarks measure what they say: memory of a process alone, pairs of a round, and rows that become a table."""

import itertools
import json

import pytest

from tests.benchmarks import contest, page

HELD = 150  # MB


def peak(held: int) -> float:
    """Peak memory of a process that holds some megabytes."""
    done = contest.launch(["-c", f"held = b'1' * ({held} << 20)"])
    assert done.code == 0
    return done.peak_mb


def test_peak_memory_is_that_of_the_contender_and_not_of_the_process_that_starts_it():
    ours = b"1" * (2 * HELD << 20)
    small, large = peak(0), peak(HELD)
    del ours
    assert small < HELD
    assert large - small == pytest.approx(HELD, rel=0.1)


def test_the_processors_seconds_of_a_process_count_its_children():
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    before = contest.processor()
    done = contest.launch(["-c", child])
    assert done.seconds > 0.3
    assert contest.processor() - before > done.seconds


def test_an_error_of_a_contender_is_shown():
    with pytest.raises(AssertionError, match="No module named"):
        contest.process("tests.benchmarks.no_such_contender")()


def test_contenders_take_turns_and_begin_in_turn():
    order, ticks = [], itertools.count()
    names = {name: (lambda name=name: order.append(name)) for name in ("ours", "theirs")}
    turns = contest.take_turns(names, rounds=3, clock=lambda: next(ticks), warm=False)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert [turn["seconds"] for turn in turns["ours"]] == [1, 1, 1]


def test_the_first_turn_does_not_count_if_contenders_are_warmed():
    ran = itertools.count()
    turns = contest.take_turns({"ours": lambda: {"number": next(ran)}}, rounds=2)
    assert [turn["number"] for turn in turns["ours"]] == [1, 2]


def test_what_a_contender_returns_comes_before_the_clock():
    turns = contest.take_turns({"ours": lambda: {"seconds": 7.0}, "theirs": lambda: 8}, rounds=1)
    assert turns["ours"][0]["seconds"] == 7
    assert turns["theirs"][0]["found"] == 8


TURNS = {
    "ours": [{"seconds": s, "peak_mb": 50} for s in (1, 2, 4)],
    "theirs": [{"seconds": s, "peak_mb": 100} for s in (3, 4, 40)],
}


@pytest.fixture
def rows(monkeypatch, tmp_path):
    monkeypatch.setattr(contest, "ROWS", tmp_path)
    return tmp_path


def test_ratios_are_of_pairs():
    assert contest.ratios(TURNS, "theirs") == [3, 2, 10]  # the ratio of medians would be 2
    assert contest.ratios(TURNS, "theirs", what="peak_mb") == [2, 2, 2]


def test_a_row_is_kept_whether_or_not_it_is_fast_enough(rows, capsys):
    contest.at_least(3, "some work", TURNS, "theirs", package="pytest")
    with pytest.raises(AssertionError, match="asked 4"):
        contest.at_least(4, "some work", TURNS, "theirs")
    kept = [json.loads(line) for line in (rows / "test_contest.jsonl").read_text().splitlines()]
    assert [row["asked"] for row in kept] == [3, 4]
    assert {k: kept[0][k] for k in ("ratio", "lowest", "highest", "ours", "theirs", "unit")} == {
        "ratio": 3, "lowest": 2, "highest": 10, "ours": 2, "theirs": 4, "unit": "s"
    }  # fmt: skip
    assert kept[0]["version"] == pytest.__version__
    assert "some work: 3 times (2 to 10)" in capsys.readouterr().out


def test_a_peer_that_is_absent_is_a_skip_that_names_its_version(monkeypatch, tmp_path):
    (tmp_path / "requirements.lock").write_text("absent-peer==1.2\n")
    (tmp_path / "pyproject.toml").write_text('[project.optional-dependencies]\nbench = ["other-peer==3.4"]\n')
    monkeypatch.setattr(contest, "ROOT", tmp_path)
    for package, wanted in (("absent-peer", "absent-peer==1.2"), ("other-peer", "other-peer==3.4")):
        with pytest.raises(pytest.skip.Exception, match=wanted):
            contest.version(package)


@pytest.mark.parametrize("power", [1, 2])
def test_exponent(power):
    sizes = [10, 20, 80]
    assert contest.exponent(sizes, [3 * n**power for n in sizes]) == pytest.approx(power)


def test_a_page_shows_the_last_row_of_each_work_and_where_it_was_measured(rows):
    contest.at_least(1, "other work", TURNS, "theirs", what="peak_mb")
    contest.at_least(1, "work", TURNS, "theirs", package="pytest")
    contest.at_least(2, "work", TURNS, "theirs", package="pytest")
    before = f"text\n{page.FROM}old table\n{page.TO}more"
    after = page.written(before, page.latest(rows))
    assert "old table" not in after and after.startswith("text\n") and after.endswith("\nmore")
    assert f"| work | 2 s | theirs {pytest.__version__} | 4 s | 3 (2 to 10) | ≥ 2 |" in after
    assert "≥ 1 |" in after and after.count("| work |") == 2  # its heading, and one row
    assert "- 2 of 2 rows: " in after
    assert page.written(after, page.latest(rows)) == after


def test_the_page_of_the_book_has_a_place_for_the_table():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.FROM in text and page.TO in text


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        (193.4, "s", "190 s"),
        (0.0796, "s", "80 ms"),
        (9.38e-6, "s", "9.4 µs"),
        (2e-9, "s", "2 ns"),
        (0.5, "MB", "0.5 MB"),
    ],
)
def test_a_cost_is_shown_in_a_unit_that_can_be_read(number, unit, shown):
    assert page.cost(number, unit) == shown


def test_a_large_ratio_has_no_digits_that_mean_nothing():
    assert [page.short(number) for number in (21034.0, 2436.0, 451.2, 5.04, 0.4545)] == [
        "21,000", "2,400", "450", "5", "0.45"
    ]  # fmt: skip
