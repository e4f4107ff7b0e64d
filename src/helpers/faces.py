"""Packages that import a public name only when it is first used, so that a notebook loads only the code it uses."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class Face(ModuleType):
    """A package with lazily imported public names, which its stub `__init__.pyi` imports and, at its end, lists.

    If a public name is spelled like a module of the package, it refers to the object that the stub imports. Python
    binds a module to its package when the module is first imported; a face ignores this binding for public names.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in self.__dict__["_origins"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, original = self.__dict__["_origins"][name]
        if module == self.__name__:  # a module of the package is itself public
            value = importlib.import_module(f"{module}.{original}")
        else:
            value = getattr(importlib.import_module(module), original)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__["_origins"] and value is sys.modules.get(f"{self.__name__}.{name}"):
            return
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # A notebook's function that refers to a package is sent to other processes together with that package.
        return importlib.import_module, (self.__name__,)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})


def attach(name: str) -> list[str]:
    """Make a package load its public names lazily, as a `Face`, and return these names.

    Parameters
    ----------
    name : str
        `__name__` of the package. The stub is next to its `__init__.py`.

    Returns
    -------
    list of str
        The stub's `__all__`.
    """
    package = sys.modules[name]
    stub = Path(package.__file__).with_suffix(".pyi")
    body = ast.parse(stub.read_text(encoding="utf-8")).body
    imports = (node for node in body if isinstance(node, ast.ImportFrom))
    origins = {a.asname or a.name: (node.module, a.name) for node in imports for a in node.names}
    package.__dict__["_origins"] = origins
    package.__class__ = Face
    return ast.literal_eval(body[-1].value)
