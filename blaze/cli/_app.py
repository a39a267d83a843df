"""What all commands share: the lazy map, the common options, settings, errors and exit codes."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from blaze import __version__
from blaze.cli import ALIASES, COMMANDS
from blaze.cli._render import Output
from blaze.core.errors import BlazeError, ConfigurationError, InputOutputError, NoInputError, UsageError

if TYPE_CHECKING:
    from click.parser import _OptionParser
    from click.shell_completion import CompletionItem

    from blaze.core.store.source import Entry

_BADNESS = (77, 78, 76, 74, 73, 69, 68, 67, 66, 65, 75, 1, 0)
_PIPE_CLOSED = 141  # as a shell reports a process that SIGPIPE ended
_NO_OPTION = "\0"  # no argument of a program has it
_NOT_FROM_ENVIRONMENT = frozenset({"delete", "force", "help", "insecure", "output", "version"})


def worst(first: int, second: int) -> int:
    """The exit status that counts when two things were done; one that is not in the list (2, 130) wins."""
    for status in (first, second):
        if status not in _BADNESS:
            return status
    return min(first, second, key=_BADNESS.index)


class App:
    """What a command is given beside its options: where results go, and the status it will end with."""

    def __init__(self, command: str, out: Output) -> None:
        self.command = command
        self.out = out
        self.status = 0
        self.jobs = 1

    def note(self, status: int) -> None:
        """Count `status` in: the worst one is the command's."""
        self.status = worst(self.status, status)

    def report(self, error: BlazeError) -> None:
        """Say what went wrong with one of several inputs, count it in, and go on."""
        self.out.error(f"blaze {self.command}", error)
        self.note(error.status)

    def messages(self, files: Sequence[str]) -> "Iterator[Entry]":
        """Every message in `files`, in order; standard input for `-` or when there are none.

        A file that cannot be read is reported, and the rest is done; -v tells the doubtful splits of an mbox.
        With `jobs` over 1 this process only collects what others print, each for its share of the messages;
        standard input is not shared.
        """
        from blaze.core.store import source

        files = files or ("-",)
        reading = source.Reading()
        entries: Iterator[Entry | BlazeError | int] = source.iter_entries(files, reading)
        if self.jobs > 1 and not any(map(source.reads_stdin, files)):
            from blaze.cli import _jobs

            entries = _jobs.share(source.iter_entries(files), self.jobs, lambda: self.status)
        for found in entries:
            if isinstance(found, BlazeError):
                self.report(found)
            elif isinstance(found, int):
                self.note(found)
            else:
                yield found
        for doubt in reading.doubts:
            self.out.info(f"{doubt.path}:{doubt.offset}: {doubt.reason}")


class Option(click.Option):
    """An option that is also read from the environment.

    `BLAZE_<COMMAND>_<LONG_OPTION>` comes before `BLAZE_<LONG_OPTION>`; what destroys or exposes is never
    taken from there.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value the environment gives this option, or None."""
        for variable in environment_names(self, ctx):
            if value := os.environ.get(variable):
                return value
        return None

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """What the environment makes of this option; no for one of several choices chooses none."""
        value = super().value_from_envvar(ctx)
        return None if value is False and not self.is_bool_flag else value


def environment_names(option: click.Option, ctx: click.Context) -> tuple[str, ...]:
    """The environment variables that set `option`, the strongest first."""
    long = next((name for name in option.opts if name.startswith("--")), "")
    name = long.removeprefix("--")
    if not name or name in _NOT_FROM_ENVIRONMENT:
        return ()
    name = "UTF_8" if name == "with-utf-8" else name.upper().replace("-", "_")
    words = ctx.command_path.split()[1:]
    command = "_".join(words).upper().replace("-", "_")
    return (f"BLAZE_{command}_{name}", f"BLAZE_{name}") if command else (f"BLAZE_{name}",)


def option(*names: str, **attributes: Any) -> Callable[[Any], Any]:
    """`click.option` whose value may also come from the environment or the configuration file."""
    attributes.setdefault("cls", Option)
    return click.option(*names, **attributes)


