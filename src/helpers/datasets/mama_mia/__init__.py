"""MAMA-MIA, a data set of breast MRI: its layout, its loader, and simulators of its downloads."""
