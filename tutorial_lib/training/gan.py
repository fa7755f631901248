"""The adversarial game as an algorithm: one training step, and sampling (chapter 7)."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.errors import TutorialError
from tutorial_lib.losses import get_loss, gradient_penalty
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.training import schedules
from tutorial_lib.training.ema import update_average
from tutorial_lib.training.networks import get_networks
from tutorial_lib.training.precision import choose_precision, precision_scope
from tutorial_lib.training.recipes import Recipe


class GAN(tf.Module):
    """Hold two networks, their optimisers and the average of the generator (chapter 7).

    `recipe` gives the hyper-parameters, `precision` the dtype policy ("auto" chooses by the
    hardware). All variables are in float32 and belong to the module, so one checkpoint holds
    them. Raises `TutorialError` for names that do not exist.
    """

    def __init__(self, recipe: Recipe, *, precision: str = "auto"):
        super().__init__(name="gan")
        if keras.backend.backend() != "tensorflow":
            raise TutorialError(
                f"Training needs Keras on TensorFlow, not on {keras.backend.backend()}: set the "
                "environment variable KERAS_BACKEND=tensorflow before Python starts."
            )
        self.recipe = recipe
        self.precision = choose_precision(precision)
        self.loss = get_loss(recipe.loss)
        networks = get_networks(recipe.networks)
        with precision_scope(self.precision):
            self.generator = networks.generator(recipe)
            self.discriminator = networks.discriminator(recipe)
        with precision_scope("float32"):  # samples come from it: no rounding there
            self.average = networks.generator(recipe)
        self.average.trainable = False
        self.generator_optimizer = self._build_optimizer(self.generator)
        self.discriminator_optimizer = self._build_optimizer(self.discriminator)

    def _build_optimizer(self, model: keras.Model) -> keras.optimizers.Optimizer:
        recipe = self.recipe
        optimizer = keras.optimizers.Adam(recipe.learning_rate, recipe.beta_1, recipe.beta_2)
        if self.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
        return optimizer

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""
        recipe = self.recipe
        beta = schedules.ema_beta(nimg, recipe.batch_size, recipe.ema_halflife_kimg)
        return {"ema_beta": beta, "r1_weight": self._r1_weight(nimg)}

    def _r1_weight(self, nimg: int) -> float:
        # Lazily, every few steps but as much stronger: nearly free (Karras 2020).
        recipe = self.recipe
        due = (nimg // recipe.batch_size) % recipe.r1_interval == 0
        return recipe.r1_gamma * recipe.r1_interval if due else 0.0

    def train_step(
        self, real_images: tf.Tensor, seed: tf.Tensor, schedule_values: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Update both networks from one forward pass, and return the two losses.

        `real_images` are (batch, size, size, 3) in [-1, 1]; `seed` is two integers on which
        all randomness of the step depends; `schedule_values` come from `schedule`.
        """
        latent_seed, dropout_seed = tf.unstack(tf.random.split(seed, 2))
        reseed(self.discriminator, dropout_seed)
        latents = tf.random.stateless_normal(
            [tf.shape(real_images)[0], self.recipe.latent_size], latent_seed
        )
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake_images = self.generator(latents, training=True)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            generator_loss = self.loss.generator(real_logits, fake_logits)
            discriminator_loss = self.loss.discriminator(real_logits, fake_logits)
            discriminator_total = discriminator_loss + self._r1(
                real_images, schedule_values["r1_weight"]
            )
            # The identity, unless float16 needs larger gradients.
            generator_scaled = self.generator_optimizer.scale_loss(generator_loss)
            discriminator_scaled = self.discriminator_optimizer.scale_loss(discriminator_total)

        weights = self.generator.trainable_variables
        gradients = generator_tape.gradient(generator_scaled, weights)
        self.generator_optimizer.apply(gradients, weights)
        weights = self.discriminator.trainable_variables
        gradients = discriminator_tape.gradient(discriminator_scaled, weights)
        self.discriminator_optimizer.apply(gradients, weights)
        update_average(self.average, self.generator, schedule_values["ema_beta"])
        return {"generator_loss": generator_loss, "discriminator_loss": discriminator_loss}

    def _r1(self, images: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """Return the weighted penalty on the discriminator's slope at real images, or 0."""

        def penalty():
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = self.discriminator(images, training=True)
            return weight * gradient_penalty(tape.gradient(logits, images))

        return tf.cond(weight > 0, penalty, lambda: 0.0)

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes: latents (count, latent_size), the same for each seed."""
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return the averaged generator's images for these latents, float32 in [-1, 1]."""
        return self.average.predict(latents, verbose=0)


def reseed(model: keras.Model, seed: tf.Tensor) -> None:
    """Start every random layer of a model (dropout) from `seed`, two integers.

    Keras counts on in a hidden state that checkpoints leave out; deriving it from the step
    makes a resumed run draw what an uninterrupted one would have drawn.
    """
    for index, layer in enumerate(_inner_layers(model)):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(tf.cast(seed + index, generator.state.dtype))


def _inner_layers(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield every layer inside a model, those of nested models included, in a fixed order."""
    for inner in getattr(layer, "layers", []):
        yield inner
        yield from _inner_layers(inner)
