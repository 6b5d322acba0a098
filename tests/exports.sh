#!/usr/bin/env bash
# The shared library exports public names (tsr_, not tsr__) only, and every function that a public
# header declares. The archive defines no global name outside the prefix.
# usage: exports.sh LIBTESSERA.SO LIBTESSERA.A INCLUDE_FOLDER
set -euo pipefail

shared=$1 archive=$2 include=$3
exported=$(nm -D --defined-only "$shared" | awk '{print $3}' | sed 's/@.*//' | sort -u)
[ -n "$exported" ] || { echo "$shared exports nothing"; exit 1; }

# Names with a dot in front are the compiler's own (locks of OpenMP reductions).
fail=0
if foreign=$(grep -vE '^(tsr_[a-z]|\.)' <<<"$exported"); then
  echo "$shared exports what is not public:" && echo "$foreign"
  fail=1
fi
# NVTX's headers define weak names, so that all their copies in a program are one.
if foreign=$(nm --defined-only --extern-only "$archive" 2>/dev/null |
  awk 'NF == 3 && !($2 ~ /[VWu]/ && $3 ~ /^(nvtx|InitializeInjectionNvtx2)/) {print $3}' |
  grep -vE '^(tsr_|\.)' | sort -u); then
  echo "$archive defines names outside the prefix:" && echo "$foreign"
  fail=1
fi

# TSR_API, possibly a line break, ..., the name, an opening parenthesis.
declared=$(cat "$include"/tessera/*.h | tr '\n' ' ' | grep -oE 'TSR_API[^;(]*\(' |
  grep -oE 'tsr_[a-z0-9_]+ *\($' | tr -d ' (' | sort -u)
if missing=$(comm -13 <(echo "$exported") <(echo "$declared") | grep .); then
  echo "declared, but not exported by $shared:" && echo "$missing"
  fail=1
fi
echo "$(wc -l <<<"$exported") names exported, $(wc -l <<<"$declared") declared"
exit $fail
