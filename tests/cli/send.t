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
  $ blaze submit -h omelet -u ann --auth scram-sha-256 hello.eml - | head -5
  EHLO omelet
  AUTH SCRAM-SHA-256 ****
  ****
  ****
  MAIL FROM:<ann@example.org>
  $ blaze send -h omelet --require-tls --notify success hello.eml - | grep -e FROM -e TO:
  MAIL FROM:<ann@example.org> REQUIRETLS
  RCPT TO:<bob@example.com> NOTIFY=SUCCESS
  RCPT TO:<eve@example.net> NOTIFY=SUCCESS
  RCPT TO:<secret@example.com> NOTIFY=SUCCESS
  $ blaze submit hello.eml
  blaze submit: no server to submit to
  Name one as HOST[:PORT], in SMTP_URL, or in an account of the configuration: --account NAME or default-account chooses it.
  [78]
  $ blaze submit --tls none hello.eml localhost:9
  blaze submit: --tls none may let the password go in clear
  Say --insecure to allow it.
  [2]

Options of which one would have to be ignored are refused, and so is a server that is none.

  $ blaze send --tls none --tls-verify hello.eml localhost
  blaze send: --tls-verify and --tls none exclude each other
  [2]
  $ blaze submit --insecure --tls-verify hello.eml localhost
  blaze submit: --tls-verify and --insecure exclude each other
  [2]
  $ blaze send --pin 1234 hello.eml localhost
  blaze send: invalid value for '--pin': '1234' is not a pin such as sha256: and 64 hexadecimal digits
  Try 'blaze send --help'.
  [2]
  $ blaze send --bind nowhere hello.eml localhost
  blaze send: invalid value for '--bind': 'nowhere' is no IP address
  Try 'blaze send --help'.
  [2]
  $ blaze send hello.eml smtp://localhost:25
  blaze send: neither a host nor the path of a socket: smtp://localhost:25
  Name it as HOST[:PORT]; 'blaze submit' takes a URL.
  [2]
  $ blaze send hello.eml ''
  blaze send: no host: ''
  [2]
  $ blaze submit hello.eml localhost:smtp
  blaze submit: invalid value: 'localhost:smtp' does not end with a port number
  Try 'blaze submit --help'.
  [2]
