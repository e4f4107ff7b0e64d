"""CheXpert, a data set of chest radiographs: its layout, its loader, and a simulator of its downloads."""
