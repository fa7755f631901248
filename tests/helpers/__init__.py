"""What several test files share: `from helpers.runs import make_images`."""
