"""Hashes of what code does and of what data hold: what keys a cache, and what tells that a result is old."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

PACKAGE = "helpers"
SOURCES = Path(__file__).resolve().parents[1]  # the folder that holds the package
# Rooms that only draw, show, write, keep or refuse: no number depends on them.
LOOKING = {"cache", "errors", "exercises", "faces", "figures", "fingerprint", "paths", "report", "widgets", "workflow"}
JUDGING = {"helpers.report.claims", "helpers.report.own"}  # exceptions: verdicts, and counts to the nearest ten
ASIDE = {"explore", "exercise"}  # tags of cells that look at results and change none
# What numbers are computed with: import name to distribution.
LIBRARIES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy",
    "statsmodels": "statsmodels",
    "scikit_posthocs": "scikit-posthocs",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "nibabel": "nibabel",
    "torch": "torch",
    "monai": "monai",
    "lightning_fabric": "lightning-fabric",
    "lpips": "lpips",
}
WHOLE_FILE = 5_000_000  # bytes; larger files enter the fingerprint by name and size
TABLES = {".csv", ".xlsx", ".json", ".tsv"}


def code(source: str) -> str:
    """Hash of what Python code does: comments, layout and docstrings do not change it."""
    return _hash(ast.parse(source))


def _hash(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
    # Unparsed, not dumped: the dump of one and the same code differs between versions of Python.
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


def data(*places: Path) -> str:
    """Hash of files, and of the files below folders: names, sizes, and the content of small tables."""
    digest = hashlib.sha256()
    for place in places:
        for file in sorted(p for p in ([place] if place.is_file() else place.rglob("*")) if p.is_file()):
            size = file.stat().st_size
            name = file.name if file == place else file.relative_to(place).as_posix()
            digest.update(f"{name}:{size}\n".encode())
            if size <= WHOLE_FILE and file.suffix.lower() in TABLES:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def computes(module: str) -> bool:
    """Return True if numbers can depend on a module of `helpers`: not on one that only draws, shows or writes."""
    parts = module.split(".")
    return parts[0] == PACKAGE and (len(parts) == 1 or parts[1] not in LOOKING or module in JUDGING)


Source = str | Path | ModuleType | Callable


def modules_of(*things: Source, root: Path | None = None, looking: bool = False) -> dict[str, str]:
    """Find the modules of `helpers` that something computes with.

    Imports are followed by name to the module that defines the name, through the faces of packages. What a module
    imports for type checking alone does not count.

    Parameters
    ----------
    *things : str, Path, module or callable
        Name of a module or package, file of a notebook or module, or a function; a function stands for its module.
        Functions that are not of `helpers` add nothing. Cells of a notebook tagged as `ASIDE` count only with
        `looking`.
    root : Path, optional
        Folder that holds the package; this one's by default.
    looking : bool
        Whether modules that only draw, show or write count too, and what they import.

    Returns
    -------
    dict
        Name of each module to the hash of its code, without comments and docstrings; by name.
    """
    found: dict[str, str] = {}
    root = root or SOURCES
    todo = [module for thing in things for module in _start(thing, root, looking)]
    while todo:
        module = todo.pop()
        if module in found or not (looking or computes(module)):
            continue
        source = _parsed(_file(module, root))
        found[module] = source.hash
        todo += _imported(source, module, root)
    return dict(sorted(found.items()))


def code_of(*things: Source, root: Path | None = None, looking: bool = False) -> str:
    """Hash the code that something computes with: see `modules_of`, which takes the same.

    With `looking`, the code that something only draws, shows or writes with.
    """
    found = modules_of(*things, root=root)
    if looking:
        found = {k: v for k, v in modules_of(*things, root=root, looking=True).items() if k not in found}
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]


def made_by(*things: Source, root: Path | None = None) -> dict[str, object]:
    """Describe what made something that is kept on disk: its code, and the versions of the libraries it computes with.

    Returns
    -------
    dict
        ``code`` as of `code_of`, ``libraries`` by name.
    """
    modules = modules_of(*things, root=root)
    names = {name for module in modules for name in _parsed(_file(module, root or SOURCES)).libraries}
    return {"code": code_of(*things, root=root), "libraries": {name: _version(name) for name in sorted(names)}}


def module(file: Path) -> str:
    """Hash the code in a file."""
    return _parsed(file).hash


def notebook(file: Path, *, aside: bool = False) -> str:
    """Hash a notebook's code cells, without prose; cells of explorers and exercises change it only with `aside`."""
    stat = file.stat()
    return _read(file, stat.st_mtime_ns, stat.st_size, aside).hash


