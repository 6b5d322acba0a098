#!/usr/bin/env bash
# Every public header compiles alone, as C17 and as C++17.
# usage: headers.sh INCLUDE_FOLDER CC CXX
set -euo pipefail

include=$1 cc=$2 cxx=$3
warnings=(-pedantic -Wall -Wextra -Werror -fsyntax-only -I"$include")
count=0
for header in "$include"/tessera/*.h; do
  name=tessera/$(basename "$header")
  echo "#include <$name>" | "$cc" -x c -std=c17 "${warnings[@]}" -
  echo "#include <$name>" | "$cxx" -x c++ -std=c++17 "${warnings[@]}" -
  count=$((count + 1))
done
[ "$count" -gt 5 ] || { echo "only $count headers in $include"; exit 1; }
echo "$count headers"
