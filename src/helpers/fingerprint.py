"""Hashes of what code does and of what data hold: what keys a cache, and what tells that a result is old."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

WHOLE_FILE = 5_000_000  # bytes; larger files enter the fingerprint by name and size
TABLES = {".csv", ".xlsx", ".json", ".tsv"}


def code(source: str) -> str:
    """Hash of what Python code does: comments, layout and docstrings do not change it."""
    tree = ast.parse(source)
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


def package(*folders: Path) -> str:
    """Hash of the code of every module below the folders."""
    files = sorted(p for folder in folders for p in folder.rglob("*.py"))
    return hashlib.sha256("".join(code(p.read_text(encoding="utf-8")) for p in files).encode()).hexdigest()[:12]


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
