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

complete -c cloisterctl -n __fish_use_subcommand -a doctor -d 'Find what is wrong on this machine'

# status, clients, cells, modules, reload, approvals, approve, deny, grants, grants revoke
complete -c cloisterctl -n __fish_use_subcommand -a status -d 'Say how the daemon is'
complete -c cloisterctl -n __fish_use_subcommand -a clients -d 'List the applications that are connected'
complete -c cloisterctl -n __fish_use_subcommand -a cells -d 'List the cells that stand'
complete -c cloisterctl -n __fish_use_subcommand -a modules -d 'List what provides tools'
complete -c cloisterctl -n __fish_use_subcommand -a reload -d 'Make the daemon read its policy again'
complete -c cloisterctl -n __fish_use_subcommand -a approvals -d 'List the questions that wait for a person'
complete -c cloisterctl -n __fish_use_subcommand -a approve -d 'Allow what a question asks for'
complete -c cloisterctl -n __fish_use_subcommand -a deny -d 'Deny what a question asks for'
complete -c cloisterctl -n __fish_use_subcommand -a grants -d 'List what people allowed for longer'
set -l lists '__fish_seen_subcommand_from clients cells approvals grants'
complete -c cloisterctl -n $lists -l all -d 'Those of other users, too'
set -l approve '__fish_seen_subcommand_from approve'
complete -c cloisterctl -n $approve -l session -d 'As long as the session lasts'
complete -c cloisterctl -n $approve -l for -x -a '10min 2h 7d' -d 'For so long'
complete -c cloisterctl -n $approve -l always -d 'Until it is revoked'
complete -c cloisterctl -n '__fish_seen_subcommand_from grants' -a revoke -d 'Take a grant back'

# policy check, policy show, policy test, policy explain
complete -c cloisterctl -n __fish_use_subcommand -a policy -d 'Read, test and explain policy'
set -l policy '__fish_seen_subcommand_from policy'
complete -c cloisterctl -n $policy -a check -d 'Say what is wrong with policy files' -F
complete -c cloisterctl -n $policy -a show -d 'List files and blocks'
complete -c cloisterctl -n $policy -a test -d 'Run what policy files expect'
complete -c cloisterctl -n $policy -a explain -d 'Say what policy says, and why'
set -l explain '__fish_seen_subcommand_from explain'
complete -c cloisterctl -n $explain -l client -x -d 'The client, such as user=alice'
complete -c cloisterctl -n $explain -l tool -x -d 'Whether it may call this tool'
complete -c cloisterctl -n $explain -l permission -x -a 'FILE_READ FILE_WRITE FILE_WRITE_GLOBAL CODE_EXECUTION SYSTEM_COMMAND CODE_EXECUTION_SUDO NETWORK TOOL' -d 'What is asked about'
complete -c cloisterctl -n $explain -l path -r -d 'Of a permission for files'
complete -c cloisterctl -n $explain -l name -x -d 'Of a permission for programs or hosts'

# connect
complete -c cloisterctl -n __fish_use_subcommand -a connect -d 'Put Cloister into the lists of AI applications'
set -l connect '__fish_seen_subcommand_from connect'
complete -c cloisterctl -n $connect -a 'claude-desktop lm-studio goose vscode vscode-insiders vscodium cursor windsurf zed kiro antigravity cline roo-code jetbrains claude-code codex gemini-cli qwen-code copilot-cli opencode crush amp cline-cli droid' -d 'Application'
complete -c cloisterctl -n $connect -l list -d 'List the applications that are known'
complete -c cloisterctl -n $connect -l all -d 'All that are found on this machine'
complete -c cloisterctl -n $connect -l dry-run -d 'Say what would change'
complete -c cloisterctl -n $connect -l undo -d 'Take our entry out again'
complete -c cloisterctl -n $connect -l name -x -d 'What the server is called there'
complete -c cloisterctl -n $connect -l config -r -F -d 'The file of the application'
complete -c cloisterctl -n $connect -l client -x -d 'What the application calls itself'
complete -c cloisterctl -n $connect -l bridge -r -F -d 'The bridge'
