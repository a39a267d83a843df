Stores are turned into one another; octets, flags, labels, dates and order stay.

  $ cat > a.mbox <<'END'
  > From ann@example.org Thu Aug 22 12:36:23 2002
  > Status: RO
  > X-Status: A
  > Subject: one
  > 
  > >From here on.
  > 
  > From bob@example.net Fri Aug 23 08:00:00 2002
  > Subject: two
  > 
  > Two.
  > 
  > END
  $ blaze convert --verify a.mbox maildir:mail
  2 messages copied
  $ ls mail | sort | tr '\n' ' '
  cur new tmp  (no-eol)
  $ ls mail/cur | sed 's/.*:/:/'
  :2,RS
  $ ls mail/new | wc -l
  1
  $ cat mail/cur/*
  Subject: one
  
  From here on.
  $ blaze convert mail back.mbox
  2 messages copied
  $ cat back.mbox
  From MAILER-DAEMON Thu Aug 22 12:36:23 2002
  X-Status: A
  Status: RO
  Subject: one
  
  >From here on.
  
  From MAILER-DAEMON Fri Aug 23 08:00:00 2002
  Subject: two
  
  Two.
  

Run again, only what is missing is copied; a duplicate is copied once on demand.

  $ blaze convert a.mbox maildir:mail
  0 messages copied, 2 there already
  $ cat a.mbox a.mbox > doubled.mbox
  $ blaze convert doubled.mbox maildir:mail
  2 messages copied, 2 there already
  $ blaze convert --dedupe raw doubled.mbox eml:files
  2 messages copied, 2 duplicates left out
  $ ls files
  000001.eml
  000002.eml
  manifest.jsonl
  $ cat files/manifest.jsonl
  {"id": "000001.eml", "newline": "lf", "flags": "RS", "labels": [], "date": "2002-08-22T12:36:23Z", "name": "1"}
  {"id": "000002.eml", "newline": "lf", "flags": "", "labels": [], "date": "2002-08-23T08:00:00Z", "name": "2", "new": true}

The four kinds of mbox.

  $ blaze convert --mbox mboxcl2 files cl2.mbox
  2 messages copied
  $ cat cl2.mbox
  From MAILER-DAEMON Thu Aug 22 12:36:23 2002
  Content-Length: 14
  X-Status: A
  Status: RO
  Subject: one
  
  From here on.
  
  From MAILER-DAEMON Fri Aug 23 08:00:00 2002
  Content-Length: 5
  Status: 
  Subject: two
  
  Two.
  
  $ printf 'Subject: x\n\n>From me\n' > x.eml
  $ blaze convert --mbox mboxo x.eml o.mbox
  warning: 1 line with '>From ' will read back without the '>' from this kind of mbox
  1 message copied

A bad message is copied as it is, and told at the end; so is a doubtful split.

  $ printf 'From a Mon Jan  1 00:00:00 2024\nno header\n\nFrom b Mon Jan  1 00:00:00 2024\nA: b\n\nhi\nFrom c Mon Jan  1 00:00:00 2024\n' > bad.mbox
  $ blaze convert bad.mbox maildir:bad
  warning: bad.mbox:32: the message has no header
  warning: bad.mbox:0: no header follows this From line
  warning: bad.mbox:84: no empty line before this From line
  2 messages copied
  [1]
  $ blaze convert --json a.mbox eml:json
  {"schema": "blaze.convert/1", "source": "a.mbox", "destination": "eml:json", "copied": 2, "present": 0, "duplicates": 0, "deleted": 0, "ambiguous_lines": 0, "problems": [], "doubts": []}

What cannot be done is said before anything is made.

  $ blaze convert missing maildir:none
  blaze convert: no such file or directory: missing
  [66]
  $ test -e none
  [1]
  $ blaze convert a.mbox somewhere
  blaze convert: it is not clear what the destination is to be: somewhere
  Say it by a prefix: mbox:FILE, maildir:DIR, eml:DIR or pack:FILE.
  [2]
  $ blaze convert a.mbox mbox:./a.mbox
  blaze convert: the source and the destination are the same: ./a.mbox
  [2]
