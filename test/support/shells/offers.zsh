# usage: zsh -f offers.zsh SCRIPT LINE...
# Prints what an interactive zsh offers for each line, in lines, and a line with -- behind it. That zsh runs on a
# terminal of its own, and tells each word that its compadd is given and that begins with what is typed.
zmodload zsh/zpty
settings=$(mktemp)
cat >$settings <<'END'
PROMPT=
unset zle_bracketed_paste
autoload -Uz compinit && compinit -u -D
source $1
bindkey '^I' complete-word
bindkey '^U' kill-whole-line
LISTMAX=10000
tell_end() { print; print DONE; comppostfuncs=(tell_end) }
comppostfuncs=(tell_end)
compadd() {
  local -a found
  # Calls that fill arrays of completion functions offer nothing.
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    builtin compadd -A found "$@"
    print
    print -rl -- "OFFERED "$^found
  fi
  builtin compadd "$@"
}
print READY
END
zpty shell zsh -f -i
zpty -w shell "source $settings $1"
while zpty -r shell told; do [[ $told = READY* ]] && break; done
rm $settings
for line in "${@[2,-1]}"; do
  zpty -w -n shell $'\C-u'$line$'\t'
  while zpty -r shell told; do
    [[ $told = DONE* ]] && break
    [[ $told = OFFERED\ ?* ]] && print -r -- ${${told#OFFERED }%$'\r\n'}
  done
  print -- --
done
zpty -d shell
