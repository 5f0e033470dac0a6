"""Commands and their group: common options, two lengths of help, loading at first use."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from inspect import signature

import click

from sweepd.cli.settings import common_options

Function = Callable[..., object]
_WIDTH = 100
_CALLED_ELSEWHERE = {
    "ls": "list",
    "show": "get",
    "describe": "get",
    "status": "get",
    "top": "watch",
    "tail": "logs",
    "kill": "cancel",
    "start": "run",
    "sweep": "create",
}
"""Commands by the names that other tools have for them, where spelling does not lead there."""
_OTHER_COMMANDS = {
    "agent": "agents are started with `sweep-agent ID`; `sweepctl agents` lists them",
    "up": "the server is started with `sweepd up`",
    "down": "the server is ended with `sweepd down`",
    "server": "the server is started with `sweepd up`",
}
"""Answers to words that name no command of `sweepctl`, but one of another program."""


def _help_options() -> list[click.Parameter]:
    def show(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            context.meta["sweepctl.short"] = parameter.name == "short_help_wanted"
            click.echo(context.get_help(), color=context.color)
            context.exit()

    def option(names: list[str], text: str) -> click.Option:
        return click.Option(names, is_flag=True, expose_value=False, is_eager=True, callback=show, help=text)

    return [
        option(["-h", "short_help_wanted"], "Show the options."),
        option(["--help", "long_help_wanted"], "Show the options, and examples."),
    ]


def _version_option() -> click.Parameter:
    def show(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            from importlib.metadata import version

            click.echo(f"sweepctl {version('sweepd')}")
            context.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version of this command; `sweepctl version` asks the server, too.",
    )


class Command(click.Command):
    """A command with the common options; `--help` ends with examples, `-h` leaves them out."""

    def __init__(
        self,
        name: str | None,
        *,
        examples: Sequence[str] = (),
        callback: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
        help: str | None = None,  # noqa: A002 - click's name
    ) -> None:
        super().__init__(
            name,
            callback=callback,
            params=[*(params or ()), *common_options(), *_help_options()],
            help=help,
            add_help_option=False,
            context_settings={"max_content_width": _WIDTH},
        )
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self.examples, ctx, formatter)


def command(*examples: str, name: str | None = None) -> Callable[[Function], Command]:
    """Return the decorator that makes a command of a function; its name is that of the function."""
    return click.command(name, cls=Command, examples=examples)


def gathered(
    name: str, make: Function, *options: Callable[[Function], Function]
) -> Callable[[Function], Function]:
    """Return the decorator that gives a command options, the last first, as one argument.

    Args:
        name: that of the argument.
        make: returns it; its parameters have the names of the options.
        options: the decorators of the options.
    """
    members = tuple(signature(make).parameters)

    def decorated(function: Function) -> Function:
        @wraps(function)
        def called(**values: object) -> object:
            argument = make(**{member: values.pop(member) for member in members})
            return function(**{name: argument}, **values)

        wrapped: Function = called
        for option in options:
            wrapped = option(wrapped)
        return wrapped

    return decorated


class CommandGroup(click.Group):
    """Group of commands: a table of their names, each with the place of its code and a line of help."""

    def __init__(
        self,
        *,
        package: str,
        commands: Mapping[str, tuple[str, str]],
        examples: Sequence[str],
        help: str,  # noqa: A002 - click's name
    ) -> None:
        super().__init__(
            "sweepctl",
            help=help,
            params=[_version_option(), *common_options(), *_help_options()],
            add_help_option=False,
            context_settings={"max_content_width": _WIDTH},
            no_args_is_help=False,
            invoke_without_command=True,
            subcommand_metavar="COMMAND …",
            callback=_show_help_without_command,
        )
        self.package = package
        self.table = commands
        self.examples = examples

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a person meets them."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name][0].partition(":")
        command = getattr(import_module(f"{self.package}.{module}"), name or "command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            from sweepd.spec.wording import close

            near = _CALLED_ELSEWHERE.get(name) or close(name, self.table)
            hint = _OTHER_COMMANDS.get(name) or (near and f"did you mean `{near}`?")
            raise click.UsageError(f"no such command: {name}" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self.examples, ctx, formatter)


def _write_examples(examples: Sequence[str], context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write examples where the long help is wanted, each on one line, however long: they are copied."""
    if examples and not context.meta.get("sweepctl.short"):
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


@click.pass_context
def _show_help_without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), color=context.color)
