A key is made, and the record to publish is printed in the form of a zone file.

  $ blaze dkim gen -s 2026a -h example.org | sed 's/[A-Za-z0-9+\/]\{60,\}.*/.../'
  2026a._domainkey.example.org.	IN	TXT	(
  	"v=DKIM1; k=rsa; p=...
  	"...
  $ ls -l 2026a.example.org.pem | cut -c1-10
  -rw-------
  $ blaze dkim gen -s 2026a -h example.org
  blaze dkim gen: the file exists: 2026a.example.org.pem
  Give --force to replace it.
  [73]
  $ blaze dkim gen -a ed25519 -s ed -h example.net -o ed.pem --raw public.pem | sed 's/p=.*/p=/'
  v=DKIM1; k=ed25519; p=
  $ head -1 ed.pem public.pem
  ==> ed.pem <==
  -----BEGIN PRIVATE KEY-----
  ==> public.pem <==
  -----BEGIN PUBLIC KEY-----
  $ blaze dkim gen -a ed25519
  blaze dkim gen: nowhere to write the private key
  Give -o FILE, or -s SELECTOR and -h DOMAIN.
  [2]
  $ blaze dkim gen -b 512 -o short.pem
  blaze dkim gen: an RSA key has 1024 to 16384 bits, not 512
  [2]

The messages of RFC 6376 and RFC 8463 verify; a static tree of records makes it work without a network.

  $ export BLAZE_DNS_STATIC=$DATA/dkim/zone BLAZE_OFFLINE=1
  $ blaze dkim verify $DATA/dkim/rfc6376.eml
  [OK]: example.com
  $ blaze dkim verify < $DATA/dkim/rfc8463.eml
  [OK]: football.example.com
  [OK]: football.example.com
  $ blaze dkim verify $DATA/dkim/rfc6376.eml $DATA/dkim/rfc8463.eml | sed "s,$DATA,DATA,"
  DATA/dkim/rfc6376.eml: [OK]: example.com
  DATA/dkim/rfc8463.eml: [OK]: football.example.com
  DATA/dkim/rfc8463.eml: [OK]: football.example.com
  $ blaze dkim verify --fields $DATA/dkim/rfc6376.eml
  [OK]: example.com
    received
    from
    to
    subject
    date
    message-id
  $ blaze dkim verify --json < $DATA/dkim/rfc6376.eml
  {"schema": "blaze.dkim.verify/1", "source": "-", "signatures": [{"domain": "example.com", "selector": "brisbane", "identity": "joe@football.example.com", "algorithm": "rsa-sha256", "canon": "simple/simple", "headers": ["received", "from", "to", "subject", "date", "message-id"], "length": null, "timestamp": null, "expiration": null, "key_bits": 1024, "result": "pass", "reason": null, "notes": []}]}

A message is signed; its octets and its newlines are kept.

  $ printf 'From: ann@example.org\nTo: bob@example.com\nSubject: Dinner\n\nBring wine.\n' > mail.eml
  $ cp $DATA/dkim/ed25519.pem $DATA/dkim/rsa2048-pkcs8.pem $DATA/dkim/rsa2048-encrypted.pem . && chmod 600 *.pem
  $ blaze dkim sign -s ed -h example.org -p ed25519.pem mail.eml | tee signed.eml
  DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed;
   t=1700000000; h=from:from:to:to:cc:subject:subject:date:message-id:reply-to:
   mime-version:content-type:content-transfer-encoding;
   bh=PZgOI8kSp4wPqoxG1FwSUibAN0/D84MePVqaDJ9b7X4=; b=Nq9aWZ9cWSeBpXb1HAUbpcdpX
   Ix+2fXbdvvNnHeEJDVCil4JjZu0ljXNqlCio5Am4M7ptoY0HPJO/uX4lpGCCg==
  From: ann@example.org
  To: bob@example.com
  Subject: Dinner
  Bring wine.
  $ tail -5 signed.eml | cmp - mail.eml
  $ blaze dkim verify signed.eml
  [OK]: example.org
  $ sed 's/$/\r/' mail.eml | blaze dkim sign -s ed -h example.org -p ed25519.pem | grep -vc $'\r$'
  0
  [1]
  $ blaze dkim sign --newline crlf -s ed -h example.org -p ed25519.pem mail.eml | tee crlf.eml | grep -vc $'\r$'
  0
  [1]
  $ blaze dkim verify crlf.eml
  [OK]: example.org

Two keys sign twice, and every choice is in the field.

  $ blaze dkim sign -s ed -p ed25519.pem -s rsa -p rsa2048-pkcs8.pem -h example.org mail.eml | blaze dkim verify
  [OK]: example.org
  [OK]: example.org
  $ blaze dkim sign -s ed -h example.org -p ed25519.pem -c simple/relaxed -f subject -f X-None --timestamp 1600000000 --expire 86400 -o choices.eml mail.eml
  $ head -3 choices.eml
  DKIM-Signature: v=1; a=ed25519-sha256; c=simple/relaxed; d=example.org; s=ed;
   t=1600000000; x=1600086400; h=from:from:subject:x-none;
   bh=PZgOI8kSp4wPqoxG1FwSUibAN0/D84MePVqaDJ9b7X4=; b=TfxMUgKdcTiW7cDex7qMaKyJi
  $ blaze dkim verify --now 2020-09-14T00:00:00Z choices.eml
  [OK]: example.org
  $ blaze dkim verify choices.eml
  [ER]: example.org [the signature has expired (x=1600086400) (s=ed, d=example.org)]
  [1]
  $ blaze dkim sign -s ed -h example.org -p ed25519.pem -o choices.eml mail.eml
  blaze dkim sign: the file exists: choices.eml
  Give --force to replace it.
  [73]

An encrypted key needs its password.

  $ echo secret > password
  $ blaze dkim sign -s rsa -h example.org -p rsa2048-encrypted.pem --password-file password mail.eml | blaze dkim verify
  [OK]: example.org
  $ setsid blaze dkim sign -s rsa -h example.org -p rsa2048-encrypted.pem mail.eml
  blaze dkim sign: the private key is encrypted, and there is nobody to ask: rsa2048-encrypted.pem
  Give --password-file FILE, or run it on a terminal.
  [65]

What cannot be signed is refused.

  $ printf 'To: bob@example.com\n\n' | blaze dkim sign -s ed -h example.org -p ed25519.pem
  blaze dkim sign: the message has no From field, which every signature must cover
  [65]
  $ blaze dkim sign -s ed -s rsa -h example.org -p ed25519.pem mail.eml
  blaze dkim sign: -s and -p go in pairs: 2 -s, 1 -p
  [2]
  $ blaze dkim sign -a rsa -s ed -h example.org -p ed25519.pem mail.eml
  blaze dkim sign: the key is ed25519, not rsa: ed25519.pem
  [2]
  $ blaze dkim sign -s ed -h example.org -p mail.eml mail.eml
  blaze dkim sign: neither a private key in PEM form nor 32 octets of Ed25519 in base64: mail.eml
  [65]
  $ blaze dkim sign -s ed -h example.org -p none.pem mail.eml
  blaze dkim sign: no such file or directory: none.pem
  [66]
  $ chmod 644 ed25519.pem; blaze dkim sign -s ed -h example.org -p ed25519.pem mail.eml > /dev/null
  warning: others can read the private key ed25519.pem; chmod 600 keeps it private

A message that was changed does not verify, and -v says why.

  $ sed 's/wine/beer/' signed.eml | blaze dkim verify
  [ER]: example.org [bh= does not match the body (s=ed, d=example.org)]
  [1]
  $ (cat signed.eml; echo; echo 'This list is run by Joe.') | blaze dkim verify -v
  [ER]: example.org [bh= does not match the body (s=ed, d=example.org)]
  example.org: fail
    a=ed25519-sha256, c=relaxed/relaxed, key ed._domainkey.example.org, 256 bits, signed 2023-11-14 22:13:20Z
    header: 317 octets of from:from:to:to:cc:subject:subject:date:message-id:reply-to:mime-version:content-type:content-transfer-encoding and the signature itself, SHA-256 V7r+9Qu9JL90bajIWjWei1FYs8iIDr7SqfvVGuI2xNI=
    body: 41 octets, SHA-256 EvnssssVAkw8qIg9VqsnHYtJ17fQkv+CqamNCDD9FgI=, bh= says PZgOI8kSp4wPqoxG1FwSUibAN0/D84MePVqaDJ9b7X4=
    The body fits without its last 2 lines: a footer was added.
    The key is right, so the message was changed after it was signed.
  [1]
  $ sed 's/Subject: /Subject: [list] /' signed.eml | blaze dkim verify -v
  [ER]: example.org [b= does not match the signed header fields (s=ed, d=example.org)]
  example.org: fail
    a=ed25519-sha256, c=relaxed/relaxed, key ed._domainkey.example.org, 256 bits, signed 2023-11-14 22:13:20Z
    header: 324 octets of from:from:to:to:cc:subject:subject:date:message-id:reply-to:mime-version:content-type:content-transfer-encoding and the signature itself, SHA-256 iz1Iq1IOru67rtbqOieNHMsJchJt5d2VF9h48GAjRqE=
    body: 13 octets, SHA-256 PZgOI8kSp4wPqoxG1FwSUibAN0/D84MePVqaDJ9b7X4=
    The header fits when the tag [list] is taken out of the subject.
    The key is right, so the message was changed after it was signed.
  [1]
  $ sed 's/Subject: /Subject: [list] /' signed.eml | blaze dkim verify -q
  [1]
  $ sed 's/Subject: /Subject: [list] /' signed.eml | blaze dkim verify --json -v | sed 's/.*"The header/"The header/'
  "The header fits when the tag [list] is taken out of the subject.", "The key is right, so the message was changed after it was signed."]}]}
  $ sed 's/wine/beer/' signed.eml | blaze dkim verify --json | sed 's/.*"result"/"result"/'
  "result": "fail", "reason": "bh= does not match the body (s=ed, d=example.org)", "notes": []}]}

