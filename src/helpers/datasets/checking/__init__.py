"""Check of a user's images before a study: what is in a table or folder, and what to look at."""
