"""Helpers of The Biased Ruler: a thin package that the study notebooks call."""

import sys

__version__ = "0.1.0"

# Importing monai or papermill imports jsonschema, which compiles a grammar of web addresses for seconds where Jupyter
# has brought it (findings/monai-compiles-web-addresses.sh). Named as absent, which jsonschema allows.
GRAMMAR = "rfc3987_syntax"
sys.modules.setdefault(GRAMMAR, None)
