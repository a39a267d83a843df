A message for a person: the main fields decoded, the best text, the parts.

  $ cat > mail.eml <<'END'
  > Received: from x by y; Thu, 30 Mar 2017 15:00:00 +0200
  > From: =?utf-8?q?Yann_R=C3=A9gis?= <yann@example.org>
  > To: Ann <ann@example.org>, bob@example.org
  > Date: Thu, 30 Mar 2017 15:00:00 +0200
  > Subject: =?iso-8859-1?q?caf=E9?=
  > Content-Type: multipart/mixed; boundary=o
  > 
  > --o
  > Content-Type: multipart/alternative; boundary=i
  > 
  > --i
  > Content-Type: text/html
  > 
  > <p>rich</p>
  > --i
  > Content-Type: text/plain; charset=iso-8859-15; format=flowed
  > Content-Transfer-Encoding: quoted-printable
  > 
  > Ten =A4 in=20
  > one line.
  > --i--
  > --o
  > Content-Type: image/png
  > Content-Disposition: attachment; filename="a b.png"
  > Content-Transfer-Encoding: base64
  > 
  > iVBORw0KGgo=
  > --o--
  > END
  $ blaze show mail.eml
  From: Yann Régis <yann@example.org>
  To: Ann <ann@example.org>,
      bob@example.org
  Date: 2017-03-30 15:00:00 +02:00
  Subject: café
  Ten € in one line.
  [1] multipart/mixed
  [2] multipart/alternative
  [3] text/html 11 octets
  [4] text/plain 19 octets
  [5] image/png a b.png 8 octets
  $ blaze show --json mail.eml
  {"schema": "blaze.show/1", "source": "mail.eml", "headers": [{"name": "From", "value": "Yann Régis <yann@example.org>"}, {"name": "To", "value": "Ann <ann@example.org>,\nbob@example.org"}, {"name": "Date", "value": "2017-03-30 15:00:00 +02:00"}, {"name": "Subject", "value": "café"}], "text": "Ten € in one line.", "parts": [{"number": 1, "type": "multipart/mixed", "filename": null, "size": 368}, {"number": 2, "type": "multipart/alternative", "filename": null, "size": 180}, {"number": 3, "type": "text/html", "filename": null, "size": 11}, {"number": 4, "type": "text/plain", "filename": null, "size": 19}, {"number": 5, "type": "image/png", "filename": "a b.png", "size": 8}]}

HTML becomes text; a message of one text has no list of parts.

  $ printf 'Subject: x\nContent-Type: text/html\n\n<h1>Hi</h1><p>See <a href="http://example.org/">this</a><script>x()</script>' | blaze show
  Subject: x
  # Hi
  See [this](http://example.org/)

Many messages are told apart by their names.

  $ printf 'Subject: 1\n\none' > 1.eml
  $ printf 'Subject: 2\n\ntwo\n' > 2.eml
  $ blaze show 1.eml 2.eml
  ==> 1.eml <==
  Subject: 1
  one
  ==> 2.eml <==
  Subject: 2
  two
  $ printf 'Content-Type: image/png\n\nx' | blaze show
  [1] image/png 1 octet

A name of a part is no other line of the list.

  $ printf "Content-Type: image/png; name*=''a%%0A[2]%%20text/plain\n\nx" | blaze show
  [1] image/png a\n[2] text/plain 1 octet
