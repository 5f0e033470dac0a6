"""Functions of the module that act on its run: `sweepd.save(…)` is `sweepd.run.save(…)`."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sweepd.script.run.run import Run
from sweepd.script.session import implied_run

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _of_run(method: Callable[Concatenate[Run, Arguments], Result]) -> Callable[Arguments, Result]:
    @wraps(method)
    def call(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        return method(implied_run(), *arguments, **named)

    return call


alert = _of_run(Run.alert)
checkpoint_saved = _of_run(Run.checkpoint_saved)
define_metric = _of_run(Run.define_metric)
link_artifact = _of_run(Run.link_artifact)
link_model = _of_run(Run.link_model)
log_artifact = _of_run(Run.log_artifact)
log_code = _of_run(Run.log_code)
log_model = _of_run(Run.log_model)
mark_preempting = _of_run(Run.mark_preempting)
restore = _of_run(Run.restore)
save = _of_run(Run.save)
unwatch = _of_run(Run.unwatch)
use_artifact = _of_run(Run.use_artifact)
use_model = _of_run(Run.use_model)
watch = _of_run(Run.watch)


def login(*ignored: object, **more: object) -> bool:
    """Return True: a script needs no login, its agent has one."""
    return True


def setup(*ignored: object, **more: object) -> None:
    """Do nothing: there is nothing to set up."""


teardown = setup
