#!/usr/bin/env bash
# A fresh installation of this machine's distribution, made by debootstrap, with the packages named: prints its folder, which is kept for the next time.
#   clean_root.sh FOLDER PACKAGE...       must be run by root
set -euo pipefail
folder=$1
shift
source /etc/os-release
root=$folder/$VERSION_CODENAME-$(printf '%s\n' "$@" | sort | sha256sum | cut -c1-12)

if [[ ! -d $root ]]; then
    mirror=$(apt-cache policy | sed -n "s/.* \(https\?:[^ ]*\) $VERSION_CODENAME\/main .*/\1/p" | head -1)
    mkdir -p "$folder"
    rm -rf "$root.new"
    debootstrap --variant=minbase --include="$(IFS=,; printf '%s' "$*")" "$VERSION_CODENAME" "$root.new" "$mirror" >"$folder/log" 2>&1 ||
        { tail -20 "$folder/log" >&2; exit 1; }
    rm -rf "$root.new/var/cache/apt/archives"/*.deb
    mv "$root.new" "$root"
fi
printf '%s\n' "$root"
