"""Everything that talks to the network: the DNS, TLS, SMTP and POP3 drivers, the sink."""
