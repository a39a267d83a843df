`config` shows what is set, and where; secrets are masked.

  $ unset SOURCE_DATE_EPOCH; mkdir -p home/blaze && export XDG_CONFIG_HOME=$PWD/home
  $ cat > home/blaze/config.toml <<END
  > [account.work]
  > host = "smtp.example.org"
  > password-command = "pass mail"
  > [send]
  > hostname = "mx.example.org"
  > END
  $ BLAZE_SEND_HOSTNAME=other.example.org SMTP_PASSWORD=secret blaze config | sed "s#$PWD/##"
  BLAZE_SEND_HOSTNAME = 'other.example.org'  (environment)
  SMTP_PASSWORD = '****'  (environment)
  account.work.host = 'smtp.example.org'  (home/blaze/config.toml)
  account.work.password-command = 'pass mail'  (home/blaze/config.toml)
  send.hostname = 'mx.example.org'  (home/blaze/config.toml, overridden by BLAZE_SEND_HOSTNAME)
  $ blaze config send | sed "s#$PWD/##"
  send.hostname = 'mx.example.org'  (home/blaze/config.toml)
  $ blaze config nothing 2>&1 | sed "s#$PWD/##"
  nothing is set for nothing; the configuration file is home/blaze/config.toml
  $ blaze config -q nothing
  [1]
  $ printf 'From: a@example.org\nTo: b@example.org\n\nx\n' | blaze send - - | head -1
  EHLO mx.example.org
