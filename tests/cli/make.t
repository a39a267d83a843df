A text from standard input becomes a message. SOURCE_DATE_EPOCH fixes its Date and identifiers.

  $ echo 'Hello World!' | blaze make --from ann@example.org --to 'Bob Lee <bob@example.org>' --subject Hello
  Date: Tue, 14 Nov 2023 22:13:20 +0000
  From: ann@example.org
  To: Bob Lee <bob@example.org>
  Message-ID: <47q7bmije5cmf2vckdqj3ykgdt@example.org>
  Subject: Hello
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  Hello World!

A text that is not ASCII is encoded, whichever way is shorter; so is what is not ASCII in the header.

  $ echo 'Волим слани краставац.' | blaze make --date none --message-id none --encoding quoted-printable
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: quoted-printable
  =D0=92=D0=BE=D0=BB=D0=B8=D0=BC =D1=81=D0=BB=D0=B0=D0=BD=D0=B8 =D0=BA=D1=80=
  =D0=B0=D1=81=D1=82=D0=B0=D0=B2=D0=B0=D1=86.
  $ echo 'Un café, s'"'"'il vous plaît, et très vite.' | blaze make --date none --message-id none --subject 'Un café crème et des crèmeries'
  Subject: Un =?utf-8?q?caf=C3=A9_cr=C3=A8me?= et des
   =?utf-8?q?cr=C3=A8meries?=
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: quoted-printable
  Un caf=C3=A9, s'il vous pla=C3=AEt, et tr=C3=A8s vite.
  $ echo '日本語の本文' | blaze make --date none --message-id none --to '"田中, 太郎" <a@example.org>'
  To: =?utf-8?b?55Sw5LitLCDlpKrpg44=?= <a@example.org>
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: base64
  5pel5pys6Kqe44Gu5pys5paHCg==

With --utf8 the header is UTF-8, and the text may be 8bit.

  $ echo '日本語' | blaze make --date none --message-id none --utf8 --to '田中 <a@bücher.example>' --subject 日本
  To: 田中 <a@bücher.example>
  Subject: 日本
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 8bit
  日本語

Two authors need a Sender; recipients are folded between addresses.

  $ blaze make --date none --message-id none --from 'ann@example.org, bob@example.org' --to a1@example.org,a2@example.org,a3@example.org --to a4@example.org,a5@example.org </dev/null
  From: ann@example.org, bob@example.org
  Sender: ann@example.org
  To: a1@example.org, a2@example.org, a3@example.org, a4@example.org,
   a5@example.org
  MIME-Version: 1.0
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit

Dates are given as RFC 3339, in a zone of their own or in that of --zone.

  $ blaze make --message-id none --date 2009-07-12T12:00:00Z </dev/null | head -1
  Date: Sun, 12 Jul 2009 12:00:00 +0000
  $ blaze make --message-id none --date 2009-07-12T12:00:00+05:30 </dev/null | head -1
  Date: Sun, 12 Jul 2009 12:00:00 +0530
  $ blaze make --message-id none --date 2009-07-12T12:00:00 --zone Europe/Paris </dev/null | head -1
  Date: Sun, 12 Jul 2009 12:00:00 +0200
  $ blaze make --message-id none --date now --zone +0200 </dev/null | head -1
  Date: Wed, 15 Nov 2023 00:13:20 +0200
  $ BLAZE_ZONE=-0330 blaze make --message-id none </dev/null | head -1
  Date: Tue, 14 Nov 2023 18:43:20 -0330

A zone that nobody knows is -0000, which is not UTC's +0000.

  $ blaze make --message-id none --zone -0000 </dev/null | head -1
  Date: Tue, 14 Nov 2023 22:13:20 -0000
  $ blaze make --message-id none --date 2009-07-12T12:00:00 --zone -00:00 </dev/null | head -1
  Date: Sun, 12 Jul 2009 12:00:00 -0000
  $ blaze make --message-id none --date 2009-07-12T12:00:00-00:00 </dev/null | head -1
  Date: Sun, 12 Jul 2009 12:00:00 -0000

Fields given with -f stand in place of what would be made.

  $ echo x | blaze make --date none -f 'Message-ID: <a@b>' -f 'X-Mailer: mine' -f 'Content-Type: text/x-new; charset=us-ascii'
  Message-ID: <a@b>
  X-Mailer: mine
  MIME-Version: 1.0
  Content-Type: text/x-new; charset=us-ascii
  Content-Transfer-Encoding: 7bit
  x
  $ echo x | blaze make -f 'Subject: a' --subject b
  blaze make: Subject is given more than once
  [2]

