"""The explorer of a table."""

import pandas as pd

from helpers import widgets


def test_the_table_follows_the_control_and_no_rows_are_said():
    frame = pd.DataFrame({"world": ["fair", "<i>unfair</i>"], "n": [20, 30], "gap": [0.1, 0.2]})
    frame = frame.assign(low=frame["gap"] - 0.05, high=frame["gap"] + 0.05)

    def rows(world):
        return frame[frame["world"] == world].set_index("world")

    worlds = [*frame["world"], "none such"]
    controls, table, _ = widgets.explore_table(rows, estimate="gap", world=worlds).children
    assert "0.100 (0.050 to 0.150)" in table.value or "[0.050, 0.150]" in table.value
    controls.children[0].value = worlds[1]
    assert "0.200" in table.value and "&lt;i&gt;unfair" in table.value and "<i>unfair" not in table.value
    controls.children[0].value = worlds[2]
    assert "world none such: there are no rows" in table.value
