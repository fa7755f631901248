"""Which pairs of networks a GAN's recipe can ask for (chapters 4, 7 and 8)."""

from collections.abc import Callable
from typing import NamedTuple

import keras

from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.errors import choose
from tutorial_lib.models import dcgan, resnet, toy


class Networks(NamedTuple):
    """Hold the builders of a generator and of the discriminator that it plays against.

    The discriminator compares images in groups of `group`, so it takes whole groups only.
    """

    generator: Callable[[GANRecipe], keras.Model]
    discriminator: Callable[[GANRecipe], keras.Model]
    group: int = 1


NETWORKS: dict[str, Networks] = {
    "document": Networks(
        lambda recipe: dcgan.build_generator(recipe.size, recipe.latent_size, seed=recipe.seed),
        lambda recipe: dcgan.build_discriminator(recipe.size, seed=recipe.seed + 1),
    ),
    "dcgan": Networks(
        lambda recipe: dcgan.build_dcgan_generator(
            recipe.size, recipe.latent_size, recipe.width, seed=recipe.seed
        ),
        lambda recipe: dcgan.build_dcgan_discriminator(
            recipe.size, recipe.width, seed=recipe.seed + 1
        ),
    ),
    "resnet": Networks(
        lambda recipe: resnet.build_resnet_generator(
            recipe.size,
            recipe.latent_size,
            recipe.width,
            recipe.generator_blocks,
            seed=recipe.seed,
        ),
        lambda recipe: resnet.build_resnet_discriminator(
            recipe.size, recipe.width, recipe.discriminator_blocks, seed=recipe.seed + 1
        ),
        resnet.GROUP,
    ),
    # Points in the plane instead of images (chapter 4)
    "toy": Networks(
        lambda recipe: toy.build_toy_generator(recipe.latent_size, recipe.width, seed=recipe.seed),
        lambda recipe: toy.build_toy_discriminator(recipe.width, seed=recipe.seed + 1),
    ),
}


def get_networks(name: str) -> Networks:
    """Return the builders with that name, or raise `TutorialError` listing the names."""
    return choose("pair of networks", name, NETWORKS)
