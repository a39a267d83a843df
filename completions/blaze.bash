# bash completion for blaze; generated, do not edit
_blaze() {
  local current=${COMP_WORDS[COMP_CWORD]} path=blaze words="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${COMP_WORDS[index]}" in
    "blaze hdr"|"blaze addr"|"blaze descr"|"blaze show"|"blaze extract"|"blaze iso"|"blaze map"|"blaze crlf"|"blaze rand"|"blaze make"|"blaze make add-field"|"blaze make put"|"blaze make wrap"|"blaze dkim"|"blaze dkim check"|"blaze dkim gen"|"blaze dkim sign"|"blaze dkim verify"|"blaze arc"|"blaze arc sign"|"blaze arc verify"|"blaze spf"|"blaze spf analyze"|"blaze spf check"|"blaze spf stamp"|"blaze spf tree"|"blaze dmarc"|"blaze dmarc collect"|"blaze dmarc verify"|"blaze recv"|"blaze recv extract"|"blaze recv stamp"|"blaze fetch"|"blaze send"|"blaze sendmail"|"blaze submit"|"blaze srv"|"blaze convert"|"blaze mbox"|"blaze mdir"|"blaze mdir commit"|"blaze mdir get"|"blaze mdir new"|"blaze pack"|"blaze pack delete"|"blaze pack descr"|"blaze pack gc"|"blaze pack get"|"blaze pack index"|"blaze pack list"|"blaze pack make"|"blaze pack verify"|"blaze config") path="$path ${COMP_WORDS[index]}" ;;
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
    "blaze sendmail --color") words="auto always never" ;;
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
    "blaze config --color") words="auto always never" ;;
  esac
  if [[ -z $words ]]; then
    case "$path" in
    "blaze") words="hdr addr descr show extract iso map crlf rand make dkim arc spf dmarc recv fetch send sendmail submit srv convert mbox mdir pack config --version --help" ;;
    "blaze hdr") words="-h --header -p --param -d --decode -H --with-filename --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze addr") words="-f --field --fields -d --decode --without-name -m --margin --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze descr") words="--text --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze show") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze extract") words="-C --directory --part --all --name -0 --null --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze iso") words="-o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze map") words="--diff --seed --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze crlf") words="-o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze rand") words="--seed --base64 --hex --raw -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make") words="add-field put wrap --from --to --cc --bcc --reply-to --subject --in-reply-to --references -f --field --date --zone --message-id --seed --type -p --parameter --encoding --text --html --attach --inline -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make add-field") words="--from --to --cc --bcc --reply-to --subject --in-reply-to --references -f --field --date --zone --message-id --seed --type -p --parameter --encoding -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make put") words="--type -p --parameter --encoding -f --field --name -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze make wrap") words="--mixed --alternative --related --parallel --form-data --report --signed --boundary -s --seed -f --field -p --parameter -o --output --force --newline --utf8 -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim") words="check gen sign verify --help" ;;
    "blaze dkim check") words="-p --private-key -s --selector -h --hostname --password-file -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim gen") words="-a --algorithm -b --bits -s --selector -h --hostname --raw -o --output --force --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim sign") words="-s --selector -h --hostname -p --private-key -a --algorithm -c --canon -f --field --fields --expire --timestamp --password-file --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dkim verify") words="--fields -e --extra-key --now -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze arc") words="sign verify --help" ;;
    "blaze arc sign") words="-h --hostname --authserv-id --seal-selector --seal --signature-selector --signature -f --field --fields --received -c --canon --timestamp --password-file --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze arc verify") words="--now -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf") words="analyze check stamp tree --help" ;;
    "blaze spf analyze") words="--spf-timeout --now -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf check") words="--ip -s --sender --helo --spf-timeout --record --trace --now -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf stamp") words="--ip -s --sender --helo --spf-timeout -h --hostname --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze spf tree") words="-n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dmarc") words="collect verify --help" ;;
    "blaze dmarc collect") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze dmarc verify") words="-h --hostname --ip -s --sender --helo --spf-timeout --psl --psl-file --newline --now -n --nameserver --dns-static --dns-record --offline --dns-timeout -o --output --force --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze recv") words="extract stamp --help" ;;
    "blaze recv extract") words="-d --dot --timeline --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze recv stamp") words="-f --from -h --hostname --newline -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze fetch") words="-f --format --maildir --mbox --pack --newline --exclude --keep --delete --delete-after --new --limit --max-size --headers-only --no-sync --account -u --username -p --password --password-file --password-command --token-command --keyring --auth --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze send") words="-s --sender -r --recipient -h --hostname --helo --port --socket --lmtp --notify --ret --envid --no-downgrade --transcript --quit-after --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze sendmail") words="-q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze submit") words="-s --sender -r --recipient -h --hostname --helo --account -u --username -p --password --password-file --password-command --token-command --keyring --auth --notify --ret --envid --no-downgrade --transcript --quit-after --tls --tls-verify --cafile --pin --tls-cert --tls-key --timeout -4 -6 --bind --proxy --insecure -n --nameserver --dns-static --dns-record --offline --dns-timeout --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze srv") words="-o --output --force --maildir --mbox --format --count -h --hostname --lmtp -k --key -c --certificate --tls-auto --ca-out --smtps --auth --max-size --max-messages --max-connections --idle-timeout --bare-newline --no-sync --with-data --port-file --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze convert") words="--mbox --verify --dedupe --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mbox") words="-o --output --force --stems --trees --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir") words="commit get new --help" ;;
    "blaze mdir commit") words="-D --maildir -h --hostname -n --new --seen --replied --flagged --trashed --passed --draft -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir get") words="-D --maildir -h --hostname -n --new -o --output --force -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze mdir new") words="-D --maildir -h --hostname -0 --null -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack") words="delete descr gc get index list make verify --help" ;;
    "blaze pack delete") words="--no-sync -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack descr") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack gc") words="--no-sync -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack get") words="-o --output --force --newline -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack index") words="-q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack list") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack make") words="-o --output --force --from-list -0 --null --stems --trees --no-sync --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze pack verify") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze config") words="--json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _blaze blaze
