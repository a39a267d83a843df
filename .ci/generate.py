"""Write what follows from the click tree: man pages, completions, the command list of the README.

python .ci/generate.py            write the files
python .ci/generate.py --check    say which are out of date, and exit 1 if any is
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from blaze import __version__
from blaze.cli import ALIASES, COMMANDS
from blaze.cli._app import Command, DefaultGroup, blaze, environment_names
from blaze.core.smtp.states import AFTER_REFUSAL, TRANSITIONS, BodyEnd, Opening, State

ROOT = Path(__file__).resolve().parents[1]
EXITS = {
    0: "Done, or the verdict is pass.",
    1: "The answer is no: a verdict other than pass, nothing matched, a difference found.",
    2: "Wrong usage (64 from sendmail).",
    65: "The input is not what the command needs.",
    66: "No such input.",
    67: "The recipient is refused for good.",
    68: "No such host.",
    69: "The service refuses for good.",
    73: "Cannot create the output.",
    74: "Input or output failed.",
    75: "Try again later.",
    76: "The peer broke the protocol, or TLS failed.",
    77: "The log-in was refused.",
    78: "The configuration is wrong or missing.",
    130: "Interrupted.",
}
ENVIRONMENT = {
    "BLAZE_COMMAND_OPTION, BLAZE_OPTION": "What an option of one command, or of all, is where it is not "
    "given: BLAZE_SEND_TIMEOUT, BLAZE_TIMEOUT. The page of each command names them.",
    "BLAZE_DEBUG": "Show where an error comes from, as a traceback.",
    "NO_COLOR, FORCE_COLOR": "Never use colours, or always; CLICOLOR=0 and CLICOLOR_FORCE=1 say the same.",
    "SMTP_URL, SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASSWORD, MAIL_URL": "The server to submit to; "
    "see blaze-submit(1).",
    "POP3_PASSWORD": "The password to fetch with.",
    "NETRC": "The file that is read in place of ~/.netrc.",
    "SOURCE_DATE_EPOCH": "The time of what is made and stamped, in seconds since 1970.",
    "TMPDIR": "Where what must be read twice is kept meanwhile.",
}
FILES = {
    "~/.config/blaze/config.toml": "The configuration; see blaze-config(1).",
    "~/.local/state/blaze/": "What has been fetched.",
    "~/.cache/blaze/": "MTA-STS policies.",
    "~/.netrc": "Users and passwords by host.",
}


class Node(NamedTuple):
    """A command of the tree with the context its help is written in."""

    words: tuple[str, ...]
    command: click.Command
    context: click.Context

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def summary(self) -> str:
        return self.command.get_short_help_str(limit=200)

    @property
    def children(self) -> list[str]:
        if not isinstance(self.command, click.Group):
            return []
        return self.command.list_commands(self.context)

    @property
    def options(self) -> list[click.Option]:
        """The options of the command itself; for a group with a default command, that one's."""
        command = self.command.default if isinstance(self.command, DefaultGroup) else self.command
        return [p for p in command.get_params(self.context) if isinstance(p, click.Option) and not p.hidden]

    @property
    def common(self) -> list[click.Parameter]:
        command = self.command.default if isinstance(self.command, DefaultGroup) else self.command
        return command.common if isinstance(command, Command) else []


def walk(command: click.Command = blaze, words: tuple[str, ...] = ("blaze",)) -> Iterator[Node]:
    """Every command of the tree, a parent before its children."""
    parent = click.Context(blaze, info_name="blaze") if len(words) == 1 else None
    context = parent or click.Context(command, info_name=" ".join(words))
    node = Node(words, command, context)
    yield node
    for name in node.children:
        assert isinstance(command, click.Group)
        child = command.get_command(context, name)
        assert child is not None, name
        yield from walk(child, (*words, name))


