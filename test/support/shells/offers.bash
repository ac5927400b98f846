# usage: bash offers.bash SCRIPT LINE...
# Prints what the script offers for each line, in lines, and a line with -- behind it. It splits a line into words as
# bash does, at the characters of COMP_WORDBREAKS as well; here these are at most = and :.
. "$1"
shift
for COMP_LINE in "$@"; do
  COMP_WORDS=() rest=$COMP_LINE breaks=${COMP_WORDBREAKS//[^=:]/}
  while [[ $rest =~ ^\ *([${breaks:-\ }]+|[^\ $breaks]+) ]]; do
    COMP_WORDS+=("${BASH_REMATCH[1]}")
    rest=${rest#"${BASH_REMATCH[0]}"}
  done
  [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE}
  _delayer
  for reply in "${COMPREPLY[@]}"; do echo "$reply"; done
  echo --
done
