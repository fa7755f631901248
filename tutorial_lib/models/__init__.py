"""Networks, one file a family, each built by a function that returns a `keras.Model`."""

import keras

# A user's keras.json may say otherwise, but all of the book's images are (batch, h, w, channels).
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