def roff(text: str) -> str:
    """Text as roff shows it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def man_page(node: Node) -> str:
    """The man page of one command."""
    title = "-".join(node.words)
    lines = [
        f'.TH "{title.upper()}" "1" "" "blaze {__version__}" "blaze manual"',
        ".SH NAME",
        f"{title} \\- {roff(node.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        *(f".B {roff(node.name)}\n{roff(usage)}\n.br" for usage in _usages(node)),
        ".SH DESCRIPTION",
        *_man_paragraphs(node.command.help or ""),
    ]
    if children := _child_rows(node):
        lines.append(".SH COMMANDS")
        for child in children:
            lines += [".TP", f".B {roff(child[0])}", roff(child[1])]
    own = [option for option in node.options if option not in node.common]
    for heading, options in (("OPTIONS", own), ("COMMON OPTIONS", node.common)):
        records = [(o.get_help_record(node.context), o) for o in options if isinstance(o, click.Option)]
        if records:
            lines.append(f".SH {heading}")
        for record, option in records:
            if record:
                lines += [".TP", f".B {roff(record[0])}", roff(record[1])]
                if names := environment_names(option, click.Context(blaze, info_name=node.name)):
                    lines.append(f"Environment: {roff(', '.join(names))}.")
    if node.name == "blaze srv":
        lines += _man_states()
    if len(node.words) == 1:
        for heading, table in (("EXIT STATUS", EXITS), ("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
            lines.append(f".SH {heading}")
            for word, text in table.items():
                lines += [".TP", f".B {roff(str(word))}", roff(text)]
    else:
        lines += [".SH EXIT STATUS", "See", ".BR blaze (1)."]
    return "\n".join(lines) + "\n"


def _man_states() -> list[str]:
    """The states of an SMTP session, from the table that both halves of the protocol obey."""
    lines = [
        ".SH STATES",
        "What a client may say in each state of a session, and the state after a positive reply.",
        "Anything else is out of sequence (503).",
    ]
    for state, row in TRANSITIONS.items():
        by_next: dict[str, list[str]] = {}
        for command, following in row.items():
            by_next.setdefault(following.name, []).append(_event(state, command))
        if moves := [f"{', '.join(events)} \\(-> {name}" for name, events in by_next.items()]:
            lines += [".TP", f".B {state.name}", "; ".join(moves) + "."]
    lines += [".PP", "After a negative reply the state is as before, but for these:"]
    for state, row in AFTER_REFUSAL.items():
        moves = [f"{_event(state, command)} \\(-> {following.name}" for command, following in row.items()]
        lines += [".TP", f".B {state.name}", "; ".join(moves) + "."]
    return lines


def _event(state: State, command: type) -> str:
    if state is State.AUTH:
        return "end of the log-in"
    return {Opening: "greeting", BodyEnd: "end of the message"}.get(command, command.__name__.upper())


def _usages(node: Node) -> list[str]:
    usages = [" ".join(node.command.collect_usage_pieces(node.context))]
    if isinstance(node.command, DefaultGroup):
        usages.insert(0, " ".join(node.command.default.collect_usage_pieces(node.context)))
    return usages


def _child_rows(node: Node) -> list[tuple[str, str]]:
    if len(node.words) == 1:
        return [(name, text) for section in COMMANDS.values() for name, (_, text) in section.items()]
    rows: list[tuple[str, str]] = []
    if not isinstance(node.command, click.Group):
        return rows
    for name in node.children:
        child = node.command.get_command(node.context, name)
        assert child is not None
        rows.append((name, child.get_short_help_str(limit=200)))
    return rows


def _man_paragraphs(text: str) -> list[str]:
    lines = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        verbatim = paragraph.startswith("\b")
        body = roff(paragraph.removeprefix("\b").strip("\n").replace("`", ""))
        lines += [".PP", f".nf\n{body}\n.fi" if verbatim else body]
    return lines


def takes_only_commands(node: Node) -> bool:
    """True for a command whose argument is always a subcommand, never a file."""
    return isinstance(node.command, click.Group) and not isinstance(node.command, DefaultGroup)


def flags(node: Node) -> list[str]:
    """Every spelling of every option of a command."""
    return [name for option in node.options for name in (*option.opts, *option.secondary_opts)]


def choices(node: Node) -> Iterator[tuple[str, list[str]]]:
    """Each option that takes one of a few words, with the words."""
    for option in node.options:
        if isinstance(option.type, click.Choice):
            for name in option.opts:
                yield name, [str(choice) for choice in option.type.choices]


def bash_completion(nodes: list[Node]) -> str:
    """The completion for bash, from the tree alone: it starts no Python."""
    paths = "|".join(f'"{node.name}"' for node in nodes if len(node.words) > 1)
    aliases = "\n".join(f'    "blaze {alias}") path="blaze {name}" ;;' for alias, name in ALIASES.items())
    words = "\n".join(
        f'    "{node.name}") words="{" ".join(node.children)}" options="{" ".join(flags(node))}" ;;'
        for node in nodes
    )
    values = "\n".join(
        f'    "{node.name} {name}") words="{" ".join(offered)}" ;;'
        for node in nodes
        for name, offered in choices(node)
    )
    return f"""# bash completion for blaze; generated, do not edit
