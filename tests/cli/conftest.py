"""Collect the transcripts `*.t` as tests; `--update` rewrites them with what the commands print now."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.support import transcript


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.File | None:
    if file_path.suffix == ".t":
        return TranscriptFile.from_parent(parent, path=file_path)
    return None


class TranscriptFile(pytest.File):
    def collect(self) -> Iterator["TranscriptItem"]:
        yield TranscriptItem.from_parent(self, name=self.path.stem)


class TranscriptItem(pytest.Item):
    def runtest(self) -> None:
        text = self.path.read_text("utf-8")
        blocks = transcript.parse(text)
        assert blocks, "no command in the transcript"
        folder = self.config._tmp_path_factory.mktemp(self.name)  # type: ignore[attr-defined]
        outputs = transcript.run(blocks, folder)
        if self.config.getoption("--update"):
            self.path.write_text(transcript.rewrite(text, blocks, outputs), "utf-8")
            return
        for block, output in zip(blocks, outputs, strict=True):
            if output != block.expected:
                raise TranscriptError(self.path, block, output)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"transcript {self.name}"


class TranscriptError(Exception):
    def __init__(self, path: Path, block: transcript.Block, output: list[str]) -> None:
        diff = "\n".join(unified_diff(block.expected, output, "expected", "printed", lineterm=""))
        super().__init__(f"{path}:{block.line}: $ {block.command}\n{diff}")
