"""Disclosure limit: the smallest group of people about whom a number is shown."""

#: Cases of the smallest cell that is shown; one with fewer could point to a person, and is suppressed.
SMALLEST_CELL = 10
