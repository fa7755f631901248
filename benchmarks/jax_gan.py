"""A GAN's training step under JAX: a recipe's networks, losses, penalties, augmentation, average.

It computes what the library's step computes (algorithms/gan.py): from the same weights, latents and
batch both end in the same weights, up to rounding (tests/benchmarks/test_jax_loop.py). It is made
for an accelerator: the images lie on the device, and several steps are one compiled call, so that
the host has next to nothing to do. No TensorFlow is needed.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"  # read by Keras' first import

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tutorial_lib.algorithms import gan_recipes, schedules
from tutorial_lib.algorithms.augment import augment, numbers_needed, parse_policy
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.errors import TutorialError
from tutorial_lib.losses import get_loss, gradient_penalty, interpolate, wasserstein_penalty
from tutorial_lib.models.latents import draw_latents


@dataclasses.dataclass(frozen=True)
class Fall:
    """Hold what a recipe can't say: values that fall with the share of the run that is done.

    The defaults change nothing: the recipe alone decides.
    """

    # By what the learning rate is multiplied in the end: details need small steps (Huang 2024).
    learning_rate: float = 1.0
    # The same of the penalties' weights. A flat discriminator is safe while the images are far
    # from photographs; later it must be steep enough to see small differences.
    gamma: float = 1.0
    # How likely an image goes through a transform. At 1 the discriminator sees no image as it
    # is, and the transforms can leak into what is generated (Karras 2020).
    augment_probability: float = 1.0

    def factors(self, progress: float) -> tuple[float, float]:
        """Return the factors of the learning rate and of the penalties, at `progress` in [0, 1]."""
        # In thousandths, so the schedule's unit of a thousand images becomes the whole run.
        return tuple(
            schedules.cosine(progress, 1.0, last, 0.001)
            for last in (self.learning_rate, self.gamma)
        )


class GAN:
    """Hold what `algorithms.gan.GAN` holds, with a step that JAX can compile.

    `variables` are all that training changes, as nested lists of float32 arrays on the device;
    the networks only say how to compute with them. Raises `TutorialError` for names that do not
    exist and for a batch without whole groups of the images that the discriminator compares.
    """

    def __init__(self, recipe: GANRecipe, *, precision: str = "float32", fall: Fall | None = None):
        self.recipe, self.precision, self.fall = recipe, precision, fall or Fall()
        self.loss = get_loss(recipe.loss)
        parse_policy(recipe.augment)
        networks = get_networks(recipe.networks)
        if recipe.batch_size % networks.group:
            raise TutorialError(f"batch_size must be a multiple of {networks.group}.")
        # The host draws the first weights: on the device, each of their shapes costs a compilation.
        with jax.default_device(jax.devices("cpu")[0]):
            keras.config.set_dtype_policy(precision)
            self.generator = networks.generator(recipe)
            self.discriminator = networks.discriminator(recipe)
            keras.config.set_dtype_policy("float32")  # samples come from the average: no rounding
            self._average = networks.generator(recipe)
            self.optimizers = {
                "generator": build_optimizer(recipe, self.generator),
                "discriminator": build_optimizer(recipe, self.discriminator),
            }
        self.variables = jax.device_put(self.initial_variables())
        self._take_steps = jax.jit(self._steps, donate_argnums=0)
        self._sample = jax.jit(self._draw_average)

    def initial_variables(self) -> dict:
        """Return copies of the variables of both networks, both optimisers and the average."""
        return {
            "generator": values_of(self.generator),
            "discriminator": values_of(self.discriminator),
            "average": values_of(self.generator),
        } | {
            f"{name}_optimizer": [np.array(variable.value) for variable in optimizer.variables]
            for name, optimizer in self.optimizers.items()
        }

    def schedule(self, nimg: int, progress: float = 0.0) -> dict[str, float]:
        """Return what changes over the run, at `nimg` images seen and `progress` in [0, 1]."""
        values = gan_recipes.schedule(self.recipe, nimg)
        rate_factor, gamma_factor = self.fall.factors(progress)
        values["learning_rate"] *= rate_factor
        values["penalty_strength"] *= gamma_factor
        return values

    def train(
        self, images: jax.Array, order: dict[str, np.ndarray], nimg: int, progress: float
    ) -> dict[str, np.ndarray]:
        """Take as many steps as `order` has batches, and return their losses, each (steps,).

        `images` are all of them, uint8 on the device; `order` is some of what `shuffled` yields.
        """
        steps = len(order["chosen"])
        clock = [nimg + index * self.recipe.batch_size for index in range(steps)]
        values = [self.schedule(moment, progress) for moment in clock]
        inputs = order | {
            "step": np.array(clock, np.int32) // self.recipe.batch_size,
            "values": {name: np.float32([v[name] for v in values]) for name in values[0]},
        }
        self.variables, losses = self._take_steps(self.variables, images, inputs)
        return jax.device_get(losses)  # waits for the device, so the clock is right after it

    def _steps(self, variables: dict, images: jax.Array, inputs: dict) -> tuple[dict, dict]:
        """Return the variables after a step with each of the inputs, and the losses."""

        def step(variables, now):
            key = jax.random.fold_in(jax.random.key(self.recipe.seed), now["step"])
            latent_key, step_key = jax.random.split(key)
            shape = (self.recipe.batch_size, self.recipe.latent_size)
            latents = jax.random.normal(latent_key, shape)
            batch = images[now["chosen"]].astype(jnp.float32) / 127.5 - 1
            mirrored = now["mirrored"][:, None, None, None]
            batch = jnp.where(mirrored, batch[:, :, ::-1], batch)
            return self.train_step(variables, batch, latents, step_key, now["values"])

        if len(inputs["step"]) > 1:
            # A loop on the device, not a copy of the step for each of them to compile.
            return jax.lax.scan(step, variables, inputs)
        # Without a loop: inside of one, a step was many times as slow on a CPU.
        variables, losses = step(variables, jax.tree.map(lambda values: values[0], inputs))
        return variables, jax.tree.map(lambda loss: loss[None], losses)

    def train_step(
        self,
        variables: dict,
        real_images: jax.Array,
        latents: jax.Array,
        key: jax.Array,
        values: dict[str, jax.Array],
    ) -> tuple[dict, dict[str, jax.Array]]:
        """Return the variables after one step, and the two losses.

        `real_images` are (batch, size, size, 3) in [-1, 1], `latents` (batch, latent_size); all
        other randomness depends on `key`; `values` come from `schedule`.
        """
        augment_key, penalty_key = jax.random.split(key)
        # Both through the same transforms: the discriminator sees nothing else.
        policy = self.recipe.augment
        transform = partial(
            augment,
            policy=policy,
            numbers=jax.random.uniform(augment_key, (len(latents), numbers_needed(policy))),
            probability=self.fall.augment_probability,
        )
        real_images = transform(real_images)
        gradients, rest, fake_images, losses = self._game(
            variables, real_images, latents, transform
        )
        if self._has_penalty():
            gradients["discriminator"] = jax.tree.map(
                jnp.add,
                gradients["discriminator"],
                self._penalty_gradients(
                    variables["discriminator"],
                    (real_images, fake_images),
                    penalty_key,
                    values["penalty_strength"],
                ),
            )
        return self._update(variables, gradients, rest, values), losses

    def _game(
        self, variables: dict, real_images: jax.Array, latents: jax.Array, transform: Callable
    ) -> tuple[dict, dict, jax.Array, dict]:
        """Return each network's gradients and other variables, the fakes, and the losses."""
        generator, discriminator = variables["generator"], variables["discriminator"]

        def draw(weights):
            images, rest = self.generator.stateless_call(
                weights, generator["rest"], latents, training=True
            )
            return transform(images), rest

        def judge(weights, images):
            call = partial(self.discriminator.stateless_call, weights, training=True)
            real_logits, rest = call(discriminator["rest"], real_images)
            fake_logits, rest = call(rest, images)
            return (real_logits, fake_logits), rest

        # One forward pass of the fakes: the gradients of both losses go back through it.
        images, back_to_latents, drawn = jax.vjp(draw, generator["weights"], has_aux=True)
        logits, back_to_images, judged = jax.vjp(
            judge, discriminator["weights"], images, has_aux=True
        )
        losses, gradients = {}, {}
        for name, loss in self.loss._asdict().items():
            losses[f"{name}_loss"], slopes = jax.value_and_grad(loss, (0, 1))(*logits)
            gradients[name] = back_to_images(slopes)
        (of_generator,) = back_to_latents(gradients["generator"][1])
        gradients = {"generator": of_generator, "discriminator": gradients["discriminator"][0]}
        return gradients, {"generator": drawn, "discriminator": judged}, images, losses

    def _has_penalty(self) -> bool:
        return any((self.recipe.r1_gamma, self.recipe.r2_gamma, self.recipe.slope_weight))

    def _penalty_gradients(
        self, discriminator: dict, images: tuple, key: jax.Array, strength: jax.Array
    ) -> list[jax.Array]:
        """Return the gradients of the penalties on the slope, at real and at fake images."""
        recipe, (real_images, fake_images) = self.recipe, images
        epsilon = jax.random.uniform(key, (len(real_images),))
        penalties = [
            (recipe.r1_gamma, gradient_penalty, real_images),
            (recipe.r2_gamma, gradient_penalty, fake_images),
            (
                recipe.slope_weight,
                wasserstein_penalty,
                interpolate(real_images, fake_images, epsilon),
            ),
        ]

        def gradients(weights):
            parts = [
                jax.tree.map(
                    partial(jnp.multiply, strength * weight),
                    self._slope_gradients(weights, discriminator["rest"], penalty, places),
                )
                for weight, penalty, places in penalties
                if weight
            ]
            return jax.tree.map(lambda *values: sum(values), *parts)

        weights = discriminator["weights"]
        if recipe.penalty_interval == 1:
            # Without a branch, the compiler can share the forward passes with the game's.
            return gradients(weights)
        zeros = partial(jax.tree.map, jnp.zeros_like)
        return jax.lax.cond(strength > 0, gradients, zeros, weights)

    def _slope_gradients(
        self, weights: list, rest: list, penalty: Callable, images: jax.Array
    ) -> list[jax.Array]:
        """Return the gradients of a penalty on the discriminator's slope at these images.

        Going back through the way back would take convolutions with kernels as large as images,
        which GPUs are slow at. The chain rule gets around them: the penalty's gradient is that of
        the slope *along* one direction, the penalty's own gradient, and that slope is computed
        on the way forward.
        """

        def total(images, weights):
            call = self.discriminator.stateless_call
            return jnp.sum(call(weights, rest, images, training=True)[0])

        direction = jax.grad(penalty)(jax.grad(total)(images, weights))

        def along(weights):
            return jax.jvp(lambda images: total(images, weights), (images,), (direction,))[1]

        return jax.grad(along)(weights)

    def _update(self, variables: dict, gradients: dict, rest: dict, values: dict) -> dict:
        """Return the variables after both optimisers' steps, the average included."""
        updated = {}
        for name, optimizer in self.optimizers.items():
            state = with_rate(optimizer, variables[f"{name}_optimizer"], values["learning_rate"])
            weights, updated[f"{name}_optimizer"] = optimizer.stateless_apply(
                state, gradients[name], variables[name]["weights"]
            )
            updated[name] = {"weights": weights, "rest": rest[name]}
        # The statistics of batch norm are averaged like the weights, since they belong to them.
        updated["average"] = jax.tree.map(
            lambda averaged, current: current + values["ema_beta"] * (averaged - current),
            variables["average"],
            updated["generator"],
        )
        return updated

    @property
    def average(self) -> keras.Model:
        """The averaged generator, in float32: the network that a run publishes."""
        return filled(self._average, self.variables["average"])

    def draw_latents(self, count: int, seed: int = 0) -> np.ndarray:
        """Return what `sample` takes: latents (count, latent_size), the same for each seed."""
        return draw_latents(count, self.recipe.latent_size, seed=seed)

    def sample(self, latents: np.ndarray) -> np.ndarray:
        """Return the averaged generator's images for these latents, float32 in [-1, 1]."""
        return np.asarray(self._sample(self.variables["average"], latents))

    def _draw_average(self, average: dict, latents: jax.Array) -> jax.Array:
        call = self._average.stateless_call
        return call(average["weights"], average["rest"], latents, training=False)[0]


