"""GAN losses as pure functions of logits, in pairs that belong to one game (chapters 5 and 6).

Logits are the discriminator's raw outputs, of any one shape: r = D(x) on real images and
f = D(G(z)) on generated ones. A probability would be sigmoid(logit). Every loss is a scalar
in float32 that is *minimised*; each takes both logits, even where it uses only one of them, so
that all games look alike. All raise `TutorialError` if the two shapes differ. Below them stand
the gradient penalties, which belong to the discriminator of any game.
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from tutorial_lib.errors import TutorialError, choose


class LossPair(NamedTuple):
    """Hold the two sides of one game, each a function of (real_logits, fake_logits)."""

    generator: Callable
    discriminator: Callable


def generator_loss(real_logits, fake_logits):
    """Return E[softplus(-f)], the non-saturating loss -E[log sigmoid(f)] (Goodfellow 2014).

    It equals the source document's cross-entropy between ones and `fake_logits`.

    >>> zeros = np.zeros((4, 1), np.float32)  # D sees no difference: log 2
    >>> round(float(generator_loss(zeros, zeros)), 4)
    0.6931
    """
    _, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(-fake_logits))


def discriminator_loss(real_logits, fake_logits):
    """Return E[softplus(-r)] + E[softplus(f)], binary cross-entropy on both (Goodfellow 2014).

    It equals the source document's sum of two cross-entropies.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def minimax_generator_loss(real_logits, fake_logits):
    """Return -E[softplus(f)] = E[log(1 - sigmoid(f))], minus what D minimises (Goodfellow 2014).

    Its gradient vanishes where D is sure that the fakes are fake (chapter 5).
    """
    _, fake_logits = _checked(real_logits, fake_logits)
    return -ops.mean(ops.softplus(fake_logits))


def least_squares_generator_loss(real_logits, fake_logits):
    """Return ½ E[(f - 1)²]: the output on fakes should be 1 (Mao 2017)."""
    _, fake_logits = _checked(real_logits, fake_logits)
    return 0.5 * ops.mean(ops.square(fake_logits - 1.0))


def least_squares_discriminator_loss(real_logits, fake_logits):
    """Return ½ E[(r - 1)²] + ½ E[f²], the source document's "quadratic cost" (Mao 2017)."""
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return 0.5 * (ops.mean(ops.square(real_logits - 1.0)) + ops.mean(ops.square(fake_logits)))


def wasserstein_generator_loss(real_logits, fake_logits):
    """Return -E[f]: the critic should rate the fakes higher (Arjovsky 2017; Lim & Ye 2017)."""
    _, fake_logits = _checked(real_logits, fake_logits)
    return -ops.mean(fake_logits)


def wasserstein_discriminator_loss(real_logits, fake_logits):
    """Return E[f] - E[r], minus the source document's formula (Arjovsky 2017).

    At its minimum over 1-Lipschitz critics it is minus the Wasserstein-1 distance; without
    any bound it has no minimum. `wasserstein_penalty` bounds the slope.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(fake_logits) - ops.mean(real_logits)


def hinge_discriminator_loss(real_logits, fake_logits):
    """Return E[max(0, 1 - r)] + E[max(0, 1 + f)]: being sure enough costs nothing (Lim & Ye 2017).

    The generator of this game minimises -E[f], as in the Wasserstein game.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))


def relativistic_generator_loss(real_logits, fake_logits):
    """Return E[softplus(r - f)]: each fake should look more real than its partner.

    Jolicoeur-Martineau 2018; Huang 2024.
    """
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(real_logits - fake_logits))


def relativistic_discriminator_loss(real_logits, fake_logits):
    """Return E[softplus(f - r)], the mirror image of the generator's relativistic loss."""
    real_logits, fake_logits = _checked(real_logits, fake_logits)
    return ops.mean(ops.softplus(fake_logits - real_logits))


def gradient_penalty(gradients):
    """Return ½ E‖∇D‖², given the gradients of the logits with respect to D's inputs.

    `gradients` is (batch, …); the square is summed over all axes but the first. On real images
    this is R1, on generated ones R2 (Mescheder 2018).

    >>> float(gradient_penalty(np.array([[3.0, 4.0], [0.0, 0.0]])))
    6.25
    """
    return 0.5 * ops.mean(_squared_norms(gradients))


def wasserstein_penalty(gradients):
    """Return E[(‖∇D‖ - 1)²], given the gradients as in `gradient_penalty` (Gulrajani 2017).

    The gradients are taken at `interpolate(real, fake, epsilon)`.
    """
    # The slope of a square root is infinite at 0, and D may well be flat somewhere.
    norms = ops.sqrt(_squared_norms(gradients) + 1e-12)
    return ops.mean(ops.square(norms - 1.0))


def interpolate(real_images, fake_images, epsilon):
    """Return epsilon real + (1 - epsilon) fake, one epsilon for each pair (Gulrajani 2017).

    `epsilon` is (batch,), drawn uniformly from [0, 1]; the two others have one shape.
    """
    epsilon = ops.reshape(epsilon, (-1, *(1 for _ in real_images.shape[1:])))
    return epsilon * real_images + (1.0 - epsilon) * fake_images


def _squared_norms(gradients):
    """Return ‖∇D‖² of each input, float32 (batch,)."""
    gradients = ops.cast(gradients, "float32")
    return ops.sum(ops.square(gradients), axis=tuple(range(1, len(gradients.shape))))


LOSSES: dict[str, LossPair] = {
    "minimax": LossPair(minimax_generator_loss, discriminator_loss),
    "non-saturating": LossPair(generator_loss, discriminator_loss),
    "least-squares": LossPair(least_squares_generator_loss, least_squares_discriminator_loss),
    "wasserstein": LossPair(wasserstein_generator_loss, wasserstein_discriminator_loss),
    "hinge": LossPair(wasserstein_generator_loss, hinge_discriminator_loss),
    "relativistic": LossPair(relativistic_generator_loss, relativistic_discriminator_loss),
}


def get_loss(name: str) -> LossPair:
    """Return the pair of losses with that name, or raise `TutorialError` listing the names."""
    return choose("loss", name, LOSSES)


def _checked(real_logits, fake_logits):
    """Return both logits in float32, since half precision would round small losses away."""
    real_shape, fake_shape = tuple(real_logits.shape), tuple(fake_logits.shape)
    if real_shape != fake_shape:
        raise TutorialError(
            f"Real and fake logits must have one shape, not {real_shape} and {fake_shape}: "
            "give the discriminator as many real images as generated ones."
        )
    return ops.cast(real_logits, "float32"), ops.cast(fake_logits, "float32")
