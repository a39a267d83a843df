A domain that signs and says who may send for it.

  $ mkdir dns && export BLAZE_DNS_STATIC=dns BLAZE_OFFLINE=1
  $ echo 'txt:v=spf1 ip4:192.0.2.0/24 -all' > dns/bounce.example.org.dns
  $ echo 'txt:v=DMARC1; p=reject; sp=quarantine; np=none; pct=50; rua=mailto:reports@example.org' > dns/_dmarc.example.org.dns
  $ echo 'nodata' > dns/news.example.org.dns
  $ printf 'From: Ann <ann@example.org>\r\nSubject: x\r\n\r\nHello\r\n' > mail.eml

The message comes out with the verdicts on top, else as it was.

  $ blaze dmarc verify -h mx.test --ip 192.0.2.1 --sender b@bounce.example.org --helo mail.example.org mail.eml > out.eml
  $ cat -A out.eml
  Authentication-Results: mx.test;^M$
   spf=pass reason="192.0.2.1 matches ip4:192.0.2.0/24 of bounce.example.org"^M$
   smtp.mailfrom=bounce.example.org;^M$
   dkim=none;^M$
   dmarc=pass (p=reject sp=quarantine np=none) reason="SPF of^M$
   bounce.example.org is aligned with example.org" header.from=example.org^M$
   policy.dmarc=none^M$
  From: Ann <ann@example.org>^M$
  Subject: x^M$
  ^M$
  Hello^M$
  $ blaze dmarc verify -h mx.test mail.eml > out.eml
  [1]
  $ head -n 4 out.eml | tr -d '\r'
  Authentication-Results: mx.test;
   spf=none reason="the client is not known";
   dkim=none;
   dmarc=fail (p=reject sp=quarantine np=none) reason="neither SPF nor DKIM

With --json the verdict is printed.

  $ blaze dmarc verify --json --ip 192.0.2.1 --sender b@bounce.example.org mail.eml
  {"schema": "blaze.dmarc.verify/1", "source": "mail.eml", "result": "pass", "policy": "reject", "disposition": "none", "from": "example.org", "record_domain": "example.org", "organizational_domain": "example.org", "record": "v=DMARC1; p=reject; sp=quarantine; np=none; pct=50; rua=mailto:reports@example.org", "dkim": [], "spf": {"result": "pass", "domain": "bounce.example.org", "reason": "192.0.2.1 matches ip4:192.0.2.0/24 of bounce.example.org"}, "aligned": {"dkim": false, "spf": true}, "reason": "SPF of bounce.example.org is aligned with example.org", "notes": ["pct= was removed by RFC 9989 and is ignored"]}
  $ blaze dmarc verify --json mail.eml
  {"schema": "blaze.dmarc.verify/1", "source": "mail.eml", "result": "fail", "policy": "reject", "disposition": "reject", "from": "example.org", "record_domain": "example.org", "organizational_domain": "example.org", "record": "v=DMARC1; p=reject; sp=quarantine; np=none; pct=50; rua=mailto:reports@example.org", "dkim": [], "spf": {"result": "none", "domain": null, "reason": "the client is not known"}, "aligned": {"dkim": false, "spf": false}, "reason": "neither SPF nor DKIM passed", "notes": ["pct= was removed by RFC 9989 and is ignored"]}
  [1]
  $ blaze dmarc verify -q --ip 192.0.2.1 --sender b@bounce.example.org mail.eml
  $ blaze dmarc verify -q mail.eml
  [1]
  $ blaze dmarc verify -q -o quiet.eml mail.eml; grep -c '^From: ' quiet.eml
  1
  $ blaze dmarc verify --json -h mx.test -o new.eml -v mail.eml
  {"schema": "blaze.dmarc.verify/1", "source": "mail.eml", "result": "fail", "policy": "reject", "disposition": "reject", "from": "example.org", "record_domain": "example.org", "organizational_domain": "example.org", "record": "v=DMARC1; p=reject; sp=quarantine; np=none; pct=50; rua=mailto:reports@example.org", "dkim": [], "spf": {"result": "none", "domain": null, "reason": "the client is not known"}, "aligned": {"dkim": false, "spf": false}, "reason": "neither SPF nor DKIM passed", "notes": ["pct= was removed by RFC 9989 and is ignored"]}
  SPF none: the client is not known
  DMARC fail: neither SPF nor DKIM passed
  pct= was removed by RFC 9989 and is ignored
  [1]
  $ head -n 1 new.eml | tr -d '\r'
  Authentication-Results: mx.test;
  $ blaze dmarc verify --json -h mx.test -o new.eml mail.eml
  {"schema": "blaze.dmarc.verify/1", "source": "mail.eml", "result": "fail", "policy": "reject", "disposition": "reject", "from": "example.org", "record_domain": "example.org", "organizational_domain": "example.org", "record": "v=DMARC1; p=reject; sp=quarantine; np=none; pct=50; rua=mailto:reports@example.org", "dkim": [], "spf": {"result": "none", "domain": null, "reason": "the client is not known"}, "aligned": {"dkim": false, "spf": false}, "reason": "neither SPF nor DKIM passed", "notes": ["pct= was removed by RFC 9989 and is ignored"]}
  {"schema": "blaze.error/1", "what": "the file exists", "where": "new.eml", "hint": "Give --force to replace it.", "exit": 73}
  [73]

