"""What is raised for an expression that cannot be understood."""


class ExpressionError(ValueError):
    """What is wrong with an expression, how many characters into it, and what may be meant instead."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion
