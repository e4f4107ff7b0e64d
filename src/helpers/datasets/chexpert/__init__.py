"""CheXpert, radiographs of the chest: its layout, its loader, and a simulator of both."""
