"""The variational autoencoder as an algorithm: one training step, and sampling (chapter 3)."""

import numpy as np
import tensorflow as tf

from tutorial_lib.models import vae
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.training import replicas, schedules
from tutorial_lib.training.ema import update_average
from tutorial_lib.training.networks import published_network
from tutorial_lib.training.optimizers import build_optimizer
from tutorial_lib.training.precision import (
    choose_precision,
    precision_scope,
    require_tensorflow,
)
from tutorial_lib.training.recipes import VAERecipe


class VAE(tf.Module):
    """Hold an autoencoder, its optimiser and the average of its weights (chapter 3).

    `recipe` gives the hyper-parameters, `precision` the dtype policy ("auto" chooses by the
    hardware). All variables are in float32 and belong to the module, so one checkpoint holds
    them.
    """

    def __init__(self, recipe: VAERecipe, *, precision: str = "auto"):
        super().__init__(name="vae")
        require_tensorflow()
        self.recipe = recipe
        self.precision = choose_precision(precision)
        with precision_scope(self.precision):
            self.autoencoder = published_network(recipe)
        with precision_scope("float32"):  # samples come from it: no rounding there
            self.average = published_network(recipe)
        self.average.trainable = False
        self.optimizer = build_optimizer(recipe, self.autoencoder, self.precision)

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
            fits, divergences = vae.elbo(encoder, decoder, images, noise, self.recipe.sigma)
            reconstruction_loss, kl_loss = -tf.reduce_mean(fits), tf.reduce_mean(divergences)
            loss = reconstruction_loss + schedule_values["kl_weight"] * kl_loss
            scaled = self.optimizer.scale_loss(loss)
        weights = self.autoencoder.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, weights), weights)
        update_average(self.average, self.autoencoder, schedule_values["ema_beta"])
        return {"reconstruction_loss": reconstruction_loss, "kl_loss": kl_loss}

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes: latents (count, latent_size), the same for each seed."""
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return the averaged decoder's images for these latents, float32 in [-1, 1]."""
        return replicas.predict(self.average.get_layer("decoder"), latents)
