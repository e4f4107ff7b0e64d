"""Code hash and imports of a Python file; comments, layout and docstrings do not count."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import NamedTuple

from helpers.errors import InputError
from helpers.keep import store

PACKAGE = "helpers"
KEPT = Path(__file__).parents[1] / "__pycache__" / "parsed"  # results for each text, next to compiled Python
# Libraries that numbers are computed with: import name to distribution name.
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
    "pydicom": "pydicom",
    "torch": "torch",
    "monai": "monai",
    "lightning_fabric": "lightning-fabric",
    "lpips": "lpips",
}


class Parsed(NamedTuple):
    """Code hash and imports of one file of Python code.

    hash : hash of the code without comments, layout and docstrings
    names : for each name that an import from this package binds, the dotted name that it refers to
    chains : for each such name, the dotted names below it that the code uses, without the name; empty for it alone
    libraries : import names of the libraries in `LIBRARIES` that the file imports
    """

    hash: str
    names: dict[str, str]
    chains: dict[str, frozenset[tuple[str, ...]]]
    libraries: frozenset[str]


def read(text: str) -> Parsed:
    """Parse code, or return the result kept for the same text: parsing the whole package takes seconds.

    Raises
    ------
    SyntaxError
        The text is not valid Python.
    """
    digest = hashlib.sha256(f"{_THIS}\n{text}".encode()).hexdigest()
    kept = KEPT / f"{digest}.json"
    try:
        hashed, names, chains, libraries = json.loads(kept.read_text(encoding="utf-8"))
        used = {name: frozenset(map(tuple, below)) for name, below in chains.items()}
        return Parsed(hashed, names, used, frozenset(libraries))
    except (OSError, ValueError):
        found = _parse(text)
    chains = {name: sorted(below) for name, below in found.chains.items()}
    # If the folder cannot be written to, nothing is kept, and the text is parsed again next time.
    with contextlib.suppress(InputError), store.file(kept) as part:
        part.write_text(json.dumps([found.hash, found.names, chains, sorted(found.libraries)]), encoding="utf-8")
    return found


def _parse(text: str) -> Parsed:
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
    return Parsed(_hash(tree), names, chains, frozenset(libraries & set(LIBRARIES)))


def _for_types(node: ast.AST) -> bool:
    """Return True for an ``if TYPE_CHECKING`` block, which imports for type checking alone."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _used(nodes: list[ast.AST], names: dict[str, str]) -> dict[str, frozenset[tuple[str, ...]]]:
    """Collect the chains of attributes that follow each imported name where it is used."""
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
    # Unparsed, not dumped: the dump of the same code differs between versions of Python.
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


_THIS = f"{sys.version_info[:2]} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
