  $ printf '%s\n' 'Received: from mx.example.net (mx.example.net [192.0.2.2]) by inbox.example.com with ESMTPS' ' (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384) id 42 for <bob@example.com>; Thu, 30 Mar 2017 15:00:10 +0200' 'Received: by mx.example.net with HTTP; Thu, 30 Mar 2017 13:00:12 +0000' 'Received: from laptop ([198.51.100.9]) by mx.example.net with ESMTPSA;' ' Thu, 30 Mar 2017 13:00:00 +0000' 'Subject: x' '' > mail.eml

The hops, oldest first.

  $ blaze recv extract mail.eml
  from:laptop -> by:mx.example.net
  	with ESMTPSA
  by:mx.example.net
  	with HTTP
  from:mx.example.net -> by:inbox.example.com -> for:<bob@example.com>
  	with ESMTPS
  $ blaze recv extract --json mail.eml
  {"schema": "blaze.recv.extract/1", "source": "mail.eml", "hops": [{"from": "laptop", "from_ip": "198.51.100.9", "helo": "laptop", "by": "mx.example.net", "for": null, "with": "ESMTPSA", "via": null, "id": null, "tls": null, "date": "2017-03-30T13:00:00+00:00", "delay": null, "defects": []}, {"from": null, "from_ip": null, "helo": null, "by": "mx.example.net", "for": null, "with": "HTTP", "via": null, "id": null, "tls": null, "date": "2017-03-30T13:00:12+00:00", "delay": 12.0, "defects": []}, {"from": "mx.example.net", "from_ip": "192.0.2.2", "helo": "mx.example.net", "by": "inbox.example.com", "for": "bob@example.com", "with": "ESMTPS", "via": null, "id": "42", "tls": {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384"}, "date": "2017-03-30T15:00:10+02:00", "delay": -2.0, "defects": []}]}
  $ blaze recv extract --timeline mail.eml
  hop	time	delay	by	with	tls	note
  1	2017-03-30 13:00:00+00:00		mx.example.net	ESMTPSA		
  2	2017-03-30 13:00:12+00:00	+12 s	mx.example.net	HTTP		
  3	2017-03-30 15:00:10+02:00	-2 s	inbox.example.com	ESMTPS	TLSv1.3	clocks differ by 2 s at least
  $ blaze recv extract -d mail.eml
  digraph "mail.eml" {
    rankdir=LR;
    "laptop" -> "mx.example.net" [label="ESMTPSA"];
    "mx.example.net" -> "mx.example.net" [label="HTTP, 12 s"];
    "mx.example.net" -> "inbox.example.com" [label="ESMTPS, -2 s"];
  }
  $ blaze recv extract mail.eml - < mail.eml | head -n 4
  mail.eml: from:laptop -> by:mx.example.net
  	with ESMTPSA
  mail.eml: by:mx.example.net
  	with HTTP
  $ printf 'Subject: none\n\n' | blaze recv extract
  warning: -: there is no Received field
  [1]

Names in a graph are text, whatever they hold.

  $ printf 'Received: from a"];x[b by c\\N via D; nonsense\n\n' | blaze recv extract -d
  digraph "-" {
    rankdir=LR;
    "a\"]" -> "unknown" [label=""];
  }
  $ blaze recv extract -d --timeline mail.eml
  blaze recv extract: -d and --timeline are two pictures of the same
  Give one of them.
  [2]

A clock may be off by years.

  $ printf 'Received: by b; Thu, 01 Jan 2026 00:00:00 +0000\nReceived: by a; Sat, 21 Nov 2026 22:09:58 +0000\n\n' > years.eml
  $ blaze recv extract --timeline years.eml
  hop	time	delay	by	with	tls	note
  1	2026-11-21 22:09:58+00:00		a			
  2	2026-01-01 00:00:00+00:00	-28073398 s	b			clocks differ by 28073398 s at least
  $ blaze recv extract -d years.eml | grep label
    "unknown" -> "a" [label=""];
    "a" -> "b" [label="-28073398 s"];

A hop of our own.

  $ export SOURCE_DATE_EPOCH=1500000000
  $ printf 'Subject: x\r\n\r\n' | blaze recv stamp -f mail.example.org -h mx.example.net ann@example.net | cat -A
  Received: from mail.example.org^M$
   by mx.example.net^M$
   for <ann@example.net>;^M$
   Fri, 14 Jul 2017 02:40:00 +0000^M$
  Subject: x^M$
  ^M$
  $ printf 'Subject: x\n\n' | blaze recv stamp -f 2001:db8::1 -h mx.example.net '<ann@example.net>' > stamped.eml
  $ cat stamped.eml
  Received: from [IPv6:2001:db8::1]
   by mx.example.net
   for <ann@example.net>;
   Fri, 14 Jul 2017 02:40:00 +0000
  Subject: x
  $ blaze recv extract stamped.eml
  from:[IPv6:2001:db8::1] -> by:mx.example.net -> for:<ann@example.net>
  $ blaze recv stamp -f "$(printf 'a\nb')" ann@example.net mail.eml
  blaze recv stamp: invalid value for '-f' / '--from': 'a\nb' holds a control character
  Try 'blaze recv stamp --help'.
  [2]
  $ blaze recv stamp -f 'a b' -h mx ann@example.net mail.eml
  blaze recv stamp: not a word for the from clause of Received: 'a b'
  [2]
  $ blaze recv stamp -f a -h mx not-an@@address mail.eml
  blaze recv stamp: not an address (invalid address): 'not-an@@address'
  Write it as name@domain or Name <name@domain>.
  [2]
  $ for epoch in never -1 99999999999999999999; do SOURCE_DATE_EPOCH=$epoch blaze recv stamp -f a.test -h b.test c@d.test mail.eml; done
  blaze recv stamp: SOURCE_DATE_EPOCH is no number of seconds: never
  blaze recv stamp: SOURCE_DATE_EPOCH is no number of seconds: -1
  blaze recv stamp: SOURCE_DATE_EPOCH is no number of seconds: 99999999999999999999
  [2]

A hop that tells the time alone, as qmail's own, is no empty line.

  $ printf 'Received: (qmail 1 invoked by uid 500); 30 Mar 2017 12:59:00 -0000\n\n' | blaze recv extract
  (names no server)

A filter gets the line of an mbox in front from mail servers and procmail, and gives it back.

  $ printf 'From ann@example.org Sat Nov 28 12:00:00 2026\nSubject: x\n\nhi\n\n' > one.mbox
  $ blaze recv stamp -f a.test -h b.test c@d.test one.mbox | tail -n 4 > rest; tail -n 4 one.mbox | cmp - rest
  $ blaze recv stamp -f a.test -h b.test c@d.test < one.mbox | head -2
  From ann@example.org Sat Nov 28 12:00:00 2026
  Received: from a.test
