"""The exception for wrong input: what was found, what was expected, and the remedy."""

AFFECTS_RESULTS = False


class InputError(ValueError):
    """Wrong input from the user: data, sample sheet, configuration or resource.

    Parameters
    ----------
    found
        What was found, with the file, column or key and an example of the offending value.
    expected
        What would have been right.
    remedy
        What the user can do about it.
    """

    def __init__(
        self,
        found: str,
        expected: str,
        remedy: str,
    ) -> None:
        # All three are arguments of the exception, so that it survives pickling between processes.
        super().__init__(found, expected, remedy)
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return (
            f"Found: {self.found}\nExpected: {self.expected}\nTo mend it: {self.remedy}"
        )


class WriteFault(InputError):
    """A folder that is full or cannot be written to."""
