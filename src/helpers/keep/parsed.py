"""What a file of Python code does and imports, without what only people read in it."""

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
KEPT = Path(__file__).parents[1] / "__pycache__" / "parsed"  # what each text gave, as Python keeps its own
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


class Parsed(NamedTuple):
    """What one file of code does and imports.

    hash : of the code without comments, layout and docstrings
    names : of each name that an import binds, the dotted name it stands for
    chains : dotted names below such a name that the code uses, without the name; empty for the name alone
    libraries : import names of those of `LIBRARIES` that it imports
    """

    hash: str
    names: dict[str, str]
    chains: dict[str, frozenset[tuple[str, ...]]]
    libraries: frozenset[str]


def read(text: str) -> Parsed:
    """Parse code, or take what was found in the same text before: the package takes seconds to parse.

    Raises
    ------
    SyntaxError
        The text is not Python.
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
    # In a folder that may not be written to nothing is kept: parsed again next time.
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


_THIS = f"{sys.version_info[:2]} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
