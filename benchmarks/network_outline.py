"""Write down networks so that another framework can build the same ones.

    python benchmarks/network_outline.py RECIPE BATCH FILE

FILE, a .npz, gets an outline of the generator and the discriminator of a recipe (JSON: one entry
a layer), their weights, and what they make of one batch, so that the twin can prove itself. Prints
what else of this machine the benchmark needs to know.
"""

import json
import platform
import sys

import keras
import numpy as np
import tensorflow as tf
from training_loops import build, plain

from tutorial_lib.errors import TutorialError
from tutorial_lib.hardware.precision import choose_precision, device_name
from tutorial_lib.models.latents import draw_latents

# What a layer must say of itself to be built again; everything else is left at its default.
FIELDS = {
    "Dense": ("units", "use_bias"),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "use_bias"),
    "Conv2DTranspose": ("filters", "kernel_size", "strides", "padding", "use_bias"),
    "BatchNormalization": ("momentum", "epsilon"),
    "Reshape": ("target_shape",),
    "Flatten": (),
    "ReLU": (),
    "LeakyReLU": ("negative_slope",),
    "Activation": ("activation",),
}


def main() -> None:
    """Write the file that the command line names, and print facts."""
    recipe_name, batch, path = sys.argv[1:]
    recipe = plain(recipe_name, int(batch))
    generator, discriminator = build(recipe)
    facts = {
        "device": device_name(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "precision": choose_precision(),
        "no_outline": "",
    }
    try:
        arrays = describe(generator, discriminator, recipe.latent_size)
    except TutorialError as error:
        facts["no_outline"] = str(error)
    else:
        np.savez(path, **arrays)
    print(json.dumps(facts))


def describe(
    generator: keras.Model, discriminator: keras.Model, latent_size: int
) -> dict[str, np.ndarray]:
    """Return outlines, weights and results of both networks as arrays by name."""
    latents = draw_latents(8, latent_size, seed=0)
    arrays = {"latents": latents, "images": np.asarray(generator(latents, training=False))}
    arrays["logits"] = np.asarray(discriminator(arrays["images"], training=False))
    for network in (generator, discriminator):
        layers = outline(network)
        arrays[network.name] = np.array(json.dumps(layers))
        for index, layer in enumerate(network.layers):
            for part, weight in enumerate(layer.get_weights()):
                arrays[f"{network.name}/{index}/{part}"] = weight
    return arrays


def outline(network: keras.Model) -> list[dict]:
    """Return one entry a layer: its type, the channels it is given, and the fields of `FIELDS`.

    Raises `TutorialError` for networks that are no plain sequence of those layers.
    """
    if not isinstance(network, keras.Sequential):
        raise TutorialError(f"the {network.name} is no plain sequence of layers")
    entries = []
    for layer in network.layers:
        kind = type(layer).__name__
        if kind not in FIELDS:
            raise TutorialError(f"the {network.name} has a layer of type {kind}")
        config = layer.get_config()
        fields = {name: config[name] for name in FIELDS[kind]}
        entries.append({"type": kind, "channels": layer.input.shape[-1]} | fields)
    return entries


if __name__ == "__main__":
    main()
