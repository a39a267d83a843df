A pack holds messages in parts: each part once, compressed. The names of messages follow from their octets, so
they are the same on every machine.

  $ printf 'From: a@example.org\r\nSubject: hi\r\n\r\nHello\r\n' > 01.eml
  $ cat > 02.eml <<'END'
  > From: b@example.org
  > Message-ID: <2@x>
  > Content-Type: multipart/mixed; boundary=b
  > 
  > --b
  > 
  > Hello
  > --b
  > Content-Type: message/rfc822
  > 
  > Subject: within
  > 
  > Text.
  > --b--
  > END
  $ blaze pack make --no-stems -o pack.pack <<'END'
  > 01.eml
  > 02.eml
  > END
  $ ls
  01.eml
  02.eml
  pack.idx
  pack.pack
  pack.pack.manifest.jsonl
  $ blaze pack index pack.pack
  $ blaze pack list pack.pack
  0000004a 022e1b5e065be5ab2809e3f4048f45f6a233de35
  0000015b 829056362a0fbba946fd412fd222fcbba64bb79e
  $ blaze pack get pack.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35 | cmp - 01.eml
  $ SECOND=$(blaze pack list pack.pack | tail -n 1 | cut -d' ' -f2)
  $ blaze pack get pack.idx $SECOND | cmp - 02.eml
  $ blaze pack get --newline crlf pack.pack $SECOND | head -n 1 | od -c | head -n 2
  0000000   F   r   o   m   :       b   @   e   x   a   m   p   l   e   .
  0000020   o   r   g  \r  \n
  $ blaze pack get -o out.eml pack.pack 0x4a && cmp out.eml 01.eml

Objects that are no mail come out as they are stored.

  $ blaze pack get pack.pack 40ee2647744341be918c15f1d0c5e85de4ddc5ed | tr -d '\r'
  Hello
  $ blaze pack descr pack.pack $SECOND
  skeleton:
  .-- <multipart>-.
      |-- 5ab2f8a4323abafb10abb68657d9d39f1a775057
      `-- <message>-.
          `-- a6ac976fb2ccffb45e8a5df031d52fa914c63072
  semantic:
  .-- <mixed>-.
      |-- (plain) 5ab2f8a4323abafb10abb68657d9d39f1a775057
      `-- <message>-.
          `-- (plain) a6ac976fb2ccffb45e8a5df031d52fa914c63072
  $ blaze pack descr --json pack.pack 022e1b5e
  {"schema": "blaze.pack.descr/1", "source": "pack.pack#022e1b5e065be5ab2809e3f4048f45f6a233de35", "parts": [{"depth": 0, "header": "17782af9a5f3b744b28bb1fab0ff1ec9fe68c47a", "body": "40ee2647744341be918c15f1d0c5e85de4ddc5ed", "kind": "leaf"}], "documents": [{"subtype": "plain", "language": "english", "blob": "40ee2647744341be918c15f1d0c5e85de4ddc5ed"}]}
  $ blaze pack list --json pack.pack | sed 's/"date": "[^"]*"/"date": "..."/'
  {"schema": "blaze.pack.list/1", "source": "pack.pack#022e1b5e065be5ab2809e3f4048f45f6a233de35", "id": "022e1b5e065be5ab2809e3f4048f45f6a233de35", "pack": "pack.pack", "offset": 74, "newline": "crlf", "flags": "", "labels": [], "date": "...", "name": "01.eml"}
  {"schema": "blaze.pack.list/1", "source": "pack.pack#829056362a0fbba946fd412fd222fcbba64bb79e", "id": "829056362a0fbba946fd412fd222fcbba64bb79e", "pack": "pack.pack", "offset": 347, "newline": "lf", "flags": "", "labels": [], "date": "...", "name": "02.eml"}
  $ blaze pack verify pack.pack | cut -d' ' -f1,2
  17782af9a5f3b744b28bb1fab0ff1ec9fe68c47a blob
  40ee2647744341be918c15f1d0c5e85de4ddc5ed blob
  022e1b5e065be5ab2809e3f4048f45f6a233de35 mail
  fc78b51a1cd6d820106bedb4ba8a870f78e85630 blob
  e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 blob
  5ab2f8a4323abafb10abb68657d9d39f1a775057 blob
  39f6fb258e89160a014072b8f421f2aae2e58778 blob
  89abc0d5c461743bf225d4be982926a138c12d3f blob
  a6ac976fb2ccffb45e8a5df031d52fa914c63072 blob
  829056362a0fbba946fd412fd222fcbba64bb79e mail

Commands that read messages take packs, and messages in them.

  $ blaze hdr -H -h subject:message-id pack.pack
  pack.pack#022e1b5e065be5ab2809e3f4048f45f6a233de35	Subject: hi
  pack.pack#829056362a0fbba946fd412fd222fcbba64bb79e	Message-ID: <2@x>
  $ blaze descr pack.pack#$SECOND
  .-- mixed
  |   |-- text/plain
  |   `-- message
  |       `-- text/plain
  $ blaze convert pack.pack all.mbox
  2 messages copied
  $ blaze mbox --no-stems --no-trees all.mbox
  pack-c226ca2861c2f53c5dfb8454b05c518e83cb1e7e.pack

