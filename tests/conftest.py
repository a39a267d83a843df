"""Fixtures every test may use: the shared corpus and suites, hypothesis profiles, the --long switch."""

import lzma
import os
import re
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "sample",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile(
    "long", parent=hypothesis.settings.get_profile("sample"), derandomize=False, max_examples=10_000
)
hypothesis.settings.load_profile("sample")

SHARED = Path(os.environ.get("BLAZE_SHARED") or Path(__file__).resolve().parents[2] / "shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the full counts (kills, cuts, fuzzing)")
    parser.addoption("--update", action="store_true", help="rewrite the transcripts in tests/cli")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        hypothesis.settings.load_profile("long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="full counts: run with --long"))


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    """True when the full counts are asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public conformance suites and the corpus; skips where it is not found."""
    if not SHARED.is_dir():
        pytest.skip("no shared/ folder: set BLAZE_SHARED")
    return SHARED


@pytest.fixture(scope="session")
def corpus_mbox(shared: Path) -> bytes:
    """The corpus as one mboxrd."""
    packed = shared / "corpus" / "spamassassin.mbox.xz"
    if not packed.is_file():
        pytest.skip("no corpus in shared/")
    return lzma.decompress(packed.read_bytes())


@pytest.fixture(scope="session")
def corpus(corpus_mbox: bytes) -> list[bytes]:
    """The 3,023 messages of the corpus, From-lines removed and mboxrd quoting undone."""
    bodies = re.split(rb"(?:\A|\n)From [^\n]*\n", corpus_mbox)[1:]
    messages = [re.sub(rb"(?m)^>(>*From )", rb"\1", body) for body in bodies]
    assert len(messages) == 3023
    return messages
