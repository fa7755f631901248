"""The adversarial game as an algorithm: one training step, and sampling (chapter 7)."""

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.algorithms import gan_recipes, replicas
from tutorial_lib.algorithms.augment import augment, numbers_needed, parse_policy
from tutorial_lib.algorithms.ema import update_average
from tutorial_lib.algorithms.gan_recipes import GAN_RECIPES, GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.algorithms.optimizers import build_optimizer, descend
from tutorial_lib.hardware.faster import inner_layers, speed_up
from tutorial_lib.hardware.precision import (
    choose_precision,
    precision_scope,
    require_tensorflow,
)
from tutorial_lib.losses import get_loss, gradient_penalty, interpolate, wasserstein_penalty
from tutorial_lib.models.latents import draw_latents


class GAN(tf.Module):
    """Hold two networks, their optimisers and the average of the generator (chapter 7).

    `recipe` gives the hyper-parameters, `precision` the dtype policy ("auto" chooses by the
    hardware). All variables are in float32 and belong to the module, so one checkpoint holds
    them. Raises `TutorialError` for names that do not exist, and for a batch that does not give
    each device whole groups of the images that the discriminator compares.
    """

    recipe_type, recipes = GANRecipe, GAN_RECIPES

    def __init__(self, recipe: GANRecipe, *, precision: str = "auto"):
        super().__init__(name="gan")
        require_tensorflow()
        self.recipe = recipe
        self.precision = choose_precision(precision)
        self.loss = get_loss(recipe.loss)
        parse_policy(recipe.augment)  # refuses a wrong name before anything is built
        networks = get_networks(recipe.networks)
        replicas.require_whole_groups(recipe.batch_size, networks.group)
        with precision_scope(self.precision):
            self.generator = networks.generator(recipe)
            self.discriminator = networks.discriminator(recipe)
        for network in (self.generator, self.discriminator):
            speed_up(network)
        with precision_scope("float32"):  # samples come from it: no rounding there
            self.average = self.build_published(recipe)
        self.average.trainable = False
        self.generator_optimizer = build_optimizer(recipe, self.generator, self.precision)
        self.discriminator_optimizer = build_optimizer(recipe, self.discriminator, self.precision)

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Return the shape of what the discriminator judges, without the batch."""
        return self.discriminator.input_shape[1:]

    def schedule(self, nimg: int) -> dict[str, float]:
        """Return the values that change over the run, at `nimg` images seen."""
        return gan_recipes.schedule(self.recipe, nimg)

    def train_step(
        self, real_images: tf.Tensor, seed: tf.Tensor, schedule_values: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Update both networks from one forward pass, and return the two losses.

        `real_images` are (batch, size, size, 3) in [-1, 1], or whatever else the networks are
        built for; `seed` is two integers on which all randomness of the step depends;
        `schedule_values` come from `schedule`.
        """
        seeds = tf.unstack(tf.random.split(seed, 4))
        latent_seed, dropout_seed, penalty_seed, augment_seed = seeds
        reseed(self.discriminator, dropout_seed)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            optimizer.learning_rate.assign(schedule_values["learning_rate"])
        batch_size, policy = tf.shape(real_images)[0], self.recipe.augment
        latents = replicas.stateless_normal([batch_size, self.recipe.latent_size], latent_seed)
        numbers = replicas.stateless_uniform([batch_size, numbers_needed(policy)], augment_seed)
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            fake_images = self.generator(latents, training=True)
            # Both through the same transforms: the discriminator sees nothing else.
            real_images, fake_images = (
                augment(images, policy, numbers) for images in (real_images, fake_images)
            )
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            generator_loss = self.loss.generator(real_logits, fake_logits)
            discriminator_loss = self.loss.discriminator(real_logits, fake_logits)
            total_loss = discriminator_loss + self._penalty(
                real_images, fake_images, penalty_seed, schedule_values["penalty_strength"]
            )

        descend(self.generator_optimizer, self.generator, generator_tape, generator_loss)
        descend(self.discriminator_optimizer, self.discriminator, discriminator_tape, total_loss)
        update_average(self.average, self.generator, schedule_values["ema_beta"])
        return {"generator_loss": generator_loss, "discriminator_loss": discriminator_loss}

    def _penalty(
        self, real_images: tf.Tensor, fake_images: tf.Tensor, seed: tf.Tensor, strength: tf.Tensor
    ) -> tf.Tensor:
        """Return the penalties on the discriminator's slope that the recipe asks for, or 0."""
        recipe = self.recipe
        fake_images = tf.stop_gradient(fake_images)  # the generator has no part in it

        def penalty():
            total = 0.0
            if recipe.r1_gamma:
                total += recipe.r1_gamma * gradient_penalty(self._slopes(real_images))
            if recipe.r2_gamma:
                total += recipe.r2_gamma * gradient_penalty(self._slopes(fake_images))
            if recipe.slope_weight:
                epsilon = replicas.stateless_uniform([tf.shape(real_images)[0]], seed)
                between = interpolate(real_images, fake_images, epsilon)
                total += recipe.slope_weight * wasserstein_penalty(self._slopes(between))
            return strength * total

        return tf.cond(strength > 0, penalty, lambda: 0.0)

    def _slopes(self, images: tf.Tensor) -> tf.Tensor:
        """Return the gradients of the logits with respect to these images."""
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = self.discriminator(images, training=True)
        return tape.gradient(logits, images)

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes: latents (count, latent_size), the same for each seed."""
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return the averaged generator's images for these latents, float32 in [-1, 1]."""
        return replicas.predict(self.average, latents)

    @staticmethod
    def build_published(recipe: GANRecipe) -> keras.Model:
        """Return the network, untrained, that a run publishes: the generator."""
        return get_networks(recipe.networks).generator(recipe)

    @staticmethod
    def generating_part(published: keras.Model) -> keras.Model:
        """Return what of it turns latents into images: all."""
        return published


def reseed(model: keras.Model, seed: tf.Tensor) -> None:
    """Start every random layer of a model (dropout) from `seed`, two integers.

    Keras counts on in a hidden state that checkpoints leave out; deriving it from the step
    makes a resumed run draw what an uninterrupted one would have drawn. Each replica draws
    other numbers.
    """
    seed = replicas.own_seed(seed)
    for index, layer in enumerate(inner_layers(model)):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(tf.cast(seed + index, generator.state.dtype))
