#!/usr/bin/env bash
# The README's C example is the file that the tests compile and run.
# usage: readme.sh README.md EXAMPLE.c
set -euo pipefail

shown=$(sed -n '/^```c$/,/^```$/p' "$1" | sed '1d;$d')
[ -n "$shown" ] || { echo "$1 shows no C code"; exit 1; }
diff <(echo "$shown") "$2" && echo "the same $(wc -l <"$2") lines"
