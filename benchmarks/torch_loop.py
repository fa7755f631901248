"""Train twins of our networks in PyTorch, to compare the speed.

    python benchmarks/torch_loop.py FILE BATCH SECONDS PRECISION FORMAT MODE

FILE comes from network_outline.py. PRECISION is float32 or bfloat16, FORMAT is contiguous or
channels_last, MODE eager or compiled. Needs PyTorch and NumPy and nothing of this project but
turns.py, so it can run in an environment of its own. It ends in an error if a twin does not
compute what its original does.

The step is written as well as one can: one forward pass of the fakes serves both losses, Adam is
fused, and the average of the generator is kept, as in the library's step.
"""

import copy
import json
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus
from turns import StopWatch, peak_memory_mb


def main() -> None:
    """Measure the variant that the command line names, and print the result."""
    path, batch, seconds, *variant = sys.argv[1:]
    print(json.dumps(measure(path, int(batch), float(seconds), *variant)))


def measure(path: str, batch: int, seconds: float, precision: str, form: str, mode: str) -> dict:
    """Return the speed (median over steps), peak memory and network sizes of one variant."""
    torch.manual_seed(0)
    described = np.load(path, allow_pickle=False)
    generator, discriminator = twin(described, "generator"), twin(described, "discriminator")
    check_twins(generator, discriminator, described)
    step = build_step(generator, discriminator, described, batch, precision, form, mode)
    watch = StopWatch(seconds)
    while watch.tick():
        step()
    return {
        "images_per_second": batch / watch.median(),
        "peak_mb": peak_memory_mb(),
        "weights": [count_weights(network) for network in (generator, discriminator)],
        "version": torch.__version__,
    }


def count_weights(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(weight.numel() for weight in network.parameters())


def build_step(generator, discriminator, described, batch, precision, form, mode):
    """Return a function without arguments that does one training step and returns the losses."""
    latent_size = described["latents"].shape[1]
    height, width, channels = described["images"].shape[1:]
    memory = getattr(torch, f"{form}_format" if form == "contiguous" else form)
    average = copy.deepcopy(generator)
    for network in (generator, discriminator):
        network.to(memory_format=memory).train()
    real_images = torch.rand(batch, channels, height, width) * 2 - 1
    real_images = real_images.to(memory_format=memory)
    optimizers = [
        torch.optim.Adam(network.parameters(), 1e-4, fused=True)
        for network in (generator, discriminator)
    ]
    averaged, current = (
        [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
        for network in (average, generator)
    )
    generate, discriminate = generator, discriminator
    if mode == "compiled":
        # Two gradients are taken through one forward pass, so its tensors must stay.
        torch._functorch.config.donated_buffer = False
        generate, discriminate = torch.compile(generator), torch.compile(discriminator)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            fake_images = generate(torch.randn(batch, latent_size))
            real_logits, fake_logits = discriminate(real_images), discriminate(fake_images)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        generator_loss = softplus(-fake_logits).mean()
        discriminator_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        # Both gradients before either step: a step changes what the other was computed with.
        set_gradients(generator, generator_loss)
        set_gradients(discriminator, discriminator_loss)
        for optimizer in optimizers:
            optimizer.step()
        torch._foreach_lerp_(averaged, current, 0.01)
        return generator_loss.item(), discriminator_loss.item()

    return step


def set_gradients(network: nn.Module, loss: torch.Tensor) -> None:
    """Take the gradient of a loss towards the weights of one network alone."""
    weights = list(network.parameters())
    for weight, gradient in zip(
        weights, torch.autograd.grad(loss, weights, retain_graph=True), strict=True
    ):
        weight.grad = gradient


def twin(described, name: str) -> nn.Sequential:
    """Return the network of that name with its original's weights."""
    modules = []
    for index, entry in enumerate(json.loads(str(described[name]))):
        module = BUILDERS[entry["type"]](entry)
        parts = [key for key in described.files if key.startswith(f"{name}/{index}/")]
        fill(module, [torch.tensor(described[key]) for key in sorted(parts)])
        modules.append(module)
    return nn.Sequential(*modules)


def fill(module: nn.Module, weights: list[torch.Tensor]) -> None:
    """Copy a layer's weights into its twin, which keeps the axes of a kernel in another order."""
    if not weights:
        return
    if isinstance(module, nn.BatchNorm2d):
        targets = (module.weight, module.bias, module.running_mean, module.running_var)
    else:
        order = (1, 0) if weights[0].ndim == 2 else (3, 2, 0, 1)
        weights[0] = weights[0].permute(order)
        targets = (module.weight, module.bias)
    with torch.no_grad():
        for target, weight in zip(targets, weights, strict=False):
            target.copy_(weight)


def check_twins(generator: nn.Module, discriminator: nn.Module, described) -> None:
    """Raise ValueError unless both compute what their originals do, up to rounding."""
    generator.eval(), discriminator.eval()
    with torch.no_grad():
        images = generator(torch.tensor(described["latents"]))
        logits = discriminator(torch.tensor(described["images"]).permute(0, 3, 1, 2))
    for ours, theirs in (
        (images.permute(0, 2, 3, 1).numpy(), described["images"]),
        (logits.numpy(), described["logits"]),
    ):
        if np.abs(ours - theirs).max() > 1e-3 * np.abs(theirs).max():
            raise ValueError("A network in PyTorch does not compute what its original does.")


class ToImages(nn.Module):
    """Turn vectors into images: the original's channels come last, PyTorch's first."""

    def __init__(self, shape: list[int]):
        super().__init__()
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, channels, height, width)."""
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class ToVectors(nn.Module):
    """Turn images into vectors in the order of the original."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, height × width × channels)."""
        return x.permute(0, 2, 3, 1).flatten(1)


def convolution(entry: dict) -> nn.Module:
    """Return a convolution, transposed or not, with the padding that Keras calls "same"."""
    kernel, stride = entry["kernel_size"][0], entry["strides"][0]
    if entry["padding"] != "same" or (kernel - stride) % 2:
        raise ValueError(f"There is no twin for the padding of {entry}.")
    build = nn.Conv2d if entry["type"] == "Conv2D" else nn.ConvTranspose2d
    padding = (kernel - stride) // 2
    return build(
        entry["channels"], entry["filters"], kernel, stride, padding, bias=entry["use_bias"]
    )


BUILDERS = {
    "Dense": lambda entry: nn.Linear(entry["channels"], entry["units"], bias=entry["use_bias"]),
    "Conv2D": convolution,
    "Conv2DTranspose": convolution,
    "BatchNormalization": lambda entry: nn.BatchNorm2d(
        entry["channels"], eps=entry["epsilon"], momentum=1 - entry["momentum"]
    ),
    "Reshape": lambda entry: ToImages(entry["target_shape"]),
    "Flatten": lambda entry: ToVectors(),
    "ReLU": lambda entry: nn.ReLU(),
    "LeakyReLU": lambda entry: nn.LeakyReLU(entry["negative_slope"]),
    "Activation": lambda entry: {"tanh": nn.Tanh}[entry["activation"]](),
}

if __name__ == "__main__":
    main()
