"""Which step a row belongs to: the counting of one process."""


class Steps:
    """The step that is current, and whether its last line announced more.

    A step given below the current one is too late; the current one is added to; one above becomes current. A
    row without a step goes to the current one. Whether a row completes its step: `commit`, or if that is not
    said, rows without a step do, and rows with one leave it current for what else is logged with the same
    step. Only a row with `commit=False` is marked as open, so a reader need not wait for the others.
    """

    def __init__(self, first: int = 0) -> None:
        self.current = first
        self.announced_more = False
        # Whether the current step has a row.
        self.begun = False

    def place(self, step: int | None, *, commit: bool | None) -> bool:
        """Make the step of the next row current; False if that row comes too late and is to be dropped."""
        if step is not None:
            if step < self.current:
                return False
            self.current = step
        self.announced_more = commit is False
        self.begun = True
        return True

    def completes(self, step: int | None, *, commit: bool | None) -> bool:
        """Return whether such a row is the last of its step."""
        return step is None if commit is None else commit

    def advance(self) -> None:
        """Leave the current step for the next."""
        self.current += 1
        self.begun = False

    @property
    def last(self) -> int:
        """The newest step with a row; one below the first while there is none."""
        return self.current if self.begun else self.current - 1
