Header fields are printed with canonical names; addresses stand one on a line.

  $ printf 'from: ann@example.org,\n root@example.net\nTO: bob@example.com\n\n' | blaze hdr
  From: ann@example.org,
        root@example.net
  To: bob@example.com

Dates are printed in one form, and as they stand when they are none.

  $ printf 'Date: Thu, 30 Mar 2017 15:00:00 +0200\n\n' | blaze hdr
  Date: 2017-03-30 15:00:00 +02:00
  $ printf 'Date: Thu, 30 Mar 2017 15:00:00 -0000\nResent-Date: yesterday\n\n' | blaze hdr
  Date: 2017-03-30 15:00:00 -00:00
  Resent-Date: yesterday

An empty value leaves no blank behind, and a folded one is unfolded.

  $ printf 'Subject:\nX-long: one\n two\n\n' | blaze hdr | sed 's/$/|/'
  Subject:|
  X-Long: one two|

The byte order mark that Windows programs and Exchange put before a header is none of it.

  $ printf '\357\273\277From: ann@example.org\r\n\r\n' > mark.eml
  $ blaze hdr mark.eml
  From: ann@example.org
  $ blaze iso mark.eml | cmp - mark.eml

Each name after -h stands for one occurrence; the order is the message's.

  $ printf 'A: foo\nA: bar\nB: baz\n\n' > twice
  $ blaze hdr -h A twice
  A: foo
  $ blaze hdr -h A:A twice
  A: foo
  A: bar
  $ blaze hdr -h b:a twice
  A: foo
  B: baz
  $ blaze hdr -h C twice
  [1]

A parameter alone.

  $ printf 'Content-Type: text/plain; charset=utf-8\n\n' | blaze hdr -h Content-Type -p charset
  utf-8
  $ printf 'Content-Type: text/plain; charset=utf-8\n\n' | blaze hdr -p charset
  utf-8
  $ printf 'Content-Type: image/png\nContent-Disposition: attachment; filename=x.png\n\n' | blaze hdr -p filename
  x.png

Encoded words are decoded on demand.

  $ printf 'From: =?US-ASCII?Q?Keith_Moore?= <moore@example.org>\nSubject: =?utf-8?q?caf=C3=A9?=\n\n' > encoded
  $ blaze hdr encoded
  From: =?US-ASCII?Q?Keith_Moore?= <moore@example.org>
  Subject: =?utf-8?q?caf=C3=A9?=
  $ blaze hdr -d encoded
  From: Keith Moore <moore@example.org>
  Subject: café

The file's name in front, for grep and sort.

  $ blaze hdr -H -h subject:a encoded twice
  encoded	Subject: =?utf-8?q?caf=C3=A9?=
  twice	A: foo
  $ blaze hdr -H < twice
  >	A: foo
  >	A: bar
  >	B: baz

JSON keeps the octets too.

  $ blaze hdr --json -h subject encoded
  {"schema": "blaze.hdr/1", "source": "encoded", "headers": [{"name": "Subject", "raw": " =?utf-8?q?caf=C3=A9?=", "value": "café"}]}
  $ printf 'Date: Thu, 30 Mar 2017 15:00:00 +0200\nX: a\n b \351\n\n' | blaze hdr --json
  {"schema": "blaze.hdr/1", "source": "-", "headers": [{"name": "Date", "raw": " Thu, 30 Mar 2017 15:00:00 +0200", "value": "Thu, 30 Mar 2017 15:00:00 +0200", "date": "2017-03-30T15:00:00+02:00"}, {"name": "X", "raw": " a\n b \udce9", "value": "a b \udce9"}]}
  $ printf 'Date: Thu, 30 Mar 2017 15:00:00 -0000\n\n' | blaze hdr --json | grep -o '"date": "[^"]*"'
  "date": "2017-03-30T15:00:00-00:00"

A file that cannot be read is reported, and the rest is done.

  $ blaze hdr -h subject missing encoded
  blaze hdr: no such file or directory: missing
  Subject: =?utf-8?q?caf=C3=A9?=
  [66]
  $ blaze hdr --json missing
  {"schema": "blaze.error/1", "what": "no such file or directory", "where": "missing", "hint": null, "exit": 66}
  [66]
  $ blaze hdr -q missing
  [66]

Wrong usage.

  $ blaze hdr --nope 2>&1 | tail -n 1; echo ${PIPESTATUS[0]}
  Did you mean --no-progress?
  2
  $ blaze hdr -h 'a b' 2>&1 | grep -o "'a b' is no field name"; echo ${PIPESTATUS[0]}
  'a b' is no field name
  2
  $ blaze hrd
  blaze: no such command: hrd
  Did you mean 'hdr'?
  [2]

Settings: the environment before the configuration file, the command's own variable first.

  $ mkdir -p .config/blaze && printf '[hdr]\ndecode = true\n' > .config/blaze/config.toml
  $ blaze hdr -h subject encoded
  Subject: café
  $ BLAZE_DECODE=false blaze hdr -h subject encoded
  Subject: =?utf-8?q?caf=C3=A9?=
  $ BLAZE_DECODE=false BLAZE_HDR_DECODE=true blaze hdr -h subject encoded
  Subject: café
  $ printf '[hdr\n' > .config/blaze/config.toml && blaze hdr encoded 2>&1 | sed 's/: not TOML.*: /: not TOML: /; s,/.*/\.config,.config,'
  blaze hdr: not TOML: .config/blaze/config.toml

An encoded word cannot break a line.

  $ rm -r .config; printf 'Subject: =?utf-8?q?a=0D=0ABcc:_b?=\nFrom: =?utf-8?q?x=0A?= <a@example.org>\n\n' | blaze hdr -d
  Subject: a Bcc: b
  From: x <a@example.org>

A value over a mebibyte is printed unfolded as it stands, and takes no memory.

  $ (printf 'Subject:'; yes ' =?utf-8?q?x?=' | head -n 100000; printf '\n') > long.eml; blaze hdr -d long.eml | wc -c
  1400009
  $ blaze show long.eml | head -n 1 | tail -c 4
  ...