A key that is missing, revoked, or that the DNS does not give.

  $ blaze dkim sign -s none -h example.org -p ed25519.pem mail.eml 2>/dev/null | blaze dkim verify
  [ER]: example.org [there is no key at none._domainkey.example.org (offline) (s=none, d=example.org)]
  [1]
  $ blaze dkim sign -s revoked -h example.org -p ed25519.pem mail.eml 2>/dev/null | blaze dkim verify
  [ER]: example.org [the key is revoked (p= of the key record is empty) (s=revoked, d=example.org)]
  [1]
  $ blaze dkim sign -s silent -h example.org -p ed25519.pem mail.eml 2>/dev/null | blaze dkim verify
  [ER]: example.org [the DNS could not answer for silent._domainkey.example.org (no reply, says the static tree) (s=silent, d=example.org)]
  [75]
  $ blaze dkim verify mail.eml
  warning: mail.eml: there is no signature
  [1]

A key from a file, or as base64, stands in for the published one.

  $ blaze dkim sign -s x -h example.org -p rsa2048-pkcs8.pem mail.eml > x.eml
  $ blaze dkim verify x.eml
  [ER]: example.org [there is no key at x._domainkey.example.org (offline) (s=x, d=example.org)]
  [1]
  $ blaze dkim verify -e x:example.org:$DATA/dkim/rsa2048-public.pem x.eml
  [OK]: example.org
  $ blaze dkim verify -e x:Example.org.:$DATA/dkim/rsa2048-public.pem x.eml
  [OK]: example.org
  $ blaze dkim verify --extra ed:example.org:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= signed.eml
  [OK]: example.org
  $ blaze dkim verify -e x:example.org:rubbish x.eml
  blaze dkim verify: no public key in 'x:example.org:rubbish': not base64
  KEY is a PEM file that exists, or the base64 of a record's p=.
  [2]

