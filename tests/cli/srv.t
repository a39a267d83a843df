A local SMTP server. Port 0 takes a free port; the file that names it appears when clients can connect.

  $ cat > say <<'END'
  > import smtplib, sys, time, os
  > while not os.path.exists("port"): time.sleep(0.02)
  > with smtplib.SMTP("127.0.0.1", int(open("port").read()), local_hostname="client") as client:
  >     for text in sys.argv[1:]:
  >         client.sendmail("a@example.org", ["b@example.org", "c@example.org"], f"Subject: {text}\r\n\r\n.{text}\r\n")
  > os.remove("port")
  > END

A FILE takes one message, byte for byte, and the server ends. Beside it lies the envelope.

  $ blaze srv -q -o one.eml --port-file port 127.0.0.1:0 & python say hello; wait $!
  $ blaze crlf one.eml | cmp - one.eml && tr -d '\r' < one.eml
  Subject: hello
  .hello
  $ python -c "import json; found = json.load(open('one.json')); print(found['path'], found['from'], *found['to'], found['size'])"
  one.eml a@example.org b@example.org c@example.org 26
  $ python -c "import json; [print(line['from'], line['text']) for line in json.load(open('one.json'))['transcript']]" |
  >   sed 's/ FROM:/ from:/; s/ TO:/ to:/'  # older Pythons have capitals
  server 220 localhost ESMTP
  client ehlo client
  server 250-localhost
  250-PIPELINING
  250-8BITMIME
  250-SMTPUTF8
  250-CHUNKING
  250-BINARYMIME
  250-DSN
  250-ENHANCEDSTATUSCODES
  250-SIZE 4294967296
  250 LIMITS RCPTMAX=1000
  client mail from:<a@example.org> size=26
  server 250 2.1.0 Sender OK
  client rcpt to:<b@example.org>
  server 250 2.1.5 Recipient OK
  client rcpt to:<c@example.org>
  server 250 2.1.5 Recipient OK
  client data
  server 354 End data with <CRLF>.<CRLF>
  client [26 octets of message]
  server 250 2.0.0 OK
  $ blaze srv -o one.eml 127.0.0.1:0
  blaze srv: the file exists: one.eml
  Give --force to replace it.
  [73]

A folder takes messages until it is told to stop, or so many of them; their names are the result.

  $ blaze srv -o box/ --format 'mail-%s.eml' --count 2 --port-file port 127.0.0.1:0 2>&1 | sed -E 's/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}/RUN/; s/:[0-9]+$/:PORT/' & python say one two; wait $!
  listening on 127.0.0.1:PORT
  box/mail-RUN-000001.eml
  box/mail-RUN-000002.eml
  $ cat box/*.eml | grep Subject | tr -d '\r'
  Subject: one
  Subject: two
  $ blaze srv --maildir md --with-data --count 1 --port-file port 127.0.0.1:0 2>&1 | sed -E 's#/new/.*#/new/NAME#; s/:[0-9]+$/:PORT/' & python say three; wait $!
  listening on 127.0.0.1:PORT
  domain-from: client
  from       : <a@example.org>
  recipients : <b@example.org>, <c@example.org>
  md/new/NAME
  $ blaze hdr -h subject md
  Subject: three

Without a destination messages go to standard output.

  $ blaze srv -q --count 1 --port-file port 127.0.0.1:0 > out & python say four; wait $!
  $ blaze hdr out
  Subject: four

With --json events do.

  $ blaze srv --json -o box/ --count 1 --port-file port 127.0.0.1:0 > events & python say five; wait $!
  $ python -c "import json; [print(event['schema'], event['event'], event.get('from', ''), *event.get('to', [])) for event in map(json.loads, open('events'))]"
  blaze.srv/1 listening 
  blaze.srv/1 connect 
  blaze.srv/1 mail a@example.org b@example.org c@example.org
  blaze.srv/1 quit 

What makes no sense is refused before anything listens.

  $ blaze srv -o box/ --mbox in.mbox
  blaze srv: --output and --mbox are two destinations
  [2]
  $ blaze srv --smtps
  blaze srv: TLS needs a certificate
  Give -k KEY -c CERT, or --tls-auto.
  [2]
  $ blaze srv --max-size 1x
  blaze srv: invalid value for '--max-size': '1x' is no size such as 5000, 10k, 25M or 4G
  Try 'blaze srv --help'.
  [2]
  $ blaze smtpd --auth file:
  blaze smtpd: invalid value for '--auth': 'file:' is none of none, any, fail and file:FILE
  Try 'blaze smtpd --help'.
  [2]
