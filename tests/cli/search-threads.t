Threads of an mbox. A message that is named and not there is shown as missing.

  $ cat > list.mbox <<'X'
  > From ada@example.org Mon Jan 15 10:00:00 2024
  > From: Ada <ada@example.org>
  > Subject: A plan
  > Date: Mon, 15 Jan 2024 10:00:00 +0000
  > Message-ID: <1@x>
  > 
  > Shall we?
  > 
  > From bob@example.org Mon Jan 15 11:00:00 2024
  > From: Bob <bob@example.org>
  > Subject: Re: A plan
  > Date: Mon, 15 Jan 2024 11:00:00 +0000
  > Message-ID: <2@x>
  > References: <1@x>
  > 
  > Yes.
  > 
  > From cleo@example.org Mon Jan 15 12:00:00 2024
  > From: Cleo <cleo@example.org>
  > Subject: Re: A plan
  > Date: Mon, 15 Jan 2024 12:00:00 +0000
  > Message-ID: <4@x>
  > References: <1@x> <2@x> <3@x>
  > 
  > When?
  > 
  > From dan@example.org Mon Jan 15 13:00:00 2024
  > From: Dan <dan@example.org>
  > Subject: Re: A plan
  > Date: Mon, 15 Jan 2024 13:00:00 +0000
  > Message-ID: <5@x>
  > In-Reply-To: <1@x>
  > 
  > No.
  > 
  > From eve@example.org Mon Jan 15 14:00:00 2024
  > From: Eve <eve@example.org>
  > Subject: Re: A plan
  > Date: Mon, 15 Jan 2024 14:00:00 +0000
  > Message-ID: <6@x>
  > 
  > Lunch?
  > 
  > X
  $ blaze threads list.mbox
  2024-01-15 10:00  Ada <ada@example.org>  A plan  list.mbox#1
  |-- 2024-01-15 11:00  Bob <bob@example.org>  Re: A plan  list.mbox#2
  |   `-- (missing) <3@x>
  |       `-- 2024-01-15 12:00  Cleo <cleo@example.org>  Re: A plan  list.mbox#3
  `-- 2024-01-15 13:00  Dan <dan@example.org>  Re: A plan  list.mbox#4
  2024-01-15 14:00  Eve <eve@example.org>  Re: A plan  list.mbox#5
  $ blaze threads --why --by-subject --with-utf-8 true list.mbox
  2024-01-15 10:00  Ada <ada@example.org>  A plan  list.mbox#1
  ├── 2024-01-15 11:00  Bob <bob@example.org>  Re: A plan  list.mbox#2  [References]
  │   └── (missing) <3@x>  [References of <4@x>]
  │       └── 2024-01-15 12:00  Cleo <cleo@example.org>  Re: A plan  list.mbox#3  [References]
  ├── 2024-01-15 13:00  Dan <dan@example.org>  Re: A plan  list.mbox#4  [In-Reply-To]
  └── 2024-01-15 14:00  Eve <eve@example.org>  Re: A plan  list.mbox#5  [Subject]
  $ blaze threads --json list.mbox | tail -n 1
  {"schema": "blaze.threads/1", "messages": 1, "missing": 0, "thread": [{"source": "list.mbox#5", "id": "6@x", "depth": 0, "why": null, "date": "2024-01-15T14:00:00+00:00", "from": "Eve <eve@example.org>", "subject": "Re: A plan"}]}

With an index, the threads of what a query finds.

  $ blaze index list.mbox
  5 added
  $ blaze threads --in list.mbox lunch | sed "s|$PWD|.|"
  2024-01-15 14:00  Eve <eve@example.org>  Re: A plan  ./list.mbox#5
  $ blaze threads --in list.mbox when | grep -c .
  5
  $ blaze threads --in list.mbox unicorn
  [1]
  $ blaze threads nowhere
  blaze threads: no such store, and no index is named: nowhere
  Name a store, or an index by --index PATH, BLAZE_INDEX or --in SOURCE.
  [66]

The index of Message-IDs.

  $ blaze rowex populate -i ids list.mbox
  5 messages
  $ blaze rowex find -i ids '<4@x>' | sed "s|$PWD|.|"
  ./list.mbox#3
  $ blaze rowex find -0 -i ids '<4@x>' | tr '\0\n' '\n@' | sed "s|$PWD|.|"
  ./list.mbox#3
  $ blaze rowex find -i ids 7@x
  [1]
  $ blaze rowex tree -i ids | sed "s|$PWD|.|"
  2024-01-15 10:00  Ada <ada@example.org>  A plan  ./list.mbox#1
  |-- 2024-01-15 11:00  Bob <bob@example.org>  Re: A plan  ./list.mbox#2
  |   `-- (missing) <3@x>
  |       `-- 2024-01-15 12:00  Cleo <cleo@example.org>  Re: A plan  ./list.mbox#3
  `-- 2024-01-15 13:00  Dan <dan@example.org>  Re: A plan  ./list.mbox#4
  2024-01-15 14:00  Eve <eve@example.org>  Re: A plan  ./list.mbox#5
  $ blaze rowex find 4@x
  blaze rowex find: no index is named
  Name it by -i FILE or BLAZE_ROWEX.
  [2]
  $ blaze rowex tree --json -i ids | head -n 1 | cut -c1-50
  {"schema": "blaze.rowex.tree/1", "messages": 4, "m
  $ blaze rowex tree -i gone
  blaze rowex tree: there is no index: gone
  Make one with 'blaze rowex populate'.
  [66]

Ranking over the stems in a pack.

  $ blaze pack make --no-sync -o list.pack list.mbox
  $ blaze okapi list.pack lunches
  3c5c206a2cdec2b5bdce8b64bb235bf26e2809e1: 1.487731
  $ blaze okapi --json list.pack yes
  {"schema": "blaze.okapi/1", "source": "list.pack", "id": "7c0984d961246fe7ad4e8711f78e509b6c1d0ddd", "score": 1.4877305338847608}
  $ blaze okapi list.pack unicorn
  [1]
  $ blaze pack make --no-sync --no-stems -o bare.pack list.mbox
  $ blaze okapi bare.pack lunch
  blaze okapi: there are no stem objects in it: bare.pack
  Make a pack without --no-stems.
  [65]
