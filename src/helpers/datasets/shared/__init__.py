"""Code that all data sets share: files, images, splits, checks, and folders of simulated downloads."""
