A message becomes the first part of a multipart; the fields of its content go down with it.

  $ echo 'Hello World!' > body; echo "J'adore le concombre salé." > text
  $ blaze make --date 2009-07-12T12:00:00Z --message-id none body | blaze make wrap --boundary foo
  Date: Sun, 12 Jul 2009 12:00:00 +0000
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary=foo
  --foo
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  Hello World!
  --foo--

A part is added at the end; its type is found, its encoding chosen.

  $ blaze make --date none --message-id none body | blaze make wrap --boundary foo | blaze make put text
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary=foo
  --foo
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  Hello World!
  --foo
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: quoted-printable
  Content-Disposition: attachment; filename=text
  J'adore le concombre sal=C3=A9.
  --foo--
  $ blaze make --date none --message-id none body | blaze make wrap --boundary foo > multi.eml
  $ blaze make put --type text/x-note --encoding base64 -p lang=fr -f 'Content-Language: fr' --name 日本.txt text multi.eml
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary=foo
  --foo
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  Hello World!
  --foo
  Content-Type: text/x-note; charset=utf-8; lang=fr
  Content-Transfer-Encoding: base64
  Content-Disposition: attachment; filename*=utf-8''%E6%97%A5%E6%9C%AC.txt
  Content-Language: fr
  SidhZG9yZSBsZSBjb25jb21icmUgc2Fsw6kuCg==
  --foo--
  $ blaze make put - multi.eml < text | blaze descr
  .-- mixed
  |   |-- text/plain
  |   `-- text/plain
  $ blaze make put - < text
  blaze make put: standard input can be read only once
  [2]

What is not multipart, a boundary that occurs, and what is no boundary are refused.

  $ blaze make body | blaze make put text
  blaze make put: the message is text/plain, not a multipart
  'blaze make wrap' makes it one.
  [65]
  $ printf 'Subject: x\n\none\n--foo\n' | blaze make wrap --boundary foo
  blaze make wrap: the boundary 'foo' occurs in a part
  Another --boundary, or none, avoids it.
  [65]
  $ blaze make wrap --boundary 'a"b' multi.eml
  blaze make wrap: not a boundary: 'a"b'
  At most 70 letters, digits and '()+_,-./:=?
  [2]
  $ blaze make put nowhere multi.eml
  blaze make put: no such file or directory: nowhere
  [66]

Without --boundary one is made from the seed.

  $ blaze make --date none body | blaze make wrap -s seed | blaze hdr -h content-type
  Content-Type: multipart/mixed; boundary=alllbg3bqil3izuypyt23ethea
  $ blaze make --date none body | blaze make wrap --seed seed --alternative | blaze hdr -h content-type -p boundary
  swmmohb6ubbvvl36ohyodpinn2

The kinds of multipart.

  $ for kind in mixed alternative related parallel form-data report signed; do blaze make wrap --boundary b --$kind body | blaze hdr -h content-type; done
  Content-Type: multipart/mixed; boundary=b
  Content-Type: multipart/alternative; boundary=b
  Content-Type: multipart/related; type="text/plain"; boundary=b
  Content-Type: multipart/parallel; boundary=b
  Content-Type: multipart/form-data; boundary=b
  Content-Type: multipart/report; boundary=b
  Content-Type: multipart/signed; boundary=b
  $ blaze make wrap --boundary b --report -p report-type=delivery-status body | blaze hdr -h content-type
  Content-Type: multipart/report; report-type=delivery-status; boundary=b
  $ blaze make wrap --boundary b --form-data -f 'Content-Disposition: form-data; name=a' body | blaze make put text | grep Disposition
  Content-Disposition: form-data; name=a
  Content-Disposition: form-data; name=text; filename=text

Newlines come out as asked, whatever went in.

  $ printf 'Subject: x\r\n\r\nbody\r\n' > crlf.eml
  $ blaze make wrap --boundary b crlf.eml | grep -c "$(printf '\r')"
  0
  [1]
  $ blaze make wrap --boundary b --newline crlf crlf.eml | blaze make put text --newline crlf | grep -vc "$(printf '\r')"
  0
  [1]

Fields are put in front.

  $ printf 'Subject: x\n\nbody\n' | blaze make add-field -f 'X-Checked: yes' --to é@example.org
  blaze make add-field: the local-part is not ASCII: é@example.org: field To
  Such an address needs --utf8, and SMTPUTF8 on the way (RFC 6531).
  [2]
  $ printf 'Subject: x\n\nbody\n' | blaze make add-field -f 'X-Checked: yes' --to 'É <e@example.org>' --date now --type text/plain -p charset=utf-8 --encoding 7bit
  Date: Tue, 14 Nov 2023 22:13:20 +0000
  To: =?utf-8?q?=C3=89?= <e@example.org>
  X-Checked: yes
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: 7bit
  Subject: x
  body
  $ printf 'From ann Thu Jan  1 00:00:00 1970\nSubject: x\n\nbody\n' | blaze make add-field -f 'X: y'
  From ann Thu Jan  1 00:00:00 1970
  X: y
  Subject: x
  body
  $ blaze make add-field body
  blaze make add-field: no field is given
  Give one, such as -f 'Subject: Hello'.
  [2]
  $ blaze make add-field -p charset=utf-8 body
  blaze make add-field: -p needs --type
  [2]
