"""The variational autoencoder as an algorithm: one training step, and sampling (chapter 3)."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.algorithms import replicas, schedules
from tutorial_lib.algorithms.elbo import elbo
from tutorial_lib.algorithms.ema import update_average
from tutorial_lib.algorithms.optimizers import build_optimizer, descend
from tutorial_lib.algorithms.recipes import Recipe, fraction, not_negative, positive
from tutorial_lib.hardware.faster import speed_up
from tutorial_lib.hardware.precision import (
    choose_precision,
    precision_scope,
    require_tensorflow,
)
from tutorial_lib.models.autoencoder import build_autoencoder
from tutorial_lib.models.latents import draw_latents


@dataclasses.dataclass(frozen=True)
class VAERecipe(Recipe):
    """Hold the hyper-parameters of a variational autoencoder (chapter 3)."""

    batch_size: int = positive(32)
    learning_rate: float = positive(1e-3)
    beta_1: float = fraction(0.9)  # one loss, one minimum: momentum helps here
    beta_2: float = fraction(0.999)
    # Objective
    # Standard deviation of a pixel around the decoder's mean. At 1 the loss is half the squared
    # error plus the KL; a smaller one reconstructs better, but then N(0, I) makes worse samples.
    sigma: float = positive(1.0)
    beta: float = not_negative(1.0)  # weight of the KL divergence: 1 is the ELBO (Higgins 2017)
    warmup_kimg: float = not_negative(10.0)  # over which that weight rises from 0


class VAE(tf.Module):
    """Hold an autoencoder, its optimiser and the average of its weights (chapter 3).

    `recipe` gives the hyper-parameters, `precision` the dtype policy ("auto" chooses by the
    hardware). All variables are in float32 and belong to the module, so one checkpoint holds
    them.
    """

    recipe_type, recipes = VAERecipe, {"vae": VAERecipe()}

    def __init__(self, recipe: VAERecipe, *, precision: str = "auto"):
        super().__init__(name="vae")
        require_tensorflow()
        self.recipe = recipe
        self.precision = choose_precision(precision)
        with precision_scope(self.precision):
            self.autoencoder = self.build_published(recipe)
        speed_up(self.autoencoder)
        with precision_scope("float32"):  # samples come from it: no rounding there
            self.average = self.build_published(recipe)
        self.average.trainable = False
        self.optimizer = build_optimizer(recipe, self.autoencoder, self.precision)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of an image."""
        return self.autoencoder.input_shape[1:]

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""
        recipe = self.recipe
        return {
            "ema_beta": schedules.ema_beta(nimg, recipe.batch_size, recipe.ema_halflife_kimg),
            "kl_weight": recipe.beta * schedules.warmup(nimg, recipe.warmup_kimg),
        }

    def train_step(
        self, images: tf.Tensor, seed: tf.Tensor, schedule_values: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Update encoder and decoder together, and return the terms of the loss, nats an image.

        `images` are (batch, size, size, 3) in [-1, 1]; `seed` is two integers on which all
        randomness of the step depends; `schedule_values` come from `schedule`.
        """
        noise = replicas.stateless_normal([tf.shape(images)[0], self.recipe.latent_size], seed)
        encoder = self.autoencoder.get_layer("encoder")
        decoder = self.autoencoder.get_layer("decoder")
        with tf.GradientTape() as tape:
            fits, divergences = elbo(encoder, decoder, images, noise, self.recipe.sigma)
            reconstruction_loss, kl_loss = -tf.reduce_mean(fits), tf.reduce_mean(divergences)
            loss = reconstruction_loss + schedule_values["kl_weight"] * kl_loss
        descend(self.optimizer, self.autoencoder, tape, loss)
        update_average(self.average, self.autoencoder, schedule_values["ema_beta"])
        return {"reconstruction_loss": reconstruction_loss, "kl_loss": kl_loss}

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes: latents (count, latent_size), the same for each seed."""
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return the averaged decoder's images for these latents, float32 in [-1, 1]."""
        return replicas.predict(self.average.get_layer("decoder"), latents)

    @staticmethod
    def build_published(recipe: VAERecipe) -> keras.Model:
        """Return the network, untrained, that a run publishes: the whole autoencoder."""
        return build_autoencoder(recipe.size, recipe.latent_size, recipe.width, seed=recipe.seed)

    @staticmethod
    def generating_part(published: keras.Model) -> keras.Model:
        """Return what of it turns latents into images: the decoder."""
        return published.get_layer("decoder")
