"""One mail transaction of a session: MAIL, the RCPTs, and the message by DATA or BDAT."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from blaze.core.errors import DataError, SMTPReplyError, TemporaryError
from blaze.core.mail.relay import Outgoing
from blaze.core.smtp import Reply, State
from blaze.core.smtp.commands import Bdat, Command, Data, Mail, Rcpt, Rset
from blaze.core.smtp.events import BodyChunk
from blaze.core.smtp.grammar import Parameters, encode_xtext
from blaze.core.smtp.states import BodyEnd

if TYPE_CHECKING:
    from blaze.core.net.smtp import Envelope, Session

GROUP = 100  # RCPT commands in one write: both directions fit the socket buffers, RFC 2920 §3.1
BLOCK = 1 << 20  # octets of a BDAT chunk
WRITE = 1 << 16  # octets of a message in one write
PATIENCE_AFTER_FAILURE = 5.0  # seconds; a server that hung up has said all it will say

LEAVING = 421  # the server closes the connection, RFC 5321 §3.8

_TOO_BIG = "the message of {size} octets is over the server's limit of {limit}"
_NO_SMTPUTF8 = Reply(550, "the address needs SMTPUTF8, which the server does not offer", "5.6.7")
REQUIRETLS_NOT_OFFERED = "5.7.30"  # RFC 8689 §5
_NO_REQUIRETLS = Reply(550, "the server does not offer REQUIRETLS", REQUIRETLS_NOT_OFFERED)
_FAILED = Reply(451, "the server did not say", None)


def too_many(reply: Reply) -> bool:
    """Whether a recipient was refused only because there were so many (RFC 5321 §4.5.3.1.10, errata 1851).

    552 is the older code for it; who means a full mailbox by it says so again.
    """
    return reply.code in (452, 552) and reply.enhanced in (None, "4.5.3", "5.5.3")


class Outcome(NamedTuple):
    """What became of one recipient.

    `reply` is the server's, or one of ours where it was never asked; `command` is what it answers: MAIL, RCPT
    or DATA.
    """

    recipient: str
    reply: Reply
    command: str


class Transaction:
    """One MAIL, the RCPTs of a batch, and the message: one or two round trips where the server pipelines."""

    def __init__(
        self,
        session: "Session",
        envelope: "Envelope",
        message: Outgoing,
        recipients: Sequence[str],
    ) -> None:
        self._session = session
        self._connection = session.connection
        self._timeouts = session.timeouts
        self._offered = session.extensions
        self._envelope = envelope
        self._message = message
        self._outcomes: dict[str, Outcome] = {}
        self._recipients = self._reachable(recipients)
        self.following: Transaction | None = None
        """What will be run next, where that is known."""
        self.is_ahead = False
        """Whether the envelope is on its way already."""
        self._body: Iterator[bytes] | None = None
        self._is_refused = False  # by the reply to MAIL

    def run(self) -> dict[str, Outcome]:
        """The outcome of each recipient."""
        refusal = None if self.is_ahead else self._refuse_locally()
        if refusal:
            self._tell(self._recipients, refusal, "MAIL")
            return self._outcomes
        if not self._recipients:
            return self._outcomes
        self.prepare()
        if not self.is_ahead:
            if self._connection.state is not State.READY:
                self._session.command(Rset())
            self._session.transactions += 1
        if "CHUNKING" in self._offered:
            self._run_chunked()
        else:
            self._run_data()
        return self._outcomes

    def is_for(self, envelope: "Envelope", message: Outgoing) -> bool:
        """Whether it is about this message and this envelope."""
        return envelope == self._envelope and message is self._message

    def prepare(self) -> None:
        """Make the body ready; raises DataError when the message is not fit for the server."""
        if self._body is None:
            self._body = self._chunks()

    def begin_ahead(self) -> bytes:
        """The octets of MAIL, RCPTs and DATA, to be sent behind the message before (RFC 2920 §3.1).

        Empty when this transaction must wait for its turn. `run` takes it up from there.
        """
        offered = self._offered
        fits = "PIPELINING" in offered and "CHUNKING" not in offered and 0 < len(self._recipients) < GROUP
        if not fits or self._outcomes or self._session.exhausted_after(1):
            return b""
        try:
            if self._refuse_locally():
                return b""
            commands: list[Command] = [self._mail(), *map(self._rcpt, self._recipients), Data()]
            for command in commands:
                command.to_bytes()
        except DataError:
            return b""  # which comes again when it is this message's turn
        self.is_ahead = True
        self._session.transactions += 1
        return b"".join([self._connection.send(command) for command in commands])

    def probe(self, *, recipients: bool) -> list[Outcome]:
        """Ask about the sender, and the recipients too; nothing is sent."""
        if refusal := self._refuse_locally():
            return [Outcome(self._envelope.sender, refusal, "MAIL")]
        if not recipients:
            reply = self._session.command(self._mail())
            return [Outcome(self._envelope.sender, reply, "MAIL")]
        if self._recipients:
            self._send_envelope()
        return list(self._outcomes.values())

    def _tell(self, recipients: Sequence[str], reply: Reply, command: str) -> None:
        for one in recipients:
            self._outcomes[one] = Outcome(one, reply, command)

    # The envelope.

    def _reachable(self, recipients: Sequence[str]) -> list[str]:
        """The recipients whose addresses this server can take; the others get their outcome."""
        if "SMTPUTF8" in self._offered or all(map(str.isascii, recipients)):
            return list(recipients)
        self._tell([one for one in recipients if not _ascii_path(one).isascii()], _NO_SMTPUTF8, "MAIL")
        return [one for one in recipients if one not in self._outcomes]

    def _refuse_locally(self) -> Reply | None:
        if "SMTPUTF8" not in self._offered and not _ascii_path(self._envelope.sender).isascii():
            return _NO_SMTPUTF8
        if "REQUIRETLS" in self._envelope.options and "REQUIRETLS" not in self._offered:
            return _NO_REQUIRETLS
        limit = self._offered.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit) < (size := self._message.traits.size):
            return Reply(552, _TOO_BIG.format(size=size, limit=limit), "5.3.4")
        return None

    def _mail(self) -> Mail:
        """MAIL with what the server offers and the message needs; BODY by RFC 6152 §3."""
        offered = self._offered
        envelope, message = self._envelope, self._message
        parameters = Parameters()
        if "SIZE" in offered:
            parameters["SIZE"] = str(message.traits.size)
        if message.eight_bit and "8BITMIME" in offered:
            parameters["BODY"] = "8BITMIME"
        if "SMTPUTF8" in offered and self._needs_utf8():
            parameters["SMTPUTF8"] = None
        if "DSN" in offered:
            if envelope.ret:
                parameters["RET"] = envelope.ret
            if envelope.envid:
                parameters["ENVID"] = encode_xtext(envelope.envid)
        parameters.update(envelope.options)
        return Mail(_ascii_path(envelope.sender), parameters)

    def _needs_utf8(self) -> bool:
        paths = (self._envelope.sender, *self._recipients)
        return self._message.has_utf8_header or not all(_ascii_path(path).isascii() for path in paths)

    def _rcpt(self, recipient: str) -> Rcpt:
        notify = self._envelope.notify
        if notify and "DSN" in self._offered:
            return Rcpt(_ascii_path(recipient), Parameters({"NOTIFY": notify}))
        return Rcpt(_ascii_path(recipient))

    def _send_envelope(self, last: Sequence[Command | BodyChunk] = ()) -> list[str]:
        """Send MAIL, RCPTs and, in the last write, `last`; gives the recipients that were accepted."""
        if self.is_ahead:
            self._take_envelope(0, len(self._recipients) + 1)
            return self._accepted()
        commands: list[Command] = [self._mail(), *map(self._rcpt, self._recipients)]
        step = GROUP if "PIPELINING" in self._offered else 1
        for start in range(0, len(commands), step):
            group: list[Command | BodyChunk] = [*commands[start : start + step]]
            if start + step >= len(commands):
                group += last
            octets = b"".join([self._connection.send(command) for command in group])
            self._session.channel.write(octets, self._timeouts.rcpt, shown=_without_body(group))
            self._take_envelope(start, min(start + step, len(commands)))
            if step == 1 and self._is_refused:
                break
        return self._accepted()

    def _take_envelope(self, start: int, end: int) -> None:
        """Take the replies number `start` to `end`: to MAIL, then to each RCPT."""
        for number in range(start, end):
            command = "RCPT" if number else "MAIL"
            try:
                reply = self._reply(self._timeouts.rcpt, command)
            except SMTPReplyError:
                if not any(outcome.reply.positive for outcome in self._outcomes.values()):
                    self._session.begun = False  # what followed was for nobody
                raise
            if number and not self._is_refused:
                self._tell([self._recipients[number - 1]], reply, command)
            elif not number and not reply.positive:
                self._is_refused = True
                self._tell(self._recipients, reply, command)

    def _accepted(self) -> list[str]:
        return [one for one in self._recipients if self._outcomes[one].reply.positive]

    def _reply(self, timeout: float, command: str) -> Reply:
        """The next reply; raises SMTPReplyError when the server leaves with it (RFC 5321 §3.8)."""
        reply = self._session.reply(timeout)
        if reply.code == LEAVING:
            raise self._session.refusal(reply, command)
        return reply

    def settled(self) -> dict[str, Outcome]:
        """What is certain of a transaction that broke off: refusals, and what the server took."""
        return {
            one: outcome
            for one, outcome in self._outcomes.items()
            if outcome.command == "DATA" or not outcome.reply.positive
        }

    # The message.

    def _run_data(self) -> None:
        pipelined = "PIPELINING" in self._offered and len(self._recipients) < GROUP
        accepted = self._send_envelope([Data()] if pipelined else [])
        if not pipelined:
            if not accepted:
                return
            self._session.channel.write(self._connection.send(Data()), self._timeouts.data)
        reply = self._reply(self._timeouts.data, "DATA")
        if not reply.positive:
            self._tell(accepted, reply, "DATA")
        elif not accepted:
            self._session.channel.write(self._connection.send(BodyEnd()), self._timeouts.data)
            self._session.reply(self._timeouts.end)
        else:
            self._send_body(accepted)

    def _send_body(self, accepted: list[str]) -> None:
        pending: list[bytes] = []
        size = 0
        try:
            for chunk in self._body or ():
                pending.append(self._connection.send(BodyChunk(chunk, canonical=True)))
                size += len(chunk)
                if size >= WRITE:
                    self._session.channel.write_body(b"".join(pending), self._timeouts.block)
                    pending, size = [], 0
            pending.append(self._connection.send(BodyEnd()))
            self._session.begun = True
            self._end_body(b"".join(pending), all_accepted=len(accepted) == len(self._recipients))
        except TemporaryError:
            self._read_early_reply(accepted)
            return
        self._take_deliveries(accepted)

    def _end_body(self, octets: bytes, *, all_accepted: bool) -> None:
        """Write the rest of the body, and behind it the envelope of the message that follows, if it may."""
        ahead = self.following.begin_ahead() if self.following and all_accepted else b""
        if ahead:
            shown = b"[%d octets of message]\r\n" % len(octets) + ahead
            self._session.channel.write(octets + ahead, self._timeouts.block, shown=shown)
            if self.following:
                with suppress(DataError):  # which comes again when it is that message's turn
                    self.following.prepare()  # while the server is busy with this one
        else:
            self._session.channel.write_body(octets, self._timeouts.block)

    def _read_early_reply(self, accepted: list[str]) -> None:
        """The connection broke while the message was written: perhaps the server said why."""
        self._connection.abandon_body()
        reply = self._session.reply(PATIENCE_AFTER_FAILURE)
        self._tell(accepted, _FAILED if reply.positive else reply, "DATA")
        self._connection.state = State.CLOSED

    def _run_chunked(self) -> None:
        blocks = _blocks(self._body or iter(()), BLOCK)
        first = next(blocks, b"")
        second = next(blocks, None)
        at_once = second is None and len(first) <= WRITE and len(self._recipients) < GROUP
        if at_once and "PIPELINING" in self._offered:
            self._session.begun = True
            accepted = self._send_envelope([Bdat(len(first), last=True), BodyChunk(first)])
            self._take_deliveries(accepted)
            return
        accepted = self._send_envelope()
        if not accepted:
            return
        following = chain([first], [second] if second is not None else [], blocks)
        for block, is_last in _with_last(following):
            self._session.begun = is_last
            octets = self._connection.send(Bdat(len(block), last=is_last))
            chunk = self._connection.send(BodyChunk(block))
            try:
                self._session.channel.write(octets, self._timeouts.data)
                self._session.channel.write_body(chunk, self._timeouts.block)
            except TemporaryError:
                self._read_early_reply(accepted)
                return
            if is_last:
                self._take_deliveries(accepted)
                return
            reply = self._reply(self._timeouts.block, "DATA")
            if not reply.positive:
                self._tell(accepted, reply, "DATA")
                return

    def _take_deliveries(self, accepted: list[str]) -> None:
        each = self._connection.lmtp and accepted
        for one in accepted if each else [None]:
            reply = self._reply(self._timeouts.end, "DATA")
            self._tell(accepted if one is None else [one], reply, "DATA")

    def _chunks(self) -> Iterator[bytes]:
        offered = self._offered
        seven_bit = self._message.eight_bit and "8BITMIME" not in offered
        ascii_header = seven_bit or (self._message.has_utf8_header and "SMTPUTF8" not in offered)
        if not (self._message.must_change or seven_bit or ascii_header):
            return self._message.iter_unchanged()
        if not self._session.may_change:
            raise DataError(
                f"the message cannot go to this server unchanged: {self._unfitness()}",
                where=self._session.server,
                hint="Without --no-downgrade it is re-encoded.",
            )
        if self._message.is_signed:
            self._session.warn("the message is re-encoded for this server, which breaks its signature")
        return self._message.iter_changed(seven_bit=seven_bit, ascii_header=ascii_header)

    def _unfitness(self) -> str:
        traits = self._message.traits
        if traits.bare_return:
            return "it has a bare CR"
        if traits.long_line:
            return "it has a line over 998 octets"
        if self._message.has_binary_newlines:
            return "it has a binary part, and the server would change its newlines"
        needed = "SMTPUTF8" if "8BITMIME" in self._offered else "8BITMIME"
        return f"it has 8-bit octets, and the server offers no {needed}"


def _ascii_path(address: str) -> str:
    """The address with its domain in ASCII (RFC 5891); a local-part beyond ASCII stays."""
    if address.isascii():
        return address
    from blaze.core.mail.address import to_ascii_domain

    local_part, at, domain = address.rpartition("@")
    return f"{local_part}{at}{to_ascii_domain(domain)}" if at else address


def _without_body(group: Sequence[Command | BodyChunk]) -> bytes | None:
    if not isinstance(group[-1], BodyChunk):
        return None
    shown = b"".join(command.to_bytes() for command in group if not isinstance(command, BodyChunk))
    return shown + b"[%d octets of message]\r\n" % len(group[-1].data)


def _blocks(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same octets in blocks of about `size`."""
    block: list[bytes] = []
    length = 0
    for chunk in chunks:
        block.append(chunk)
        length += len(chunk)
        if length >= size:
            yield b"".join(block)
            block, length = [], 0
    if block:
        yield b"".join(block)


class _Marked(NamedTuple):
    block: bytes
    is_last: bool


def _with_last(blocks: Iterator[bytes]) -> Iterator[_Marked]:
    current = next(blocks, b"")
    for following in blocks:
        yield _Marked(current, False)
        current = following
    yield _Marked(current, True)
