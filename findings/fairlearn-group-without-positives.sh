#!/usr/bin/env bash
# fairlearn: a group without one positive case has a true positive rate of 0, and a perfect classifier is unfair.
#
# One would expect: the true positive rate of a group without positives is undefined. It is NaN, or left out with a
# warning, and a classifier that makes no error has an equalized odds difference of 0.
# What happens: the rate comes from scikit-learn's confusion matrix, normalised by row, in which 0 / 0 becomes 0. The
# group then has the worst sensitivity there is. Both differences are 1, their largest value, and nothing warns.
# Why it matters here: findings of radiographs are rare, and groups by age and sex are small. A bootstrap of patients can
# draw a sample in which a group has no positive. `helpers` leaves groups with fewer than ten positives out of the rate,
# and names them.
# Source: fairlearn/metrics/_base_metrics.py (true_positive_rate), sklearn/metrics/_classification.py (confusion_matrix).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fairlearn==0.15.0 scikit-learn==1.9.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib import metadata

import numpy as np
from fairlearn.metrics import MetricFrame, equal_opportunity_difference, equalized_odds_difference, true_positive_rate

print({name: metadata.version(name) for name in ("fairlearn", "scikit-learn")})
label = np.array([1, 1, 0, 0] * 2 + [0] * 4)
group = np.repeat(["a", "b", "c"], 4)
asked = {"y_true": label, "y_pred": label, "sensitive_features": group}  # no prediction is wrong
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    rates = MetricFrame(metrics=true_positive_rate, **asked).by_group
    odds = equalized_odds_difference(**asked)
    opportunity = equal_opportunity_difference(**asked)
print("true positive rate by group, c without positives:", rates.to_dict())
print(f"equalized odds difference {odds}, equal opportunity difference {opportunity}, warnings {len(said)}")
assert rates.to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0}, "the behaviour has changed"
assert odds == opportunity == 1.0 and not said, "the behaviour has changed"
with_positives = group != "c"
fewer = {name: values[with_positives] for name, values in asked.items()}
assert equalized_odds_difference(**fewer) == 0, "without the group, a perfect classifier is fair"
PY
