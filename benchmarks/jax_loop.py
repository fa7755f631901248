"""Train a recipe's networks with JAX, on a machine that has no TensorFlow.

    python benchmarks/jax_loop.py RECIPE --images images.npy --minutes 9 --out runs/gpu

Needs JAX and Keras, and of this project what imports no TensorFlow: its networks, losses, schedules
and callbacks. RECIPE is a name or a JSON file, as for `python -m tutorial_lib train`, or
cat-faces-64-gpu (`RECIPES` below). The images are one array, uint8 (N, size, size, 3).

A step computes what the library's step computes (training/gan.py): from the same weights, latents
and batch both end in the same weights, up to rounding (tests/test_jax_loop.py). The rest is made
for an accelerator that does in half a second what takes a CPU minutes. The images lie on the
device, and several steps are one compiled call, so the host has next to nothing to do. And since
nobody knows beforehand how many images fit into the minutes that a machine is lent for, values can
fall with the share of a run that is done instead of with the images seen (`Fall`).

The run folder is that of the library's trainer, with one file of state instead of checkpoints:
the same command goes on from there, and scripts/publish_network.py takes the folder.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"  # read by Keras' first import

import dataclasses
import io
import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import jax
import jax.numpy as jnp
import keras
import numpy as np

import tutorial_lib
from tutorial_lib.algorithms import schedules
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.algorithms.registry import load_recipe
from tutorial_lib.data.pixels import fingerprint
from tutorial_lib.errors import TutorialError
from tutorial_lib.files import write_whole
from tutorial_lib.losses import get_loss, gradient_penalty, interpolate, wasserstein_penalty
from tutorial_lib.models.latents import draw_latents
from tutorial_lib.store import number_arrays
from tutorial_lib.training.callbacks import (
    Callback,
    Checkpoints,
    Log,
    Progress,
    SampleGrid,
    StopOnNonFinite,
)
from tutorial_lib.training.lock import locked

STEPS = 16  # in one compiled call
STATE = "state.npz"

# What `jax_loop.py` trains by default, and what made the published network of this name.
RECIPES = {
    "cat-faces-64-gpu": GANRecipe(
        networks="resnet",
        width=48,
        generator_blocks=2,
        discriminator_blocks=2,
        # Compute is not scarce there: eight times the batch of a CPU's recipe.
        batch_size=128,
        learning_rate=3e-4,
        # Each photograph is seen some three hundred times: both penalties at every step and
        # transforms at the discriminator keep it from learning them by heart (Huang 2024; Zhao
        # 2020).
        loss="relativistic",
        r1_gamma=2.0,
        r2_gamma=2.0,
        penalty_interval=1,
        augment="colour, translation",
        ema_halflife_kimg=500.0,
    )
}


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


FALLS = {"none": Fall(), "all": Fall(learning_rate=0.25, gamma=0.1, augment_probability=0.3)}


class GAN:
    """Hold what `training.gan.GAN` holds, with a step that JAX can compile.

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
        recipe = self.recipe
        rate_factor, gamma_factor = self.fall.factors(progress)
        rate = schedules.cosine(
            nimg, recipe.learning_rate, recipe.final_learning_rate, recipe.decay_kimg
        )
        # Lazily, every few steps but as much stronger: nearly free (Karras 2020).
        due = (nimg // recipe.batch_size) % recipe.penalty_interval == 0
        return {
            "ema_beta": schedules.ema_beta(nimg, recipe.batch_size, recipe.ema_halflife_kimg),
            "penalty_strength": gamma_factor * recipe.penalty_interval * due,
            "learning_rate": rate_factor * rate,
        }

    def train(
        self, images: jax.Array, order: dict[str, np.ndarray], nimg: int, progress: float
    ) -> dict[str, np.ndarray]:
        """Take as many steps as `order` has batches, and return their losses, each (steps,).

        `images` are all of them, uint8 on the device; `order` is a piece of `batches_from`.
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

        # A loop on the device, not `STEPS` copies of the step to compile.
        return jax.lax.scan(step, variables, inputs)

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
        transform = partial(
            augment,
            policy=self.recipe.augment,
            key=augment_key,
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


def augment(images: jax.Array, policy: str, key: jax.Array, probability: float) -> jax.Array:
    """Return images through the transforms of `policy`, as training/augment.py describes them.

    Each transform is applied to an image with `probability`, by a coin of its own. The same key
    means the same transforms.
    """
    for name in parse_policy(policy):
        key, number_key, coin_key = jax.random.split(key, 3)
        applied = jax.random.bernoulli(coin_key, probability, (len(images), 1, 1, 1))
        images = jnp.where(applied, TRANSFORMS[name](images, number_key), images)
    return images


def parse_policy(policy: str) -> list[str]:
    """Return the names in a policy, or raise `TutorialError` naming one without a JAX form."""
    names = [name.strip() for name in policy.split(",") if name.strip()]
    for name in names:
        if name not in TRANSFORMS:
            raise TutorialError(
                f"There is no augmentation named {name!r} here. Choose from: "
                f"{', '.join(TRANSFORMS)}."
            )
    return names


def colour(images: jax.Array, key: jax.Array) -> jax.Array:
    """Shift brightness by up to ±0.5, and scale saturation by 0 to 2 and contrast by ½ to 1½."""
    numbers = jax.random.uniform(key, (len(images), 1, 1, 1, 3))
    shift, saturation, contrast = jnp.moveaxis(numbers, -1, 0)
    images += shift - 0.5
    grey = jnp.mean(images, axis=3, keepdims=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = jnp.mean(images, axis=(1, 2, 3), keepdims=True)
    return (images - mean) * (contrast + 0.5) + mean


def translation(images: jax.Array, key: jax.Array) -> jax.Array:
    """Move each image by up to an eighth of its side, up or down and left or right."""
    count, size = images.shape[:2]
    reach = size // 8
    shifts = jax.random.randint(key, (count, 2), -reach, reach + 1)
    # One row and column of grey on each side: whatever lies outside is taken from there.
    images = jnp.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    sources = jnp.clip(jnp.arange(1, size + 1) + shifts[..., None], 0, size + 1)
    images = jnp.take_along_axis(images, sources[:, 0, :, None, None], axis=1)
    return jnp.take_along_axis(images, sources[:, 1, None, :, None], axis=2)


TRANSFORMS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "colour": colour,
    "translation": translation,
}


class State:
    """Keep a GAN's variables and the clock in one file.

    The order of the images and all noise derive from the recipe's seed and `nimg`, the images
    seen, so nothing else has state. `seconds` is the time of the run, saving included.
    """

    def __init__(self, gan: GAN, path: Path):
        self.gan, self.path = gan, path
        self.nimg, self.seconds = 0, 0.0

    def saved(self) -> list[Path]:
        """Return the file, if there is one."""
        return [self.path] if self.path.exists() else []

    def is_finite(self) -> bool:
        """Return whether no number of the average is NaN or infinite.

        What is wrong in either network gets there with the next step.
        """
        values = jax.tree.leaves(jax.device_get(self.gan.variables["average"]))
        return all(np.isfinite(value).all() for value in values)

    def save(self) -> None:
        """Write the file; one killed meanwhile leaves the older file whole."""
        values = jax.device_get(jax.tree.leaves(self.gan.variables))
        buffer = io.BytesIO()
        np.savez(buffer, nimg=self.nimg, seconds=self.seconds, **number_arrays(values))
        write_whole(self.path, buffer.getvalue())

    def restore(self) -> None:
        """Load the file, if there is one, or raise `TutorialError` if it is damaged."""
        if not self.path.exists():
            return
        present, structure = jax.tree.flatten(self.gan.variables)
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                values = [saved[name] for name in number_arrays(present)]
                self.nimg, self.seconds = int(saved["nimg"]), float(saved["seconds"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise TutorialError(
                f"The state {self.path} is damaged ({error}): start a run in another folder."
            ) from error
        self.gan.variables = jax.device_put(jax.tree.unflatten(structure, values))


class Run:
    """Train in a run folder, calling the callbacks of the library's `Trainer`, whose part it plays.

    `images` is uint8 (N, size, size, 3). A tick, every `tick_kimg` thousand images, is when
    callbacks log, sample and save. Raises `TutorialError` if the images do not fit the recipe.
    """

    def __init__(self, gan: GAN, images: np.ndarray, directory: Path, *, tick_kimg: float = 100.0):
        size = gan.recipe.size
        if images.shape[1:] != (size, size, 3) or len(images) < gan.recipe.batch_size:
            raise TutorialError(
                f"The recipe needs at least {gan.recipe.batch_size} images of shape "
                f"{(size, size, 3)}, not an array of shape {images.shape}."
            )
        self.algorithm, self.directory = gan, directory
        self.state = State(gan, directory / STATE)
        self.callbacks = [
            StopOnNonFinite(),
            Falling(),
            Log(),
            SampleGrid(),
            Checkpoints(60),
            Progress(),
        ]
        self.finished = False
        self._stop_nimg = self._stop_seconds = math.inf
        self._images = images
        self._tick_images = 1000 * tick_kimg
        self._config = {
            "algorithm": "GAN",
            "recipe": dataclasses.asdict(gan.recipe),
            "fall": dataclasses.asdict(gan.fall),
            "precision": gan.precision,
            "data": {"images": len(images), "sha256": fingerprint(images)},
        }

    @property
    def nimg(self) -> int:
        """The number of images seen."""
        return self.state.nimg

    def progress(self) -> float:
        """Return how much of what `fit` was asked for is done, from 0 to 1."""
        return min(1.0, max(self.nimg / self._stop_nimg, self.state.seconds / self._stop_seconds))

    def facts(self) -> dict:
        """Return what a model card says of the run so far."""
        return self._config | {
            "nimg": self.nimg,
            "minutes": round(self.state.seconds / 60, 1),
            "device": jax.devices()[0].device_kind,
            "replicas": 1,
            "versions": {
                "tutorial_lib": tutorial_lib.__version__,
                "jax": jax.__version__,
                "keras": keras.__version__,
            },
        }

    def fit(self, *, kimg: float = math.inf, minutes: float = math.inf) -> None:
        """Train until the run has seen `kimg` thousand images or has lasted `minutes`.

        Both count from the start of the run, not of this call, and are looked at every `STEPS`
        steps. Goes on with what is in the folder. Raises `TutorialError` if that was started
        with other settings, or if a loss is no longer finite.
        """
        self._stop_nimg, self._stop_seconds = 1000 * kimg, 60 * minutes
        start = time.monotonic()
        with locked(self.directory):
            self._open()
            # Reading the state, and compiling, are a part of the minutes.
            start -= self.state.seconds
            self._call("on_start")
            try:
                self._train(start)
            finally:
                self._call("on_end")

    def _open(self) -> None:
        """Write the settings of a new run, or check those of an old one and load its state."""
        path = self.directory / "config.json"
        if path.exists():
            before = json.loads(path.read_text("utf-8"))
            for name, value in json.loads(json.dumps(self._config)).items():
                if before.get(name) != value:
                    raise TutorialError(
                        f"The run in {self.directory} was started with {name} = "
                        f"{before.get(name)}, now it is {value}: choose another folder."
                    )
        self.state.restore()
        write_whole(path, (json.dumps(self._config, indent=2) + "\n").encode())

    def _train(self, start: float) -> None:
        """Take steps until there is nothing left to do."""
        state, recipe = self.state, self.algorithm.recipe
        images = jax.device_put(self._images)
        order = batches_from(len(images), recipe.batch_size, recipe.seed, recipe.flip, state.nimg)
        tick = Tick(state.nimg, state.seconds)
        self.finished = self.progress() >= 1
        while not self.finished:
            chunk = [next(order) for _ in range(STEPS)]
            chunk = {name: np.stack([batch[name] for batch in chunk]) for name in chunk[0]}
            losses = self.algorithm.train(images, chunk, state.nimg, self.progress())
            state.nimg += STEPS * recipe.batch_size
            state.seconds = time.monotonic() - start
            tick.add(losses)
            self.finished = self.progress() >= 1
            if self.finished or state.nimg - tick.nimg >= self._tick_images:
                self._call("on_tick", tick.record(state))
                state.seconds = time.monotonic() - start
                tick = Tick(state.nimg, state.seconds)

    def _call(self, occasion: str, *arguments) -> None:
        for callback in self.callbacks:
            getattr(callback, occasion)(self, *arguments)


class Tick:
    """Collect the losses of the steps between two ticks."""

    def __init__(self, nimg: int, seconds: float):
        self.nimg, self.seconds = nimg, seconds
        self._losses: list[dict[str, np.ndarray]] = []

    def add(self, losses: dict[str, np.ndarray]) -> None:
        """Take in the losses of some steps."""
        self._losses.append(losses)

    def record(self, state: State) -> dict:
        """Return a line of the log; the speed leaves callbacks out."""
        speed = (state.nimg - self.nimg) / (state.seconds - self.seconds)
        return {
            "nimg": state.nimg,
            "seconds": round(state.seconds, 3),
            "images_per_second": round(speed, 2),
        } | {
            name: float(np.mean([losses[name] for losses in self._losses]))
            for name in self._losses[0]
        }


class Falling(Callback):
    """Add to a tick's record what has fallen so far."""

    def on_tick(self, trainer: Run, record: dict) -> None:
        """Add the learning rate and the weights of the penalties."""
        gan = trainer.algorithm
        values = gan.schedule(trainer.nimg, trainer.progress())
        _, gamma_factor = gan.fall.factors(trainer.progress())
        record["learning_rate"] = values["learning_rate"]
        record["r1_gamma"] = gamma_factor * gan.recipe.r1_gamma
        record["r2_gamma"] = gamma_factor * gan.recipe.r2_gamma


def batches_from(
    count: int, batch_size: int, seed: int, flip: bool, nimg: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yield which images are in each batch, and which are mirrored, both (batch_size,).

    The order is that of data/pipeline.py, where the images themselves are yielded.
    """
    per_epoch = count // batch_size * batch_size
    epoch, position = divmod(nimg, per_epoch)
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(count).astype(np.int32)
        mirrored = np.random.default_rng([seed, epoch, 1]).random(count) < 0.5
        for first in range(position, per_epoch, batch_size):
            chosen = order[first : first + batch_size]
            yield {"chosen": chosen, "mirrored": mirrored[chosen] & flip}
        epoch, position = epoch + 1, 0


@click.command()
@click.argument("recipe", default="cat-faces-64-gpu")
@click.option("--images", required=True, type=click.Path(exists=True), help="A .npy file.")
@click.option("--minutes", type=float, default=math.inf, help="Training time in all.")
@click.option("--kimg", type=float, default=math.inf, help="Thousand images in all.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The run folder.")
@click.option("--fall", type=click.Choice(list(FALLS)), default="all", show_default=True)
@click.option(
    "--precision",
    type=click.Choice(["float32", "mixed_bfloat16"]),
    default="mixed_bfloat16",
    show_default=True,
)
@click.option("--seed", type=int, default=0, show_default=True)
def main(recipe, images, minutes, kimg, out, fall, precision, seed) -> None:
    """Train RECIPE until --minutes or --kimg is reached."""
    if minutes == kimg == math.inf:
        raise click.UsageError("Say when to stop: give --minutes, --kimg or both.")
    try:
        recipe = RECIPES[recipe] if recipe in RECIPES else load_recipe(recipe)
        recipe = dataclasses.replace(recipe, seed=seed)
        gan = GAN(recipe, precision=precision, fall=FALLS[fall])
        Run(gan, np.load(images), out).fit(kimg=kimg, minutes=minutes)
    except (TutorialError, OSError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
