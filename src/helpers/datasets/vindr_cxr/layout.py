"""Names of files and columns of VinDr-CXR; the loader uses them."""

from __future__ import annotations

TABLES = {"train": "annotations_train.csv", "test": "annotations_test.csv"}
PICTURE, CLASS, READER = "image_id", "class_name", "rad_id"  # a reader of each box in training alone
BOX = ("x_min", "y_min", "x_max", "y_max")
NO_FINDING = "No finding"
FOLDERS = {"train": "train", "test": "test"}
ENDING = ".dicom"