def fast_conv_transpose(x: jax.Array, kernel: jax.Array, *arguments, **options) -> jax.Array:
    """Return `jax.lax.conv_transpose` of these, with another way to its kernel's gradient.

    JAX's own is a convolution with a kernel as large as the image, which is slow on a GPU (in
    three dimensions 32 times as slow as PyTorch's, github.com/jax-ml/jax/issues/31662). But
    <g, T(x)> = <T'(g), x>, where T is the transposed convolution and T' an ordinary one with the
    same kernel, so the right side has the same gradient, and that is what every library does well.
    """

    def enlarge(x, kernel):
        return CONV_TRANSPOSE(x, kernel, *arguments, **options)

    def forward(x, kernel):
        return enlarge(x, kernel), (x, kernel)

    def backward(inputs, gradient):
        x, kernel = inputs

        def shrink(kernel):
            (smaller,) = jax.linear_transpose(lambda x: enlarge(x, kernel), x)(gradient)
            return smaller

        of_x, back_to_kernel = jax.vjp(shrink, kernel)
        (of_kernel,) = back_to_kernel(x)
        return of_x, of_kernel

    function = jax.custom_vjp(enlarge)
    function.defvjp(forward, backward)
    return function(x, kernel)


CONV_TRANSPOSE = jax.lax.conv_transpose
jax.lax.conv_transpose = fast_conv_transpose  # what Keras' layers call


def values_of(network: keras.Model) -> dict[str, list[np.ndarray]]:
    """Return copies of a network's variables: its weights, and the rest that isn't trained."""
    return {
        "weights": [np.array(variable.value) for variable in network.trainable_variables],
        "rest": [np.array(variable.value) for variable in network.non_trainable_variables],
    }


def filled(network: keras.Model, values: dict[str, list]) -> keras.Model:
    """Return the network after giving it values as `values_of` returns them."""
    variables = network.trainable_variables + network.non_trainable_variables
    values = jax.device_get(values["weights"] + values["rest"])
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return network


def build_optimizer(recipe: GANRecipe, network: keras.Model) -> keras.optimizers.Optimizer:
    """Return Adam for a network's weights, its variables made."""
    optimizer = keras.optimizers.Adam(recipe.learning_rate, recipe.beta_1, recipe.beta_2)
    optimizer.build(network.trainable_variables)
    return optimizer


def with_rate(optimizer: keras.optimizers.Optimizer, state: list, rate: jax.Array) -> list:
    """Return an optimiser's variables with another learning rate among them."""
    return [
        rate if variable is optimizer.learning_rate else value
        for variable, value in zip(optimizer.variables, state, strict=True)
    ]
