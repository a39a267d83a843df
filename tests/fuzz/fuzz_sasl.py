"""Any octets as challenges to every client and as responses to every server."""

from blaze.core import sasl
from blaze.core.errors import BlazeError


class _Accounts:
    def password(self, user: str) -> str | None:
        return "pencil" if user == "user" else None

    def check_password(self, user: str, password: str) -> bool:
        return password == "pencil"

    def check_token(self, user: str, token: str) -> bool:
        return token == "t0ken"

    def check_external(self, identity: str) -> bool:
        return False


def fuzz_sasl(data: bytes) -> None:
    """Each line is one message; the prepared form of any text is stable."""
    lines = data.split(b"\n")
    credentials = sasl.Credentials("user", "pencil", token="t0ken")
    binding = sasl.ChannelBinding("tls-exporter", b"data")
    for name in sasl.MECHANISMS:
        server = sasl.server(name, _Accounts(), nonce="xyz", salt=b"salt", binding=binding)
        for line in lines:
            if not isinstance(server.step(line), sasl.Challenge):
                break
        client = sasl.client(name, credentials, nonce="abc", binding=binding, host="h", port=1)
        client.start()
        try:
            for line in lines:
                client.respond(line.replace(b"i=4", b"i=4096,x="))
        except BlazeError:
            pass
    try:
        prepared = sasl.saslprep(data.decode("utf-8", "replace"))
    except BlazeError:
        return
    assert sasl.saslprep(prepared) == prepared
