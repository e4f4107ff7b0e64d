"""Notebooks are read and written as nbformat does, and what is none is refused in one line."""

import json

import nbformat
import pytest

from helpers.errors import InputError
from helpers.report import ipynb
from tests.conftest import ROOT

NOTEBOOKS = sorted(ROOT.joinpath("notebooks").glob("*.ipynb"))


def outputs():
    """One of each kind, with texts of several lines, JSON that is a list of texts, and marks beyond ASCII."""
    data = {"text/plain": "a\nb", "text/html": "<p>é\n</p>", "image/svg+xml": "<svg>\n</svg>", "image/png": "aGk=\n"}
    data |= {"application/json": ["a", "b"], "application/vnd.x+json": ["c\n", "d"], "application/javascript": "1\n2"}
    return [
        nbformat.v4.new_output("stream", name="stdout", text="one\ntwo\u2028three\n"),
        nbformat.v4.new_output("display_data", data, metadata={"scrapbook": {"name": "gap"}}),
        nbformat.v4.new_output("execute_result", {"text/latex": "$x$\n$y$"}, execution_count=3),
        nbformat.v4.new_output("error", ename="E", evalue="x\ny", traceback=["one\n", "two"]),
    ]


@pytest.fixture
def executed(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell(
            "# Title\n\n![](attachment:a.txt)", attachments={"a.txt": {"text/plain": "x\ny"}}
        ),
        nbformat.v4.new_code_cell(
            "a = 1\n\nb", metadata={"tags": ["parameters"]}, outputs=outputs(), execution_count=3
        ),
        nbformat.v4.new_code_cell(""),
        nbformat.v4.new_raw_cell("raw\ntext"),
    ]
    place = tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"parameters": {"A": 1}}}), place)
    return place


def check_same(place):
    theirs, ours = nbformat.read(place, as_version=4), ipynb.read(place)
    assert ours == theirs
    assert ipynb.text(ours) == nbformat.writes(theirs) + "\n"
    assert ours == theirs, "writing must leave it as it was"


@pytest.mark.parametrize("place", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_books_notebooks_are_as_nbformat_reads_and_writes_them(place):
    check_same(place)


def test_every_kind_of_cell_and_output_is_as_nbformat_reads_and_writes_it(executed):
    check_same(executed)
    assert [ipynb.tags(cell) for cell in ipynb.read(executed)["cells"]] == [[], ["parameters"], [], []]


def test_a_source_may_be_one_string(executed):
    notebook = json.loads(executed.read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    before = ipynb.read(executed)
    executed.write_text(json.dumps(notebook))
    assert ipynb.read(executed) == before


def test_cells_of_an_older_format_get_ids(executed):
    notebook = json.loads(executed.read_text()) | {"nbformat_minor": 4}
    for cell in notebook["cells"]:
        del cell["id"]
    executed.write_text(json.dumps(notebook))
    written = nbformat.reads(ipynb.text(ipynb.read(executed)), as_version=4)
    nbformat.validate(written)
    assert len({cell.id for cell in written.cells}) == 4


def test_a_new_text_cell_is_valid_and_has_its_own_id(executed):
    notebook = ipynb.read(executed)
    notebook["cells"] += [ipynb.markdown("one"), ipynb.markdown("two")]
    written = nbformat.reads(ipynb.text(notebook), as_version=4)
    nbformat.validate(written)
    assert len({cell.id for cell in written.cells}) == 6


GOOD = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
CODE = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [], "execution_count": None, "id": "a"}
BAD = {
    "no JSON": "x",
    "nothing": "",
    "deep": "[" * 100_000,
    "a list": "[]",
    "no format": "{}",
    "an old format": json.dumps(GOOD | {"nbformat": 3}),
    "no cells": json.dumps({"nbformat": 4, "metadata": {}}),
    "no metadata": json.dumps({"nbformat": 4, "cells": []}),
    "a cell that is text": json.dumps(GOOD | {"cells": ["x"]}),
    "a cell that is a number": json.dumps(GOOD | {"cells": [1]}),
    "a cell without source": json.dumps(GOOD | {"cells": [{k: v for k, v in CODE.items() if k != "source"}]}),
    "a source that is a number": json.dumps(GOOD | {"cells": [CODE | {"source": 1}]}),
    "a code cell without outputs": json.dumps(GOOD | {"cells": [{k: v for k, v in CODE.items() if k != "outputs"}]}),
    "an output that is a number": json.dumps(GOOD | {"cells": [CODE | {"outputs": [1]}]}),
    "a cell without a kind": json.dumps(GOOD | {"cells": [{k: v for k, v in CODE.items() if k != "cell_type"}]}),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_notebook_is_refused_in_one_line(text, tmp_path):
    place = tmp_path / "one.ipynb"
    place.write_text(text)
    with pytest.raises(InputError, match=r"^one\.ipynb: not a readable notebook \(.+\)\. Restore it from git$"):
        ipynb.read(place)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["absent", "binary"])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(content, tmp_path):
    if content is not None:
        (tmp_path / "one.ipynb").write_bytes(content)
    with pytest.raises(InputError, match="not a readable notebook"):
        ipynb.read(tmp_path / "one.ipynb")


def test_a_good_one_is_read(tmp_path):
    (tmp_path / "one.ipynb").write_text(json.dumps(GOOD | {"cells": [CODE]}))
    assert ipynb.read(tmp_path / "one.ipynb") == GOOD | {"cells": [CODE]}