def _common_options(reports: bool) -> list[click.Parameter]:
    options = [
        Option(["-q", "--quiet"], is_flag=True, help="Say nothing but the exit status."),
        Option(["-v", "--verbose"], count=True, help="Say more on standard error; -vv says all."),
        Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour the output.  [default: auto]",
        ),
        Option(
            ["--with-utf-8"],
            type=click.BOOL,
            default=None,
            metavar="BOOL",
            help="Draw with UTF-8 characters, or with ASCII.  [default: as the terminal]",
        ),
        Option(["--no-progress", "--without-progress"], is_flag=True, help="Show no progress on long work."),
    ]
    if reports:
        options.insert(0, Option(["--json"], is_flag=True, help="Print one JSON object a line."))
    return list[click.Parameter](options)


_UNKNOWN_SETTINGS = "blaze.cli.unknown_settings"


def _place_of_settings(words: Sequence[str]) -> str:
    """The table of the configuration file for the command called by `words`."""
    from blaze.core.settings import config_path, place

    return place(".".join(words), config_path(os.environ))


class Command(click.Command):
    """A command with the common options, whose function gets an `App` first and returns its exit status."""

    def __init__(self, *args: Any, reports: bool = False, **attributes: Any) -> None:
        attributes.setdefault("context_settings", {"help_option_names": ["--help"]})
        attributes.setdefault("no_args_is_help", False)
        super().__init__(*args, **attributes)
        self.common = _common_options(reports)
        self.params.extend(self.common)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """A context whose defaults are those of the configuration file, where there is one."""
        words = [*(parent.command_path.split()[1:] if parent else ()), info_name or ""]
        unknown: list[str] = []
        try:
            if table := configured_defaults(words):
                from blaze.cli._defaults import defaults_of

                values, unknown = defaults_of(self.params, table, _place_of_settings(words))
                extra.setdefault("default_map", values)
        except ConfigurationError:
            # The help tells how to mend it; `_asked_output` is on its way to tell of it.
            if "--help" not in args and not extra.get("resilient_parsing"):
                raise
        ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta[_UNKNOWN_SETTINGS] = unknown
        return ctx

    def make_parser(self, ctx: click.Context) -> "_OptionParser":
        """A parser to which `-#1`, the first message of standard input, is a FILE and no option."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> tuple[dict[str, Any], list[str], list[click.Parameter]]:
            values, rest, order = parse([_NO_OPTION + arg if arg.startswith("-#") else arg for arg in args])
            return {name: _as_given(value) for name, value in values.items()}, _as_given(rest), order

        parser.parse_args = parse_args  # type: ignore[method-assign]
        return parser

    def invoke(self, ctx: click.Context) -> int:
        """Run the command's function; its status is the worst of what it returned and what it reported."""
        assert self.callback is not None
        values = dict(ctx.params)
        app = App(" ".join(ctx.command_path.split()[1:]), take_output(values))
        for key in ctx.meta[_UNKNOWN_SETTINGS]:
            where = _place_of_settings(ctx.command_path.split()[1:])
            app.out.warn(f"{key!r} is no option of {ctx.command_path}: {where}")
        with ctx:
            gc.freeze()
            gc.enable()
            try:
                app.note(self.callback(app, **values) or 0)
                app.out.flush()
            except BrokenPipeError:
                raise
            except click.UsageError as error:
                app.report(_of_usage(error, error.ctx.command_path if error.ctx else ctx.command_path))
            except (BlazeError, OSError) as error:
                app.report(_explained(error))
        return app.status

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options first, the common ones in a section of their own."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        for title, chosen in (
            ("Options", [option for option in options if option not in self.common]),
            ("Common options", [option for option in options if option in self.common]),
        ):
            if records := [record for option in chosen if (record := option.get_help_record(ctx))]:
                with formatter.section(title):
                    formatter.write_dl(records)


