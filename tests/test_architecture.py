"""The promises that no single module can keep alone."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from blaze.cli import COMMANDS
from blaze.cli._app import Command, blaze
from blaze.core import errors

PACKAGE = Path(__file__).resolve().parents[1] / "blaze"
MODULES = sorted(PACKAGE.rglob("*.py"))
DOORS = {
    "dns": {"core/net/dns.py", "core/net/"},
    "cryptography": {"core/auth/keys.py", "core/net/tls.py", "core/net/"},
    "magic": {"core/store/filetype.py"},
    "rich": {"cli/_render.py"},
    "tqdm": {"cli/_render.py"},
}
PURE = (
    "core/errors.py",
    "core/mail/",
    "core/wire",
    "core/sasl",
    "core/query",
    "core/smtp/",
    "core/pop3",
    "core/auth/",
)
IMPURE = {"asyncio", "socket", "ssl", "random", "secrets", "subprocess", "tempfile", "time", "urllib", "http"}
FORBIDDEN = {"email", "mailbox", "smtplib", "poplib"}  # peers to measure against, not parts


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_it_may(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    tops = {name.partition(".")[0] for name in imports(path)}
    assert not tops & FORBIDDEN
    for library, doors in DOORS.items():
        assert library not in tops or any(place.startswith(door) for door in doors), library
    if place.startswith(PURE):
        assert not tops & IMPURE


def loaded(*arguments: str, stdin: bytes = b"") -> set[str]:
    """The modules that a run of the command line imports."""
    code = (
        "import sys; from blaze.cli._app import run; "
        "run(['blaze', *sys.argv[1:]]); modules = sorted(sys.modules); "
        "import json; print(json.dumps(modules), file=sys.stderr)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BLAZE_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env=environment,
    )
    modules: list[str] = json.loads(done.stderr.decode().splitlines()[-1])
    return set(modules)


HEAVY = {
    "rich",
    "tqdm",
    "dns",
    "cryptography",
    "magic",
    "asyncio",
    "ssl",
    "html2text",
    "json",
    "tomllib",
    "dataclasses",
}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_and_version_load_no_command(arguments: tuple[str, ...]) -> None:
    modules = loaded(*arguments)
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("blaze.core") and name != "blaze.core.errors"} - {
        "blaze.core"
    }


def test_hdr_loads_only_what_it_uses() -> None:
    modules = loaded("hdr", stdin=b"Subject: hi\n\n")
    assert not modules & HEAVY
    assert not {"blaze.core.net", "blaze.core.auth", "blaze.core.smtp", "blaze.core.mail.mime"} & modules


def test_completion_of_a_command_name_loads_no_command() -> None:
    code = (
        "import sys; from blaze.cli._app import blaze; from click.shell_completion import ShellComplete; "
        "print(*(i.value for i in ShellComplete(blaze, {}, 'blaze', 'X').get_completions([], 'h'))); "
        "print(*(n for n in sys.modules if n.startswith('blaze.cli.') and not n.startswith('blaze.cli._')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    offered, modules = done.stdout.split("\n")[:2]
    assert "hdr" in offered.split()
    assert modules == ""


@pytest.mark.parametrize("name", [name for section in COMMANDS.values() for name in section])
def test_command_map_tells_the_commands_own_help(name: str) -> None:
    context = click.Context(blaze, info_name="blaze")
    command = blaze.get_command(context, name)
    assert command is not None
    text = next(section[name][1] for section in COMMANDS.values() if name in section)
    assert command.get_short_help_str(limit=200) == text


def every_command(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            found += every_command(child, f"{path} {name}")
    return found


def test_every_option_has_help_and_every_command_an_example() -> None:
    for path, command in every_command(blaze, "blaze"):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.opts}"
        if isinstance(command, Command):
            assert "Example" in (command.help or ""), path


def test_every_error_has_an_exit_status_of_the_contract() -> None:
    known = {2, 65, 66, 67, 68, 69, 70, 73, 74, 75, 76, 77, 78}
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.BlazeError)]
    assert {c.exit_code for c in classes} <= known
    drawn = errors.__doc__ or ""
    assert all(c.__name__ in drawn for c in classes)


def test_every_public_name_of_the_core_has_a_docstring() -> None:
    missing = []
    for path in MODULES:
        if "core" not in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        scopes: list[ast.AST] = [
            tree,
            *(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"),
        ]
        missing += [
            f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
            for scope in scopes
            for node in ast.iter_child_nodes(scope)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]
    assert not missing
