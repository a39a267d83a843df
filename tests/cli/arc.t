A forwarder seals what it received: its own results, a signature of the message, a seal of the chain.

  $ export BLAZE_DNS_STATIC=$DATA/dkim/zone BLAZE_OFFLINE=1
  $ cp $DATA/dkim/ed25519.pem $DATA/dkim/rsa2048-pkcs8.pem . && chmod 600 *.pem
  $ printf 'Authentication-Results: lists.example.net; spf=pass (sender) smtp.mailfrom=ann@example.org;\n dkim=pass header.d=example.org\nAuthentication-Results: other.example; dkim=fail\nFrom: Ann <ann@example.org>\nSubject: Dinner\n\nBring wine.\n' > mail.eml
  $ blaze arc verify mail.eml
  ann@example.org
  [1]
  $ blaze arc sign -h lists.example.net --seal-selector ed --seal ed25519.pem mail.eml | tee one.eml
  ARC-Seal: a=ed25519-sha256;
   b=26DIbL2/pmrMxpw3krQdmQ7+dd1tT5PwXxk5wyREkjVO65QLqbs1wvI0dvWclZ5BARyq5ptSvlo6eMT7xcZqAg==;
   cv=none; d=lists.example.net; i=1; s=ed; t=1700000000
  ARC-Message-Signature: a=ed25519-sha256;
   b=pMgQ6IPC/8kBaSweJD8Tw6W/Yz5O4dhTr6NfrcGcCObkKGRwAOIFuPPuFGeJq+4hfFzFDz9N/mNiDqyJH5SADw==;
   bh=PZgOI8kSp4wPqoxG1FwSUibAN0/D84MePVqaDJ9b7X4=; c=relaxed/relaxed;
   d=lists.example.net;
   h=from:from:to:cc:subject:subject:date:message-id:reply-to:mime-version:content-type:content-transfer-encoding;
   i=1; s=ed; t=1700000000
  ARC-Authentication-Results: i=1; lists.example.net;
   spf=pass (sender) smtp.mailfrom=ann@example.org;
   dkim=pass header.d=example.org
  Authentication-Results: lists.example.net; spf=pass (sender) smtp.mailfrom=ann@example.org;
   dkim=pass header.d=example.org
  Authentication-Results: other.example; dkim=fail
  From: Ann <ann@example.org>
  Subject: Dinner
  Bring wine.
  $ tail -n +13 one.eml | cmp - mail.eml
  $ blaze arc verify one.eml
  ann@example.org -v-> 01:lists.example.net

The next one adds its set to the chain; its seal and its message signature may have keys of their own.

  $ blaze arc sign -h example.org --seal-selector rsa --seal rsa2048-pkcs8.pem --signature-selector ed --signature ed25519.pem -f from -f subject one.eml > two.eml
  $ blaze arc verify two.eml
  ann@example.org -v-> 01:lists.example.net -v-> 02:example.org
  $ blaze arc verify --with-utf-8 false two.eml one.eml
  two.eml: ann@example.org -v-> 01:lists.example.net -v-> 02:example.org
  one.eml: ann@example.org -v-> 01:lists.example.net
  $ blaze arc verify --json < two.eml
  {"schema": "blaze.arc.verify/1", "source": "-", "from": "ann@example.org", "result": "pass", "reason": null, "oldest_pass": 0, "sets": [{"instance": 1, "domain": "lists.example.net", "selector": "ed", "cv": "none", "seal": "pass", "signature": "pass"}, {"instance": 2, "domain": "example.org", "selector": "rsa", "cv": "pass", "seal": "pass", "signature": "pass"}]}

