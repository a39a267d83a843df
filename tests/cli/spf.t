The policies used here lie in a folder; nothing else is asked.

  $ mkdir dns && export BLAZE_DNS_STATIC=dns BLAZE_OFFLINE=1
  $ echo 'txt:v=spf1 ip4:192.0.2.0/24 include:inner.test -all exp=why.example.org' > dns/example.org.dns
  $ echo 'txt:v=spf1 a:host.test ?all' > dns/inner.test.dns
  $ echo 'a:198.51.100.7' > dns/host.test.dns
  $ echo 'txt:%{i} may not send for %{d}.' > dns/why.example.org.dns
  $ echo 'servfail' > dns/broken.test.dns

The result alone is printed; the exit status tells it too.

  $ blaze spf check --ip 192.0.2.1 --sender ann@example.org
  pass
  $ blaze spf check --ip 203.0.113.9 --sender ann@example.org
  fail
  [1]
  $ blaze spf check --ip 192.0.2.1 --sender ann@broken.test
  temperror
  [75]
  $ blaze spf check --ip 192.0.2.1 --sender ann@other.test
  none
  [1]
  $ blaze spf check -q --ip 192.0.2.1 --sender ann@example.org

Why, in words.

  $ blaze spf check -v --ip 203.0.113.9 --sender ann@example.org
  fail
  203.0.113.9 matches -all of example.org
  example.org explains: 203.0.113.9 may not send for example.org.
  [1]
  $ blaze spf check --trace --ip 198.51.100.7 --sender ann@example.org
  pass
    example.org: v=spf1 ip4:192.0.2.0/24 include:inner.test -all exp=why.example.org
      ip4:192.0.2.0/24: no match
      include:inner.test: followed
        inner.test: v=spf1 a:host.test ?all
          a:host.test: match
      include:inner.test: pass: match
  $ blaze spf check --json --ip 203.0.113.9 --sender ann@example.org
  {"schema": "blaze.spf.check/1", "result": "fail", "domain": "example.org", "mechanism": "-all", "explanation": "203.0.113.9 may not send for example.org.", "lookups": 2, "void_lookups": 0, "reason": "203.0.113.9 matches -all of example.org", "identity": "mailfrom"}
  [1]
  $ blaze spf check --json --trace --ip 192.0.2.1 --sender ann@example.org
  {"schema": "blaze.spf.check/1", "result": "pass", "domain": "example.org", "mechanism": "ip4:192.0.2.0/24", "explanation": null, "lookups": 0, "void_lookups": 0, "reason": "192.0.2.1 matches ip4:192.0.2.0/24 of example.org", "identity": "mailfrom", "trace": [{"depth": 0, "domain": "example.org", "text": "v=spf1 ip4:192.0.2.0/24 include:inner.test -all exp=why.example.org", "outcome": "record", "lookups": 0}, {"depth": 1, "domain": "example.org", "text": "ip4:192.0.2.0/24", "outcome": "match", "lookups": 0}]}

What is no address is not judged by what stands in it.

  $ blaze spf check --ip 192.0.2.1 --sender 'Ann <ann@example.org>'
  blaze spf check: not an address: Ann <ann@example.org>
  Write name@domain alone.
  [2]
  $ blaze spf check --ip 192.0.2.1 --sender ' <ann@example.org> '
  pass

A null sender stands for the host; a record can be tried before it is published.

  $ blaze spf check --ip 198.51.100.7 --sender '<>' --helo inner.test
  pass
  $ blaze spf check --ip 192.0.2.1 --sender ann@example.org --record 'v=spf1 include:inner.test ~all'
  softfail
  [1]
  $ blaze spf check -v --ip 192.0.2.1 --sender ann@example.org --record 'v=spf1 ipv4:192.0.2.1 -all'
  permerror
  unknown mechanism: ipv4:192.0.2.1 in the record of example.org (Write ip4: or ip6:.)
  [1]

What makes no sense is refused.

  $ blaze spf check --ip 192.0.2.1
  blaze spf check: nobody to ask about
  Give --sender ADDRESS, or --helo NAME for a null sender.
  [2]
  $ blaze spf check --ip 192.0.2.256 --sender ann@example.org
  blaze spf check: invalid value for '--ip': '192.0.2.256' is no IP address
  Try 'blaze spf check --help'.
  [2]
  $ blaze spf check --ip 192.0.2.1 --sender "$(printf 'a\r\nb@c.org')"
  blaze spf check: invalid value for '-s' / '--sender': 'a\r\nb@c.org' holds a control character
  Try 'blaze spf check --help'.
  [2]
  $ blaze spf check -n dns.example.org --ip 192.0.2.1 --sender ann@example.org
  blaze spf check: not a DNS server: dns.example.org
  Write [udp:|tcp:|tls:]ADDRESS[:PORT], as in 192.0.2.1 or tls:[2001:db8::1]:853.
  [2]
  $ blaze spf check --dns-static none --ip 192.0.2.1 --sender ann@example.org
  blaze spf check: no such folder: none
  [66]

