"""MAMA-MIA, breast MRI: its layout, its loader, and a simulator of both."""
