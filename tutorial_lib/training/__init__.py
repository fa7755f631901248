"""What goes on around any training step: the loop, its callbacks, saving and resuming, devices."""