A line that means nothing is warned about and passed over.

  $ mkdir odd && printf 'txt:v=spf1 -all\nspf:v=spf1 +all\n' > odd/example.org.dns
  $ blaze spf check --dns-static odd --ip 192.0.2.1 --sender ann@example.org
  warning: odd/example.org.dns: line 2 is no record and is passed over
  fail
  [1]
  $ blaze spf check -q --dns-static odd --ip 192.0.2.1 --sender ann@example.org
  [1]

The tree of a policy; the look-ups are counted in the order of evaluation.

  $ blaze spf tree example.org
  example.org
  |-- ip4:192.0.2.0/24
  |-- include:inner.test (1, 1 below)
  |   |-- a:host.test (2)
  |   `-- ?all
  `-- -all
  2 look-ups, 10 are allowed
  $ blaze spf tree --with-utf-8 true example.org | head -n 3
  example.org
  ├── ip4:192.0.2.0/24
  ├── include:inner.test (1, 1 below)
  $ for n in 1 2 3; do echo 'txt:v=spf1 a mx ptr exists:%{i}.x.test' > dns/n$n.test.dns; done
  $ echo 'txt:v=spf1 include:n1.test include:n2.test include:n3.test include:none.test redirect=%{i}.test' > dns/big.test.dns
  $ blaze spf tree big.test
  big.test
  |-- include:n1.test (1, 4 below)
  |   |-- a (2)
  |   |-- mx (3)
  |   |-- ptr (4)
  |   `-- exists:%{i}.x.test (5)
  |-- include:n2.test (6, 4 below)
  |   |-- a (7)
  |   |-- mx (8)
  |   |-- ptr (9)
  |   `-- exists:%{i}.x.test (10)
  |-- include:n3.test (11, 4 below, past the limit)
  |   |-- a (12, past the limit)
  |   |-- mx (13, past the limit)
  |   |-- ptr (14, past the limit)
  |   `-- exists:%{i}.x.test (15, past the limit)
  |-- include:none.test (16, past the limit) [no SPF record]
  `-- redirect=%{i}.test (17, past the limit)
  17 look-ups, 10 are allowed
  [1]
  $ blaze spf tree --json inner.test
  {"schema": "blaze.spf.tree/1", "limit": 10, "domain": "inner.test", "record": "v=spf1 a:host.test ?all", "problem": null, "lookups": 1, "terms": [{"term": "a:host.test", "number": 1, "over_limit": false, "target": null}, {"term": "?all", "number": null, "over_limit": false, "target": null}]}
  $ blaze spf tree none.test
  none.test [no SPF record]
  0 look-ups, 10 are allowed
  [1]

A field for the message, and the same field checked again. Newlines and all else of the message stay.

  $ printf 'From: ann@example.org\r\n\r\nHello\r\n' > mail.eml
  $ blaze spf stamp --ip 192.0.2.1 --sender ann@example.org --helo mx.example.org -h mx.test mail.eml > stamped.eml
  $ cat -A stamped.eml
  Received-SPF: pass (mx.test: 192.0.2.1 matches ip4:192.0.2.0/24 of^M$
   example.org) client-ip=192.0.2.1; envelope-from="ann@example.org";^M$
   helo=mx.example.org; identity=mailfrom; mechanism="ip4:192.0.2.0/24";^M$
   receiver=mx.test^M$
  From: ann@example.org^M$
  ^M$
  Hello^M$
  $ blaze spf analyze stamped.eml
  ann@example.org from 192.0.2.1: pass (expected: pass)
  $ blaze spf analyze --json stamped.eml
  {"schema": "blaze.spf.analyze/1", "source": "stamped.eml", "fields": [{"sender": "ann@example.org", "ip": "192.0.2.1", "helo": "mx.example.org", "result": "pass", "expected": "pass", "reason": "192.0.2.1 matches ip4:192.0.2.0/24 of example.org"}]}
  $ echo 'txt:v=spf1 -all' > dns/example.org.dns
  $ blaze spf analyze stamped.eml mail.eml
  stamped.eml: ann@example.org from 192.0.2.1: fail (expected: pass)
  [1]
  $ printf 'Return-Path: <bob@inner.test>\nReceived-SPF: pass (free text) client-ip=198.51.100.7;\nReceived-SPF: none\n\n' | blaze spf analyze
  bob@inner.test from 198.51.100.7: pass (expected: pass)
  not checked: the field has no client-ip that is an address
  [1]

What was asked can be recorded and asked again years later.

  $ blaze spf check --dns-record seen --ip 192.0.2.1 --sender ann@inner.test
  neutral
  [1]
  $ cat seen/inner.test.dns seen/host.test.dns
  txt:v=spf1 a:host.test ?all
  a:198.51.100.7
  $ blaze spf check --dns-static seen --now 2046-01-01T00:00:00Z --ip 198.51.100.7 --sender ann@inner.test
  pass

A message with very many fields does not ask for more names than one with a few.

  $ (for i in $(seq 22); do printf 'Received-SPF: pass client-ip=192.0.2.1; envelope-from=a@x%s.test\n' $i; done; echo) | blaze spf analyze | tail -n 3
  a@x20.test from 192.0.2.1: none (expected: pass)
  not checked: 20 fields of a message are evaluated, and this one comes after them
  not checked: 20 fields of a message are evaluated, and this one comes after them
