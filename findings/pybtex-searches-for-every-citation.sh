#!/usr/bin/env bash
# A book with sphinxcontrib-bibtex reads the metadata of every installed package again for every citation.
#
# One would expect: a plugin that the builder needs for each citation is looked for once.
# What happens: the domain asks pybtex for its "plaintext" backend while it resolves each citation, and pybtex searches
# the entry points of all packages each time. Nothing keeps the answer, so the cost is citations times packages.
# Why it matters here: a book on a field cites on every page, and its environment (torch, monai, jupyter) has hundreds
# of packages; a seventh of this book's building time went there. `pybtex.plugin.register_plugin`, which is public and
# asked first, ends it: book/_ext/quicker.py.
# Source: sphinxcontrib/bibtex/domain.py (resolve_xref) and pybtex/plugin/__init__.py (_load_entry_point), as pinned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sphinx==7.4.7 sphinxcontrib-bibtex==2.7.0 pybtex==0.26.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata
from pathlib import Path

import pybtex.plugin
from pybtex.backends import plaintext
from sphinx.cmd.build import build_main

print({name: metadata.version(name) for name in ("sphinx", "sphinxcontrib-bibtex", "pybtex")})
Path("book").mkdir()
Path("book/conf.py").write_text('extensions = ["sphinxcontrib.bibtex"]\nbibtex_bibfiles = ["one.bib"]\n')
Path("book/one.bib").write_text("@misc{one, title={A title}, author={Doe, Jane}, year={2020}}\n")
searches = 0
search = pybtex.plugin.entry_points


def counted(**wanted):
    global searches
    searches += wanted.get("group") == "pybtex.backends"
    return search(**wanted)


pybtex.plugin.entry_points = counted


def build(citations: int) -> int:
    """Searches for a backend in a build of one page with that many citations."""
    global searches
    searches = 0
    Path("book/index.rst").write_text("Title\n=====\n\n" + ":cite:t:`one` " * citations + "\n\n.. bibliography::\n")
    assert build_main(["-q", "-E", "-b", "html", "book", "out"]) == 0
    return searches


few, many = build(10), build(110)
print(f"searches through all packages: {few} with 10 citations, {many} with 110")
assert few >= 10 and many >= 110, "the behaviour has changed"
pybtex.plugin.register_plugin("pybtex.backends", "plaintext", plaintext.Backend, force=True)
few, many = build(10), build(110)
print(f"with the backend registered: {few} and {many}")
assert max(few, many) < 10, "registering no longer helps"
PY
