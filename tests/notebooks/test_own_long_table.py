"""The audit of a long table as a whole: all models are in its report, and no identifier is."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from tests.notebooks.test_own import audit, page, values


@pytest.mark.slow
def test_a_long_table_of_models(tmp_path):
    """Model b is better for f alone; the names of columns hold commas and colons."""
    rng, n = np.random.default_rng(0), 240
    base = pd.DataFrame({"case: id": [f"SECRET{k}" for k in range(n)], "sex, at birth": rng.choice(["f", "m"], n)})
    score = rng.normal(0.7, 0.05, n)
    better = 0.1 * (base["sex, at birth"] == "f")
    parts = [base.assign(model="<i>a</i>", dice=score), base[40:].assign(model="b", dice=(score + better)[40:])]
    pd.concat(parts).sample(frac=1, random_state=1).to_csv(tmp_path / "long.csv", index=False)
    asked = {"SCORES": "long.csv", "DATA_ROOT": str(tmp_path), "GROUPS": "sex, at birth", "CASE": "case: id"}
    run = audit(tmp_path / "run", **asked, MODEL="model: <i>a</i>")
    found = values(run)
    assert found["n"] == n and found["models"]["changes"]["b"]["n"] == n - 40
    change = found["models"]["contrast_changes"]["sex, at birth"]["b"]
    ((group, row),) = change.items()
    assert row["estimate"] == pytest.approx(0.1 if group == "f" else -0.1) and row["p_holm"] < 0.05
    assert "the contrast" in found["findings"]["all models"]
    text = BeautifulSoup(page(run), "html.parser")
    assert "Several models" in [tag.get_text() for tag in text.find_all("h3")] and "<i>a</i>" in text.get_text()
    assert "SECRET" not in page(run) and not text.find_all("i")
