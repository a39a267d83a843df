"""The email Swiss Army knife for the command line."""

__version__ = "0.1.0"