def _as_given(value: Any) -> Any:
    """What the parser made of arguments, without the marks that kept it from taking some for options."""
    if isinstance(value, str):
        return value.removeprefix(_NO_OPTION)
    if isinstance(value, list | tuple):
        return type(value)(map(_as_given, value))
    return value


def take_output(values: dict[str, Any]) -> Output:
    """Take the common options out of `values` and make the output they ask for."""
    return Output(
        quiet=values.pop("quiet"),
        verbose=values.pop("verbose"),
        color=values.pop("color"),
        utf_8=values.pop("with_utf_8"),
        progress=not values.pop("no_progress"),
        json=values.pop("json", False),
    )


def command(name: str, *, reports: bool = False, **attributes: Any) -> Callable[[Any], Any]:
    """Make a function a command of that name; `reports` gives it `--json`."""
    attributes.setdefault("cls", Command)
    return click.command(name, reports=reports, **attributes)


class Group(click.Group):
    """A command with subcommands."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        attributes.setdefault("context_settings", {"help_option_names": ["--help"]})
        super().__init__(*args, **attributes)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; for a word that is none, say which one may have been meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], [*self.list_commands(ctx), *ALIASES], n=1, cutoff=0.5)
            meant = f"Did you mean '{close[0]}'?" if close else f"Try '{ctx.command_path} --help'."
            raise click.UsageError(f"no such command: {args[0]}\n{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every subcommand with the whole of its short help."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=200)) for name, one in found if one])


class DefaultGroup(Group):
    """A group that is a command too: without a subcommand's name first, its `default` runs (`blaze make`)."""

    def __init__(self, *args: Any, default: Command, **attributes: Any) -> None:
        attributes.setdefault("help", default.help)
        super().__init__(*args, **attributes)
        self.default = default

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the subcommand's group, or of the default command."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        if args == ["--help"]:
            return super().make_context(info_name, args, parent, **extra)
        return self.default.make_context(info_name, args, parent, **extra)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Both ways of calling it."""
        self.default.format_usage(ctx, formatter)
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The default command's options, then the subcommands."""
        self.default.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class LazyGroup(Group):
    """The whole of `blaze`: a command's module is imported when that command runs, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the help."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        name = ALIASES.get(cmd_name, cmd_name)
        for section in COMMANDS.values():
            if name in section:
                module, attribute = section[name][0].split(":")
                found: click.Command = getattr(import_module(module), attribute)
                return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, from the map alone."""
        for title, commands in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete a command's name from the map alone."""
        from click.shell_completion import CompletionItem

        items = [
            CompletionItem(name, help=text)
            for section in COMMANDS.values()
            for name, (_, text) in section.items()
            if name.startswith(incomplete)
        ]
        return items + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, name="blaze", epilog="'blaze COMMAND --help' tells more about each.")
@click.version_option(__version__, prog_name="blaze")
def blaze() -> None:
    """Make, inspect, sign, verify, send, fetch, store and search email."""


def configured_defaults(words: list[str]) -> dict[str, Any]:
    """The defaults that the configuration file's table for a command gives its options, by long name."""
    from blaze.core import settings

    config = settings.read_config(os.environ)
    table = settings.command_table(config, words, settings.config_path(os.environ))
    return {name.replace("_", "-"): value for name, value in table.items()}


def run(argv: list[str]) -> int:
    """Run the command line on `argv` and return the exit status; nothing is raised."""
    args = ["sendmail", *argv[1:]] if os.path.basename(argv[0]) == "sendmail" else argv[1:]
    if args[:1] == ["help"]:
        args = [*args[1:], "--help"]
    try:
        return _run(args)
    except (BrokenPipeError, SystemExit):  # click turns the one into the other
        # Whoever read what we print has enough; what is still buffered must not fail at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        return _PIPE_CLOSED


