# Sourced by scripts/setup: where no Swift 6.3 is found, installs one by Swift's own installer (swiftly) into the user's home.

SWIFT_VERSION=6.3.1
SWIFTLY_VERSION=1.1.1
# The key that Swift 6.x and swiftly are signed with, as swift.org publishes it.
SWIFT_KEY=${SENDONCE_SWIFT_KEY:-52BB7E3DE28A71BE22EC05FFEF80A866B47A981F}

# The one place that reaches out. SENDONCE_SWIFT_FROM: a folder that stands in for the network in tests.
fetch_swift() {
    local name=$1 file=$2
    if [[ -n "${SENDONCE_SWIFT_FROM:-}" ]]; then
        cp "$SENDONCE_SWIFT_FROM/${name##*/}" "$file"
    else
        curl -fsSL --retry 3 -o "$file" "https://$name"
    fi
}

# Says which key has signed a file, and fails unless it is Swift's.
check_swift_signature() {
    local file=$1 keyring=$2
    gpg --batch --no-default-keyring --keyring "$keyring/keys.gpg" --homedir "$keyring" --status-fd 1 --verify "$file.sig" "$file" 2>/dev/null |
        grep -Eq "^\[GNUPG:\] VALIDSIG ([0-9A-F]+ .* )?$SWIFT_KEY( |$)"
}

install_swift() {
    local work archive home
    home=${SWIFTLY_HOME_DIR:-$HOME/.local/share/swiftly}
    say "No Swift 6.3 here. Swift's own installer, swiftly $SWIFTLY_VERSION, puts Swift $SWIFT_VERSION (about 1 GB to fetch, 4 GB on disk) into $home;"
    say "nothing outside that folder changes but the Debian or Fedora packages that it needs. Ctrl-C now if you would rather install it yourself."
    for tool in curl gpg tar; do
        command -v $tool >/dev/null || die "no $tool: install curl, gnupg and tar first"
    done
    work=$(mktemp -d)
    chmod 700 "$work"
    archive=swiftly-$SWIFTLY_VERSION-$(uname -m).tar.gz
    fetch_swift "download.swift.org/swiftly/linux/$archive" "$work/$archive" || die "cannot fetch swiftly: is there a network?"
    fetch_swift "download.swift.org/swiftly/linux/$archive.sig" "$work/$archive.sig" || die "cannot fetch swiftly's signature"
    fetch_swift "www.swift.org/keys/all-keys.asc" "$work/keys.asc" || die "cannot fetch Swift's keys"
    gpg --batch --quiet --homedir "$work" --no-default-keyring --keyring "$work/keys.gpg" --import "$work/keys.asc" 2>/dev/null || true
    check_swift_signature "$work/$archive" "$work" || { rm -rf "$work"; die "swiftly's signature is not Swift's: nothing is installed"; }
    tar -xzf "$work/$archive" -C "$work"
    export SWIFTLY_HOME_DIR=$home SWIFTLY_BIN_DIR=${SWIFTLY_BIN_DIR:-$home/bin}
    "$work/swiftly" init --assume-yes --quiet-shell-followup --skip-install --no-modify-profile
    # swiftly checks the toolchain's signature itself, and writes down which packages are missing.
    "$SWIFTLY_BIN_DIR/swiftly" install "$SWIFT_VERSION" --use --assume-yes --post-install-file "$work/packages"
    if [[ -s "$work/packages" ]]; then
        say "Installing what the toolchain needs: $(tr '\n' ' ' <"$work/packages")"
        as_root env DEBIAN_FRONTEND=noninteractive bash "$work/packages"
    fi
    rm -rf "$work"
    find_swift || die "swiftly has installed no Swift 6.3: see its messages above"
}
