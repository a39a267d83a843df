An index of a Maildir, and searches in it.

  $ mkdir -p Mail/cur Mail/new Mail/tmp
  $ cat > "Mail/cur/1700000001.M1P1.host:2,S" <<'X'
  > From: Ada Byron <ada@example.org>
  > To: team@example.org
  > Subject: The budgets of next year
  > Date: Mon, 15 Jan 2024 10:00:00 +0000
  > Message-ID: <1@example.org>
  > 
  > Please look at the invoices before Friday. We are running late.
  > X
  $ cat > "Mail/cur/1700000002.M2P1.host:2,FS" <<'X'
  > From: Bob <bob@example.org>
  > To: ada@example.org
  > Subject: Re: The budgets of next year
  > Date: Sun, 30 Jun 2024 23:30:00 +0000
  > Message-ID: <2@example.org>
  > In-Reply-To: <1@example.org>
  > 
  > I looked; one invoice is missing.
  > 
  > Ada wrote:
  > > Please look at the invoices before Friday.
  > X
  $ blaze search --in Mail invoice
  blaze search: there is no index: Mail/.blaze-index
  Make one with 'blaze index SOURCE'.
  [66]
  $ blaze index Mail
  2 added
  $ blaze index Mail
  2 unchanged
  $ blaze search --in Mail --sort oldest invoice | sed "s|$PWD|.|"
  2024-01-15 10:00	Ada Byron <ada@example.org>	The budgets of next year	./Mail#1700000001.M1P1.host
  2024-06-30 23:30	Bob <bob@example.org>	Re: The budgets of next year	./Mail#1700000002.M2P1.host

Words stand for all their forms, phrases for themselves.

  $ export BLAZE_INDEX=Mail/.blaze-index
  $ blaze search --format ids run
  1@example.org
  $ blaze search --format ids '"run"'
  [1]
  $ blaze search --format ids '"looked one"'
  2@example.org
  $ blaze search --format ids 'from:ada or is:flagged' --sort newest
  2@example.org
  1@example.org
  $ blaze search --count 'budget -from:bob'
  1

A range of dates has both its ends.

  $ blaze search --count date:2024-01..2024-06
  2
  $ blaze search --count date:2024-01-15..2024-06-29
  1

Names of files are for other commands.

  $ blaze search --format files missing | sed "s|$PWD|.|"
  ./Mail/cur/1700000002.M2P1.host:2,FS
  $ blaze search --format files -0 missing | xargs -0 blaze hdr -h subject
  Subject: Re: The budgets of next year
  $ blaze search --snippets --format lines missing | sed "s|$PWD|.|"
  2024-06-30 23:30	Bob <bob@example.org>	Re: The budgets of next year	./Mail#1700000002.M2P1.host
      I looked; one invoice is missing.
  $ blaze search --json --sort oldest --limit 1 friday | sed "s|$PWD|.|"
  {"schema": "blaze.search/1", "source": "./Mail#1700000001.M1P1.host", "id": "1@example.org", "date": "2024-01-15T10:00:00+00:00", "from": "Ada Byron <ada@example.org>", "subject": "The budgets of next year", "score": 0.0, "snippet": "Please look at the invoices before Friday. We are running late."}

What is no query is wrong usage; nothing found is the answer no.

  $ blaze search '(budget'
  blaze search: the parenthesis has no fellow: character 8 of the query
  [2]
  $ blaze search is:odd
  blaze search: 'is:' does not know 'odd': character 1 of the query
  It knows draft, flagged, passed, forwarded, replied, seen, read, trashed, unread, unseen.
  [2]
  $ blaze search unicorn
  [1]
  $ rm Mail/cur/1700000001.M1P1.host:2,S
  $ blaze index Mail
  1 removed, 1 unchanged
  $ blaze search --count ''
  1
  $ unset BLAZE_INDEX; blaze search budget
  blaze search: no index is named
  Name it by --index PATH or BLAZE_INDEX, or its source by --in SOURCE.
  [66]
  $ blaze index nowhere
  blaze index: no such file or directory: nowhere
  [66]
