"""environment.yml, pyproject.toml and requirements.lock say the same.

The conda solve itself is not tested: it needs the conda channels. What is tested is that environment.yml
names the same packages with the same ranges as pyproject.toml, and that pip finds the whole set consistent.
"""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PYPI_NAME = {"matplotlib-base": "matplotlib", "python-duckdb": "duckdb"}
CONDA_ONLY = {"python", "pip", "git", "make"}


def split(text: str) -> tuple[str, SpecifierSet]:
    requirement = Requirement(text)
    name = PYPI_NAME.get(requirement.name, requirement.name)
    return name.lower().replace("_", "-"), requirement.specifier


@pytest.fixture(scope="module")
def declared() -> dict[str, SpecifierSet]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return dict(split(r) for r in project["dependencies"] + project["optional-dependencies"]["dev"])


@pytest.fixture(scope="module")
def conda() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_environment_has_the_shape_conda_reads(conda):
    assert set(conda) == {"name", "channels", "dependencies"}
    assert conda["channels"] == ["conda-forge", "nodefaults"]
    blocks = [d for d in conda["dependencies"] if isinstance(d, dict)]
    assert [list(b) for b in blocks] == [["pip"]]


def test_environment_equals_pyproject(conda, declared):
    plain = [d for d in conda["dependencies"] if isinstance(d, str) and re.split(r"[<>=]", d)[0] not in CONDA_ONLY]
    piped = [d for b in conda["dependencies"] if isinstance(b, dict) for d in b["pip"]]
    assert piped[-1] == "--editable ."
    named = [split(d) for d in plain + piped[:-1]]
    assert len(named) == len(dict(named)), "a package stands twice"
    assert dict(named) == declared


def test_python_range_is_the_same(conda):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    python = next(d for d in conda["dependencies"] if isinstance(d, str) and d.startswith("python"))
    assert split(python)[1] == SpecifierSet(project["requires-python"])


def test_lock_holds_every_dependency_within_its_range(declared):
    lines = [x for x in (ROOT / "requirements.lock").read_text().splitlines() if x and not x.startswith("#")]
    locked = {}
    for line in lines:
        name, _, version = line.partition("==")
        assert version, f"not an exact version: {line}"
        locked[name.lower().replace("_", "-")] = version
    for name, specifier in declared.items():
        assert name in locked, f"{name} is not in requirements.lock"
        assert specifier.contains(locked[name]), f"{name} {locked[name]} is outside {specifier}"


def test_every_locked_package_accepts_the_oldest_python():
    """Debian 12 has 3.11.2, and a package that asks for 3.11.5 stopped the installation there."""
    oldest = "3.11.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(oldest)
    names = [x.partition("==")[0] for x in (ROOT / "requirements.lock").read_text().splitlines() if "==" in x]
    asked = {name: metadata.metadata(name)["Requires-Python"] for name in names if _installed(name)}
    assert len(asked) > 0.9 * len(names), "the lock names packages that are not installed"
    assert {n: a for n, a in asked.items() if a and not SpecifierSet(a).contains(oldest)} == {}


def _installed(name: str) -> bool:
    """Return True unless the package is for another system."""
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_installed_packages_agree():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
