"""Where messages lie on disk: mbox, Maildir, folders of .eml, packs; reading, writing, converting."""
