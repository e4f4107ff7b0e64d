"""A table of the reader's own scores: its loader, and a simulator of one."""
