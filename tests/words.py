"""Words that the prose of this project avoids, and American spellings: for docstrings, errors, notebooks and pages."""

import re

AVOIDED = re.compile(r"\b(own|beside|stands?|standing|stood|told|said|says|lies)\b", re.I)
# American spellings of words that occur; terms of fairness ("equalized odds") keep the spelling of the field.
AMERICAN = re.compile(
    r"\b(center(ed|s)?|colors?|gray|behavior|neighbor\w*|favor\w*|modeling|labeled|labeling|catalog|"
    r"(normali|summari|initiali|standardi|randomi|organi|recogni|minimi|maximi|generali|penali|visuali|optimi)z(e|es|ed|ing))\b",
    re.I,
)
# Titles, headings and names that keep an avoided word.
PERMITTED = (
    "Do your own scores differ between groups?",
    "Bring your own scores",
    "Your own scores",
    "Your own data",
    "Your own images",
    "NIH Clinical Center",
)


def faults(text: str) -> list[str]:
    """List avoided words and American spellings in prose."""
    for phrase in PERMITTED:
        text = text.replace(phrase, "")
    return [match[0] for pattern in (AVOIDED, AMERICAN) for match in pattern.finditer(text)]


def markdown(text: str) -> str:
    """Remove from Markdown its code, mathematics, quotations, roles, labels and targets of links."""
    text = re.sub(r"^ *(`{3,})(?!\{).*?^ *\1`*$", "", text, flags=re.M | re.S)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$|`[^`\n]*`|\"[^\"\n]*\"", "", text, flags=re.S)
    return re.sub(r"\]\([^)\s]*\)|^ *\([\w-]+\)=$", "", text, flags=re.M)
