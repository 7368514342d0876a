#!/bin/sh
# Builds cloister-probe and its stand-in into a directory. Static, because a cell, bwrap and firejail each show it
# another set of libraries.
set -eu
cd "$(dirname "$0")"
to=$1

mkdir -p "$to"
flags='-std=gnu17 -O1 -g -Wall -Wextra -Werror -static -pthread'
# shellcheck disable=SC2086 # a list of words
gcc $flags -o "$to/cloister-probe" main.c support.c \
    files.c processes.c kernel.c network.c resources.c descriptors.c races.c
# shellcheck disable=SC2086
gcc $flags -o "$to/stand-in" stand-in.c
