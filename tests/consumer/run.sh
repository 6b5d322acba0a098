#!/usr/bin/env bash
# Installs a build into a temporary prefix, moves it, and builds and runs the consumers against it:
# CMake package and pkg-config file, C and C++, static and shared library.
# usage: run.sh BUILD_FOLDER CC CXX
set -euo pipefail

build=$1 cc=$2 cxx=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix

"$prefix/bin/tessera" --version

for language in C CXX; do
  compiler=$cc
  [ $language = CXX ] && compiler=$cxx
  out=$work/cmake_$language
  cmake -S "$here" -B "$out" -DCONSUMER_LANGUAGE=$language -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_${language}_COMPILER="$compiler" >"$out.log" || { cat "$out.log"; exit 1; }
  cmake --build "$out" >>"$out.log" || { cat "$out.log"; exit 1; }
  "$out/consumer_static"
  "$out/consumer_shared"
done

# pkg-config. The static turn comes last, when the shared library is gone: the archive is then all
# that -ltessera can mean.
pc=$(dirname "$(find "$prefix" -name tessera.pc)")
export PKG_CONFIG_PATH=$pc
libdir=$(pkg-config --variable=libdir tessera)

# pkg_config_consumers LINKER_OPTION PKG_CONFIG_OPTION...
pkg_config_consumers() {
  local link=$1 flags
  shift
  read -ra flags < <(pkg-config "$@" --cflags --libs tessera)
  "$cc" "$here/consumer.c" -o "$work/consumer_c" "${flags[@]}" "$link"
  "$cxx" "$here/consumer.cc" -o "$work/consumer_cc" "${flags[@]}" "$link"
  "$work/consumer_c"
  "$work/consumer_cc"
}
pkg_config_consumers -Wl,-rpath,"$libdir"
ldd "$work/consumer_c" >"$work/ldd"
grep -q "$prefix.*libtessera" "$work/ldd" || { echo "not the shared library"; exit 1; }
rm "$libdir"/libtessera.so*
pkg_config_consumers -Wl,--as-needed --static
