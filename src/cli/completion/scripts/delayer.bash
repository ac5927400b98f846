# bash completion for delayer, made by `delayer completion bash`.

# Sets what is known of a command, or of all commands: of each flag a line with its name, the flags beside which it is not
# offered, and its values; the values of its arguments, and the flag that these depend on; whether a program follows --.
_delayer_know() {
  case $1 in
@commands@
  esac
}

# Sets `values` to those of a flag; to nothing for a switch.
_delayer_values() {
  values=
  [[ $flags == *$'\n'"$1 "* ]] || return
  values=${flags#*$'\n'"$1 "}
  values=${values%%$'\n'*}
  values=${values#* }
  [[ $values != switch ]] || values=
}

# Offers those of the words that begin with what is typed, without what bash takes for other words before it.
_delayer_offer() {
  local word last=${COMP_WORDS[COMP_CWORD]} before=$current
  [[ $last =~ ^[=:]+$ ]] || before=${current%"$last"}
  for word in "$@"; do
    [[ $prefix$word == "$current"* ]] || continue
    word=$prefix$word
    COMPREPLY+=("${word#"$before"}")
  done
}

_delayer_offer_values() {
  local word
  case $1 in
  files) _delayer_offer_paths default -f ;;
  folders) _delayer_offer_paths dirnames -d ;;
  contexts)
    while IFS= read -r word; do
      _delayer_offer "$word"
    done < <(delayer config --json 2>/dev/null </dev/null | grep -o '"name":"[^"]*"' | cut -d '"' -f 4)
    ;;
  list:*)
    [[ $current != *,* ]] || prefix=${current%,*},
    for word in ${1#list:}; do [[ ",${prefix#--*=}" == *",$word,"* ]] || _delayer_offer "$word"; done
    ;;
  words:*) _delayer_offer ${1#words:} ;;
  esac
}

# bash itself is best at paths, with their spaces and ~; but for `--flag=PATH` only where it splits words at =.
_delayer_offer_paths() {
  local path
  if [[ ! $prefix || $COMP_WORDBREAKS == *=* ]] && compopt -o "$1" 2>/dev/null; then return; fi
  while IFS= read -r path; do _delayer_offer "$path"; done < <(compgen "$2" -- "${current#"$prefix"}")
}

_delayer_offer_flags() {
  local name hiders values
  while read -r name hiders values; do
    [[ ! $name || "$given " =~ " "($hiders)" " ]] || _delayer_offer "$name"
  done <<<"$flags"
  [[ $command ]] || _delayer_offer --version
}

_delayer() {
  local IFS=$' \t\n' i word rest=$COMP_LINE words=()
  # As delayer gets them: bash splits at = and : as well.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $i -eq 0 || $rest == [[:space:]]* ]]; then words+=("$word"); else words[${#words[@]} - 1]+=$word; fi
    rest=${rest#*"$word"}
  done
  local current=${words[${#words[@]} - 1]} prefix= given= values= behind= count=0
  local command= flags= args=() needs= program=
  COMPREPLY=()
  _delayer_know ''
  for word in "${words[@]:1:${#words[@]}-2}"; do
    if [[ $values ]]; then
      values=
    elif [[ $behind ]]; then
      count=$((count + 1))
    elif [[ $word == -- ]]; then
      behind=yes
      [[ ! $program ]] || count=0
    elif [[ $word =~ ^[0-9\&]*[\<\>]+[\&\|]?$ ]]; then
      values=files
    elif [[ $word == -?* ]]; then
      # As the original daemon was started: delayer -c FILE -d.
      [[ $command || $word != -[cd] ]] || { command=serve; _delayer_know serve; }
      given+=" ${word%%=*}"
      [[ $word == *=* ]] || _delayer_values "$word"
    elif [[ ! $command ]]; then
      command=$word
      _delayer_know "$command"
    else
      count=$((count + 1))
    fi
  done
  if [[ $values ]]; then
    _delayer_offer_values "$values"
  elif [[ $behind && $program ]]; then
    if [[ $count -eq 0 ]]; then _delayer_offer $(compgen -c -- "$current"); else _delayer_offer_values files; fi
  elif [[ ! $behind && $current == --*=* ]]; then
    prefix=${current%%=*}=
    _delayer_values "${current%%=*}"
    _delayer_offer_values "$values"
  elif [[ ! $behind && $current == -* ]]; then
    _delayer_offer_flags
  elif [[ ! $command ]]; then
    _delayer_offer @names@
  elif [[ ! $needs || "$given " == *" $needs "* ]]; then
    _delayer_offer_values "${args[count]-}"
  fi
}

complete -F _delayer delayer
