"""Helpers of The Biased Ruler: a thin package that the study notebooks call."""

import sys

from helpers.paths import let_threads_sleep

__version__ = "0.1.0"

# Importing monai or papermill imports jsonschema. If Jupyter has installed the package below, jsonschema then spends
# seconds on compiling a grammar of web addresses (findings/monai-compiles-web-addresses.sh). So the package is marked
# as absent, which jsonschema allows.
GRAMMAR = "rfc3987_syntax"
sys.modules.setdefault(GRAMMAR, None)

# Here, since it has to be set before PyTorch is imported.
let_threads_sleep()
