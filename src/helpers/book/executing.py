"""Execution of notebooks by papermill, which writes the notebook now and then instead of twice a cell."""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

ENGINE = "seldom"


class Seldom(NBClientEngine):
    """Papermill's engine, which writes the notebook at its start, every half minute and at its end.

    Papermill writes it before and after each cell, a hundred times megabytes of figures, which takes seconds.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        """Execute the cells; papermill writes the notebook after them, even if one fails or the kernel dies."""
        save = nb_man.save

        def seldom(**given: Any) -> None:
            if (nb_man.now() - nb_man.last_save_time).total_seconds() >= nb_man.autosave_cell_every:
                save(**given)

        nb_man.save = seldom
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.save = save


papermill_engines.register(ENGINE, Seldom)
