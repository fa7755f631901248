"""The one kind of error that a user can cause and mend."""


class TutorialError(ValueError):
    """Say in one sentence what is wrong with an input and what to do about it."""
