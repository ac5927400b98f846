#compdef delayer
# zsh completion for delayer, made by `delayer completion zsh`.

_delayer_contexts() {
  local -a names
  names=(${(f)"$(delayer config --json 2>/dev/null </dev/null | grep -o '"name":"[^"]*"' | cut -d '"' -f 4)"})
  compadd "$@" -a names
}

_delayer() {
  local curcontext=$curcontext given state line
  local -i behind
  local -A opt_args
  local -a shared summaries
  shared=(
@shared@
  )
  summaries=(
@commands@
  )
  # As the original daemon was started: delayer -c FILE -d.
  if [[ $words[2] = -[cd] && CURRENT -gt 2 ]]; then words[1]=(delayer serve); (( CURRENT += 1 )); fi
  _arguments -C -S $shared '(- : *)--version[show the version]' '1: :->command' '*:: :->rest' && return
  if [[ $state = command ]]; then
    _describe -t commands command summaries
    return
  fi
  # Not again what stands before the command.
  for given in ${(k)opt_args}; do shared=("${(@)shared:#*$given(=|)\[*}"); done
  behind=$words[(i)--]
  case $words[1] in
@arguments@
  esac
}

# In a folder of fpath this file is the function; it may also be sourced.
if [[ $funcstack[1] = _delayer ]]; then _delayer "$@"; else compdef _delayer delayer; fi
