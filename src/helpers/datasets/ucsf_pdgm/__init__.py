"""UCSF-PDGM, brain MRI: its layout, its loader, and a simulator of both."""
