"""Which algorithms there are, and by which names their recipes go: the one place that knows all."""

import keras

from tutorial_lib.algorithms.base import Algorithm
from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.recipes import Recipe, from_fields, read_fields
from tutorial_lib.algorithms.vae import VAE
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import user_path

ALGORITHMS: dict[str, type[Algorithm]] = {"gan": GAN, "vae": VAE}
RECIPES: dict[str, Recipe] = {
    name: recipe for algorithm in ALGORITHMS.values() for name, recipe in algorithm.recipes.items()
}


def build_algorithm(recipe: Recipe, *, precision: str = "auto") -> Algorithm:
    """Return the algorithm that a recipe is for, with untrained networks.

    Raises `TutorialError` for names in the recipe, or a precision, that do not exist.
    """
    return _algorithm_for(recipe)(recipe, precision=precision)


def build_published(recipe: Recipe) -> keras.Model:
    """Return the network, untrained, that a run with this recipe saves and publishes."""
    return _algorithm_for(recipe).build_published(recipe)


def generating_part(recipe: Recipe, published: keras.Model) -> keras.Model:
    """Return what of the network that such a run publishes turns latents into images."""
    return _algorithm_for(recipe).generating_part(published)


def load_recipe(name_or_path: str) -> Recipe:
    """Return a recipe by its name in `RECIPES`, or from a JSON file of fields that differ.

    Fields that the file leaves out keep their defaults. A field "algorithm" says what the recipe
    is for: "gan", the default, or "vae". The config.json of a run will do, too. Raises
    `TutorialError` for an unknown name, a file that is not JSON, or a field that does not exist.

    >>> load_recipe("dcgan").batch_size
    16
    """
    if name_or_path in RECIPES:
        return RECIPES[name_or_path]
    path = user_path(name_or_path)
    if path.suffix != ".json" or not path.is_file():
        raise TutorialError(
            f"There is no recipe named {name_or_path!r}. Choose from: {', '.join(RECIPES)}, "
            "or give the path of a .json file."
        )
    try:
        fields = read_fields(path)
        if isinstance(fields.get("recipe"), dict):  # the config.json of a run, to repeat it
            fields = {"algorithm": fields.get("algorithm", "gan")} | fields["recipe"]
        return recipe_from_dict(fields, fields.pop("algorithm", "gan"))
    except (OSError, TutorialError) as error:
        raise TutorialError(f"The recipe {path} cannot be used: {error}") from error


def recipe_from_dict(fields: dict, algorithm: str = "gan") -> Recipe:
    """Return the recipe with these fields, or raise `TutorialError` naming what is at fault.

    `algorithm` is a key of `ALGORITHMS` or the name of a class there, in capitals or not.
    """
    # A run notes the name of the class, a recipe's file the key.
    kinds = {kind.__name__.lower(): kind for kind in ALGORITHMS.values()} | ALGORITHMS
    kind = kinds.get(str(algorithm).lower())
    if kind is None:
        raise TutorialError(f"algorithm must be one of {', '.join(ALGORITHMS)}, not {algorithm!r}.")
    return from_fields(kind.recipe_type, fields)


def _algorithm_for(recipe: Recipe) -> type[Algorithm]:
    kinds = [kind for kind in ALGORITHMS.values() if kind.recipe_type is type(recipe)]
    if len(kinds) != 1:
        raise TypeError(
            f"{type(recipe).__name__} must be the recipe_type of one algorithm in ALGORITHMS, "
            f"not of {len(kinds)}."
        )
    return kinds[0]
