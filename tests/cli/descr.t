The tree of a message, one part a line.

  $ printf 'Subject: x\n\nhi\n' | blaze descr
  `-- text/plain
  $ cat > mail.eml <<'END'
  > From: ann@example.org
  > MIME-Version: 1.0
  > Content-Type: multipart/related; boundary=o
  > 
  > preamble
  > --o
  > Content-Type: multipart/mixed; boundary=i
  > 
  > --i
  > Content-Language: en
  > Content-Type: text/plain; charset=UTF-8
  > Content-Transfer-Encoding: quoted-printable
  > 
  > caf=C3=A9
  > --i
  > Content-Type: image/png; name="=?utf-8?q?caf=C3=A9?=.png"
  > Content-Disposition: inline
  > Content-ID: <p@example.org>
  > Content-Transfer-Encoding: base64
  > 
  > iVBORw0KGgo
  > --i--
  > --o
  > Content-Type: message/rfc822
  > 
  > Subject: inner
  > 
  > text
  > --o--
  > END
  $ blaze descr mail.eml
  .-- related
  |   |-- mixed
  |   |   |-- text/plain
  |   |   `-- image/png
  |   `-- message
  |       `-- text/plain
  $ blaze descr --with-utf-8 true mail.eml
  ┌── related
  │   ├── mixed
  │   │   ├── text/plain
  │   │   └── image/png
  │   └── message
  │       └── text/plain
  $ BLAZE_UTF_8=true blaze descr - < mail.eml
  ┌── related
  │   ├── mixed
  │   │   ├── text/plain
  │   │   └── image/png
  │   └── message
  │       └── text/plain

A tree for each message of a store, under its name.

  $ printf 'From a Thu Mar 30 15:00:00 2017\nSubject: 1\n\none\n\nFrom b Thu Mar 30 15:00:01 2017\nContent-Type: text/html\n\ntwo\n' > box
  $ blaze descr box mail.eml
  box#1:
  `-- text/plain
  box#2:
  `-- text/html
  mail.eml:
  .-- related
  |   |-- mixed
  |   |   |-- text/plain
  |   |   `-- image/png
  |   `-- message
  |       `-- text/plain
  $ blaze descr box#2
  `-- text/html
  $ blaze descr missing box#2
  blaze descr: no such file or directory: missing
  box#2:
  `-- text/html
  [66]

As JSON: offsets count from the first octet of the message, size and hash are of the decoded body.

  $ printf 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\naMOp\n' > text.eml
  $ blaze descr --json text.eml
  {"schema": "blaze.descr/1", "source": "text.eml", "root": {"type": "text/plain", "params": {"charset": "utf-8"}, "charset": "utf-8", "encoding": "base64", "disposition": null, "filename": null, "id": null, "language": null, "headers": [0, 74], "body": [75, 80], "size": 3, "sha256": "7dfbe0eab96510b11c9a2671d83019cd52953211294db5f917ffa0b7cc84f534", "text": null, "parts": [], "defects": []}}
  $ printf 'hé' | sha256sum
  7dfbe0eab96510b11c9a2671d83019cd52953211294db5f917ffa0b7cc84f534  -
  $ blaze descr --json --text text.eml | grep -o '"text": "[^"]*"'
  "text": "hé"
  $ blaze descr --json mail.eml | tr '{' '\n' | grep -o '"type": [^}]*}\|"disposition".*"language": [^,]*\|"defects".*'
  "disposition": null, "filename": null, "id": null, "language": null
  "disposition": null, "filename": null, "id": null, "language": null
  "disposition": null, "filename": null, "id": null, "language": "en"
  "defects": []}, 
  "disposition": "inline", "filename": "café.png", "id": "p@example.org", "language": null
  "defects": ["encoded-word-in-parameter", "base64-missing-padding"]}], "defects": []}, 
  "disposition": null, "filename": null, "id": null, "language": null
  "disposition": null, "filename": null, "id": null, "language": null
  "defects": []}], "defects": []}], "defects": []}}
  $ blaze descr --json box | grep -o '"source".*"root"\|"headers".*"size": [0-9]*'
  "source": "box#1", "root"
  "headers": [0, 11], "body": [12, 16], "size": 4
  "source": "box#2", "root"
  "headers": [0, 24], "body": [25, 29], "size": 4

What is wrong is named.

  $ printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\naGk\n' | blaze descr --json | grep -o '"defects": [^]]*]'
  "defects": ["base64-missing-padding"]
  "defects": ["missing-close-delimiter"]
