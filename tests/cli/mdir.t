A message of a Maildir, from new to cur.

  $ mkdir -p mdir/new mdir/cur mdir/tmp
  $ printf 'Subject: hi\n\nHello\n' > mdir/new/1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze
  $ NEW=$(blaze mdir new -h blaze -D mdir | tail -n1)
  $ blaze mdir get -h blaze -D mdir -o result --new $NEW
  $ diff result mdir/new/$NEW
  $ blaze mdir get -h blaze -D mdir --new $NEW
  Subject: hi
  
  Hello
  $ export BLAZE_MDIR=mdir
  $ test -f mdir/new/$(blaze mdir new -h blaze | tail -n1)
  $ blaze mdir new -0 | tr '\0\n' '\n@'
  1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze
  $ blaze mdir new --json
  {"schema": "blaze.mdir.new/1", "source": "mdir#1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze", "name": "1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze"}
  $ blaze mdir get -h other --new $NEW > /dev/null
  warning: 1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze was delivered by the host blaze
  $ blaze mdir commit -h blaze -D mdir --new $NEW
  $ test -f mdir/cur/$NEW

Flags are added; the name stays good without them.

  $ blaze mdir commit -h blaze --seen --flagged $NEW
  $ ls mdir/cur
  1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze:2,FS
  $ blaze mdir commit -h blaze --replied $NEW:2,FS
  $ ls mdir/cur
  1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze:2,FRS
  $ blaze mdir get -h blaze $NEW | head -n 1
  Subject: hi

No new message is the answer no; a message that is not there is no input.

  $ blaze mdir new
  [1]
  $ blaze mdir commit -h blaze --new $NEW
  blaze mdir commit: there is no message 1622812170.M896292P49016Q20332Rda344fc2d5d959f6.blaze: mdir/new
  [66]
  $ blaze mdir get -h x.y gone
  warning: gone was delivered by the host gone
  blaze mdir get: there is no message gone: mdir/cur
  [66]
  $ mkdir plain && blaze mdir new -D plain
  blaze mdir new: this is no Maildir: it has neither cur nor new: plain
  [66]
  $ blaze mdir new -D nowhere
  blaze mdir new: no such Maildir: nowhere
  [66]
