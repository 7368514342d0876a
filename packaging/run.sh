#!/bin/sh
# `make run`: starts cloisterd on its embedded default, holds one real session with it through the bridge,
# says how a desktop application gets one, and stays up until Ctrl-C.
set -eu
programs=$1
directory=$2
once=$3

socket=$directory/mcp.sock
# A socket's path has at most 107 bytes.
if [ ${#socket} -gt 107 ]; then
    directory=$(mktemp -d /tmp/cloister.XXXXXX)
    socket=$directory/mcp.sock
fi

# What this machine cannot give is said here, as an administrator would have to.
lacking=
grep -qs memory /sys/fs/cgroup/cgroup.controllers && [ "$(id -u)" -eq 0 ] || lacking=cgroup
[ "$(id -u)" -eq 0 ] || lacking=$lacking,workspace
if [ -n "$lacking" ]; then
    echo "run: cells may lack walls here: --best-effort $lacking (see cloisterd(8))"
    set -- --best-effort "$lacking"
else
    set --
fi

"$programs/cloisterd" --standalone "$directory" "$@" &
daemon=$!
stop() {
    trap - EXIT INT TERM
    kill -TERM "$daemon" 2>/dev/null || true
    wait "$daemon" || status=$?
    exit "${status:-0}"
}
trap 'status=$?; stop' EXIT
trap 'status=0; stop' INT TERM

tries=0
until [ -S "$socket" ]; do
    kill -0 "$daemon" 2>/dev/null || { status=1; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo 'run: cloisterd did not open its socket' >&2; exit 1; }
    sleep 0.05
done

echo
echo '== One session, as an AI application holds it'
echo
"$programs/transcript" "$programs/cloister-bridge" --socket "$socket" --client transcript

cat <<TEXT

== For a desktop AI application (in its list of MCP servers, often called mcpServers)

{
  "mcpServers": {
    "cloister": {
      "command": "$programs/cloister-bridge",
      "args": ["--socket", "$socket", "--client", "the application's name"]
    }
  }
}
TEXT

if [ -z "$once" ]; then
    echo
    echo "cloisterd serves $socket until Ctrl-C."
    # A signal ends the wait, and the trap does the rest.
    wait "$daemon" && status=0 || status=$?
    trap - EXIT
    exit "$status"
fi
