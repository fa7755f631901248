"""The training loop: what one step does (gan), and all that goes on around it (trainer)."""
