"""Which algorithm trains with which recipe: the one place that knows them all (chapter 7)."""

from tutorial_lib.training.gan import GAN
from tutorial_lib.training.recipes import GANRecipe, Recipe, VAERecipe
from tutorial_lib.training.vae import VAE

ALGORITHMS = {GANRecipe: GAN, VAERecipe: VAE}


def build_algorithm(recipe: Recipe, *, precision: str = "auto") -> GAN | VAE:
    """Return the algorithm that a recipe is for, with untrained networks.

    Raises `TutorialError` for names in the recipe, or a precision, that do not exist.
    """
    return ALGORITHMS[type(recipe)](recipe, precision=precision)
