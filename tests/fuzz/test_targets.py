"""Every fuzz target for a moment; with --long for two minutes each."""

import time

import pytest

from tests.fuzz import engine

TARGETS = engine.targets()


@pytest.mark.parametrize("name", TARGETS)
def test_target_lets_only_blaze_errors_pass(
    name: str, long_run: bool, request: pytest.FixtureRequest
) -> None:
    seeds: list[bytes] = []
    if long_run or name in {"fuzz_message", "fuzz_canonical", "fuzz_dkim", "fuzz_mbox"}:
        corpus: list[bytes] = request.getfixturevalue("corpus")
        seeds = [message[:3000] for message in corpus[::100]]
    seed = int(time.time()) if long_run else 0
    assert engine.run(TARGETS[name], 120 if long_run else 0.5, seeds, seed=seed) > 0
