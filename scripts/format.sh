#!/usr/bin/env bash
# Formats every C, C++ and CUDA file; with --check it changes nothing and fails where it would.
source "$(dirname "$0")/common.sh"

mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run -Werror)
git ls-files -z '*.c' '*.h' '*.cc' '*.cu' | xargs -0 clang-format "${mode[@]}"
