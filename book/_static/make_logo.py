"""Write the logo and the favicon of the book: a drawn cat that emerges from noise.

Run from the root of the project: python book/_static/make_logo.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

from tutorial_lib.data.drawn import BACKGROUNDS, COATS, draw_factors, render

FOLDER = Path(__file__).parent
SEED, CAT = 0, 3583
SIDE, BLOCK = 400, 10
PASTELS = np.array([far for _, far in BACKGROUNDS], np.float64)


def draw_cat(**changes) -> Image.Image:
    """Draw the cat of the logo upright and as large as fits; RGBA, 256 x 256 pixels."""
    factors = draw_factors(1, seed=SEED, start=CAT)
    factors["coat"] = COATS.index("tabby")  # no white chin, which a white page would swallow
    for name, value in changes.items():
        factors[name] = value
    return Image.fromarray(render(factors, 256).rgba[0])


def make_logo() -> Image.Image:
    """Dissolve the left of the cat into coloured blocks; RGBA, transparent outside."""
    image = draw_cat(position=(0.5, 0.60), scale=0.385, tilt=0.04, ear_angle=0.1, fluff=0.7)
    cat = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    blocks = SIDE // BLOCK
    coarse = np.asarray(image.resize((blocks, blocks), Image.Resampling.BOX), np.float64)
    rng = np.random.default_rng(5)
    across = (np.arange(blocks) + 0.5) / blocks
    # The share of noise falls from 1 at the left edge to 0 in the middle.
    amount = np.clip(1.0 - across / 0.52, 0.0, 1.0)[None, :] ** 0.8
    hidden = rng.random((blocks, blocks)) < 1.2 * amount
    # Noise in the book's colours: the cat's own and those of the backgrounds, all mixed up.
    paints = np.concatenate([coarse[coarse[..., 3] > 250][:, :3], np.repeat(PASTELS, 25, axis=0)])
    colour = rng.choice(paints, (blocks, blocks)) + rng.normal(0, 12, (blocks, blocks, 3))
    # Some blocks have drifted away from the silhouette.
    drift = np.roll(coarse[..., 3], rng.integers(-5, 0), axis=1)
    filled = np.maximum(coarse[..., 3], drift * (rng.random((blocks, blocks)) < 0.6)) > 128
    alpha = 255.0 * filled * (rng.random((blocks, blocks)) > 0.5 * amount)
    noise = np.concatenate([np.clip(colour, 0, 255), alpha[..., None]], axis=-1)
    grow = np.ones((BLOCK, BLOCK, 1))
    logo = np.where(np.kron(hidden[..., None], grow) > 0, np.kron(noise, grow), cat)
    return Image.fromarray(np.rint(logo).astype(np.uint8))


def make_favicon() -> Image.Image:
    """Draw the cat's face alone, filling the square; RGBA, 64 x 64 pixels."""
    face = draw_cat(position=(0.5, 0.62), scale=0.47, tilt=0, ear_angle=-0.1, ear_size=1)
    return face.resize((64, 64), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    make_logo().save(FOLDER / "logo.webp", quality=90, method=6)
    make_favicon().save(FOLDER / "favicon.png", optimize=True)
