"""The models, data and training loop of the book "Cats from Noise"."""

__version__ = "0.1.0"
