# Sourced by the scripts beside it: the root of the checkout, and how they speak.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# A step's headline; within scripts/test with the seconds since its start.
say() {
    printf '\n==> %s%s\n' "${TESTS_BEGAN:+$((EPOCHSECONDS - TESTS_BEGAN)) s: }" "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Whether Swift 6.3 or newer is on PATH, or where swiftly puts it.
find_swift() {
    local found
    PATH="$PATH:${SWIFTLY_BIN_DIR:-${SWIFTLY_HOME_DIR:-$HOME/.local/share/swiftly}/bin}"
    export PATH
    found=$(swift --version 2>/dev/null | grep -Eo 'Swift version [0-9]+\.[0-9]+' | head -1) || return 1
    found=${found##* }
    ((${found%.*} > 6 || (${found%.*} == 6 && ${found#*.} >= 3)))
}

need_swift() {
    find_swift || die "no Swift 6.3 on PATH: scripts/setup installs it"
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

# The C++ library under Swift's runtime goes into the program too: else the dynamic linker looks up 3,000 of its symbols at every start, in each
# of the two processes, which costs more than all that ours do before they listen.
archive_runtime() {
    mkdir -p "$ROOT/.build/archives"
    ln -sf "$(clang -print-file-name=libstdc++.a)" "$ROOT/.build/archives/"
}

# Builds the program that people run: optimised, with no Swift library needed on the machine it runs on.
build_release() {
    need_swift
    say "Building the release (.build/release/sendonce)"
    archive_runtime
    swift build -c release --static-swift-stdlib --product sendonce
}

# Where `build_release` puts the program.
RELEASE="$ROOT/.build/release/sendonce"

# The Python of the tests and its judges, as `scripts/setup --test` installs them.
use_judges() {
    [[ -x "$ROOT/.venv/bin/python3" ]] || die "the tests' Python packages are not installed: scripts/setup --test"
    export PATH="$ROOT/.venv/bin:$PATH"
}
