"""EfficientNet-Lite0, in whose features images are compared (chapter 9).

The network was trained to tell 1,000 kinds of things apart in ImageNet (Tan & Le 2019; the Lite
variant has ReLU6 and no squeeze-and-excitation).
"""

import keras
from keras import layers

LITE0 = "efficientnet-lite0"
SIZE = 128  # pixels a side that the features are defined for here
FEATURES = 1280
# repeats, kernel, stride of the first repeat, expansion, channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build_lite0() -> keras.Model:
    """Build EfficientNet-Lite0, untrained, from pixels 0..255 to features.

    It maps (batch, 128, 128, 3) to (batch, 1280), the activation after the last 1×1 convolution
    averaged over space. Batch norms are folded into the convolutions, whose biases they become.
    """
    pixels = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Rescaling(1 / 128, -127 / 128, dtype="float32")(pixels)
    x = _relu6(layers.Conv2D(32, 3, 2, "same", dtype="float32")(x))
    for repeats, kernel, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            x = _block(x, kernel, 1 if repeat else stride, expansion, channels)
    x = _relu6(layers.Conv2D(FEATURES, 1, dtype="float32")(x))
    return keras.Model(pixels, layers.GlobalAveragePooling2D(dtype="float32")(x), name=LITE0)


def _block(x, kernel: int, stride: int, expansion: int, channels: int):
    """Widen, filter each channel by itself, narrow; add the input where the shapes allow it."""
    start, width = x, x.shape[-1]
    if expansion > 1:
        x = _relu6(layers.Conv2D(expansion * width, 1, dtype="float32")(x))
    x = _relu6(layers.DepthwiseConv2D(kernel, stride, "same", dtype="float32")(x))
    x = layers.Conv2D(channels, 1, dtype="float32")(x)
    skip = stride == 1 and width == channels
    return layers.Add(dtype="float32")([x, start]) if skip else x


def _relu6(x):
    return layers.ReLU(6, dtype="float32")(x)
