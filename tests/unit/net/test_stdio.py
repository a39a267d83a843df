"""SMTP on standard input and output."""

import pytest

from blaze.core.errors import BlazeError, DataError, SMTPReplyError, TemporaryError
from blaze.core.mail.relay import Outgoing
from blaze.core.net.delivery import Delivery
from blaze.core.net.smtp import Envelope, Following
from blaze.core.net.stdio import serve
from blaze.core.smtp import Reply

DIALOGUE = (
    b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@f.test>\r\n"
    b"DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
)
REFUSED = SMTPReplyError("no such user", code=550, enhanced="5.1.1", command="RCPT")
LATER = TemporaryError("connection refused", where="mx")


class Courier:
    """Keeps what it is given; the errors are those of the first recipients."""

    def __init__(self, *errors: BlazeError | None) -> None:
        self.errors = errors
        self.reply = Reply(250, "OK", "2.0.0")
        self.taken: list[tuple[str, list[str], bytes]] = []

    def deliver(
        self, envelope: Envelope, message: Outgoing, following: Following | None = None
    ) -> list[Delivery]:
        self.taken.append((envelope.sender, list(envelope.recipients), b"".join(message.iter_unchanged())))
        found = []
        for recipient, error in zip(envelope.recipients, (*self.errors, None, None), strict=False):
            if isinstance(error, DataError):
                raise error
            reply = self.reply if error is None else Reply(0, str(error))
            found.append(Delivery(recipient, reply, "mx", None, error))
        return found

    def close(self) -> None:
        pass


def _say(courier: Courier, said: bytes = DIALOGUE, cut: int = 7) -> list[bytes]:
    pieces = [said[at : at + cut] for at in range(0, len(said), cut)]
    answers: list[bytes] = []
    serve(courier, lambda _: pieces.pop(0) if pieces else b"", answers.append)
    return [line for answer in answers for line in answer.splitlines() if line[3:4] == b" "]


@pytest.mark.parametrize("cut", [1, 7, 1000])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_a_message_is_acknowledged_once_it_is_delivered(cut: int, newline: bytes) -> None:
    courier = Courier()
    codes = [line[:3] for line in _say(courier, DIALOGUE.replace(b"\r\n", newline), cut)]
    assert codes == [b"220", b"250", b"250", b"250", b"250", b"354", b"250", b"221"]
    assert courier.taken == [("a@b.test", ["c@d.test", "e@f.test"], b"Subject: x\r\n\r\n.dot\r\n")]


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((LATER, LATER), b"451"),
        ((REFUSED, REFUSED), b"554"),
        ((REFUSED, None), b"554"),
        ((LATER, None), b"554"),
        ((DataError("unfit"),), b"554"),
    ],
)
def test_a_message_that_is_not_delivered_is_not_acknowledged(
    errors: tuple[BlazeError | None, ...], code: bytes
) -> None:
    assert _say(Courier(*errors))[6][:3] == code


def test_notifications_that_would_not_be_asked_for_are_not_offered() -> None:
    courier = Courier()
    asked = DIALOGUE.replace(b"<c@d.test>", b"<c@d.test> NOTIFY=NEVER")
    assert [line[:3] for line in _say(courier, asked)][3] == b"555"


@pytest.mark.parametrize("text", ["a\0b\rc", "\U00010000" * 2000, "x\n" * 100 + "y" * 2040])
def test_what_a_server_says_is_made_fit_for_a_reply(text: str) -> None:
    courier = Courier()
    courier.reply = Reply(250, text, "2.0.0")
    assert [line[:3] for line in _say(courier)[6:]] == [b"250", b"221"]
    refused = SMTPReplyError(text, code=550, enhanced="5.1.1", command="RCPT")
    assert [line[:3] for line in _say(Courier(refused, None))[6:]] == [b"554", b"221"]


def test_input_that_ends_early_delivers_nothing() -> None:
    courier = Courier()
    _say(courier, DIALOGUE.partition(b"\r\n.\r\n")[0])
    assert not courier.taken


@pytest.mark.parametrize("again", [b"RSET\r\n", b"EHLO x\r\n"])
def test_nothing_is_left_of_a_message_that_was_broken_off(again: bytes) -> None:
    courier = Courier()
    opening, _, _ = DIALOGUE.partition(b"DATA\r\n")
    _, _, transaction = DIALOGUE.partition(b"EHLO x\r\n")
    _say(courier, opening + b"BDAT 5\r\nwrong" + again + transaction)
    assert [octets for _, _, octets in courier.taken] == [b"Subject: x\r\n\r\n.dot\r\n"]


def test_newlines_are_those_of_the_first_line() -> None:
    first, _, rest = DIALOGUE.partition(b"\r\n")
    mixed = first + b"\r\n" + rest.replace(b"\r\n", b"\n", 1)
    assert [line[:3] for line in _say(Courier(), mixed)][:3] == [b"220", b"250", b"500"]


def test_an_empty_message() -> None:
    courier = Courier()
    _say(courier, DIALOGUE.replace(b"Subject: x\r\n\r\n..dot\r\n", b""))
    assert courier.taken[0][2] == b""
