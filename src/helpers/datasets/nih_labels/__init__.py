"""Labels of the NIH chest X-rays, mined from reports and by a panel: layout, loader, fetching, and a simulated twin."""
