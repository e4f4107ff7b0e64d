"""UCSF-PDGM, a data set of brain MRI: its layout, its loader, and a simulator of its downloads."""
