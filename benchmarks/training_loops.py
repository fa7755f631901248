"""Training loops around the same networks: the source document's, TensorFlow's, Keras', ours.

    python benchmarks/training_loops.py LOOP RECIPE BATCH SECONDS [PRECISION]

Runs one of `LOOPS` on the networks of a recipe, on one batch of random images, and prints images a
second, peak memory and the sizes of the networks as JSON. All use the non-saturating loss and
Adam; nothing is in float16 or bfloat16 but the library's own step, when asked for.
"""

import json
import sys

import keras
import tensorflow as tf
from common import plain
from turns import StopWatch, peak_memory_mb

from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.hardware.memory import keep_freed_memory


def main() -> None:
    """Measure the loop that the command line names, and print the result."""
    loop, recipe, batch, seconds, *precision = sys.argv[1:]
    print(json.dumps(measure(loop, plain(recipe, int(batch)), float(seconds), *precision)))


def measure(loop: str, recipe: GANRecipe, seconds: float, *precision: str) -> dict:
    """Return the speed (median over steps), peak memory and network sizes of one loop."""
    keras.utils.set_random_seed(0)  # TensorFlow in its deterministic mode draws nothing without
    watch = StopWatch(seconds)
    networks = LOOPS[loop](recipe, random_images(recipe), watch, *precision)
    return {
        "images_per_second": recipe.batch_size / watch.median(),
        "peak_mb": peak_memory_mb(),
        "weights": [count_weights(network) for network in networks],
    }


def count_weights(network: keras.Model) -> int:
    """Return how many numbers are trained."""
    return sum(weight.shape.num_elements() for weight in network.trainable_variables)


def random_images(recipe: GANRecipe) -> tf.Tensor:
    """Return one batch in [-1, 1]; its content does not matter for speed."""
    shape = (recipe.batch_size, recipe.size, recipe.size, 3)
    return tf.random.stateless_uniform(shape, [0, 1], -1, 1)


def build(recipe: GANRecipe) -> tuple[keras.Model, keras.Model]:
    """Return the generator and the discriminator of a recipe, in float32."""
    networks = get_networks(recipe.networks)
    return networks.generator(recipe), networks.discriminator(recipe)


def document_step(generator: keras.Model, discriminator: keras.Model, recipe: GANRecipe):
    """Return the body of the document's loop (§5.4), with its losses and optimisers (§5.3).

    The step of TensorFlow's DCGAN tutorial is the same, inside a `tf.function`.
    """
    generator_optimizer = tf.keras.optimizers.Adam(1e-4)
    discriminator_optimizer = tf.keras.optimizers.Adam(1e-4)
    cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    def step(real_images):
        noise = tf.random.normal([recipe.batch_size, recipe.latent_size])
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated_images = generator(noise, training=True)
            real_output = discriminator(real_images, training=True)
            fake_output = discriminator(generated_images, training=True)
            gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
            real_loss = cross_entropy(tf.ones_like(real_output), real_output)
            fake_loss = cross_entropy(tf.zeros_like(fake_output), fake_output)
            disc_loss = real_loss + fake_loss
        weights = generator.trainable_variables
        gradients = gen_tape.gradient(gen_loss, weights)
        generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        weights = discriminator.trainable_variables
        gradients = disc_tape.gradient(disc_loss, weights)
        discriminator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return gen_loss, disc_loss

    return step


def run_eager(recipe: GANRecipe, images: tf.Tensor, watch: StopWatch) -> tuple:
    """Run the document's loop, eagerly as it is printed."""
    networks = build(recipe)
    repeat(document_step(*networks, recipe), images, watch)
    return networks


def run_tutorial(recipe: GANRecipe, images: tf.Tensor, watch: StopWatch) -> tuple:
    """Run the loop of TensorFlow's DCGAN tutorial."""
    networks = build(recipe)
    repeat(tf.function(document_step(*networks, recipe)), images, watch)
    return networks


def run_library(recipe: GANRecipe, images: tf.Tensor, watch: StopWatch, precision: str) -> tuple:
    """Run the step that the trainer runs, the average of the weights included."""
    gan, step = library_step(recipe, precision)
    repeat(step, images, watch)
    return gan.generator, gan.discriminator


def library_step(recipe: GANRecipe, precision: str):
    """Return the networks, and their traced step as a function of the images."""
    keep_freed_memory()
    gan = GAN(recipe, precision=precision)
    traced = tf.function(gan.train_step)
    seed, values = step_values(gan, 10**6)
    return gan, lambda images: traced(images, seed, values)


def repeat(step, images: tf.Tensor, watch: StopWatch) -> None:
    """Repeat a step until the watch says stop."""
    while watch.tick():
        losses = step(images)
        [float(loss) for loss in tf.nest.flatten(losses)]  # waits for the device


def run_fit(recipe: GANRecipe, images: tf.Tensor, watch: StopWatch) -> tuple:
    """Run Keras' `fit` around a custom `train_step`."""
    networks = build(recipe)
    model = FitGAN(*networks, recipe.latent_size)
    model.compile(keras.optimizers.Adam(1e-4, 0.5), keras.optimizers.Adam(1e-4, 0.5))
    endless = tf.data.Dataset.from_tensors(images).repeat()
    callbacks = [StopFit(watch)]
    model.fit(endless, steps_per_epoch=10**6, shuffle=False, verbose=0, callbacks=callbacks)
    return networks


class FitGAN(keras.Model):
    """Train as keras.io's GAN examples do: a step of D, then one of G on new noise."""

    def __init__(self, generator: keras.Model, discriminator: keras.Model, latent_size: int):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_size = latent_size
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def compile(self, generator_optimizer, discriminator_optimizer) -> None:
        """Take the two optimisers."""
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer

    def train_step(self, images: tf.Tensor) -> dict:
        """Update the discriminator on both kinds of images, then the generator."""
        batch = tf.shape(images)[0]
        fakes = self.generator(self._noise(batch), training=True)
        both = tf.concat([fakes, images], axis=0)
        labels = tf.concat([tf.zeros((batch, 1)), tf.ones((batch, 1))], axis=0)
        with tf.GradientTape() as tape:
            discriminator_loss = self.loss_fn(labels, self.discriminator(both, training=True))
        weights = self.discriminator.trainable_weights
        gradients = tape.gradient(discriminator_loss, weights)
        self.discriminator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        with tf.GradientTape() as tape:
            fakes = self.generator(self._noise(batch), training=True)
            logits = self.discriminator(fakes, training=True)
            generator_loss = self.loss_fn(tf.ones((batch, 1)), logits)
        weights = self.generator.trainable_weights
        gradients = tape.gradient(generator_loss, weights)
        self.generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return {"d_loss": discriminator_loss, "g_loss": generator_loss}

    def _noise(self, count: tf.Tensor) -> tf.Tensor:
        return tf.random.normal((count, self.latent_size))


class StopFit(keras.callbacks.Callback):
    """Time the batches of `fit`, and end it when the watch says stop."""

    def __init__(self, watch: StopWatch):
        super().__init__()
        self.watch = watch

    def on_train_begin(self, logs=None) -> None:
        """Start the watch."""
        self.watch.tick()

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        """Count a step."""
        self.model.stop_training = not self.watch.tick()


LOOPS = {
    "eager": run_eager,
    "tutorial": run_tutorial,
    "fit": run_fit,
    "library": run_library,
}

if __name__ == "__main__":
    main()
