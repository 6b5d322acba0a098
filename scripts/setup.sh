#!/usr/bin/env bash
# Installs the Debian packages that Tessera needs. Does nothing, and says nothing, where all of them
# are there. Without root and sudo it prints what is missing and fails.
# usage: setup.sh [build|test|demo]...   (default: all)
source "$(dirname "$0")/common.sh"

build=(gcc g++ libc6-dev cmake ninja-build pkg-config libjansson-dev libutf8proc-dev libopenblas-dev
  libpng-dev zlib1g-dev)
demo=(dataset-fashion-mnist libdnnl-dev python3 python3-pip python3-venv ca-certificates unzip wordnet-base)
test=(libcriterion-dev libdnnl-dev libzstd-dev clang clang-format clang-tidy lld libclang-rt-14-dev
  libomp-14-dev qemu-user valgrind shellcheck python3 dataset-fashion-mnist)

[ $# -gt 0 ] || set -- build test demo
wanted=("${build[@]}")
for group in "$@"; do
  case $group in
    build) ;;
    demo) wanted+=("${demo[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    *) die "setup.sh: unknown group '$group'; groups are build, test and demo" ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "These packages are missing, and there is neither root nor sudo
to install them: ${missing[*]}"
  as_root=(sudo)
fi
command -v apt-get >/dev/null || die "These packages are missing, and there is no apt-get to install
them (their names are Debian's): ${missing[*]}"

echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
  --no-install-recommends "${missing[@]}" >/dev/null
