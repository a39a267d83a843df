A message taken apart and put together again has the same octets, whatever it holds.

  $ printf 'From: a\r\nContent-Type: multipart/mixed; boundary=b\n\npre\n--b \t\r\n\r\none\n--b--x\n--b--  \n--b\nepi' > mail.eml
  $ blaze iso mail.eml | cmp - mail.eml
  $ blaze iso < mail.eml | cmp - mail.eml
  $ head -c 3000 /dev/urandom > noise
  $ blaze iso noise | cmp - noise
  $ printf '' | blaze iso | wc -c
  0
  $ blaze iso -o out.eml mail.eml && cmp out.eml mail.eml
  $ blaze iso -o out.eml mail.eml
  blaze iso: the file exists: out.eml
  Give --force to replace it.
  [73]
  $ blaze iso --force -o out.eml noise && cmp out.eml noise
  $ printf 'From a Thu Mar 30 15:00:00 2017\nSubject: 1\n\none\n\nFrom b Thu Mar 30 15:00:01 2017\n\ntwo\n' > box
  $ gzip -k box
  $ for file in box box.gz; do blaze iso $file | cmp - $file; blaze iso < $file | cmp - $file; done
  $ blaze iso box#1
  Subject: 1
  one
  $ blaze iso missing
  blaze iso: no such file or directory: missing
  [66]
