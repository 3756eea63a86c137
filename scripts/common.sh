# Sourced by the scripts beside it: the root of the checkout, and how they speak.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

say() {
    printf '\n==> %s\n' "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

need_swift() {
    command -v swift >/dev/null || die "no Swift toolchain on PATH; SendOnce needs Swift 6.3: https://www.swift.org/install/linux/"
}

# Builds the program that people run: optimised, with no Swift library needed on the machine it runs on.
build_release() {
    need_swift
    say "Building the release (.build/release/sendonce)"
    swift build -c release --static-swift-stdlib --product sendonce
}

# Where `build_release` puts the program.
RELEASE="$ROOT/.build/release/sendonce"

# The Python of the tests and its judges, as `scripts/setup --test` installs them.
use_judges() {
    [[ -x "$ROOT/.venv/bin/python3" ]] || die "the tests' Python packages are not installed: scripts/setup --test"
    export PATH="$ROOT/.venv/bin:$PATH"
}
