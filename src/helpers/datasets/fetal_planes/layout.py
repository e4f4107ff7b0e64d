"""Names of files, columns and values of both downloads of fetal planes; the simulator and the loaders use them."""

from __future__ import annotations

TABLE = "FETAL_PLANES_DB_data.csv"  # separated by semicolons
IMAGES = "Images"
COLUMNS = ("Image_name", "Patient_num", "Plane", "Brain_plane", "Operator", "US_Machine", "Train ")  # with the blank

# Value of the table -> name here. `Other` is a value of four columns and means four things.
PLANES = {
    "Fetal abdomen": "abdomen",
    "Fetal brain": "brain",
    "Fetal femur": "femur",
    "Fetal thorax": "thorax",
    "Maternal cervix": "cervix",
    "Other": "other plane",
}
BRAIN_PLANES = {
    "Trans-cerebellum": "trans-cerebellum",
    "Trans-thalamic": "trans-thalamic",
    "Trans-ventricular": "trans-ventricular",
    "Other": "other brain plane",
    "Not A Brain": None,  # missing
}
OPERATORS = {"Op. 1": "operator 1", "Op. 2": "operator 2", "Op. 3": "operator 3", "Other": "other operators"}
MACHINES = {
    "Aloka": "Aloka",
    "Voluson E6": "Voluson E6",
    "Voluson S10": "Voluson S10",
    "Other": "other machines",
}
FACTORS = {"plane": PLANES, "brain_plane": BRAIN_PLANES, "operator": OPERATORS, "machine": MACHINES}
HEADERS = {"plane": "Plane", "brain_plane": "Brain_plane", "operator": "Operator", "machine": "US_Machine"}
PARTS = {"1": "train", "0": "test"}
# Digit after `Plane` in a file name: a code of its kind, and not the order of any list.
DIGITS = {"other plane": 1, "abdomen": 2, "brain": 3, "cervix": 4, "femur": 5, "thorax": 6}

# Columns of the frames that the loaders return.
CASE_COLUMNS = ("image", "patient", "plane", "brain_plane", "operator", "machine", "country", "part", "file", "digest")

AFRICAN_TABLE = "African_planes_database.csv"  # separated by commas
AFRICAN_COLUMNS = ("Patient_num", "Plane", "Train", "Center", "Filename")
COUNTRIES = ("Algeria", "Egypt", "Ghana", "Malawi", "Uganda")
AFRICAN_PLANES = ("abdomen", "brain", "femur", "thorax")
