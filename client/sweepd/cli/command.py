"""Classes of commands and of their group: common options, short and long help, lazy loading."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from inspect import signature

import click

from sweepd.cli.settings import common_options

Function = Callable[..., object]
_WIDTH = 100
_NAMES_IN_OTHER_TOOLS = {
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
"""Commands by their names in other tools, where a search for similar spelling does not find them."""
_OTHER_COMMANDS = {
    "agent": "agents are started with `sweep-agent ID`; `sweepctl agents` lists them",
    "up": "the server is started with `sweepd up`",
    "down": "the server is stopped with `sweepd down`",
    "server": "the server is started with `sweepd up`",
}
"""Hints for words that are not commands of sweepctl, but concern other programs of sweepd."""


def _show_flag(names: list[str], text: str, show: Callable[[click.Context], object]) -> click.Parameter:
    """Return a flag that shows a text and then exits."""

    def called(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            show(context)
            context.exit()

    return click.Option(names, is_flag=True, expose_value=False, is_eager=True, callback=called, help=text)


def _show_help(context: click.Context) -> None:
    click.echo(context.get_help(), color=context.color)


def _show_short_help(context: click.Context) -> None:
    context.meta["sweepctl.short"] = True
    _show_help(context)


def _show_version(context: click.Context) -> None:
    from importlib.metadata import version

    click.echo(f"sweepctl {version('sweepd')}")


def _help_options() -> list[click.Parameter]:
    return [
        _show_flag(["-h", "short_help_wanted"], "Show the options.", _show_short_help),
        _show_flag(["--help", "long_help_wanted"], "Show the options, and examples.", _show_help),
    ]


class Command(click.Command):
    """Command with the common options; `--help` ends with examples, `-h` omits them."""

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
    """Return a decorator that turns a function into a command, named after the function by default."""
    return click.command(name, cls=Command, examples=examples)


def option_group(
    name: str, make: Function, *options: Callable[[Function], Function]
) -> Callable[[Function], Function]:
    """Return a decorator that adds options to a command and passes their values as one argument.

    Args:
        name: name of the argument.
        make: function that builds the argument; its parameters have the names of the options.
        options: decorators that add the options; help lists them in reverse order.
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
    """Group of commands; `commands` maps each name to the import path and the one-line help of a command."""

    def __init__(
        self,
        *,
        package: str,
        commands: Mapping[str, tuple[str, str]],
        examples: Sequence[str],
        help: str,  # noqa: A002 - click's name
    ) -> None:
        text = "Show the version of sweepctl; `sweepctl version` also shows that of the server."
        version = _show_flag(["--version"], text, _show_version)
        super().__init__(
            "sweepctl",
            help=help,
            params=[version, *common_options(), *_help_options()],
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
        """Return the command names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command; None if the table lacks the name."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name][0].partition(":")
        command = getattr(import_module(f"{self.package}.{module}"), name or "command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown name, suggest a similar one if there is one."""
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            from sweepd.spec.wording import close

            near = _NAMES_IN_OTHER_TOOLS.get(name) or close(name, self.table)
            hint = _OTHER_COMMANDS.get(name) or (near and f"did you mean `{near}`?")
            raise click.UsageError(f"no such command: {name}" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self.examples, ctx, formatter)


def _write_examples(examples: Sequence[str], context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the examples if long help is shown, without wrapping lines, so that they can be copied."""
    if examples and not context.meta.get("sweepctl.short"):
        with formatter.section("Examples"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


@click.pass_context
def _show_help_without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        _show_help(context)
