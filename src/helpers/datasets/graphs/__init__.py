"""Collections of labelled graphs, molecules and connectomes: their layouts, loaders, and simulators of both."""
