"""Hashes of code and of data: they are the keys of caches, and show whether a result is out of date."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType

from helpers.keep import parsed

SOURCES = Path(__file__).resolve().parents[2]  # the folder that holds the package
# Packages and modules that only draw, show, write, keep or refuse: no number depends on them.
LOOKING = {
    "book",
    "errors",
    "exercises",
    "faces",
    "figures",
    "keep.cache",
    "keep.fingerprint",
    "keep.parsed",
    "keep.store",
    "paths",
    "report",
    "studies.calibration.sandbox",
    "studies.living_review.drawing",
    "studies.own_scores.rate_wording",
    "studies.own_scores.wording",
    "studies.skin_tone.exploring",
    "widgets",
}
LOOKING |= {"cache", "fingerprint", "parsed", "workflow"}  # their names in records of an older layout
# An exception: in records of an older layout, the suppression of small cells in an audit's tables. Verdicts are none:
# they follow from values, and `make rejudge` gives them again.
JUDGING = {"helpers.report.own"}
ASIDE = {"explore", "exercise", "recorded"}  # tags of cells that look at results and change none
WHOLE_FILE = 5_000_000  # bytes; larger files enter the fingerprint by name and size
TABLES = {".csv", ".xlsx", ".json", ".tsv"}


def code(source: str) -> str:
    """Hash Python code; comments, layout and docstrings do not change the hash."""
    return parsed.read(source).hash


def data(*places: str | Path) -> str:
    """Hash files, and the files below folders: their names, sizes, and the content of small tables."""
    digest = hashlib.sha256()
    for place in map(Path, places):
        for file in sorted(p for p in ([place] if place.is_file() else place.rglob("*")) if p.is_file()):
            size = file.stat().st_size
            name = file.name if file == place else file.relative_to(place).as_posix()
            digest.update(f"{name}:{size}\n".encode())
            if size <= WHOLE_FILE and file.suffix.lower() in TABLES:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def computes(module: str) -> bool:
    """Return True if results can depend on a module of `helpers`; False if it only draws, shows or writes."""
    parts = module.split(".")
    places = {".".join(parts[1:k]) for k in range(2, len(parts) + 1)}
    return parts[0] == parsed.PACKAGE and (not places & LOOKING or module in JUDGING)


Source = str | Path | ModuleType | Callable


def modules_of(*things: Source, root: Path | None = None, looking: bool = False) -> dict[str, str]:
    """Find the modules of `helpers` that notebooks, modules or functions compute with.

    Each imported name is followed to the module that defines it, through the faces of packages (`helpers.faces`).
    Imports for type checking alone do not count.

    Parameters
    ----------
    *things : str, Path, module or callable
        Name of a module or package, file of a notebook or module, or a function, which counts as its module. Functions
        from outside `helpers` add nothing. Cells of a notebook with a tag in `ASIDE` count only with `looking`.
    root : Path, optional
        Folder that holds the package; by default that of this package.
    looking : bool
        Whether modules that only draw, show or write, and their imports, count too.

    Returns
    -------
    dict
        Name of each module to the hash of its code, without comments and docstrings; sorted by name.
    """
    found: dict[str, str] = {}
    root = root or SOURCES
    known = _known(root, _state(root))
    todo = [module for thing in things for module in _start(thing, root, looking)]
    while todo:
        module = todo.pop()
        if module in found or not (looking or computes(module)):
            continue
        if module not in known:
            source = _parsed(_file(module, root))
            known[module] = source.hash, _imported(source, module, root)
        found[module], imported = known[module]
        todo += imported
    return dict(sorted(found.items()))


def code_of(*things: Source, root: Path | None = None, looking: bool = False) -> str:
    """Hash the code that notebooks, modules or functions compute with; arguments as in `modules_of`.

    With `looking`, hash instead the code that they only draw, show or write with.
    """
    found = modules_of(*things, root=root)
    if looking:
        found = {k: v for k, v in modules_of(*things, root=root, looking=True).items() if k not in found}
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]


def made_by(*things: Source, root: Path | None = None) -> dict[str, object]:
    """Describe the origin of a result kept on disk: the hash of its code, and the versions of the libraries used.

    Returns
    -------
    dict
        ``code`` as from `code_of`, and ``libraries``: the version of each by name.
    """
    modules = modules_of(*things, root=root)
    names = {name for module in modules for name in _parsed(_file(module, root or SOURCES)).libraries}
    return {"code": code_of(*things, root=root), "libraries": {name: _version(name) for name in sorted(names)}}


def module(file: Path) -> str:
    """Hash the code in a Python file."""
    return _parsed(file).hash


def notebook(file: Path, *, aside: bool = False) -> str:
    """Hash a notebook's code cells, without prose; cells with a tag in `ASIDE` count only with `aside`."""
    stat = file.stat()
    return _read(file, stat.st_mtime_ns, stat.st_size, aside).hash


