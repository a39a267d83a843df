"""File names that a message chose, made safe to create."""

import unicodedata

MAX_NAME = 200
"""Octets of a safe name in UTF-8: file systems allow 255, and a number or a temporary suffix must fit."""

MAX_EXTENSION = 16  # octets kept of what follows the last full stop, when a name is cut

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
_UNWANTED = str.maketrans(dict.fromkeys('<>:"|?*', "_"))  # what Windows refuses, and shells expand
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # controls, bidi overrides, lone surrogates


def safe_name(name: str, *, fallback: str = "part") -> str:
    """A file name made from `name`, which may be anything, for use inside one folder on any system.

    It has no separator, no control, format or private character, no leading full stop, hyphen or tilde, is
    no device of Windows, has at most `MAX_NAME` octets and keeps its extension. `fallback`, itself safe,
    stands in when nothing is left. Two names may become the same: see `numbered`.
    """
    last = name.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    if len(last) > 8 * MAX_NAME:
        last = last[: 4 * MAX_NAME] + last[-4 * MAX_NAME :]
    text = unicodedata.normalize("NFC", last).translate(_UNWANTED)
    text = "".join("" if unicodedata.category(char) in _INVISIBLE else char for char in text)
    text = " ".join(text.split()).lstrip(". ").rstrip(". ")
    if text.startswith(("-", "~")):
        text = "_" + text[1:]
    if not text:
        return fallback
    if text.partition(".")[0].rstrip().lower() in _DEVICES:
        text = "_" + text
    return _shortened(text, MAX_NAME)


def numbered(name: str, number: int) -> str:
    """`name` with a number before its extension, for when the name is taken: ``a-2.txt``."""
    stem, extension = _split(name)
    return f"{stem}-{number}{extension}"


def _shortened(name: str, octets: int) -> str:
    if len(name.encode()) <= octets:
        return name
    stem, extension = _split(name)
    room = octets - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + extension


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > MAX_EXTENSION:
        return name, ""
    return stem, dot + extension
