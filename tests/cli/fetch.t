A public archive of version 2 is a folder with a repository for each epoch.

  $ git init -q --bare inbox/git/0.git
  $ export GIT_DIR=inbox/git/0.git GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
  $ export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
  $ put() { printf "100644 blob $(printf "$1" | git hash-object -w --stdin)\tm\n" | git mktree; }
  $ add() { git update-ref HEAD $(git commit-tree $(put "$1") $(git rev-parse -q --verify HEAD | sed 's/^/-p /') -m x); }
  $ add 'Subject: one\n\nHello\n'
  $ add 'Subject: two\n\nHello again\n'

Each message is fetched once, in order.

  $ blaze fetch inbox
  blaze-de6ab1667851fd69dba203ecfed8c33c2d503ec2.eml
  blaze-6a725877cdf4bf942160e902f8b155c3df449f07.eml
  $ cat blaze-*.eml
  Subject: two
  Hello again
  Subject: one
  Hello
  $ blaze fetch inbox
  $ add 'Subject: three\n\nBye\n'
  $ blaze fetch inbox -f 'new-%s' --json | sed "s|$PWD||"
  {"schema": "blaze.fetch/1", "source": "/inbox", "uid": "524a520d996128af780d55eb73256e2395f545bf", "size": 20, "path": "new-524a520d996128af780d55eb73256e2395f545bf"}

What was fetched is known by where it is from; another name makes no difference.

  $ blaze fetch ./inbox/
  $ XDG_STATE_HOME=$PWD/other blaze fetch inbox --mbox box --limit 2 -0 | tr '\0\n' '\n@'
  box
  $ grep -c '^From ' box
  2

What cannot be.

  $ blaze fetch nothing
  blaze fetch: there is no such archive: nothing
  A maildrop is named as pop3s://USER@HOST.
  [66]
  $ blaze fetch imap://example.org
  blaze fetch: not the URI of a maildrop or an archive: imap://example.org
  Use pop3://, pop3s://, git://, https://, ssh:// or the path of an archive.
  [2]
  $ blaze fetch pop3://example.org --delete --keep
  blaze fetch: --keep, --delete and --delete-after exclude each other
  [2]
  $ blaze fetch inbox --delete
  blaze fetch: from an archive nothing can be deleted, and messages come whole: inbox
  [2]
  $ blaze fetch
  blaze fetch: nothing to fetch from
  Name a URI, or give an [account.NAME] of the configuration fetch = "pop3s://USER@HOST".
  [78]
  $ blaze fetch pop3s://ann@localhost:1 --maildir M --password-command 'echo secret' --offline --timeout 5s
  blaze fetch: connection refused: localhost port 1
  [75]
  $ blaze fetch pop3s://localhost
  blaze fetch: nobody to log in as: localhost
  Name a user with -u.
  [78]
