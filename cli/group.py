"""The group of commands: what a line does not ask for is neither imported nor built."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import getdoc
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.examples import EXAMPLES, epilog
from cli.values import read_plainly

NAMES = (*dict.fromkeys(name.partition(" ")[0] for name in EXAMPLES),)
"""The commands in the order of the help page. Each is the file of its name in `cli/`, with a `command` or an `app`."""


class Commands(Mapping[str, Any]):
    """The commands by name, each made when it is looked up."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = _made(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


class Group(TyperGroup):
    """A group of `Commands`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Commands()

    def list_commands(self, context: Any) -> list[str]:
        """Their names."""
        return [*self.commands]  # without making them, as Typer does

    def format_commands(self, context: Any, formatter: Any) -> None:
        """Writes the list of commands on the page of all of them, which shows no options: so none are made."""
        outlines = {name: _outline(name) for name in NAMES}
        TyperGroup(commands=outlines).format_commands(context, formatter)

    def get_params(self, context: Any) -> list[Any]:
        """The options that stand before the command, that for help among them."""
        return read_plainly(super().get_params(context))


class Command(TyperCommand):
    """A command whose values are read as `read_plainly` has it."""

    def get_params(self, context: Any) -> list[Any]:
        """The options and arguments, that for help among them."""
        return read_plainly(super().get_params(context))


def _outline(name: str) -> Any:
    """A command with its help and no options."""
    module = import_module(f"cli.{name}")
    return TyperCommand(name, help=module.app.info.help if hasattr(module, "app") else getdoc(module.command))


def _made(name: str) -> Any:
    module = import_module(f"cli.{name}")
    if hasattr(module, "app"):
        return typer.main.get_command(module.app)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=Command, epilog=epilog(name))(module.command)
    return typer.main.get_command(alone)