_blaze() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} path=blaze words="" options="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${{COMP_WORDS[index]}}" in
    {paths}) path="$path ${{COMP_WORDS[index]}}" ;;
{aliases}
    esac
  done
  case "$path ${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}
  esac
  if [[ -z $words ]]; then
    case "$path" in
{words}
    esac
    if [[ $current == -* ]]; then words=$options; fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _blaze blaze
"""


def zsh_completion(nodes: list[Node]) -> str:
    """The completion for zsh: commands and options with their help."""
    paths = "|".join(f'"{node.name}"' for node in nodes if len(node.words) > 1)
    aliases = "\n".join(f'    "blaze {alias}") path_="blaze {name}" ;;' for alias, name in ALIASES.items())
    without_files = "|".join(f'"{node.name}"' for node in nodes if takes_only_commands(node))
    cases = []
    for node in nodes:
        rows = _child_rows(node)
        for option in node.options:
            rows += [(name, option.help or "") for name in option.opts]
        described = " ".join(
            "'{}:{}'".format(name, " ".join(text.split()).replace("'", "'\\''").replace(":", "\\:"))
            for name, text in rows
        )
        cases.append(f'    "{node.name}") rows=({described}) ;;')
    values = "\n".join(
        f'    "{node.name} {name}") compadd -- {" ".join(offered)}; return ;;'
        for node in nodes
        for name, offered in choices(node)
    )
    body = "\n".join(cases)
    return f"""#compdef blaze