A change after the last seal breaks the chain; a change before it does not.

  $ sed 's/Bring wine/Bring beer/' two.eml > changed.eml
  $ blaze arc verify -v changed.eml
  ann@example.org -v-> 01:lists.example.net -x-> 02:example.org
  chain: fail, ARC-Message-Signature i=2: bh= does not match the body (s=ed, d=example.org)
  i=1 seal: pass
  i=1 signature: fail, bh= does not match the body (s=ed, d=lists.example.net)
    No usual change explains the body: not a footer, a banner, an encoding, a part added.
  i=2 seal: pass
  i=2 signature: fail, bh= does not match the body (s=ed, d=example.org)
    No usual change explains the body: not a footer, a banner, an encoding, a part added.
  [1]
  $ sed 's/wine/beer/' one.eml | blaze arc sign -h example.org --seal-selector rsa --seal rsa2048-pkcs8.pem > failed.eml
  warning: sealed with cv=fail: ARC-Message-Signature i=1: bh= does not match the body (s=ed, d=lists.example.net)
  $ blaze arc verify -v failed.eml
  ann@example.org -x-> 01:lists.example.net -x-> 02:example.org
  chain: fail, the newest seal (i=2) says that the chain has failed
  i=1 seal: not checked
  i=1 signature: not checked
  i=2 seal: not checked
  i=2 signature: not checked
  [1]

A list that changes the message validates the chain as it was received.

  $ sed 's/Subject: /Subject: [list] /' one.eml > listed.eml
  $ blaze arc sign -h example.org --seal-selector rsa --seal rsa2048-pkcs8.pem --received one.eml listed.eml > list.eml
  $ blaze arc verify -v --with-utf-8 true list.eml
  ann@example.org -✓-> 01:lists.example.net -✓-> 02:example.org
  chain: pass
  the message was changed before i=2 signed it
  i=1 seal: pass
  i=1 signature: fail, b= does not match the signed header fields (s=ed, d=lists.example.net)
    The header fits when the tag [list] is taken out of the subject.
  i=2 seal: pass
  i=2 signature: pass

Keys that are not published may be given.

  $ blaze dkim gen -a ed25519 -o new.pem --raw | sed 's/.*p=//' > new.pub
  $ blaze arc sign -h new.example.org --seal-selector new --seal new.pem mail.eml > new.eml
  $ blaze arc verify new.eml
  ann@example.org -x-> 01:new.example.org
  [1]
  $ blaze arc verify --extra new:new.example.org:$(cat new.pub) new.eml
  ann@example.org -v-> 01:new.example.org
  $ blaze arc verify --extra-key new:new.example.org new.eml
  blaze arc verify: 'new:new.example.org' is not SELECTOR:DOMAIN:KEY
  [2]

A chain that has failed gets no more sets.

  $ blaze arc sign -h lists.example.net --seal-selector ed --seal ed25519.pem failed.eml > same.eml
  warning: no set is added: the newest seal (i=2) says that the chain has failed
  $ cmp failed.eml same.eml

A broken chain, one whose keys the DNS does not give, and options that do not fit.

  $ sed 's/^ARC-Authentication-Results: i=1/X-No: i=1/' two.eml | blaze arc verify -v
  ann@example.org -x-> 01:lists.example.net -x-> 02:example.org
  chain: fail, the set i=1 has no ARC-Authentication-Results
  i=1 seal: not checked
  i=1 signature: not checked
  i=2 seal: not checked
  i=2 signature: not checked
  [1]
  $ sed 's/s=ed/s=silent/; s/d=lists.example.net/d=example.org/' one.eml | blaze arc verify
  ann@example.org -x-> 01:example.org
  [75]
  $ blaze arc sign -h example.org --seal-selector rsa --seal rsa2048-pkcs8.pem -f ARC-Seal mail.eml
  blaze arc sign: arc-seal must not be signed in a chain (RFC 8617 §4.1.2)
  [2]
  $ blaze arc sign -h example.org --seal-selector rsa --seal rsa2048-pkcs8.pem --signature ed25519.pem mail.eml
  blaze arc sign: --signature and --signature-selector go together
  [2]

What stands in place of a domain cannot look like another set.

  $ printf 'ARC-Seal: i=1; a=rsa-sha256; d=a -v->\n\t02:b; s=c; cv=none; b=AA\nFrom: a@example.org\n\n' | blaze arc verify
  a@example.org -x-> 01:(no domain)
  [1]