def _run(args: list[str]) -> int:
    try:
        status = blaze.main(args, prog_name="blaze", standalone_mode=False)
        Output().flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return UsageError.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else " ".join(_blamed(args))
        told = _of_usage(error, path)
    except click.exceptions.Abort:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001
        if _is_interrupt(error):
            return 130
        path, told = " ".join(_blamed(args)), _explained(error)
    _asked_output(args).error(path, told)
    return told.status


def _is_interrupt(error: BaseException | None) -> bool:
    """True when Ctrl-C is behind `error`: what it meets while a class is made, Python 3.11 wraps."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _asked_output(args: list[str]) -> Output:
    """The output that the common options ask for, on a command line that is wrong elsewhere."""
    ctx = click.Context(blaze, info_name="blaze")
    *groups, name = _blamed(args)
    for word in groups[1:]:
        assert isinstance(ctx.command, click.Group)
        group = ctx.command.get_command(ctx, word)
        assert group is not None
        ctx = click.Context(group, info_name=word, parent=ctx)
    asked: dict[str, Any] = {}
    if groups and isinstance(ctx.command, click.Group) and (found := ctx.command.get_command(ctx, name)):
        lenient: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}
        rest = args[len(groups) :]
        asked = found.make_context(name, rest, ctx, resilient_parsing=True, **lenient).params
    return Output(json=bool(asked.get("json")) or "--json" in args, quiet=bool(asked.get("quiet")))


class _SendmailUsageError(UsageError):
    """Wrong usage as those who call a sendmail know it (EX_USAGE)."""

    exit_code = 64


def _of_usage(error: click.UsageError, path: str) -> BlazeError:
    """What the user of the command `path` is told of `error`, and where a wrong value comes from."""
    ctx, param = error.ctx, getattr(error, "param", None)
    source = ctx.get_parameter_source(param.name) if ctx and param else None
    if ctx and source is click.core.ParameterSource.DEFAULT_MAP:
        return ConfigurationError(
            _sentence(error.format_message()), where=_place_of_settings(path.split()[1:])
        )
    what, _, hint = error.format_message().partition("\n")
    if isinstance(error, click.NoSuchOption):
        what, hint = error.message, _meant(error, path)
    if ctx and source is click.core.ParameterSource.ENVIRONMENT and isinstance(param, click.Option):
        names = (name for name in environment_names(param, ctx) if os.environ.get(name))
        hint = f"It comes from the variable {next(names, '')}."
    kind = _SendmailUsageError if path == "blaze sendmail" else UsageError
    return kind(_sentence(what), hint=hint or f"Try '{path} --help'.")


def _meant(error: click.NoSuchOption, path: str) -> str:
    """What to do about an option that the command `path` does not have."""
    name = error.option_name
    is_group = error.ctx is not None and isinstance(error.ctx.command, click.Group)
    if is_group and any(name in option.opts for option in _common_options(reports=True)):
        return f"It goes after the command: '{path} COMMAND {name}'."
    return f"Did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""


def _explained(error: Exception) -> BlazeError:
    """What the user is told of `error`; with BLAZE_DEBUG its traceback is shown too."""
    if os.environ.get("BLAZE_DEBUG"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, BlazeError):
        return error
    if isinstance(error, OSError):
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError)
        kind = NoInputError if is_missing else InputOutputError
        return kind(_sentence(error.strerror or str(error)), where=error.filename)
    hint = "This is a fault in blaze. BLAZE_DEBUG=1 shows where."
    return BlazeError(f"{type(error).__name__}: {error}", hint=hint)


def _sentence(message: str) -> str:
    """A message of click in the form of ours: no capital letter first, no full stop last."""
    return (message[:1].lower() + message[1:]).removesuffix(".")


def _blamed(args: list[str]) -> list[str]:
    """`blaze` and the command words among the arguments."""
    words = ["blaze"]
    for word in args[:2]:
        if word.startswith("-") or not word.replace("-", "").isalnum():
            break
        context = click.Context(blaze)
        group = blaze if len(words) == 1 else blaze.get_command(context, words[1])
        if not isinstance(group, click.Group) or group.get_command(context, word) is None:
            break
        words.append(word)
    return words
