"""Living review: tables of data sets, works and reported flaws; checks, SQLite, simulated citations, saved pages."""
