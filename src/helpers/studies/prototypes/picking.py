"""Prototypes that are picked for an attribute, and the activations to which an edit sets them.

The rule decides the result, so one is fixed before any effect is looked at: `exclusive`. All are computed and shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from helpers import metrics
from helpers.errors import check_choice
from helpers.learn.prototype_editing import activations, dead_prototypes
from helpers.learn.prototype_networks import Conditioned
from helpers.studies.prototypes.reading import Drawn
from helpers.studies.prototypes.worlds import ATTRIBUTES

RULES = ("exclusive", "top 3", "all")
FIXED = "exclusive"
INFORMATIVE = 0.6  # AUROC, in either direction
EDGES = (0.05, 0.95)  # quantiles of a prototype's activations in the reference, to which an edit sets it


class Known(NamedTuple):
    """Facts about prototypes, from the reference.

    aurocs : ndarray of shape (3, m), of marker, finding and sex

    ends : ndarray of shape (2, m), the low and the high activation; dead : bool ndarray of shape (m,)

    activations : ndarray of shape (n, m); labels : ndarray of shape (n, 3)
    """

    aurocs: np.ndarray
    ends: np.ndarray
    dead: np.ndarray
    activations: np.ndarray
    labels: np.ndarray


def known_of(model: Conditioned, reference: Drawn) -> Known:
    """Compute what a balanced reference tells of the prototypes of a model.

    Raises
    ------
    InputError
        An activation is NaN; or as in `helpers.metrics.auroc_matrix`.
    """
    found = activations(model, reference.pictures)
    labels = reference.labels[list(ATTRIBUTES)].to_numpy()
    ends = np.quantile(found, EDGES, axis=0)
    return Known(metrics.auroc_matrix(found, labels), ends, dead_prototypes(model, reference.pictures), found, labels)


def picked(aurocs: np.ndarray, dead: np.ndarray, rule: str = FIXED) -> dict[str, np.ndarray]:
    """Pick the prototypes of each attribute.

    Parameters
    ----------
    aurocs : ndarray of shape (3, m)
    dead : bool ndarray of shape (m,)
        These are never picked.
    rule : {"exclusive", "top 3", "all", "best"}
        Those that tell this attribute best among the attributes, with an AUROC above 0.6 in either direction; the three
        that tell it best; all above 0.6; or the best one of the exclusive ones.

    Returns
    -------
    dict
        Attribute to numbers of prototypes, the best first; there may be none.
    """
    check_choice("rule", rule, (*RULES, "best"))
    sided = np.where(dead, 0, np.maximum(aurocs, 1 - aurocs))
    chosen = {}
    for place, name in enumerate(ATTRIBUTES):
        order = np.argsort(-sided[place], kind="stable")
        tells = sided[place] > INFORMATIVE
        if rule in ("exclusive", "best"):
            tells &= sided.argmax(0) == place
        if rule == "top 3":
            tells = np.isin(np.arange(len(dead)), order[:3]) & ~dead
        most = 1 if rule == "best" else len(order)
        chosen[name] = np.array([j for j in order if tells[j]][:most], int)
    return chosen


def wanted(given: np.ndarray, chosen: np.ndarray, rising: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Set chosen activations to their high end, or to their low end where they fall with the attribute.

    Parameters
    ----------
    given : ndarray of shape (n, m)
        Activations of the pictures; a copy is changed.
    chosen : ndarray of int
    rising : bool ndarray of shape (m,)
    ends : ndarray of shape (2, m)
    """
    changed = given.copy()
    changed[:, chosen] = np.where(rising, ends[1], ends[0])[chosen]
    return changed


def edits_of(known: Known, *, seed: int = 0) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """List the edits of a training, by rule and attribute: chosen prototypes, and which way they are set.

    Besides the rules there are ``best``; ``random``, as many prototypes as the fixed rule picks for the attribute (at
    least one), drawn from the others without a look at labels, and raised; and ``permuted``, those that the fixed rule
    picks by permuted labels, of which there may be none.
    """
    rng = np.random.default_rng((seed, 13))
    shuffled = metrics.auroc_matrix(known.activations, known.labels[rng.permutation(len(known.labels))])
    by_rule = {rule: (picked(known.aurocs, known.dead, rule), known.aurocs) for rule in (*RULES, "best")}
    by_rule["permuted"] = picked(shuffled, known.dead), shuffled
    others = {name: np.setdiff1d(np.flatnonzero(~known.dead), part) for name, part in by_rule[FIXED][0].items()}
    counts = {name: max(len(part), 1) for name, part in by_rule[FIXED][0].items()}
    drawn = {name: rng.permutation(part)[: counts[name]] for name, part in others.items()}
    by_rule["random"] = drawn, np.ones_like(known.aurocs)
    return {
        (rule, name): (chosen[name], aurocs[place] > 0.5)
        for rule, (chosen, aurocs) in by_rule.items()
        for place, name in enumerate(ATTRIBUTES)
    }


def code_summary(known: Known, *, draws: int = 200, seed: int = 0) -> Mapping[str, Any]:
    """Summarise what prototypes tell: the total AUROC difference, captured attributes, and chance.

    Returns
    -------
    dict
        ``tad`` as published and ``tad all`` without its exclusion; ``captured`` and ``excluded``, numbers of
        attributes; ``dead``, of prototypes; ``best <attribute>``, the largest AUROC in either direction, and
        ``chance``, the 95th percentile of the largest one with permuted labels.
    """
    labels = dict(zip(ATTRIBUTES, known.labels.T, strict=True))
    leads = [metrics.auroc_lead(known.activations, labels, published=way) for way in (True, False)]
    rng = np.random.default_rng((seed, 14))
    mixed = np.column_stack([rng.permutation(known.labels[:, 0]) for _ in range(draws)])
    null = metrics.auroc_matrix(known.activations, mixed)
    sided = np.maximum(known.aurocs, 1 - known.aurocs).max(1)
    return {
        "tad": leads[0].total,
        "tad all": leads[1].total,
        "captured": float(len(leads[0].captured)),
        "excluded": float(len(leads[0].excluded)),
        "dead": float(known.dead.sum()),
        "chance": float(np.quantile(np.maximum(null, 1 - null).max(1), 0.95)),
        **{f"best {name}": float(value) for name, value in zip(ATTRIBUTES, sided, strict=True)},
    }
