# bash completion for blaze; generated, do not edit
_blaze() {
  local current=${COMP_WORDS[COMP_CWORD]} path=blaze words="" options="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${COMP_WORDS[index]}" in
    "blaze hdr"|"blaze addr"|"blaze descr"|"blaze show"|"blaze extract"|"blaze iso"|"blaze map"|"blaze crlf"|"blaze rand"|"blaze make"|"blaze make add-field"|"blaze make put"|"blaze make wrap"|"blaze dkim"|"blaze dkim check"|"blaze dkim gen"|"blaze dkim sign"|"blaze dkim verify"|"blaze arc"|"blaze arc sign"|"blaze arc verify"|"blaze spf"|"blaze spf analyze"|"blaze spf check"|"blaze spf stamp"|"blaze spf tree"|"blaze dmarc"|"blaze dmarc collect"|"blaze dmarc verify"|"blaze recv"|"blaze recv extract"|"blaze recv stamp"|"blaze fetch"|"blaze send"|"blaze sendmail"|"blaze submit"|"blaze srv"|"blaze convert"|"blaze mbox"|"blaze mdir"|"blaze mdir commit"|"blaze mdir get"|"blaze mdir new"|"blaze pack"|"blaze pack delete"|"blaze pack descr"|"blaze pack gc"|"blaze pack get"|"blaze pack index"|"blaze pack list"|"blaze pack make"|"blaze pack verify"|"blaze index"|"blaze search"|"blaze threads"|"blaze rowex"|"blaze rowex find"|"blaze rowex populate"|"blaze rowex tree"|"blaze okapi"|"blaze config") path="$path ${COMP_WORDS[index]}" ;;
    "blaze smtpd") path="blaze srv" ;;
    esac
  done
  case "$path ${COMP_WORDS[COMP_CWORD-1]}" in
    "blaze hdr --color") words="auto always never" ;;
    "blaze addr --color") words="auto always never" ;;
    "blaze descr --color") words="auto always never" ;;
    "blaze show --color") words="auto always never" ;;
    "blaze extract --color") words="auto always never" ;;
    "blaze iso --color") words="auto always never" ;;
    "blaze map --newline") words="lf crlf" ;;
    "blaze map --color") words="auto always never" ;;
    "blaze crlf --color") words="auto always never" ;;
    "blaze rand --color") words="auto always never" ;;
    "blaze make --encoding") words="auto 7bit 8bit binary quoted-printable base64" ;;
    "blaze make --newline") words="lf crlf" ;;
    "blaze make --color") words="auto always never" ;;
    "blaze make add-field --encoding") words="auto 7bit 8bit binary quoted-printable base64" ;;
    "blaze make add-field --newline") words="lf crlf" ;;
    "blaze make add-field --color") words="auto always never" ;;
    "blaze make put --encoding") words="auto 7bit 8bit binary quoted-printable base64" ;;
    "blaze make put --newline") words="lf crlf" ;;
    "blaze make put --color") words="auto always never" ;;
    "blaze make wrap --newline") words="lf crlf" ;;
    "blaze make wrap --color") words="auto always never" ;;
    "blaze dkim check --color") words="auto always never" ;;
    "blaze dkim gen -a") words="rsa ed25519" ;;
    "blaze dkim gen --algorithm") words="rsa ed25519" ;;
    "blaze dkim gen --color") words="auto always never" ;;
    "blaze dkim sign -a") words="rsa ed25519" ;;
    "blaze dkim sign --algorithm") words="rsa ed25519" ;;
    "blaze dkim sign --newline") words="lf crlf" ;;
    "blaze dkim sign --color") words="auto always never" ;;
    "blaze dkim verify --color") words="auto always never" ;;
    "blaze arc sign --newline") words="lf crlf" ;;
    "blaze arc sign --color") words="auto always never" ;;
    "blaze arc verify --color") words="auto always never" ;;
    "blaze spf analyze --color") words="auto always never" ;;
    "blaze spf check --color") words="auto always never" ;;
    "blaze spf stamp --newline") words="lf crlf" ;;
    "blaze spf stamp --color") words="auto always never" ;;
    "blaze spf tree --color") words="auto always never" ;;
    "blaze dmarc collect --color") words="auto always never" ;;
    "blaze dmarc verify --newline") words="lf crlf" ;;
    "blaze dmarc verify --color") words="auto always never" ;;
    "blaze recv extract --color") words="auto always never" ;;
    "blaze recv stamp --newline") words="lf crlf" ;;
    "blaze recv stamp --color") words="auto always never" ;;
    "blaze fetch --newline") words="lf crlf" ;;
    "blaze fetch --tls") words="none opportunistic starttls implicit" ;;
    "blaze fetch --color") words="auto always never" ;;
    "blaze send --ret") words="full hdrs" ;;
    "blaze send --quit-after") words="connect helo tls auth mail rcpt" ;;
    "blaze send --tls") words="none opportunistic starttls implicit" ;;
    "blaze send --color") words="auto always never" ;;
    "blaze submit --ret") words="full hdrs" ;;
    "blaze submit --quit-after") words="connect helo tls auth mail rcpt" ;;
    "blaze submit --tls") words="none opportunistic starttls implicit" ;;
    "blaze submit --color") words="auto always never" ;;
    "blaze srv --bare-newline") words="refuse normalize" ;;
    "blaze srv --color") words="auto always never" ;;
    "blaze convert --mbox") words="mboxo mboxrd mboxcl mboxcl2" ;;
    "blaze convert --dedupe") words="none raw message-id+body" ;;
    "blaze convert --color") words="auto always never" ;;
    "blaze mbox --color") words="auto always never" ;;
    "blaze mdir commit --color") words="auto always never" ;;
    "blaze mdir get --color") words="auto always never" ;;
    "blaze mdir new --color") words="auto always never" ;;
    "blaze pack delete --color") words="auto always never" ;;
    "blaze pack descr --color") words="auto always never" ;;
    "blaze pack gc --color") words="auto always never" ;;
    "blaze pack get --newline") words="lf crlf" ;;
    "blaze pack get --color") words="auto always never" ;;
    "blaze pack index --color") words="auto always never" ;;
    "blaze pack list --color") words="auto always never" ;;
    "blaze pack make --color") words="auto always never" ;;
    "blaze pack verify --color") words="auto always never" ;;
    "blaze index --color") words="auto always never" ;;
    "blaze search --format") words="lines files json ids table" ;;
    "blaze search --sort") words="relevance newest oldest" ;;
    "blaze search --color") words="auto always never" ;;
    "blaze threads --color") words="auto always never" ;;
    "blaze rowex find --color") words="auto always never" ;;
    "blaze rowex populate --color") words="auto always never" ;;
    "blaze rowex tree --color") words="auto always never" ;;
    "blaze okapi --color") words="auto always never" ;;
    "blaze config --color") words="auto always never" ;;
  esac
  if [[ -z $words ]]; then
    case "$path" in
    "blaze") words="hdr addr descr show extract iso map crlf rand make dkim arc spf dmarc recv fetch send sendmail submit srv convert mbox mdir pack index search threads rowex okapi config" options="--version --help" ;;
    "blaze hdr") words="" options="-h --header -p --param -d --decode -H --with-filename -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze addr") words="" options="-f --field --fields -d --decode --without-name -m --margin -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze descr") words="" options="--text -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze show") words="" options="-j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze extract") words="" options="-C --directory --part --all --name -0 --null -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze iso") words="" options="-o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze map") words="" options="--diff --seed --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze crlf") words="" options="-o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze rand") words="" options="--seed --base64 --hex --raw -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make") words="add-field put wrap" options="--from --to --cc --bcc --reply-to --subject --in-reply-to --references -f --field --date --zone --message-id --seed --type -p --parameter --encoding --text --html --attach --inline -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make add-field") words="" options="--from --to --cc --bcc --reply-to --subject --in-reply-to --references -f --field --date --zone --message-id --seed --type -p --parameter --encoding -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make put") words="" options="--type -p --parameter --encoding -f --field --name -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make wrap") words="" options="--mixed --alternative --related --parallel --form-data --report --signed --boundary -s --seed -f --field -p --parameter -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim") words="check gen sign verify" options="--help" ;;
    "blaze dkim check") words="" options="-p --private-key -s --selector -h --hostname --password-file -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim gen") words="" options="-a --algorithm -b --bits -s --selector -h --hostname --raw -o --output --force --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim sign") words="" options="-s --selector -h --hostname -p --private-key -a --algorithm -c --canon -f --field --fields --expire --timestamp --password-file --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim verify") words="" options="--fields -e --extra-key --extra --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze arc") words="sign verify" options="--help" ;;
    "blaze arc sign") words="" options="-h --hostname --authserv-id --seal-selector --seal --signature-selector --signature -f --field --fields --received -c --canon --timestamp --password-file --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze arc verify") words="" options="-e --extra-key --extra --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf") words="analyze check stamp tree" options="--help" ;;
    "blaze spf analyze") words="" options="--spf-timeout --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf check") words="" options="--ip -s --sender --helo --spf-timeout --record --trace --now -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf stamp") words="" options="--ip -s --sender --helo --spf-timeout -h --hostname --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf tree") words="" options="-n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dmarc") words="collect verify" options="--help" ;;
    "blaze dmarc collect") words="" options="-j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dmarc verify") words="" options="-h --hostname --ip -s --sender --helo --spf-timeout --psl --psl-file --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze recv") words="extract stamp" options="--help" ;;
    "blaze recv extract") words="" options="-d --dot --timeline -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze recv stamp") words="" options="-f --from -h --hostname --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze fetch") words="" options="-f --format --maildir --mbox --pack --newline --exclude --keep --delete --delete-after --new --limit --max-size --headers-only --no-sync -0 --null --account -u --username -p --password --password-file --password-command --token-command --keyring --auth --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze send") words="" options="-s --sender -r --recipient -h --hostname --helo --port --socket --lmtp --notify --ret --envid --require-tls --no-downgrade --transcript --quit-after --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze sendmail") words="" options="--help" ;;
    "blaze submit") words="" options="-s --sender -r --recipient -h --hostname --helo --account -u --username -p --password --password-file --password-command --token-command --keyring --auth --notify --ret --envid --require-tls --no-downgrade --transcript --quit-after --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze srv") words="" options="-o --output --force --maildir --mbox --format --count -h --hostname --lmtp -k --key -c --certificate --tls-auto --ca-out --smtps --auth --max-size --max-messages --max-connections --idle-timeout --bare-newline --no-sync --with-data --port-file --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze convert") words="" options="--mbox --verify --dedupe --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mbox") words="" options="-o --output --force --stems --no-stems --trees --no-trees --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir") words="commit get new" options="--help" ;;
    "blaze mdir commit") words="" options="-D --maildir -h --hostname -n --new --seen --replied --flagged --trashed --passed --draft -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir get") words="" options="-D --maildir -h --hostname -n --new -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir new") words="" options="-D --maildir -h --hostname -0 --null --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack") words="delete descr gc get index list make verify" options="--help" ;;
    "blaze pack delete") words="" options="--no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack descr") words="" options="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack gc") words="" options="--no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack get") words="" options="-o --output --force --newline -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack index") words="" options="-q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack list") words="" options="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack make") words="" options="-o --output --force --from-list -0 --null --stems --no-stems --trees --no-trees --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack verify") words="" options="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze index") words="" options="--index --no-sync -j --jobs --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze search") words="" options="--index --in --format --sort --limit --offset --count --snippets -0 --null --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze threads") words="" options="--index --in --why --by-subject --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze rowex") words="find populate tree" options="--help" ;;
    "blaze rowex find") words="" options="-i --rowex --index -0 --null --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze rowex populate") words="" options="-i --rowex --index -p --pack --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze rowex tree") words="" options="-i --rowex --index -p --pack --why --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze okapi") words="" options="--k1 -b --b -l --language --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze config") words="" options="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    esac
    if [[ $current == -* ]]; then words=$options; fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _blaze blaze
