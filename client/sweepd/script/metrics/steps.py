"""Step counter of one process."""


class Steps:
    """Current step, and whether its last line was marked open.

    A step below the current one is late; the same step is extended; a higher one becomes current. A row
    without a step belongs to the current one. `commit` decides whether a row completes its step; by default,
    rows without a step do, and rows with one do not. Only rows with `commit=False` are marked open, so that
    readers need not wait after the others.
    """

    def __init__(self, first: int = 0) -> None:
        self.current = first
        self.marked_open = False
        # True once the current step has a row.
        self.begun = False

    def place(self, step: int | None, *, commit: bool | None) -> bool:
        """Make the step of the next row current; return False if it is late and must be dropped."""
        if step is not None:
            if step < self.current:
                return False
            self.current = step
        self.marked_open = commit is False
        self.begun = True
        return True

    def completes(self, step: int | None, *, commit: bool | None) -> bool:
        """Return whether a row with these arguments completes its step."""
        return step is None if commit is None else commit

    def advance(self) -> None:
        """Move to the next step."""
        self.current += 1
        self.begun = False

    @property
    def last(self) -> int:
        """Newest step with a row; one below the first while there is none."""
        return self.current if self.begun else self.current - 1
