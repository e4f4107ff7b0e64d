"""Train and record the toy encoders of the book: ``python -m helpers.studies.pretraining``.

A pretraining that was stopped goes on where it stopped. ``--seeds 3 --steps 3000`` are the defaults, and ``--kinds``
names some of the kinds, such as "a tenth".
"""

from __future__ import annotations

import argparse

from helpers.keep import cache
from helpers.studies.pretraining import encoders, recordings


def main(words: list[str] | None = None) -> None:
    """Train the encoders of each kind and seed, and write three files."""
    parser = argparse.ArgumentParser(prog="python -m helpers.studies.pretraining", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=encoders.TRAINING["steps"])
    parser.add_argument("--kinds", nargs="+", choices=list(recordings.KINDS), default=list(recordings.KINDS))
    asked = parser.parse_args(words)
    settings = recordings.settings(asked.steps)
    place = cache.folder(settings, by=[encoders.pretrain, recordings.images], device="cpu")
    for kind in asked.kinds:
        made = []
        for seed in range(asked.seeds):
            images = recordings.images(kind, n=recordings.N_IMAGES, size=recordings.SIZE, seed=seed)
            keep = place / f"{kind}-{seed}".replace(" ", "-")
            made.append(encoders.pretrain(kind, images, seed=seed, steps=asked.steps, device="cpu", keep=keep))
            print(f"{kind}, seed {seed}: loss {made[-1].history['dino'].iloc[-1]:.3f}", flush=True)
        recordings.save(made, recordings.folder() / recordings.KINDS[kind], steps=asked.steps)


if __name__ == "__main__":
    main()
