"""Sphinx extension: build the book on two cores, and look for a plugin of pybtex once."""

from __future__ import annotations

from pybtex.backends import plaintext
from pybtex.plugin import register_plugin
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import helpers

# These do not say that two may read at once: one numbers what has been read, the other changes what LaTeX writes.
SILENT = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")


def read_at_once(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Read and write two pages at a time: `jupyter-book build` does not take the option of Sphinx that asks for it."""
    app.parallel = max(app.parallel, 2)
    for name in SILENT:
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True


def setup(app: Sphinx) -> dict[str, object]:
    """Register the extension."""
    app.connect("env-before-read-docs", read_at_once)
    # Otherwise every citation searches the metadata of all packages: findings/pybtex-searches-for-every-citation.sh
    register_plugin("pybtex.backends", "plaintext", plaintext.Backend, force=True)
    return {"version": helpers.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
