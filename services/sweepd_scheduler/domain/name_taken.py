"""Why a new sweep or run cannot have the name that is wanted for it."""

from sweepd_kernel.errors import DomainError, Reason, Status


class NameTakenError(DomainError):
    """A sweep or a run of the project goes by this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} exists already",
            status=Status.ALREADY_EXISTS,
            reason=Reason.NAME_TAKEN,
            metadata={"name": name},
        )
