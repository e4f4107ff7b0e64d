"""Tables of scores that the user brings: a loader, and a simulator of such a table."""
