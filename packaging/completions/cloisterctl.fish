# Completion of cloisterctl for fish.

complete -c cloisterctl -f
complete -c cloisterctl -l root -r -a '(__fish_complete_directories)' -d 'Ask the standalone daemon of this directory'
complete -c cloisterctl -l json -d 'Answer with JSON'
complete -c cloisterctl -s h -l help -d 'Say what there is'
complete -c cloisterctl -n __fish_use_subcommand -l version -d 'Say which version this is'

# audit
complete -c cloisterctl -n __fish_use_subcommand -a audit -d 'Show what applications did'
set -l audit '__fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from verify'
complete -c cloisterctl -n $audit -a verify -d 'Verify that no record was changed'
complete -c cloisterctl -n $audit -l client -x -a '(__fish_complete_users)' -d 'Of this client alone'
complete -c cloisterctl -n $audit -l tool -x -d 'Calls of this tool'
complete -c cloisterctl -n $audit -l verdict -x -a 'allow ask deny' -d 'Of this verdict'
complete -c cloisterctl -n $audit -l kind -x -a 'start stop session call consent policy admin checkpoint' -d 'Of this kind'
complete -c cloisterctl -n $audit -l since -x -d 'Not before'
complete -c cloisterctl -n $audit -l until -x -d 'Not after'
complete -c cloisterctl -n $audit -s n -l lines -x -a '10 100 all' -d 'The last so many'
complete -c cloisterctl -n $audit -s f -l follow -d 'Go on with what is recorded from now on'
complete -c cloisterctl -n $audit -l output -x -a 'short json rfc5424' -d 'Form'

# audit verify
set -l verify '__fish_seen_subcommand_from audit; and __fish_seen_subcommand_from verify'
complete -c cloisterctl -n $verify -l public-key -r -F -d 'Verify signatures with this key'
complete -c cloisterctl -n $verify -l since -x -d 'From this record on, SEQ:HASH'
