# shellcheck shell=bash
# What the scripts share. Source it; it leaves the shell in the project's folder.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  echo "$*" >&2
  exit 1
}

# pip_download FOLDER REQUIREMENT SHA256 [OPTION...]: one file of the registry into FOLDER; pip
# checks its hash before it looks into it. Debian may have pip only inside a virtual environment.
pip_download() {
  local folder=$1 requirement=$2 hash=$3 python=python3
  shift 3
  mkdir -p "$folder"
  if ! python3 -m pip --version >/dev/null 2>&1; then
    python=build/venv/bin/python
    [ -x "$python" ] || python3 -m venv build/venv || return 1
  fi
  echo "$requirement --hash=sha256:$hash" >"$folder/requirement.txt"
  "$python" -m pip download --quiet --no-deps --require-hashes --retries 1 --timeout 30 \
    --disable-pip-version-check --dest "$folder" "$@" -r "$folder/requirement.txt"
}

# verified FOLDER CHECKSUMS: whether every file listed is there with the bytes that it should have.
verified() {
  local list
  list=$(pwd)/$2
  [ -d "$1" ] && (cd "$1" && sha256sum --check --quiet --status "$list" 2>/dev/null)
}
