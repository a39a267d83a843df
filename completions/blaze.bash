# bash completion for blaze; generated, do not edit
_blaze() {
  local current=${COMP_WORDS[COMP_CWORD]} path=blaze words="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path ${COMP_WORDS[index]}" in
    "blaze hdr"|"blaze addr") path="$path ${COMP_WORDS[index]}" ;;
    esac
  done
  case "$path ${COMP_WORDS[COMP_CWORD-1]}" in
    "blaze hdr --color") words="auto always never" ;;
    "blaze addr --color") words="auto always never" ;;
  esac
  if [[ -z $words ]]; then
    case "$path" in
    "blaze") words="hdr addr --version --help" ;;
    "blaze hdr") words="-h --header -p --param -d --decode -H --with-filename --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    "blaze addr") words="-f --field --fields -d --decode --without-name -m --margin --json -q --quiet -v --verbose --color --with-utf-8 --no-progress --without-progress --help" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _blaze blaze