Signatures count as well.

  $ blaze dkim gen -a ed25519 -s a -h example.org -o key.pem --raw > record
  $ echo "txt:$(cat record)" > dns/a._domainkey.example.org.dns
  $ blaze dkim sign -s a -h example.org -p key.pem mail.eml > signed.eml
  $ blaze dmarc verify -q signed.eml > /dev/null
  $ sed 's/Hello/Hullo/' signed.eml | blaze dmarc verify -v > /dev/null
  SPF none: the client is not known
  DKIM fail: bh= does not match the body (s=a, d=example.org)
  DMARC fail: neither SPF nor DKIM passed
  pct= was removed by RFC 9989 and is ignored
  [1]

Subdomains: the policy for those that exist, and for those that do not.

  $ for domain in news.example.org gone.example.org other.test; do printf "From: a@$domain\n\n" | blaze dmarc verify --json | grep -o '"result": "[a-z]*", "policy": [a-z"]*'; done
  "result": "fail", "policy": "quarantine"
  "result": "fail", "policy": "none"
  "result": "none", "policy": null

From fields that leave a doubt about the author.

  $ printf 'Subject: x\n\n' | blaze dmarc verify -v 2>&1 > /dev/null
  SPF none: the client is not known
  DMARC permerror: there is no From field
  [1]
  $ printf 'From: A: a@example.org;\n\n' | blaze dmarc verify -v 2>&1 > /dev/null
  SPF none: the client is not known
  DMARC permerror: From holds a group
  [1]
  $ printf 'From: a@other.test\nFrom: b@example.org\n\n' | blaze dmarc verify -v 2>&1 > /dev/null
  SPF none: the client is not known
  DMARC fail: neither SPF nor DKIM passed
  pct= was removed by RFC 9989 and is ignored
  From names 2 domains: other.test, example.org
  [1]

What was written in our name before is taken out; other servers' fields stay.

  $ printf 'Authentication-Results: MX.test; dkim=pass header.d=example.org\nA: b\nAuthentication-Results: other.test; spf=pass\n\n' > forged.eml
  $ blaze dmarc verify -h mx.test forged.eml | grep -v '^ '
  Authentication-Results: mx.test;
  A: b
  Authentication-Results: other.test; spf=pass

Nothing that the client says can add a result.

  $ blaze dmarc verify -h mx.test --ip 192.0.2.1 --sender '<>' --helo 'x"; dkim=pass header.d="example.org' mail.eml > quoted.eml
  [1]
  $ blaze dmarc collect quoted.eml
  server	method	result	properties	reason
  mx.test	spf	none	smtp.helo=x"; dkim=pass header.d="example.org	x"; dkim=pass header.d="example.org has no SPF record
  mx.test	dkim	none		
  mx.test	dmarc	fail	header.from=example.org policy.dmarc=reject	neither SPF nor DKIM passed

The old rules, by a public suffix list.

  $ printf 'org\n' > list
  $ echo 'txt:v=DMARC1; p=none' > dns/_dmarc.org.dns
  $ printf 'From: a@a.news.other.org\n\n' | blaze dmarc verify --json | grep -o '"result": "[a-z]*"' | head -n 1
  "result": "fail"
  $ printf 'From: a@a.news.other.org\n\n' | blaze dmarc verify --json --psl-file list | grep -o '"result": "[a-z]*"' | head -n 1
  "result": "none"

Everybody's results, by server.

  $ printf 'Authentication-Results: mx.test; spf=pass smtp.mailfrom=example.org;\n dkim=fail (bad) header.d=a.org header.s=b\nAuthentication-Results: other.test; none\n\n' > two.eml
  $ blaze dmarc collect two.eml
  server	method	result	properties	reason
  mx.test	spf	pass	smtp.mailfrom=example.org	
  mx.test	dkim	fail	header.d=a.org header.s=b	bad
  other.test	none			
  $ blaze dmarc collect --json two.eml
  {"schema": "blaze.dmarc.collect/1", "source": "two.eml", "servers": [{"authserv_id": "mx.test", "results": [{"method": "spf", "result": "pass", "reason": null, "comment": null, "properties": {"smtp.mailfrom": "example.org"}, "property_list": [{"name": "smtp.mailfrom", "value": "example.org"}]}, {"method": "dkim", "result": "fail", "reason": null, "comment": "bad", "properties": {"header.d": "a.org", "header.s": "b"}, "property_list": [{"name": "header.d", "value": "a.org"}, {"name": "header.s", "value": "b"}]}], "defects": []}, {"authserv_id": "other.test", "results": [], "defects": []}]}
  $ printf 'Authentication-Results: a.test; dkim=pass header.d=a.org header.d=b.org\n\n' | blaze dmarc collect --json -
  {"schema": "blaze.dmarc.collect/1", "source": "-", "servers": [{"authserv_id": "a.test", "results": [{"method": "dkim", "result": "pass", "reason": null, "comment": null, "properties": {"header.d": "a.org"}, "property_list": [{"name": "header.d", "value": "a.org"}, {"name": "header.d", "value": "b.org"}]}], "defects": []}]}
  $ printf 'Authentication-Results: a.test; dkim=pass header.d="q\tb" reason="x\r\n\ty"\n\n' | blaze dmarc collect | tail -n 1 | tr '\t' '|'
  a.test|dkim|pass|header.d=q b|x y
  $ blaze dmarc collect mail.eml two.eml
  ==> two.eml <==
  server	method	result	properties	reason
  mx.test	spf	pass	smtp.mailfrom=example.org	
  mx.test	dkim	fail	header.d=a.org header.s=b	bad
  other.test	none			
  [1]
