"""Messages, read and written (RFC 5322, 2045-2049, 2047, 2231, 6532). No I/O, no clock, no randomness."""
