"""`python -m helpers.report out.ipynb [report.html]` writes an executed audit as one HTML file."""

import sys

from helpers.errors import InputError
from helpers.report.html import write_html

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Name an executed notebook: python -m helpers.report out.ipynb")
    try:
        print(f"The report is {write_html(*sys.argv[1:])}")
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