class _Source(NamedTuple):
    """What one file of code imports.

    names : of each name that an import binds, the dotted name it stands for
    chains : dotted names below such a name that the code uses, without the name; empty for the name alone
    """

    hash: str
    names: dict[str, str]
    chains: dict[str, frozenset[tuple[str, ...]]]
    libraries: frozenset[str]


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
    return list(_defining(thing, (), root)) if thing.split(".")[0] == PACKAGE else []


@functools.cache
def _read(notebook: Path, changed_ns: int, size: int, aside: bool) -> _Source:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    kept = [c for c in cells if c["cell_type"] == "code" and (aside or not ASIDE & set(c["metadata"].get("tags", [])))]
    return _source("\n".join("".join(c["source"]) for c in kept))


def _file(module: str, root: Path) -> Path:
    """File of a module or, of a package, its face."""
    place = root.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _parsed(file: Path) -> _Source:
    stat = file.stat()
    return _parse(file, stat.st_mtime_ns, stat.st_size)


@functools.cache
def _parse(file: Path, changed_ns: int, size: int) -> _Source:
    # By time of change: a workflow asks the same of every page.
    return _source(file.read_text(encoding="utf-8"))


def _source(text: str) -> _Source:
    names: dict[str, str] = {}
    libraries: set[str] = set()
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    unused = {id(n) for node in nodes if _for_types(node) for part in node.body for n in ast.walk(part)}
    for node in nodes:
        if id(node) in unused:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    names[alias.asname or alias.name] = alias.name
                libraries.add(alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            dotted = "." * node.level + (node.module or "")
            libraries.add(dotted.split(".")[0])
            if node.level or dotted.split(".")[0] == PACKAGE:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{dotted}:{alias.name}"
    chains = _used(nodes, names)
    return _Source(_hash(tree), names, chains, frozenset(libraries & set(LIBRARIES)))


def _for_types(node: ast.AST) -> bool:
    """Return True for the block of what is imported for type checking alone."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _used(nodes: list[ast.AST], names: dict[str, str]) -> dict[str, frozenset[tuple[str, ...]]]:
    """Chains of attributes that follow each imported name where it is used."""
    found: dict[str, set[tuple[str, ...]]] = {name: set() for name in names}
    roots = {name.split(".")[0] for name in names}
    above = {id(node.value): node for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if not isinstance(node, ast.Name) or node.id not in roots:
            continue
        full, place = [node.id], id(node)
        while place in above:
            full.append(above[place].attr)
            place = id(above[place])
        for k in range(len(full), 0, -1):  # `import helpers.a.b` binds a name with dots
            if (name := ".".join(full[:k])) in found:
                found[name].add(tuple(full[k:]))
                break
    return {name: frozenset(chains) for name, chains in found.items()}


def _imported(source: _Source, module: str, root: Path) -> list[str]:
    """Modules that define what a source imports."""
    found: list[str] = []
    for name, target in source.names.items():
        place, _, attribute = target.partition(":")
        place = _absolute(place, module, root)
        if place is None or place.split(".")[0] != PACKAGE:
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
    """Modules that define ``place.chain``: one, or all of a package that is used as a whole."""
    file = _file(place, root)
    if not file.is_file():
        return []
    if file.name != "__init__.py":
        return [place]
    if not chain:
        own = [p.relative_to(root).with_suffix("").parts for p in sorted(file.parent.rglob("*.py"))]
        return [".".join(parts) for parts in own if parts[-1] not in {"__init__", "__main__"}]
    exported = _parsed(_face(file)).names.get(chain[0])
    if exported is not None:
        where, _, name = exported.partition(":")
        where = _absolute(where, place, root)
        if where is not None and (where, name) != (place, chain[0]):
            return _defining(where, (name, *chain[1:]) if name else chain[1:], root)
    inside = f"{place}.{chain[0]}"
    if _file(inside, root).is_file():
        return _defining(inside, chain[1:], root)
    return [] if chain[0].startswith("__") else [place]  # such as `package.__file__`, or what its face defines


def _face(file: Path) -> Path:
    """Where a package names what its modules define: a stub where it loads them late."""
    stub = file.with_suffix(".pyi")
    return stub if stub.is_file() else file


@functools.cache
def _version(library: str) -> str:
    try:
        return metadata.version(LIBRARIES[library])
    except metadata.PackageNotFoundError:
        return "absent"
