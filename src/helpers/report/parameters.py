"""The parameters that a study takes, and checks that refuse any others."""

from __future__ import annotations

import ast
import builtins
import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml

from helpers import paths
from helpers.datasets.image_table.columns import PARAMETERS as IMAGE_COLUMNS
from helpers.errors import InputError, check_choice
from helpers.report import ipynb

# Limits that hold in every study; a study adds further limits in its call of `start`.
COMMON_LIMITS: dict[str, Any] = {
    "SEED": (0, 2**32 - 1),
    "SOURCE": ["simulated", "real"],
    "DEVICE": ["auto", "cpu", "cuda", "mps"],
    "N_BOOTSTRAP": (100, 1_000_000),
    "N_PERMUTATIONS": (100, 1_000_000),
    "WORKERS": (1, 1024),
    "DIMENSIONS": (2, 3),
    "SPACING": (0, 10),
    "STEPS": (1, None),
    "CHANNELS": (1, 1024),
    "FOLDS": (2, 10),
    "N_SEEDS": (1, 1000),
    "TRAIN_SEEDS": (3, 100),
    "RUNS": (3, 1000),
    "SAMPLING": ["replace", "distinct", "matched"],
    "BETA": (0, None),
    "FEATURE_WEIGHT": (0, None),
    "EPOCHS": (1, None),
    "TEST_SIZE": (10, None),
    "TRAIN_SIZE": (10, None),
    "SIZE": (32, 512),
    "N_PATIENTS": (20, 1_000_000),
    "TEST_SHARE": (0.05, 0.8),
    "LEVELS": ["low", "middle", "high", "all"],
    "MODE": ["corrected", "as_published"],
    "PATTERN": ["uniform", "golden"],
    "SAMPLER": ["posterior", "euler_maruyama", "ddim"],
    "SAMPLING_STEPS": (1, 1000),
    "THRESHOLD": ["validation", "test"],
    "MINIMUM": (1, None),
    "SILVER": ["degraded", "network"],
    "EFFORT": (0.01, 100),
    "SHARE": (0.01, 0.99),
    "ETA": (1e-6, 10),
    "N_GRAPHS": (2, 100_000),
    "N_SUBSAMPLES": (40, 100_000),
    "MOST_ROWS": (100, 3_000),
    "N_PICTURES": (0, 1_000_000),
    "LATENT_STEPS": (1, None),
    "PICTURE_STEPS": (1, None),
}
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
UPPER_CASE = re.compile(r"[A-Z][A-Z0-9_]*")
IMAGES = "IMAGES"  # a study with this parameter also takes those that name the columns of a table of images
OF_FITZPATRICK = ("LABELS", "KEEP", "DUPLICATES")  # files that list images of Fitzpatrick17k, and of no other table


class Parameters(NamedTuple):
    """Parameters that a notebook declares in its parameters cell, and limits from its `report.start` call."""

    types: dict[str, type]
    defaults: dict[str, Any]
    limits: dict[str, Any]


def read(notebook: Path) -> Parameters:
    """Read a study's parameters without running it.

    Raises
    ------
    InputError
        The notebook is missing or unreadable, does not have exactly one cell tagged `parameters`, or a parameter has
        no type or no plain value, as a limit must have too.
    """
    if not notebook.is_file():
        known = ", ".join(sorted(p.stem for p in notebook.parent.glob("[0-9]*.ipynb"))) or "none"
        raise InputError(notebook.name, "there is no such study", f"Studies here: {known}")
    cells = ipynb.read(notebook)["cells"]
    sources = [c["source"] for c in cells if c["cell_type"] == "code"]
    tagged = [c["source"] for c in cells if "parameters" in ipynb.tags(c)]
    if len(tagged) != 1:
        raise InputError(
            notebook.name, f"{len(tagged)} cells are tagged 'parameters', expected one", "Tag the first code cell"
        )
    types, defaults = {}, {}
    where = f"{notebook.name}, parameters cell"
    for node in _parsed(tagged[0], where).body:
        kind = getattr(builtins, ast.unparse(node.annotation), None) if isinstance(node, ast.AnnAssign) else None
        if kind not in (bool, int, float, str):
            raise InputError(where, f"'{ast.unparse(node)}' has no type", "Write NAME: bool, int, float or str = value")
        types[node.target.id], defaults[node.target.id] = kind, _literal(node.value, where)
    more = of_images(types)
    limits = [found for source in sources if "report.start" in source and (found := _limits(source, notebook.name))]
    return Parameters({**dict.fromkeys(more, str), **types}, {**more, **defaults}, limits[0] if limits else {})


def of_images(types: Mapping[str, type]) -> dict[str, str]:
    """Return the parameters, empty by default, that a study takes because it has `IMAGES`; they name columns."""
    return dict.fromkeys(IMAGE_COLUMNS, "") if IMAGES in types else {}


