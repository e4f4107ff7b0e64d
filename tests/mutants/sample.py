"""Change the code that measures in small ways, one at a time, and count how many changes a test sees.

mutmut makes the changes ("mutants"): another operator, number, argument, name or string, a condition forced. All of
them are put in order, a seed draws the sample, and for each one the tests that pass through the changed function run
until one fails. Not drawn are changes of mere wording: text within a ``raise`` or in a name that only a ``raise`` uses,
and strings with a blank in them. mutmut itself leaves out docstrings, annotations, decorated functions and what stands
outside functions.

``make mutants`` runs it, in ``_build/mutants``: ``survivors.diff`` there shows every change that no test has seen.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import json
import os
import random
import shutil
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path

from statsmodels.stats.proportion import proportion_confint

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "_build" / "mutants"
TOOL = ROOT / "_build" / "mutmut"  # where `make mutants` installs it, apart from the book's environment
SEED, SIZE = 2026, 300

STATS = "inputs crossed decompose gaps hypothesis models pairs permute resample sources"
TESTS = [
    *(f"test_metrics_{name}.py" for name in ["images", "masks", "rates", "shape"]),
    *(f"test_stats_{name}.py" for name in ["decompose", "gaps", "hypothesis", "models", "resample", "experiments"]),
    "test_calibration_calibrate.py",
    "test_stats_warning_signs.py::test_intervals_of_a_sign_are_those_of_other_runs",
]
# Take more than two seconds, and others pass through the same lines.
SLOW = [
    "test_calibration_calibrate.py::test_null_cohorts",
    "test_calibration_calibrate.py::test_planted_effect_is_recovered",
    "test_calibration_calibrate.py::test_rows_depend_on_the_seed_alone",
    "test_calibration_calibrate.py::test_finished_cohorts_are_kept",
    "test_calibration_calibrate.py::test_what_a_cohort_cannot_give_is_none",
    "test_calibration_calibrate.py::test_choices_say_what_is_undefined",
    "test_stats_experiments.py::test_coverage",
]
# Only the first test is seen to pass through what is kept in memory: its caller's tests run instead.
KEPT = {"helpers.metrics.surface.x__triangles": "helpers.metrics.surface.x_element_areas"}
# What tests import while they run, and slowly: once here, not once a mutant.
IMPORTS = "monai.metrics scikit_posthocs skimage.metrics sklearn.metrics surface_distance torch"
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {rooms}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = {arguments}
process_isolation = "forkserver" # what a test has kept in memory must not reach the next mutant
forkserver_warmup = "collect"
use_git_change_detection = false
"""


def rooms() -> list[Path]:
    """Modules that are changed, relative to the checkout."""
    stats = [ROOT / "src/helpers/stats" / f"{name}.py" for name in STATS.split()]
    metrics = [path for path in (ROOT / "src/helpers/metrics").glob("*.py") if path.name != "__init__.py"]
    return sorted(path.relative_to(ROOT) for path in [*stats, *metrics])


