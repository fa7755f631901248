"""What decides how a GAN turns out, and the recipes that the book trains (chapters 7 and 8)."""

import dataclasses

from tutorial_lib.algorithms import schedules
from tutorial_lib.algorithms.recipes import Recipe, not_negative, positive


@dataclasses.dataclass(frozen=True)
class GANRecipe(Recipe):
    """Hold the hyper-parameters of a GAN (chapter 7)."""

    networks: str = "dcgan"  # a key of networks.NETWORKS
    # Residual blocks at each size, where the networks can have any
    generator_blocks: int = not_negative(0)
    discriminator_blocks: int = not_negative(0)
    loss: str = "non-saturating"  # a key of losses.LOSSES
    # Weights of the gradient penalties, and how many steps lie from one to the next
    r1_gamma: float = not_negative(1.0)  # on real images
    r2_gamma: float = not_negative(0.0)  # on generated images
    slope_weight: float = not_negative(0.0)  # of the Wasserstein penalty, in between
    penalty_interval: int = positive(8)
    # The learning rate falls to `final_learning_rate` over `decay_kimg`; 0 keeps it as it is.
    decay_kimg: float = not_negative(0.0)
    final_learning_rate: float = not_negative(0.0)
    # What the discriminator sees images through: names of augment.TRANSFORMS, between commas
    augment: str = ""


def schedule(recipe: GANRecipe, nimg: int) -> dict[str, float]:
    """Return the values that change over a run, at `nimg` images seen."""
    # Lazily, every few steps but as much stronger: nearly free (Karras 2020).
    due = (nimg // recipe.batch_size) % recipe.penalty_interval == 0
    return {
        "ema_beta": schedules.ema_beta(nimg, recipe.batch_size, recipe.ema_halflife_kimg),
        "penalty_strength": float(recipe.penalty_interval * due),
        "learning_rate": schedules.cosine(
            nimg, recipe.learning_rate, recipe.final_learning_rate, recipe.decay_kimg
        ),
    }


DOCUMENT = GANRecipe(
    # The source document's networks and optimiser; it gives no batch size, and averages nothing.
    networks="document",
    latent_size=100,
    r1_gamma=0.0,
    batch_size=64,
    learning_rate=1e-4,
    beta_1=0.9,
    beta_2=0.999,
    ema_halflife_kimg=0.0,
    flip=False,
)
DCGAN = GANRecipe()
# For runs of hours (chapter 8): the generator is deeper than its opponent.
MODERN = GANRecipe(networks="resnet", generator_blocks=2)

SIZES = (32, 64, 128)


def at_size(recipe: GANRecipe, size: int) -> GANRecipe:
    """Return a recipe for images of another size (chapter 8).

    The slope that a penalty punishes is summed over pixels, so its weight goes with their number
    (Karras 2020). It is a rule of thumb: only the recipes for 64 pixels were trained for long.
    """
    scale = (size / recipe.size) ** 2
    return dataclasses.replace(
        recipe, size=size, r1_gamma=recipe.r1_gamma * scale, r2_gamma=recipe.r2_gamma * scale
    )


# Each of these is there for other sizes too: "dcgan-32".
GAN_RECIPES = {"document": DOCUMENT, "dcgan": DCGAN, "modern": MODERN}
GAN_RECIPES |= {
    f"{name}-{size}": at_size(recipe, size)
    for name, recipe in GAN_RECIPES.items()
    for size in SIZES
    if size != recipe.size
}
