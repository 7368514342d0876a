# Completion of cloisterctl for bash.

_cloisterctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' word place skip=0
    local common='--root --json --help -h'
    COMPREPLY=()

    case $previous in
    --root) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --config | --bridge) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --public-key) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --verdict) mapfile -t COMPREPLY < <(compgen -W 'allow ask deny' -- "$current"); return ;;
    --output) mapfile -t COMPREPLY < <(compgen -W 'short json rfc5424' -- "$current"); return ;;
    --kind)
        local kinds='start stop session call consent policy admin checkpoint'
        mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$current")
        return
        ;;
    --permission)
        local permissions='FILE_READ FILE_WRITE FILE_WRITE_GLOBAL CODE_EXECUTION SYSTEM_COMMAND'
        permissions+=' CODE_EXECUTION_SUDO NETWORK TOOL'
        mapfile -t COMPREPLY < <(compgen -W "$permissions" -- "$current")
        return
        ;;
    --path) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --for | --name | --client | --tool | --since | --until | --lines | -n) return ;;
    esac

    for ((place = 1; place < COMP_CWORD; place++)); do
        word=${COMP_WORDS[place]}
        if ((skip)); then
            skip=0
        elif [[ $word == --root ]]; then
            skip=1
        elif [[ $word != -* ]]; then
            command="${command:+$command }$word"
        fi
    done

    local words
    case $command in
    '')
        words="$common --version status clients cells modules reload approvals approve deny grants policy audit doctor"
        words+=" connect"
        ;;
    clients | cells | approvals) words="$common --all" ;;
    approve) words="$common --session --for --always" ;;
    grants) words="$common --all revoke" ;;
    policy) words="$common check show test explain" ;;
    'policy explain') words="$common --client --tool --permission --path --name" ;;
    # cloisterctl grants revoke, policy check, policy show, policy test, doctor: what all have
    audit)
        words="$common verify --client --tool --verdict --kind --since --until --lines -n --follow -f --output"
        ;;
    'audit verify') words="$common --public-key --since" ;;
    connect*)
        words="$common --list --all --dry-run --undo --name --config --client --bridge"
        words+=" claude-desktop lm-studio goose vscode vscode-insiders vscodium cursor windsurf"
        words+=" zed kiro antigravity cline roo-code jetbrains claude-code codex"
        words+=" gemini-cli qwen-code copilot-cli opencode crush amp cline-cli droid"
        ;;
    *) words=$common ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _cloisterctl cloisterctl
