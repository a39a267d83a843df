Instead of a server, `-` shows the dialogue that would be held; nothing is connected to.

  $ cat > hello.eml <<END
  > From: Ann <ann@example.org>
  > To: bob@example.com, eve@example.net
  > Bcc: secret@example.com
  > Subject: hello
  > 
  > .dots are stuffed
  > .
  > END
  $ blaze send -h omelet hello.eml -
  EHLO omelet
  MAIL FROM:<ann@example.org>
  RCPT TO:<bob@example.com>
  RCPT TO:<eve@example.net>
  RCPT TO:<secret@example.com>
  DATA
  From: Ann <ann@example.org>
  To: bob@example.com, eve@example.net
  Subject: hello
  
  ..dots are stuffed
  ..
  .
  QUIT

The envelope is the message's own unless it is given; `<>` is the null sender.

  $ blaze send -h omelet -s '<>' -r bob@example.com - - < hello.eml | head -3
  EHLO omelet
  MAIL FROM:<>
  RCPT TO:<bob@example.com>

A domain beyond ASCII goes in its ASCII form; only a local part needs SMTPUTF8.

  $ blaze send -h omelet -r bob@bücher.example hello.eml - | grep TO
  RCPT TO:<bob@xn--bcher-kva.example>
  $ blaze send -h omelet -r böb@example.com hello.eml - | grep -e FROM -e TO
  MAIL FROM:<ann@example.org> SMTPUTF8
  RCPT TO:<böb@example.com>

What is no address, no name or no message is refused before anything else.

  $ blaze send -s nobody hello.eml - 2>&1 | head -1
  blaze send: invalid value for '-s' / '--sender': not an address (missing domain)
  $ blaze send -h 'a b' hello.eml - > out 2>&1
  [2]
  $ printf 'Subject: x\n\nx\n' | blaze send -s ann@example.org - -
  blaze send: no recipient: -
  Name one with -r, or in To, Cc or Bcc.
  [65]
  $ blaze send -s ann@example.org nothing.eml -
  blaze send: no such file or directory: nothing.eml
  [66]

`submit` shows the log-in too, its secret masked.

  $ blaze submit -h omelet -u ann hello.eml - | head -2
  EHLO omelet
  AUTH PLAIN ****
  $ blaze submit hello.eml
  blaze submit: no server to submit to
  Name one as HOST[:PORT], in SMTP_URL, or as host of an [account.NAME] in the configuration.
  [78]
  $ blaze submit --tls none hello.eml localhost:9
  blaze submit: --tls none may let the password go in clear
  Say --insecure to allow it.
  [2]