def profile(study: str, name: str) -> dict[str, Any]:
    """Read the parameters of a profile (a size preset) from `notebooks/params/<study>.<profile>.yaml`.

    The quick profile needs no file: it uses the notebook's defaults.

    Raises
    ------
    InputError
        The profile does not exist, cannot be read, or is not a mapping.
    """
    file = paths.notebooks() / "params" / f"{study}.{name}.yaml"
    if not file.is_file():
        if name == "quick":
            return {}
        known = ", ".join(sorted(p.name.split(".")[1] for p in file.parent.glob(f"{study}.*.yaml")))
        raise InputError(f"PROFILE={name}", f"{study} has no such profile", f"Choose from quick, {known}".rstrip(", "))
    try:
        values = read_yaml(file) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(file.name, f"not readable as YAML ({error})", "Write lines such as SEED: 1") from None
    if not isinstance(values, dict):
        raise InputError(file.name, "expected lines such as SEED: 1", "Write one parameter a line")
    return values


def parse(text: str, kind: type | None) -> Any:
    """Convert text to the value of a parameter of type `kind`, as Python and papermill read numbers.

    ``0300`` is 300. Text that is not of this type stays text, which `check` later refuses: neither ``12:30`` nor
    ``0x10`` is a whole number.
    """
    if kind is bool:
        return _TRUTHS.get(text.strip().lower(), text)
    if kind not in (int, float):
        return text
    try:
        return kind(text)
    except ValueError:
        return text


class _Plain(yaml.SafeLoader):
    """YAML with the numbers of `parse`: SafeLoader reads 010 as 8, 12:30 as 750, and 1e-5 as text (YAML 1.1)."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, found) for tag, found in known if tag.rpartition(":")[2] not in ("int", "float", "timestamp")]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


for _kind, _pattern in ((int, r"[-+]?\d+"), (float, r"[-+]?(\d+\.\d*|\.?\d+)([eE][-+]?\d+)?")):
    _tag = f"tag:yaml.org,2002:{_kind.__name__}"
    _Plain.add_implicit_resolver(_tag, re.compile(rf"{_pattern}\Z"), list("-+.0123456789"))
    _Plain.add_constructor(_tag, lambda loader, node, kind=_kind: kind(loader.construct_scalar(node)))


def read_yaml(file: Path) -> Any:
    """Read a YAML file of parameters, with numbers as `parse` reads them.

    Raises
    ------
    yaml.YAMLError or UnicodeDecodeError
        It cannot be read.
    """
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Plain)


def _parsed(source: str, where: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        text = (error.text or "").strip()
        raise InputError(where, f"'{text}' is no Python", "Correct it; put lines with % or ! elsewhere") from None


def _literal(node: ast.expr | None, where: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        text = ast.unparse(node) if node else "nothing"
        raise InputError(
            where, f"'{text}' is no plain value", "Write the value; the notebook is read, not run"
        ) from None


def _limits(source: str, name: str) -> dict[str, Any]:
    where = f"{name}, limits of report.start"
    for node in ast.walk(_parsed(source, where)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "report.start":
            for keyword in node.keywords:
                if keyword.arg == "limits":
                    return _literal(keyword.value, where)
    return {}


def check(values: Mapping[str, Any], types: Mapping[str, type], limits: Mapping[str, Any], *, where: str) -> None:
    """Refuse a parameter that is unknown, of the wrong type or out of range.

    Parameters
    ----------
    values : mapping
        UPPER_CASE names and the requested values.
    types : mapping
        Every known name and its type.
    limits : mapping
        Name to `(low, high)` of a number, both included, `None` for no limit; or to a list of allowed values.
    where : str
        The study, named in the message.

    Raises
    ------
    InputError
        The message names the parameter, the expected value and, for an unknown name, the nearest known one. A file that
        lists images of Fitzpatrick17k is refused with a table of images.
    """
    for name, value in values.items():
        at = f"{where}, parameter {name}"
        if name not in types:
            near = difflib.get_close_matches(name.upper(), types, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(types)}"
            raise InputError(at, "the study has no such parameter", hint)
        _check_type(at, value, types[name])
        _check_limit(at, value, {**COMMON_LIMITS, **limits}.get(name))
    for name in OF_FITZPATRICK if values.get(IMAGES) else ():
        if values.get(name):
            fix = "Leave it out; give near-duplicates one PATIENT, and leave rows out of the table"
            raise InputError(
                f"{where}, parameter {name}", "lists MD5s of Fitzpatrick17k, and IMAGES names a table", fix
            )


def _check_type(at: str, value: Any, expected: type) -> None:
    accepted = (int, float) if expected is float else (expected,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and expected is not bool):
        raise InputError(
            at,
            f"{value!r} is of type {type(value).__name__}, expected {expected.__name__}",
            f"Give a value of type {expected.__name__}",
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(at, f"{value!r} is no finite number", "Give a number")


def _check_limit(at: str, value: Any, limit: Any) -> None:
    if limit is None:
        return
    if isinstance(limit, tuple):
        low, high = limit
        inside = (low is None or value >= low) and (high is None or value <= high)
        if not inside:
            span = f"from {'any' if low is None else low} to {'any' if high is None else high}"
            raise InputError(at, f"{value!r} is out of range", f"Give a number {span}")
    else:
        check_choice(at, value, limit)
