# fish completion for delayer, made by `delayer completion fish`.

# Prints the command that is typed; fails where there is none.
function __delayer_command
    set -l takes_value
    for word in (commandline -opc)[2..-1]
        if set -q takes_value[1]
            set -e takes_value
        else if contains -- $word @taking@
            set takes_value yes
        else if contains -- $word -c -d
            # As the original daemon was started: delayer -c FILE -d.
            echo serve
            return
        else if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
    return 1
end

function __delayer_is
    contains -- $argv[1] (__delayer_command)
end

# Is none of these flags given? The last word does not count where its value is what is typed now.
function __delayer_lacks
    set -l words (commandline -opc)
    if test $argv[1] = before
        contains -- $words[-1] $argv; and set -e words[-1]
    end
    for word in $words
        contains -- (string replace -r '=.*' '' -- $word) $argv; and return 1
    end
    return 0
end

function __delayer_runs_program
    contains -- -- (commandline -opc)
end

# What fish offers for the command line behind --.
function __delayer_program
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- -- $words)]
    complete -C "$(string join -- ' ' (string escape -- $words) (commandline -ct))"
end

function __delayer_contexts
    delayer config --json 2>/dev/null </dev/null | string match -ra '(?<="name":")[^"]*'
end

# Prints those of these words that are not typed yet, behind the typed ones, which have commas between them.
function __delayer_list
    set -l typed (string replace -r '^(--[^=]*=)?(.*,)?.*' '$2' -- (commandline -ct))
    for word in $argv
        contains -- $word (string split , -- $typed); or echo $typed$word
    end
end

complete -c delayer -f
@completions@