A private key is compared with the published one.

  $ blaze dkim check -p rsa2048-pkcs8.pem -s rsa -h example.org
  [OK]: rsa._domainkey.example.org
  $ blaze dkim check -p ed.pem -s ed -h example.org
  [ER]: ed._domainkey.example.org [the record at this name publishes another key]
  [1]
  $ blaze dkim check -p rsa2048-pkcs8.pem -s revoked -h example.org
  [ER]: revoked._domainkey.example.org [the key is revoked (p= of the key record is empty)]
  [1]
  $ blaze dkim check -p rsa2048-pkcs8.pem -s silent -h example.org
  [ER]: silent._domainkey.example.org [the DNS could not answer for silent._domainkey.example.org (no reply, says the static tree)]
  [75]
  $ blaze dkim check --json -p rsa2048-pkcs8.pem -s none -h example.org
  {"schema": "blaze.dkim.check/1", "name": "none._domainkey.example.org", "result": "permerror", "reason": "there is no key at none._domainkey.example.org (offline)", "key_bits": null}
  [1]

No signature can say in its tags that another one is good.

  $ printf 'DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=AAAA; b=AAAA;\n i=x=0A[OK]:=20b.example@c.example\n\n' | blaze dkim verify
  [ER]: a.example [i=x\n[OK]: b.example@c.example is outside d=a.example (s=s, d=a.example)]
  [1]
  $ printf 'DKIM-Signature: v=1; a=rsa-sha256; d=a.example\n [OK]: b.example; s=s; h=from; bh=AAAA; b=AAAA\n\n' | blaze dkim verify
  [ER]: a.example [ok]: b.example [d=a.example [OK]: b.example is malformed (s=s, d=a.example [ok]: b.example)]
  [1]
