"""The library under the `blaze` command: parse, build, sign, verify, send, fetch and store email.

Import the module you need (`blaze.core.mail.message`, `blaze.core.smtp.client`); this package loads nothing.
"""
