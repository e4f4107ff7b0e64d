"""What `make` calls: runs, pages, sweeps, the course, the state of the book; collected results, and reports."""

from helpers.book.collecting import collect, database
from helpers.book.html import write_html

__all__ = ["collect", "database", "write_html"]
