"""Packages whose names are imported when they are first used behave as packages do."""

from joblib import Parallel, delayed

from helpers import metrics

SOURCE = "def area(n):\n    return metrics.psnr.__module__, n"


def test_a_function_of_a_notebook_takes_a_package_to_other_processes():
    """As in a cell: the function is of no module, and the package one of its globals."""
    cell = {"__name__": "__main__", "metrics": metrics}
    exec(SOURCE, cell)
    found = Parallel(n_jobs=2)(delayed(cell["area"])(n) for n in range(2))
    assert found == [("helpers.metrics.images", 0), ("helpers.metrics.images", 1)]
