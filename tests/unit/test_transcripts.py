"""The transcripts of `tests/cli` are rewritten as they are read."""

from tests.support.transcript import parse, rewrite

TEXT = """Prose.

  $ first
  old

  older
  $ second \\
  > more

Prose again.

  $ third
  kept
"""


def test_rewrite_puts_the_new_output_in_the_place_of_the_old() -> None:
    blocks = parse(TEXT)
    assert [block.command for block in blocks] == ["first", "second \\\nmore", "third"]
    assert blocks[0].expected == ["old", "older"]
    written = rewrite(TEXT, blocks, [["new"], ["x", "y"], ["kept"]])
    assert written == TEXT.replace("  old\n\n  older\n", "  new\n").replace("> more\n", "> more\n  x\n  y\n")


def test_rewrite_with_what_was_expected_changes_nothing() -> None:
    text = TEXT.replace("  old\n\n  older\n", "  old\n  older\n")
    blocks = parse(text)
    assert rewrite(text, blocks, [block.expected for block in blocks]) == text
