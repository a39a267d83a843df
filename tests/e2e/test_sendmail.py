"""`blaze sendmail` as its callers call it, against our own server."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_send import MESSAGE, blaze
from tests.support.smtp_server import Taken, server

pytestmark = pytest.mark.e2e

Sendmail = Callable[..., "tuple[subprocess.CompletedProcess[bytes], list[Taken]]"]


@pytest.fixture
def sendmail(tmp_path: Path) -> Sendmail:
    """Run it with an account at a server of ours; gives what the server took too."""

    def run(
        *args: str, stdin: bytes = MESSAGE, settings: str = 'domain = "d.test"\n'
    ) -> "tuple[subprocess.CompletedProcess[bytes], list[Taken]]":
        config = tmp_path / "blaze" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        with server() as peer:
            place = f'host = "127.0.0.1"\nport = {peer.port}\ntls = "none"\n'
            config.write_text(f"[account.a]\n{place}{settings}")
            done = blaze("sendmail", *args, stdin=stdin, XDG_CONFIG_HOME=str(tmp_path))
        return done, peer.messages

    return run


_ALIASES = 'domain = "d.test"\n[account.a.aliases]\nroot = "admin@d.test"\n'


@pytest.mark.parametrize(
    ("args", "header"),
    [
        (("-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"), b"From: root (Cron Daemon)\nTo: root\n"),
        (("-t", "-i"), b"From: root\nTo: root\n"),
        (("-t", "-i"), b"From: System <root>\nCc: Admins: root, <root>;\n"),
    ],
)
def test_names_without_a_domain_get_that_of_the_account(
    args: tuple[str, ...], header: bytes, sendmail: Sendmail
) -> None:
    done, (taken,) = sendmail(*args, stdin=header + b"Subject: x\n\nout\n", settings=_ALIASES)
    assert done.returncode == 0, done.stderr
    assert (taken.sender, taken.recipients) == ("root@d.test", ["admin@d.test"])


def test_a_message_without_any_sender_says_how_to_name_one(sendmail: Sendmail) -> None:
    done, taken = sendmail("-t", stdin=b"To: a@x.test\n\nx\n")
    assert (done.returncode, taken) == (65, [])
    assert b"Name one with -f, " in done.stderr


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_the_line_that_begins_a_message_in_an_mbox_is_left_out(newline: bytes, sendmail: Sendmail) -> None:
    message = b"From a@sender.test Thu Jan  1 00:00:00 1970\n" + MESSAGE.replace(b"\nSub", b"\nDate: x\nSub")
    done, (taken,) = sendmail("-t", "-i", stdin=message.replace(b"\n", newline))
    assert done.returncode == 0, done.stderr
    assert taken.body.startswith(b"From: a@sender.test\r\nTo: c@one.test\r\nDate: x\r\n")


def test_a_field_with_a_blank_before_its_colon_is_no_such_line(sendmail: Sendmail) -> None:
    _, (taken,) = sendmail("-t", "-i", stdin=b"From : a@x.test\nTo: b@x.test\n\nx\n")
    assert (taken.sender, b"From : a@x.test" in taken.body) == ("a@x.test", True)


def test_arguments_are_read_as_addresses(sendmail: Sendmail) -> None:
    args = (
        "-f",
        "Ann <ann@x.test>",
        "Bob <bob@x.test>",
        "c@x.test, root",
        "Team: d..e@x.test;",
        "<f@x.test>",
    )
    done, (taken,) = sendmail(*args, settings=_ALIASES)
    assert done.returncode == 0, done.stderr
    assert taken.sender == "ann@x.test"
    named = ["bob@x.test", "c@x.test", "admin@d.test", '"d..e"@x.test', "f@x.test"]
    assert taken.recipients == named


@pytest.mark.parametrize(
    "args",
    [
        ("a@x.test\r\nDATA",),
        ("a@",),
        ("-f", "a@x\nb", "a@x.test"),
        ("-f", "a,b", "c"),
        ("-F", "a\nBcc: x@x.test", "c"),
    ],
)
def test_an_argument_that_is_no_address_is_wrong_usage(args: tuple[str, ...], sendmail: Sendmail) -> None:
    done, taken = sendmail(*args)
    assert (done.returncode, taken) == (64, []), done.stderr


def test_the_senders_name_in_the_configuration(sendmail: Sendmail) -> None:
    done, (taken,) = sendmail("-t", settings='from = "Ann <ann@x.test>"\n')
    assert (done.returncode, taken.sender) == (0, "ann@x.test")
    done, _ = sendmail("-t", settings='from = "no address"\n')
    assert done.returncode == 78, done.stderr


@pytest.mark.parametrize("domain", ["a..b", "x" * 64 + ".test ", "☃☃", "a b", r"a\r\nb"])
def test_a_domain_that_is_none_is_wrong_configuration(domain: str, sendmail: Sendmail) -> None:
    done, taken = sendmail("-t", settings=f'domain = "{domain}"\n', stdin=b"From: a@x.test\nTo: b\n\nx\n")
    assert (done.returncode, taken) == (78, []), done.stderr


def test_a_domain_beyond_ascii(sendmail: Sendmail) -> None:
    stdin = b"From: ann\nTo: bob\n\nx\n"
    done, (taken,) = sendmail("-t", settings='domain = "b\u00fccher.example"\n', stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert taken.recipients == ["bob@xn--bcher-kva.example"]
    assert b"@xn--bcher-kva.example>\r\n" in taken.body


def test_a_sender_beyond_ascii_gets_a_from_field(sendmail: Sendmail) -> None:
    done, (taken,) = sendmail("-f", "jörg@d.test", "a@x.test", stdin=b"Subject: x\n\nx\n")
    assert done.returncode == 0, done.stderr
    assert taken.body.startswith("From: jörg@d.test\r\n".encode())
    assert "SMTPUTF8" in taken.parameters
