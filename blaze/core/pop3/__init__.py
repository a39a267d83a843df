"""The client's half of POP3 (RFC 1939 with RFC 2449, 2595, 3206, 5034, 6856), without I/O."""

from blaze.core.pop3.client import ClientConnection
from blaze.core.pop3.events import NEED_DATA
from blaze.core.pop3.reply import Reply
from blaze.core.pop3.states import State

__all__ = ["NEED_DATA", "ClientConnection", "Reply", "State"]
