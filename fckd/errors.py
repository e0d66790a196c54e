"""The two exceptions that are expected: the user's to mend, and a training run that broke down."""


class UserError(Exception):
    """A mistake in what the user gave: shown as one message, exit code 2, no traceback.

    Args:
        given: What was found, with its place (file, field, sample).
        expected: What would have been right.
        remedy: What to do now.
    """

    def __init__(self, given: str, expected: str, remedy: str) -> None:
        super().__init__(given, expected, remedy)
        self.given = given
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.given}\n  expected: {self.expected}\n  to do:    {self.remedy}"


class TrainingError(Exception):
    """A training run cannot go on (a value is not finite, a weighted term has no gradient)."""
