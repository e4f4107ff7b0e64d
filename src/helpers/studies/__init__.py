"""Studies, one package each: experiment, summaries and views. No module outside a study imports it."""
