The parts with a file name become files; those printed are written.

  $ cat > mail.eml <<'END'
  > Content-Type: multipart/mixed; boundary=o
  > 
  > --o
  > 
  > text
  > --o
  > Content-Type: application/pdf; name="report.pdf"
  > Content-Transfer-Encoding: base64
  > 
  > JVBERi0=
  > --o
  > Content-Type: image/png
  > Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.png
  > Content-Transfer-Encoding: base64
  > 
  > iVBORw0KGgo=
  > --o
  > Content-Type: message/rfc822
  > 
  > Subject: inner
  > 
  > inner text
  > --o--
  > END
  $ blaze extract mail.eml
  report.pdf
  café.png
  $ cat report.pdf
  %PDF- (no-eol)
  $ blaze extract -C there mail.eml
  there/report.pdf
  there/café.png

A file is never overwritten; the next one has a number.

  $ blaze extract -C there --name '*.PDF' mail.eml
  there/report-2.pdf
  $ blaze extract -C there --all mail.eml
  there/part-2.txt
  there/report-3.pdf
  there/café-2.png
  there/part-6.txt
  $ cat there/part-6.txt
  inner text (no-eol)
  $ blaze extract -C there --part 5 mail.eml && cat there/part-5.eml
  there/part-5.eml
  Subject: inner
  inner text (no-eol)
  $ blaze extract --part 9 mail.eml
  [1]
  $ blaze extract --part 1 --all mail.eml
  blaze extract: --part, --all and --name exclude one another
  [2]
  $ blaze extract -C there --part 3 --json mail.eml
  {"schema": "blaze.extract/1", "source": "mail.eml", "part": 3, "type": "application/pdf", "path": "there/report-4.pdf"}

Many messages: a folder each.

  $ cp mail.eml other.eml
  $ blaze extract -C many mail.eml other.eml
  many/mail.eml/report.pdf
  many/mail.eml/café.png
  many/other.eml/report.pdf
  many/other.eml/café.png
  $ printf 'From a Thu Mar 30 15:00:00 2017\n' | cat - mail.eml > box
  $ blaze extract -C many --name '*.pdf' -0 box | tr '\0' '|'
  many/box#1/report.pdf| (no-eol)

Names are never paths, devices or hidden; nothing is written through a symbolic link.

  $ mkdir sub && cd sub && ln -s ../target evil.txt
  $ for name in ../../etc/cron.d/x CON .bashrc /etc/passwd 'C:\\x.exe' .. evil.txt -rf; do
  >   printf 'Content-Type: text/plain; name="%s"\n\nhi' "$name" | blaze extract; done
  x
  _CON
  bashrc
  passwd
  x.exe
  part-1.txt
  evil-2.txt
  _rf
  $ printf "Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''a%%00b%%0Ac%%E2%%80%%AEfdp.exe\n\nhi" | blaze extract | od -An -c
     a   b   c   f   d   p   .   e   x   e  \n
  $ head -c 5000 /dev/zero | tr '\0' x > name
  $ printf 'Content-Type: text/plain; name="%s.txt"\n\nhi' "$(cat name)" | blaze extract | wc -c
  201
  $ ls -A; ls ..
  _CON
  _rf
  abcfdp.exe
  bashrc
  evil-2.txt
  evil.txt
  name
  part-1.txt
  passwd
  x
  x.exe
  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt
  box
  café.png
  mail.eml
  many
  other.eml
  report.pdf
  sub
  there
  $ blaze extract -C evil.txt ../mail.eml
  blaze extract: cannot make the folder: file exists: evil.txt
  [73]
