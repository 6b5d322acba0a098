#!/usr/bin/env bash
# scripts/setup.sh against stand-ins for dpkg-query, apt-get and id: quiet where nothing is missing,
# installs as root, and stops with the list where it may not install.
# usage: setup.sh SETUP_SCRIPT
set -euo pipefail

setup=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in bash dirname env cat; do ln -s "$(command -v $tool)" "$work/$tool"; done

stand_in() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
fail() {
  echo "$1"
  cat "$work/output"
  exit 1
}
run_setup() {
  : >"$work/apt.log"
  PATH=$work bash "$setup" "$@" >"$work/output" 2>&1
}

stand_in apt-get "echo \"\$*\" >>$work/apt.log"
stand_in id 'echo 0'
stand_in dpkg-query 'echo installed'
run_setup || fail "it fails where nothing is missing"
[ ! -s "$work/output" ] || fail "it speaks where nothing is missing"
[ ! -s "$work/apt.log" ] || fail "it acts where nothing is missing"

# valgrind was removed, but its configuration is still there.
stand_in dpkg-query 'case ${*: -1} in
  ninja-build) exit 1 ;;
  valgrind) echo config-files ;;
  *) echo installed ;;
esac'
run_setup build test || fail "root cannot install"
grep -q '^update' "$work/apt.log" || fail "apt-get update was not called"
grep -q ' ninja-build valgrind$' "$work/apt.log" || fail "not exactly what is missing was installed"
run_setup build || fail "root cannot install a group"
grep -q ' ninja-build$' "$work/apt.log" || fail "another group was installed too"

stand_in id 'echo 1000'
run_setup && fail "it succeeds without root and sudo"
grep -q 'ninja-build valgrind' "$work/output" || fail "the missing packages are not named"
[ ! -s "$work/apt.log" ] || fail "apt-get was called without root"

stand_in sudo '"$@"'
run_setup || fail "sudo is not used"
grep -q ' ninja-build valgrind$' "$work/apt.log" || fail "sudo did not reach apt-get"

run_setup nonsense && fail "an unknown group is accepted"
echo "set-up: quiet, root, no root, sudo, unknown group"
