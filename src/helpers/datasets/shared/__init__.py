"""Code that all data sets share: files, pictures, masks, splits, checks, and folders of simulated downloads."""
