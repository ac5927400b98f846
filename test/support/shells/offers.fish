# usage: fish offers.fish SCRIPT LINE...
# Prints what fish offers for each line, in lines, each with a tab and its description, and a line with -- behind it.
source $argv[1]
for line in $argv[2..]
    complete -C $line
    printf '%s\n' --
end