The body is a file, or --text; with --html both become versions of one text.

  $ printf 'plain\n' > a.txt; printf '<p>html</p>\n' > a.html; printf '\211PNG\r\n\032\n' > dot.png
  $ blaze make --date none --seed x a.txt -o one.eml && tail -1 one.eml
  plain
  $ blaze make --date none a.txt -o one.eml
  blaze make: the file exists: one.eml
  Give --force to replace it.
  [73]
  $ blaze make --date none a.txt --force -o one.eml
  $ blaze make --date none --seed x --from a@example.org --text a.txt --html a.html --inline dot.png --attach a.txt > all.eml; blaze descr all.eml; cat all.eml
  .-- mixed
  |   |-- related
  |   |   |-- alternative
  |   |   |   |-- text/plain
  |   |   |   `-- text/html
  |   |   `-- image/png
  |   `-- text/plain
  From: a@example.org
  Message-ID: <omppm6zqt3peytzj3u2wkozqxr@example.org>
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary=vouwuaha5yqichlr4ls2tt3rod
  --vouwuaha5yqichlr4ls2tt3rod
  Content-Type: multipart/related; type="multipart/alternative";
   boundary=3jxjd4g3d6lpjfi3l54nhaugkf
  --3jxjd4g3d6lpjfi3l54nhaugkf
  Content-Type: multipart/alternative; boundary=qvrv65ds3rgurgrf2cqn6zsbdh
  --qvrv65ds3rgurgrf2cqn6zsbdh
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  plain
  --qvrv65ds3rgurgrf2cqn6zsbdh
  Content-Type: text/html; charset=utf-8
  Content-Transfer-Encoding: 7bit
  <p>html</p>
  --qvrv65ds3rgurgrf2cqn6zsbdh--
  --3jxjd4g3d6lpjfi3l54nhaugkf
  Content-Type: image/png
  Content-Transfer-Encoding: base64
  Content-Disposition: inline; filename=dot.png
  Content-ID: <dot.png@example.org>
  iVBORw0KGgo=
  --3jxjd4g3d6lpjfi3l54nhaugkf--
  --vouwuaha5yqichlr4ls2tt3rod
  Content-Type: text/plain; charset=us-ascii
  Content-Transfer-Encoding: 7bit
  Content-Disposition: attachment; filename=a.txt
  plain
  --vouwuaha5yqichlr4ls2tt3rod--
  $ blaze make --date none --seed x --from a@example.org --text a.txt --html a.html --inline dot.png --attach a.txt | cmp - all.eml
  $ blaze make --text a.txt a.txt
  blaze make: the text is given twice: --text and BODY
  [2]
  $ blaze make --text - --html - </dev/null
  blaze make: standard input can be read only once
  [2]
  $ blaze make --html a.html --type text/plain
  blaze make: there is no text that --type or a Content-Type could be for
  [2]
  $ blaze make <&-
  blaze make: standard input is closed
  [66]
  $ blaze make put a.txt <&-
  blaze make put: standard input is closed
  [66]
  $ blaze make --attach . a.txt
  blaze make: is a directory: .
  [66]
  $ blaze make nowhere.txt
  blaze make: no such file or directory: nowhere.txt
  [66]

Bcc stays in what is made; sending takes it out.

  $ blaze make --date none --message-id none --bcc secret@example.org a.txt | head -1
  Bcc: secret@example.org

Text is labelled with its charset, or refused.

  $ printf 'caf\351\n' | blaze make --date none --message-id none
  blaze make: the text is not utf-8: -, octet 3
  Say which charset it is, such as -p charset=iso-8859-1.
  [65]
  $ printf 'caf\351 et caf\351s noirs\n' | blaze make --date none --message-id none -p charset=iso-8859-1
  MIME-Version: 1.0
  Content-Type: text/plain; charset=iso-8859-1
  Content-Transfer-Encoding: quoted-printable
  caf=E9 et caf=E9s noirs
  $ printf 'soft \nbreak\n' | blaze make --date none --message-id none -p format=flowed | tail -4 | sed 's/$/|/'
  Content-Transfer-Encoding: 7bit|
  |
  soft |
  break|

An encoding that cannot carry the text is refused.

  $ echo é | blaze make --encoding 7bit
  blaze make: the content is not 7bit
  --encoding auto chooses one that can carry it.
  [65]
  $ echo é | blaze make --date none --message-id none --encoding 8bit --newline crlf | sed 's/\r$/^M/'
  MIME-Version: 1.0^M
  Content-Type: text/plain; charset=utf-8^M
  Content-Transfer-Encoding: 8bit^M
  ^M
  é^M

A value cannot break out of its field.

  $ blaze make --subject "$(printf 'a\nBcc: b@c')" </dev/null
  blaze make: invalid value for '--subject': a line break or NUL in a value
  Try 'blaze make --help'.
  [2]
  $ blaze make -f "$(printf 'X: a\rBcc: b@c')" </dev/null
  blaze make: invalid value for '-f' / '--field': a line break or NUL in a value
  Try 'blaze make --help'.
  [2]
  $ blaze make --from 'a@b <c@d>, not an address' </dev/null
  blaze make: not a list of addresses (address in display name): From: a@b <c@d>, not an address
  [2]
  $ blaze make -f 'no colon' </dev/null
  blaze make: not a header field: 'no colon'
  A field is 'Name: value'.
  [2]
  $ blaze make --type text </dev/null
  blaze make: invalid value for '--type': 'text' is no media type such as text/plain
  Try 'blaze make --help'.
  [2]
  $ blaze make -p charset </dev/null
  blaze make: invalid value for '-p' / '--parameter': 'charset' is not KEY=VALUE
  Try 'blaze make --help'.
  [2]
  $ blaze make --date yesterday </dev/null
  blaze make: invalid value for '--date': 'yesterday' is not now, none or a time such as 2026-01-31T12:00:00Z
  Try 'blaze make --help'.
  [2]
