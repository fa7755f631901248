"""Which machine this is: its number format, its memory, and how TensorFlow is set up for it."""
