"""Search: an index of messages that is kept up to date, queries in it, threads, and Message-IDs."""
