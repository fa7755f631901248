"""GAN losses as pure functions of logits, in pairs that belong to one game (chapters 5 and 6).

Logits are the discriminator's raw outputs, of any one shape: r = D(x) on real images and
f = D(G(z)) on generated ones. A probability would be sigmoid(logit). Every loss is a scalar
in float32 that is *minimised*.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from tutorial_lib.errors import TutorialError


class LossPair(NamedTuple):
    """Hold the two sides of one game, each a function of (real_logits, fake_logits)."""

    generator: Callable
    discriminator: Callable


def generator_loss(real_logits, fake_logits):
    """Return E[softplus(-f)], the non-saturating loss -E[log sigmoid(f)] (Goodfellow 2014).

    It equals the source document's cross-entropy between ones and `fake_logits`. The real
    logits are not used; they are there because other games need them. Raises `TutorialError`
    if the two shapes differ.
    """
    _, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(-fake_logits))


def discriminator_loss(real_logits, fake_logits):
    """Return E[softplus(-r)] + E[softplus(f)], binary cross-entropy on both (Goodfellow 2014).

    It equals the source document's sum of two cross-entropies. Raises `TutorialError` if the
    two shapes differ.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def relativistic_generator_loss(real_logits, fake_logits):
    """Return E[softplus(r - f)]: each fake should look more real than its partner.

    Jolicoeur-Martineau 2018; Huang 2024. Raises `TutorialError` if the two shapes differ.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(real_logits - fake_logits))


def relativistic_discriminator_loss(real_logits, fake_logits):
    """Return E[softplus(f - r)], the mirror image of the generator's relativistic loss."""
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(fake_logits - real_logits))


def gradient_penalty(gradients):
    """Return ½ E‖∇D‖², given the gradients of the logits with respect to the images.

    `gradients` is (batch, H, W, C); the square is summed over pixels and channels. On real
    images this is R1 (Mescheder 2018).
    """
    gradients = ops.cast(gradients, "float32")
    return 0.5 * ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))


LOSSES: dict[str, LossPair] = {
    "non-saturating": LossPair(generator_loss, discriminator_loss),
    "relativistic": LossPair(relativistic_generator_loss, relativistic_discriminator_loss),
}


def get_loss(name: str) -> LossPair:
    """Return the pair of losses with that name, or raise `TutorialError` listing the names."""
    if name not in LOSSES:
        raise TutorialError(f"There is no loss named {name!r}. Choose from: {', '.join(LOSSES)}.")
    return LOSSES[name]


def _checked(real_logits, fake_logits):
    """Return both logits in float32, since half precision would round small losses away."""
    real_shape, fake_shape = tuple(real_logits.shape), tuple(fake_logits.shape)
    if real_shape != fake_shape:
        raise TutorialError(
            f"Real and fake logits must have one shape, not {real_shape} and {fake_shape}: "
            "give the discriminator as many real images as generated ones."
        )
    return ops.cast(real_logits, "float32"), ops.cast(fake_logits, "float32")
