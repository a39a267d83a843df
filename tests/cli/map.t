A message decoded and encoded again.

  $ printf 'From: Yann Régis <yann@example.org>\r\nSubject: café\r\nContent-Type: multipart/mixed; boundary="a b"\r\n\r\n--a b \r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhé\r\n' > mail.eml
  $ blaze map mail.eml
  From: Yann =?utf-8?q?R=C3=A9gis?= <yann@example.org>
  Subject: =?utf-8?q?caf=C3=A9?=
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary="a b"
  --a b
  Content-Type: text/plain; charset=utf-8
  Content-Transfer-Encoding: quoted-printable
  h=C3=A9
  --a b--
  $ blaze map --newline crlf < mail.eml | head -n 3 | od -An -c | head -n 3
     F   r   o   m   :       Y   a   n   n       =   ?   u   t   f
     -   8   ?   q   ?   R   =   C   3   =   A   9   g   i   s   ?
     =       <   y   a   n   n   @   e   x   a   m   p   l   e   .
  $ blaze map mail.eml > once && blaze map once | cmp - once
  $ blaze map -o once mail.eml
  blaze map: the file exists: once
  Give --force to replace it.
  [73]

What it changes:

  $ printf 'Subject: café\nMIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: 7bit\n\nx\n' > small.eml
  $ blaze map --diff small.eml
  --- small.eml
  +++ small.eml (canonical)
  @@ -1,4 +1,4 @@
  -Subject: café
  +Subject: =?utf-8?q?caf=C3=A9?=
   MIME-Version: 1.0
   Content-Type: text/plain
   Content-Transfer-Encoding: 7bit
  [1]
  $ blaze map --diff once

A boundary that is none is replaced by one that follows from the seed.

  $ printf 'Content-Type: multipart/mixed; boundary="é"\n\n--é\n\nx\n--é--\n' > bad.eml
  $ blaze map --seed 1 bad.eml
  MIME-Version: 1.0
  Content-Type: multipart/mixed; boundary=de4rqyis6avt5wgu7zqfhp4oaj
  --de4rqyis6avt5wgu7zqfhp4oaj
  Content-Type: text/plain
  Content-Transfer-Encoding: 7bit
  x
  --de4rqyis6avt5wgu7zqfhp4oaj--
  $ blaze map --seed 1 bad.eml | blaze descr
  .-- mixed
  |   `-- text/plain
