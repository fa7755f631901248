"""Networks, one file a family, each built by a function that returns a `keras.Model`."""
