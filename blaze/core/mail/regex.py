"""Regular expressions with possessive groups, also where Python matches those wrongly.

Before 3.11.5 a turn of ``(...)*+`` that fails behind its first character leaves the match where it failed
(https://github.com/python/cpython/issues/106052). An atomic group in the turn, ``(?:(?>...))*+``, goes back.
"""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, AnyStr

_IS_RIGHT = sys.version_info >= (3, 11, 5)


def possessive(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """`re.compile` for a pattern in which a possessive quantifier stands behind a group.

    A quantifier that asks for two turns or more must not have to take a turn back.

    >>> possessive(r"((?:[^=]++|=(?!=))*+)==").match("a=b==")[1]
    'a=b'
    """
    return re.compile(pattern, flags) if _IS_RIGHT else _compile_mended(pattern, flags)


def _compile_mended(pattern: AnyStr, flags: int) -> re.Pattern[AnyStr]:
    tree = import_module("re._parser").parse(pattern, flags)
    _mend(tree)
    compiled: re.Pattern[AnyStr] = import_module("re._compiler").compile(tree, flags)
    return compiled


def _mend(tree: Any) -> None:
    """Make what each possessive quantifier repeats an atomic group; a single character needs none."""
    for index, (operation, argument) in enumerate(tree.data):
        for child in _subpatterns(argument, type(tree)):
            _mend(child)
        if str(operation) == "POSSESSIVE_REPEAT" and not _is_character(argument[2]):
            least, most, turn = argument
            atomic = type(tree)(tree.state, [(import_module("re._constants").ATOMIC_GROUP, turn)])
            tree.data[index] = (operation, (least, most, atomic))


def _subpatterns(argument: Any, kind: type) -> Iterator[Any]:
    if isinstance(argument, kind):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _subpatterns(part, kind)


def _is_character(tree: Any) -> bool:
    return len(tree.data) == 1 and str(tree.data[0][0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN")
