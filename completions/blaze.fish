# fish completion for blaze; generated, do not edit
function __blaze_at
  set -l path blaze
  for word in (commandline -opc)[2..]
    contains -- "$path $word" "blaze hdr" "blaze addr"; and set path "$path $word"
  end
  test "$path" = "$argv[1]"
end
complete -c blaze -n '__blaze_at "blaze"' -f -a hdr -d 'Print the header fields of messages.'
complete -c blaze -n '__blaze_at "blaze"' -f -a addr -d 'Print the addresses in the header of messages.'
complete -c blaze -n '__blaze_at "blaze"' -l version -d 'Show the version and exit.'
complete -c blaze -n '__blaze_at "blaze"' -l help -d 'Show this message and exit.'
complete -c blaze -n '__blaze_at "blaze hdr"' -s h -l header -r -d 'Print only these fields; each name stands for one occurrence (-h A:A).'
complete -c blaze -n '__blaze_at "blaze hdr"' -s p -l param -r -d 'Print this parameter of the fields alone, as charset.'
complete -c blaze -n '__blaze_at "blaze hdr"' -s d -l decode -d 'Decode encoded words (RFC 2047) to UTF-8.'
complete -c blaze -n '__blaze_at "blaze hdr"' -s H -l with-filename -d 'Begin every line with the file\'s name and a tab.'
complete -c blaze -n '__blaze_at "blaze hdr"' -l json -d 'Print one JSON object a line.'
complete -c blaze -n '__blaze_at "blaze hdr"' -s q -l quiet -d 'Say nothing but the exit status.'
complete -c blaze -n '__blaze_at "blaze hdr"' -s v -l verbose -d 'Say more on standard error; -vv says all.'
complete -c blaze -n '__blaze_at "blaze hdr"' -l color -x -a 'auto always never' -d 'Colour the output. [default: auto]'
complete -c blaze -n '__blaze_at "blaze hdr"' -l with-utf-8 -r -d 'Draw with UTF-8 characters, or with ASCII. [default: as the terminal]'
complete -c blaze -n '__blaze_at "blaze hdr"' -l no-progress -l without-progress -d 'Show no progress on long work.'
complete -c blaze -n '__blaze_at "blaze hdr"' -l help -d 'Show this message and exit.'
complete -c blaze -n '__blaze_at "blaze addr"' -s f -l field -l fields -r -d 'Look into these fields too.'
complete -c blaze -n '__blaze_at "blaze addr"' -s d -l decode -d 'Decode encoded words (RFC 2047) to UTF-8.'
complete -c blaze -n '__blaze_at "blaze addr"' -l without-name -d 'Print the addresses without the names.'
complete -c blaze -n '__blaze_at "blaze addr"' -s m -l margin -r -d 'Fold after the name at this width.'
complete -c blaze -n '__blaze_at "blaze addr"' -l json -d 'Print one JSON object a line.'
complete -c blaze -n '__blaze_at "blaze addr"' -s q -l quiet -d 'Say nothing but the exit status.'
complete -c blaze -n '__blaze_at "blaze addr"' -s v -l verbose -d 'Say more on standard error; -vv says all.'
complete -c blaze -n '__blaze_at "blaze addr"' -l color -x -a 'auto always never' -d 'Colour the output. [default: auto]'
complete -c blaze -n '__blaze_at "blaze addr"' -l with-utf-8 -r -d 'Draw with UTF-8 characters, or with ASCII. [default: as the terminal]'
complete -c blaze -n '__blaze_at "blaze addr"' -l no-progress -l without-progress -d 'Show no progress on long work.'
complete -c blaze -n '__blaze_at "blaze addr"' -l help -d 'Show this message and exit.'
