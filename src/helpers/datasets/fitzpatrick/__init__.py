"""Fitzpatrick17k, a data set of skin photographs: its layout, its loader, and a simulator of its downloads."""
