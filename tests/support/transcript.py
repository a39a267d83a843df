"""Shell transcripts that are run and compared: `  $ command`, `  > more of it`, then what it prints.

Both output streams are shown, in the order they come; `[N]` after them is an exit status other than 0; a last
line without newline ends with `(no-eol)`. All commands of a transcript run in one shell, in an empty folder.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MARK = "--8<-- end of command "


@dataclass(frozen=True, slots=True)
class Block:
    """A command, with the lines of the transcript it stands in and those expected after it."""

    line: int
    command: str
    expected: list[str]


def parse(text: str, *, indent: str = "  ") -> list[Block]:
    """The blocks of a transcript; lines that are not indented are prose."""
    blocks: list[Block] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(indent + "$ "):
            blocks.append(Block(number, line[len(indent) + 2 :], []))
        elif line.startswith(indent + "> ") and blocks and not blocks[-1].expected:
            last = blocks.pop()
            blocks.append(Block(last.line, f"{last.command}\n{line[len(indent) + 2 :]}", []))
        elif blocks and line.startswith(indent) and line.strip():
            blocks[-1].expected.append(line[len(indent) :])
    return blocks


def run(blocks: list[Block], folder: Path, environ: Mapping[str, str] | None = None) -> list[list[str]]:
    """Run the commands in one shell in `folder`; what each printed, in the form of a transcript."""
    script = "".join(f"{block.command}\nprintf -- '{_MARK}%s\\n' $?\n" for block in blocks)
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env={**environment(folder), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    outputs = []
    rest = done.stdout.decode("utf-8", "backslashreplace")
    for _ in blocks:
        output, mark, rest = rest.partition(_MARK)
        status, _, rest = rest.partition("\n")
        lines = output.split("\n")
        if lines[-1]:
            lines[-1] += " (no-eol)"
        else:
            lines.pop()
        if mark and status != "0":
            lines.append(f"[{status}]")
        outputs.append([line for line in lines if line.strip()])
    return outputs


def environment(folder: Path) -> dict[str, str]:
    """A small environment in which every run is alike: `blaze` on the path, UTF-8, UTC, a fixed clock."""
    scripts = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([scripts, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": "1700000000",
        "DATA": str(Path(__file__).resolve().parents[1] / "data"),
    }


def rewrite(text: str, blocks: list[Block], outputs: list[list[str]], *, indent: str = "  ") -> str:
    """The transcript with what was printed in place of what was expected."""
    printed = {block.line: output for block, output in zip(blocks, outputs, strict=True)}
    lines: list[str] = []
    pending: list[str] | None = None  # what the last command printed
    empty: list[str] = []  # empty lines after it: between lines of output, or before what comes next
    for number, line in enumerate(text.splitlines(), 1):
        if pending is not None and number not in printed:
            if line.startswith(indent + "> "):
                lines.append(line)
                continue
            if not line.strip():
                empty.append(line)
                continue
            if line.startswith(indent):
                empty.clear()
                continue
        lines += [*_indented(pending, indent), *empty, line]
        empty.clear()
        pending = printed.get(number)
    return "\n".join([*lines, *_indented(pending, indent), *empty]) + "\n"


def _indented(output: list[str] | None, indent: str) -> list[str]:
    return [indent + line for line in output or []]