def prepare() -> None:
    """A copy of the code and the tests, with mutmut's settings, as it changes files where it stands."""
    shutil.rmtree(PLACE, ignore_errors=True)
    made = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("src", "tests"):
        shutil.copytree(ROOT / folder, PLACE / folder, ignore=made)
    settings = SETTINGS.format(
        rooms=json.dumps([str(path) for path in rooms()]),
        tests=json.dumps([f"tests/helpers/{name}" for name in TESTS]),
        arguments=json.dumps(["-p", "no:cacheprovider", *(f"--deselect=tests/helpers/{name}" for name in SLOW)]),
    )
    (PLACE / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8") + settings)


def all_mutants() -> list[str]:
    """Make all mutants; names of all but those of mere wording, in order."""
    from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants

    with contextlib.redirect_stdout(io.StringIO()):  # names of files
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(max_children=1)
    names = []
    for path in rooms():
        tree = ast.parse((PLACE / "mutants" / path).read_text(encoding="utf-8"))
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for name in record(path):
            mutant = name.rpartition(".")[2]
            original = functions[mutant.partition("__mutmut_")[0] + "__mutmut_orig"]
            if not is_wording(original, functions[mutant]):
                names.append(name)
    return sorted(names)


def record(path: Path) -> dict[str, int | None]:
    """Exit code of the tests, None before they ran, of every mutant of a module."""
    return json.loads((PLACE / "mutants" / f"{path}.meta").read_text(encoding="utf-8"))["exit_code_by_key"]


def is_wording(original: ast.FunctionDef, mutant: ast.FunctionDef) -> bool:
    """Whether the change is within a ``raise``, a name that only a ``raise`` uses, or of a string with a blank."""
    way = [node for part in ("args", "body") for node in way_to_change(getattr(original, part), getattr(mutant, part))]
    if any(isinstance(node, ast.Raise) for node in way) or is_sentence([n for n in way if isinstance(n, ast.AST)][-1]):
        return True
    return bool(set().union(*map(assigned, way)) & only_spoken(original))


def is_sentence(node: ast.AST) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return any(isinstance(p, ast.Constant) and isinstance(p.value, str) and " " in p.value for p in parts)


def way_to_change(old: object, new: object) -> list[object]:
    """What of an old tree lies on the way from its root to the smallest part that holds the whole change."""
    if type(old) is not type(new):
        return [old]
    if not isinstance(old, ast.AST | list):
        return [] if old == new else [old]
    if isinstance(old, ast.AST):
        first, second = ([getattr(tree, field) for field in tree._fields] for tree in (old, new))
    else:
        first, second = old, new
    if len(first) != len(second):
        return [old]
    ways = [way for pair in zip(first, second, strict=True) if (way := way_to_change(*pair))]
    return [old, *ways[0]] if len(ways) == 1 else [old] * bool(ways)


def assigned(node: object) -> set[str]:
    """Names that a plain assignment gives a value to; of any other node none."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


@lru_cache(maxsize=1)
def only_spoken(function: ast.FunctionDef) -> set[str]:
    """Names that are used in a ``raise``, or in assignments to such names, and nowhere else."""
    names: set[str] = set()
    while True:
        silent = [node for node in ast.walk(function) if isinstance(node, ast.Raise) or assigned(node) & names]
        inside = {id(part) for node in silent for part in ast.walk(node)}
        used = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
        spoken = {n.id for n in used if id(n) in inside} - {n.id for n in used if id(n) not in inside}
        spoken &= set().union(*(assigned(node) for node in ast.walk(function)))
        if spoken <= names:
            return names
        names |= spoken


def run(sample: list[str]) -> dict[str, str]:
    """What became of each mutant: killed, survived, no tests, timeout."""
    from mutmut.__main__ import run_stats_collection
    from mutmut.mutation.trampoline import set_mutant_under_test
    from mutmut.state import state
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.file_utils import setup_source_paths
    from mutmut.utils.format_utils import mangled_name_from_mutant_name
    from mutmut.workers.isolation import get_mutant_runner

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none is needed, and they take seconds
    for name in IMPORTS.split():
        importlib.import_module(name)
    setup_source_paths()
    runner = get_mutant_runner(1)
    run_stats_collection(runner)  # which test passes through which function, and that all pass unchanged
    set_mutant_under_test("")
    runner.startup()
    seconds, found = state().duration_by_test, {}
    for done, name in enumerate(sample, start=1):
        function = mangled_name_from_mutant_name(name)
        tests = sorted(state().tests_by_mangled_function_name[KEPT.get(function, function)], key=seconds.get)
        total = sum(map(seconds.get, tests))
        runner.submit(name, tests, cpu_time_limit=int(600 + 10 * total), estimated_time=total)
        found[name] = status_by_exit_code[runner.wait_for_result().exit_code]
        print(f"{done:4} {found[name]:10} {name}", flush=True)
    runner.signal_work_complete()
    runner.shutdown()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Count how many of a sample of small changes the tests see.")
    parser.add_argument("--list", action="store_true", help="list the sample, and run nothing")
    options = parser.parse_args()
    sys.path.append(str(TOOL))
    prepare()
    os.chdir(PLACE)
    names = all_mutants()
    sample = sorted(random.Random(SEED).sample(names, SIZE))
    print(f"{SIZE} of {len(names)} mutants in {len(rooms())} modules, drawn with seed {SEED}", flush=True)
    if options.list:
        print(*sample, sep="\n")
        return

    from mutmut.mutation.diff_apply import get_diff_for_mutant

    found = run(sample)
    unseen = "\n".join(
        f"# {what}: {name}\n{get_diff_for_mutant(name)}\n" for name, what in found.items() if what != "killed"
    )
    (PLACE / "survivors.diff").write_text(unseen, encoding="utf-8")
    counts = Counter(found.values())
    low, high = proportion_confint(counts["killed"], SIZE, method="wilson")
    print(", ".join(f"{count} {what}" for what, count in counts.most_common()))
    print(f"Killed: {counts['killed'] / SIZE:.1%}, 95% interval {low:.1%} to {high:.1%} (Wilson)")
    print(f"The others are in {PLACE.relative_to(ROOT)}/survivors.diff")


if __name__ == "__main__":
    main()