A folder of packs grows by what is new.

  $ blaze pack make -o archive.d 01.eml
  $ printf '%s\0' 01.eml 02.eml | blaze pack make --json -0 --from-list - -o archive.d | sed 's/[0-9a-f]\{40\}/.../'
  {"schema": "blaze.pack.make/1", "pack": "archive.d/000002-....pack", "messages": 1, "present": 1}
  $ blaze pack make --json -o archive.d 01.eml 02.eml | sed 's/-[0-9a-f]*/-HASH/'
  {"schema": "blaze.pack.make/1", "pack": null, "messages": 0, "present": 2}
  $ ls archive.d | sed 's/-[0-9a-f]*/-HASH/'
  000001-HASH.idx
  000001-HASH.pack
  000001-HASH.pack.manifest.jsonl
  000002-HASH.idx
  000002-HASH.pack
  000002-HASH.pack.manifest.jsonl
  $ blaze pack gc --json archive.d | sed 's/-[0-9a-f]*/-HASH/'
  {"schema": "blaze.pack.gc/1", "pack": "archive.d/000003-HASH.pack", "messages": 2, "before": 3290, "after": 2186}
  $ blaze pack list archive.d | cut -d' ' -f2
  022e1b5e065be5ab2809e3f4048f45f6a233de35
  829056362a0fbba946fd412fd222fcbba64bb79e
  $ blaze pack delete archive.d $SECOND
  $ blaze pack list archive.d | cut -d' ' -f2
  022e1b5e065be5ab2809e3f4048f45f6a233de35

Stems, for search, and trees, for threads, are put in too; `convert` puts in messages alone.

  $ blaze pack make -o stems.pack 01.eml 02.eml
  $ blaze pack verify stems.pack | cut -d' ' -f2 | sort | uniq -c | sed 's/^ *//'
  8 blob
  2 mail
  3 stem

What is wrong is said, with its place; what is good comes out.

  $ blaze pack get pack.pack 0123456789
  blaze pack get: there is no such object: pack.pack#0123456789
  [66]
  $ blaze pack get pack.pack 999999
  blaze pack get: the offset lies outside the pack: pack.pack:999999
  [65]
  $ blaze pack make -o pack.pack 01.eml
  blaze pack make: the file exists: pack.pack
  Give --force to replace it.
  [73]
  $ blaze pack get 01.eml 0123456789
  blaze pack get: this is no pack: 01.eml
  [65]
  $ blaze pack make -o more.pack 01.eml gone.eml
  blaze pack make: no such file or directory: gone.eml
  [66]
  $ blaze pack list more.pack
  0000004a 022e1b5e065be5ab2809e3f4048f45f6a233de35
  $ printf 'X' | dd of=pack.pack bs=1 seek=80 conv=notrunc 2> /dev/null
  $ blaze hdr -h subject pack.pack
  blaze hdr: object 022e1b5e065be5ab2809e3f4048f45f6a233de35 is damaged: the object does not inflate: pack.pack:74
  [65]
  $ blaze pack verify pack.pack | wc -l
  blaze pack verify: the object does not inflate: pack.pack:74
  blaze pack verify: the checksum of the pack is wrong: pack.pack
  blaze pack verify: the index is wrong: pack.idx
  blaze pack index pack.pack
  blaze pack verify: the message 022e1b5e065be5ab2809e3f4048f45f6a233de35 of the manifest is not in the pack: pack.pack
  If it was deleted, 'blaze pack gc' takes it out of the manifest too.
  blaze pack verify: object 022e1b5e065be5ab2809e3f4048f45f6a233de35 is damaged: the object does not inflate: pack.pack:74
  9

A deletion that is killed between the pack and its manifest is completed when it is asked for again.

  $ cat 01.eml > two.eml; printf 'again\r\n' >> two.eml
  $ blaze pack make -q -o cut.pack 01.eml two.eml
  $ cp cut.pack.manifest.jsonl before
  $ blaze pack delete cut.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
  $ cp before cut.pack.manifest.jsonl
  $ blaze pack verify -q cut.pack
  [65]
  $ blaze pack verify cut.pack > /dev/null
  blaze pack verify: the message 022e1b5e065be5ab2809e3f4048f45f6a233de35 of the manifest is not in the pack: cut.pack
  If it was deleted, 'blaze pack gc' takes it out of the manifest too.
  [65]
  $ blaze pack delete cut.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
  $ blaze pack verify -q cut.pack
  $ blaze pack delete cut.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
  blaze pack delete: there is no such object: cut.pack#022e1b5e065be5ab2809e3f4048f45f6a233de35
  [66]
