"""SMTP (RFC 5321) and LMTP (RFC 2033), both halves, without I/O."""

from blaze.core.smtp.client import ClientConnection
from blaze.core.smtp.events import NEED_DATA, PAUSED
from blaze.core.smtp.grammar import Reply
from blaze.core.smtp.offers import ServerOptions
from blaze.core.smtp.server import ServerConnection
from blaze.core.smtp.states import State

__all__ = ["NEED_DATA", "PAUSED", "ClientConnection", "Reply", "ServerConnection", "ServerOptions", "State"]
