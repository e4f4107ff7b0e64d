"""Parts of a study that its data may not permit: each is computed, or left out by name with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from helpers.errors import InputError


class Parts:
    """Parts of a study, computed one by one, so that a part that the data do not permit does not end the run.

    Parameters
    ----------
    n : int
        Number of pictures in the study, which is counted next to each part that is left out.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._reasons: dict[str, str] = {}

    def compute(self, part: str, make: Callable[..., pd.DataFrame], *args: object, **options: object) -> pd.DataFrame:
        """Return ``make(*args, **options)``; or, if it refuses its input, an empty frame, and keep the reason."""
        try:
            return make(*args, **options)
        except InputError as error:
            self.leave_out(part, error.problem)
            return pd.DataFrame()

    def leave_out(self, part: str, reason: str) -> None:
        """Leave a part out, with its reason."""
        self._reasons.setdefault(part, reason)

    def note(self, part: str) -> Any:
        """Return a sentence why a part was left out, to display; None, which displays nothing, if it was not."""
        from IPython.display import Markdown

        return Markdown(f"Left out ({part}): {self._reasons[part]}.") if part in self._reasons else None

    @property
    def dropped(self) -> pd.DataFrame:
        """Return the parts that were left out as rows for the record: table, reason, n."""
        rows = [{"table": part, "reason": f"left out: {why}", "n": self.n} for part, why in self._reasons.items()]
        return pd.DataFrame(rows, columns=["table", "reason", "n"])
