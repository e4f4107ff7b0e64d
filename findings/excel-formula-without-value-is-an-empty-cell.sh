#!/usr/bin/env bash
# pandas reads a formula that no program has computed as an empty cell, without a word.
#
# One would expect: a formula in a workbook has a value, or its reading fails, or the text of the formula is returned.
# What happens: openpyxl, by which pandas reads .xlsx, returns the value that a spreadsheet program stored last. A
# workbook that a script has written has none, so every formula is NaN, and so are, in files of LibreOffice and Excel,
# formulas that were never computed.
# Why it matters here: a column "dice" of formulas drops its cases, and if one hospital's sheet was made by a script, it
# drops that hospital's. `helpers` refuses such a cell by its place.
# Source: pandas/io/excel/_openpyxl.py (load_workbook with data_only=True); openpyxl's documentation of data_only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.0.5 openpyxl==3.1.5
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PY'
from importlib import metadata

import pandas as pd
from openpyxl import Workbook

print({name: metadata.version(name) for name in ("pandas", "openpyxl")})
book = Workbook()
for row in (["case", "tp", "wrong", "dice"], ["a", 40, 10, "=2*B2/(2*B2+C2)"], ["b", 30, 30, 0.5]):
    book.active.append(row)
book.save("scores.xlsx")
table = pd.read_excel("scores.xlsx")
print(table.to_string())
assert table["dice"].isna().tolist() == [True, False], "the behaviour has changed"
PY