# zsh completion for blaze; generated, do not edit
_blaze() {{
  local path_=blaze index
  local -a rows
  for ((index = 2; index < CURRENT; index++)); do
    case "$path_ $words[index]" in
    {paths}) path_="$path_ $words[index]" ;;
{aliases}
    esac
  done
  case "$path_ $words[CURRENT-1]" in
{values}
  esac
  case "$path_" in
{body}
  esac
  _describe 'blaze' rows
  case "$path_" in
    {without_files}) ;;
    *) _files ;;
  esac
}}
_blaze "$@"
"""


def fish_completion(nodes: list[Node]) -> str:
    """The completion for fish."""
    lines = [
        "# fish completion for blaze; generated, do not edit",
        "function __blaze_at",
        "  set -l path blaze",
        "  for word in (commandline -opc)[2..]",
        '    contains -- "$path $word" '
        + " ".join(f'"{node.name}"' for node in nodes if len(node.words) > 1)
        + '; and set path "$path $word"',
        *(
            f'    test "$path $word" = "blaze {alias}"; and set path "blaze {name}"'
            for alias, name in ALIASES.items()
        ),
        "  end",
        '  test "$path" = "$argv[1]"',
        "end",
    ]
    for node in nodes:
        condition = f"complete -c blaze -n '__blaze_at \"{node.name}\"'"
        lines += [f"{condition} -f -a {name} -d {_fish(text)}" for name, text in _child_rows(node)]
        offered = dict(choices(node))
        for option in node.options:
            spelt = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.opts
                if name.startswith("--") or len(name) == 2
            )
            taken = (
                " -x -a " + _fish(" ".join(offered[option.opts[-1]])) if option.opts[-1] in offered else ""
            )
            if not taken and not option.is_flag and not option.count:
                taken = " -r"
            lines.append(f"{condition} {spelt}{taken} -d {_fish(option.help or '')}")
    return "\n".join(lines) + "\n"


def _fish(text: str) -> str:
    return "'" + " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'") + "'"


def reference(nodes: list[Node]) -> str:
    """The command list of the README, a table for each section of the help."""
    by_name = {node.name: node for node in nodes}
    lines = []
    for title, commands in COMMANDS.items():
        lines += [f"**{title}**", "", "| command | what it does |", "|---|---|"]
        for name, (_, text) in commands.items():
            lines.append(f"| `blaze {name}` | {text} |")
            node = by_name[f"blaze {name}"]
            lines += [
                f"| `{node.name} {child}` | {help_text} |"
                for child, help_text in _child_rows(node)
                if node.children
            ]
        lines.append("")
    return "\n".join(lines)


def standards() -> str:
    """A row for every RFC that the code cites: what it is, what is done of it, and which modules cite it."""
    known = {}
    for line in (ROOT / ".ci" / "standards.txt").read_text("utf-8").splitlines():
        number, title, state = line.split(" | ")
        known[int(number)] = (title, state)
    citing: dict[int, set[str]] = {}
    for path in (ROOT / "blaze").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT / "blaze").with_suffix("").parts)
        for number in re.findall(r"RFC (\d{3,4})", path.read_text("utf-8")):
            citing.setdefault(int(number), set()).add(module.removeprefix("core."))
    if unknown := sorted(citing.keys() - known.keys()):
        raise SystemExit(f".ci/standards.txt has no line for RFC {', '.join(map(str, unknown))}")
    lines = ["| RFC | title | what is done | where |", "|---|---|---|---|"]
    for number, modules in sorted(citing.items()):
        title, state = known[number]
        shown = sorted(modules)[:4]
        where = ", ".join(f"`{module}`" for module in shown) + (" ..." if len(modules) > 4 else "")
        lines.append(f"| {number} | {title} | {state} | {where} |")
    return "\n".join(lines) + "\n"


def readme(nodes: list[Node]) -> str:
    """The README with the command list and the table of standards of now."""
    text = (ROOT / "README.md").read_text("utf-8")
    for name, made in (("commands", reference(nodes)), ("standards", standards())):
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        assert found, begin
        text = f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"
    return text


def files() -> dict[Path, str]:
    """Every generated file, with what stands in it."""
    nodes = list(walk())
    made = {ROOT / "man" / f"{'-'.join(node.words)}.1": man_page(node) for node in nodes}
    made[ROOT / "completions" / "blaze.bash"] = bash_completion(nodes)
    made[ROOT / "completions" / "_blaze"] = zsh_completion(nodes)
    made[ROOT / "completions" / "blaze.fish"] = fish_completion(nodes)
    made[ROOT / "README.md"] = readme(nodes)
    return made


def main() -> int:
    made = files()
    kept = [path for folder in ("man", "completions") for path in (ROOT / folder).glob("*")]
    stale = [path for path in kept if path not in made]
    changed = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in (*stale, *changed):
            print(f"out of date: {path.relative_to(ROOT)} (python .ci/generate.py)")
        return 1 if stale or changed else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(made[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
