"""The README's blocks are run as they stand."""

import base64
import doctest
import re
from pathlib import Path

from tests.support import transcript

README = Path(__file__).resolve().parents[2] / "README.md"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)
MAIL = b"""\
From: =?utf-8?q?Ann_B=C3=A9e?= <ann@example.org>
To: bob@example.com
Subject: =?utf-8?q?Caf=C3=A9?= menu
Date: Thu, 30 Mar 2017 15:00:00 +0200
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Today: cr\xc3\xa8me br\xc3\xbbl\xc3\xa9e.

--b
Content-Type: image/png
Content-Disposition: attachment; filename=picture.png
Content-Transfer-Encoding: base64

%s
--b--
""" % base64.encodebytes(PICTURE)
MBOX = b"""\
From ann@example.org Thu Mar 30 13:00:00 2017
From: ann@example.org
Subject: first

One.

From bob@example.com Thu Mar 30 14:00:00 2017
From: bob@example.com
Subject: second

Two.

"""


def test_readme_recipes_print_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)
    (tmp_path / "archive.mbox").write_bytes(MBOX)
    (tmp_path / "picture.png").write_bytes(PICTURE)
    blocks = re.findall(r"```console\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert blocks
    for text in blocks:
        commands = transcript.parse(text, indent="")
        for block, printed in zip(commands, transcript.run(commands, tmp_path), strict=True):
            assert printed == block.expected, block.command


def test_readme_library_examples_run() -> None:
    assert doctest.testfile(str(README), module_relative=False, encoding="utf-8").failed == 0
