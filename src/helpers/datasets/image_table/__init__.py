"""Table of a user's images: one row an image, with its patient, groups, labels and mask."""
