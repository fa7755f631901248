"""From the pixels of any mode to RGB as a viewer shows them: in sRGB, on white."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# The tables of the many sRGB profiles round differently; a monitor shows no such difference.
SAME_COLOUR = 2


def to_rgb(image: Image.Image, profile: bytes, key: tuple[int, ...]) -> Image.Image:
    """Convert an image from its colour profile to sRGB, and lay it on white where transparent.

    `profile` is an ICC profile or empty; one that is damaged or of other channels is ignored, as
    viewers do. `key` is the transparent colour, or empty. Raises ValueError if no viewer could
    know what the numbers mean.
    """
    colour, alpha = _split(image, key)
    rgb = _to_srgb(colour, profile)
    if alpha is None:
        return rgb
    rgb.putalpha(alpha)
    return Image.alpha_composite(Image.new("RGBA", rgb.size, "white"), rgb).convert("RGB")


def _split(image: Image.Image, key: tuple[int, ...]) -> tuple[Image.Image, Image.Image | None]:
    """Part an image of any mode into one of mode L, RGB, CMYK or LAB and its opacity."""
    if image.mode.startswith("I"):  # grey of 16 bits, which convert() would clip instead of scale
        levels = np.asarray(image).astype(np.int64)
        grey = np.clip((levels + 128) // 257, 0, 255).astype(np.uint8)
        return Image.fromarray(grey), _alpha_of_key(levels, key)
    if image.mode == "La":  # Pillow converts it to nothing but LA
        image = image.convert("LA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        whole = image.convert("RGBA")
        alpha = whole.getchannel("A")
        colour = image.getchannel("L") if image.mode == "LA" else whole.convert("RGB")
        # Programs that know no alpha leave it 0 in a BMP; viewers then take it for opaque.
        return colour, None if image.format == "BMP" and not alpha.getbbox() else alpha
    if image.mode not in ("L", "CMYK", "LAB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return image, _alpha_of_key(np.asarray(image), key) if key else None


def _alpha_of_key(pixels: np.ndarray, key: tuple[int, ...]) -> Image.Image | None:
    if not key:
        return None
    clear = (pixels.reshape(*pixels.shape[:2], -1) == key).all(-1)
    return Image.fromarray(np.where(clear, 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    transform = _transform(profile, image.mode) if profile else None
    if transform is None and image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        transform = _transform(lab.tobytes(), "LAB")
    return transform.apply(image) if transform else image.convert("RGB")


@functools.lru_cache(64)  # the pictures of one camera share a profile
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Make the transform to sRGB; None where the profile does not fit, or is of sRGB itself."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError, ImportError):
        return None
    if mode in ("L", "RGB"):
        before = _samples(mode)
        change = np.asarray(transform.apply(before)).astype(int) - np.asarray(before.convert("RGB"))
        if np.abs(change).max() <= SAME_COLOUR:
            return None
    return transform


def _samples(mode: str) -> Image.Image:
    """Make an image of all greys, or of 5,832 colours evenly spread."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1)
    return Image.fromarray(cube.reshape(len(levels), -1, 3))
