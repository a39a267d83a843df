One address a line, in the order of the header; names as written.

  $ printf 'To: a@example.com\nFrom: Ann <ann@example.org>\nSender: b@example.net\nX-To: x@example.org\n\n' > plain
  $ blaze addr plain
  a@example.com
  Ann <ann@example.org>
  b@example.net
  $ blaze addr --without-name plain
  a@example.com
  ann@example.org
  b@example.net
  $ blaze addr -f X-To plain
  a@example.com
  Ann <ann@example.org>
  b@example.net
  x@example.org

Names are decoded on demand, and long lines folded after the name.

  $ printf 'From: =?utf-8?q?Yann_R=C3=A9gis?= <yann@example.org>\n\n' | blaze addr -d
  Yann Régis <yann@example.org>
  $ blaze addr -m 20 plain
  a@example.com
  Ann
   <ann@example.org>
  b@example.net
  $ printf 'To: Bob <"a <b"@example.org>\n\n' | blaze addr -m 20
  Bob
   <"a <b"@example.org>
  $ printf 'From: θσερ@εχαμπλε.ψομ\n\n' | blaze addr
  θσερ@εχαμπλε.ψομ

Members of groups are listed.

  $ printf 'To: friends: a@example.com, "B, C" <b@example.com>;, undisclosed:;\n\n' > group
  $ blaze addr group
  a@example.com
  "B, C" <b@example.com>
  $ blaze addr --json group
  {"schema": "blaze.addr/1", "source": "group", "field": "To", "name": null, "address": "a@example.com", "group": "friends"}
  {"schema": "blaze.addr/1", "source": "group", "field": "To", "name": "B, C", "address": "b@example.com", "group": "friends"}
  $ blaze hdr group
  To: friends: a@example.com,
      "B, C" <b@example.com>;,
      undisclosed:;

No address is the answer no.

  $ printf 'Subject: x\n\n' | blaze addr
  [1]
