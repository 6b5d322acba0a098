#!/usr/bin/env bash
# The README's C examples are the files that the tests compile and run, in this order.
# usage: readme.sh README.md EXAMPLE.c...
set -euo pipefail

shown=$(sed -n '/^```c$/,/^```$/p' "$1" | sed '/^```/d')
[ -n "$shown" ] || { echo "$1 shows no C code"; exit 1; }
diff <(echo "$shown") <(cat "${@:2}") && echo "the same lines as $(($# - 1)) files"
