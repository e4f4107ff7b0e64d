"""Command `python -m helpers.book out.ipynb [report.html]`, which writes an executed audit as one HTML file."""

import sys

from helpers.book.html import write_html
from helpers.errors import InputError

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Name an executed notebook: python -m helpers.book out.ipynb")
    try:
        print(f"The report is {write_html(*sys.argv[1:])}")
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
