"""FETAL_PLANES_DB and the African planes, ultrasound of the fetus: their layouts, loaders, and a simulator."""
