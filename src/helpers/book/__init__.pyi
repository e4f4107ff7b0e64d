"""Tasks behind `make`: runs, pages, sweeps, the course copy, the book's status, collected results, and reports."""

from helpers.book.collecting import collect, database
from helpers.book.html import write_html

__all__ = ["collect", "database", "write_html"]
