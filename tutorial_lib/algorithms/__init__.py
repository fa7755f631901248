"""What one training step does: an algorithm a file, and the recipes that they follow."""
