"""Classes that scripts know from W&B: who asks for a member that ours lack is told where to read on."""

from typing import TYPE_CHECKING, NoReturn


class Familiar:
    """Names what is not there."""

    if not TYPE_CHECKING:  # a type checker must go on seeing misspelt names

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"sweepd.{type(self).__name__} has no attribute {name!r}; docs/wandb.md says what it has"
            )