def _state(root: Path) -> tuple[tuple[str, int, int], ...]:
    """List path, time of change and size of every Python file of the package, and the path of every folder.

    Hidden files and folders are left out, such as an editor's lock and JupyterLab's checkpoints.
    """
    found, todo = [], [str(root / parsed.PACKAGE)]
    while todo:
        folder = todo.pop()
        with contextlib.suppress(FileNotFoundError):
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            found.append((folder, 0, 0))
            for entry in entries:
                if entry.name.startswith((".", "__pycache__")):
                    continue
                if entry.is_dir():
                    todo.append(entry.path)
                elif entry.name.endswith((".py", ".pyi")):
                    with contextlib.suppress(FileNotFoundError):  # removed since
                        stat = entry.stat()
                        found.append((entry.path, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


@functools.lru_cache(maxsize=4)
def _known(root: Path, state: tuple[tuple[str, int, int], ...]) -> dict[str, tuple[str, list[str]]]:
    """Create a store for the hash and the imports of each module, valid while no file changes."""
    return {}


def _start(thing: Source, root: Path, looking: bool) -> list[str]:
    if isinstance(thing, Path):
        if thing.suffix == ".ipynb":
            stat = thing.stat()
            return _imported(_read(thing, stat.st_mtime_ns, stat.st_size, looking), "", root)
        return _imported(_parsed(thing), "", root)
    if isinstance(thing, ModuleType):
        thing = thing.__name__
    elif not isinstance(thing, str):
        while isinstance(thing, functools.partial):
            thing = thing.func
        thing = getattr(thing, "__module__", None) or type(thing).__module__
    return list(_defining(thing, (), root)) if thing.split(".")[0] == parsed.PACKAGE else []


@functools.cache
def _read(notebook: Path, changed_ns: int, size: int, aside: bool) -> parsed.Parsed:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    kept = [c for c in cells if c["cell_type"] == "code" and (aside or not ASIDE & set(c["metadata"].get("tags", [])))]
    return parsed.read("\n".join("".join(c["source"]) for c in kept))


def _file(module: str, root: Path) -> Path:
    """Return the file of a module; for a package, its ``__init__.py``."""
    place = root.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _parsed(file: Path) -> parsed.Parsed:
    stat = file.stat()
    return _parse(file, stat.st_mtime_ns, stat.st_size)


@functools.cache
def _parse(file: Path, changed_ns: int, size: int) -> parsed.Parsed:
    # Cached by time of change: a workflow asks for the same files for every page.
    return parsed.read(file.read_text(encoding="utf-8"))


def _imported(source: parsed.Parsed, module: str, root: Path) -> list[str]:
    """List the modules of `helpers` that define the names which a source imports."""
    found: list[str] = []
    for name, target in source.names.items():
        place, _, attribute = target.partition(":")
        place = _absolute(place, module, root)
        if place is None or place.split(".")[0] != parsed.PACKAGE:
            continue
        if attribute == "*":
            found += _defining(place, (), root)
            continue
        first = (attribute,) if attribute else ()
        for chain in source.chains[name] or {()}:
            found += _defining(place, (*first, *chain), root)
    return found


def _absolute(dotted: str, module: str, root: Path) -> str | None:
    level = len(dotted) - len(dotted.lstrip("."))
    if not level:
        return dotted
    if not module:
        return None
    parts = module.split(".")
    package = parts if _file(module, root).name == "__init__.py" else parts[:-1]
    return ".".join([*package[: len(package) - level + 1], *filter(None, [dotted.lstrip(".")])])


def _defining(place: str, chain: tuple[str, ...], root: Path) -> list[str]:
    """List the modules that define ``place.chain``: one, or all modules of a package that is used as a whole."""
    file = _file(place, root)
    if not file.is_file():
        return []
    if file.name != "__init__.py":
        return [place]
    if not chain:
        own = [p.relative_to(root).with_suffix("").parts for p in sorted(file.parent.rglob("*.py"))]
        shown = [parts for parts in own if not any(part.startswith(".") for part in parts)]
        return [".".join(parts) for parts in shown if parts[-1] not in {"__init__", "__main__"}]
    exported = _parsed(_face(file)).names.get(chain[0])
    if exported is not None:
        where, _, name = exported.partition(":")
        where = _absolute(where, place, root)
        if where is not None and (where, name) != (place, chain[0]):
            return _defining(where, (name, *chain[1:]) if name else chain[1:], root)
    inside = f"{place}.{chain[0]}"
    if _file(inside, root).is_file():
        return _defining(inside, chain[1:], root)
    return [] if chain[0].startswith("__") else [place]  # `package.__file__`, or a name of `__init__.py`


def _face(file: Path) -> Path:
    """Return the file that imports a package's public names: its stub if it loads them lazily, else `file`."""
    stub = file.with_suffix(".pyi")
    return stub if stub.is_file() else file


@functools.cache
def _version(library: str) -> str:
    try:
        return metadata.version(parsed.LIBRARIES[library])
    except metadata.PackageNotFoundError:
        return "absent"
