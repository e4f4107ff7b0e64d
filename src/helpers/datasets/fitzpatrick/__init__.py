"""Fitzpatrick17k, pictures of skin: its layout, its loader, and a simulator of both."""
