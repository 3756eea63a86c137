#!/usr/bin/env bash
# Installs, uses, upgrades and purges the package in a clean root, which is not changed, with processes of its own.
#   package_trial.sh FIRST.deb SECOND.deb UPSTREAM_PORT ROOT       must be run by root; says `ok: …` for each thing seen
# ROOT is what clean_root.sh makes, with the packages that ours depends on.
set -euo pipefail
first=$1 second=$2 upstream=$3 base=$4

if [[ -z "${IN_TRIAL:-}" ]]; then
    export IN_TRIAL=1
    exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

place=$(mktemp -d /tmp/sendonce-trial-XXXXXX)
mount -t tmpfs none "$place"
mkdir "$place"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$place/upper,workdir=$place/work" "$place/root"
mount -t proc proc "$place/root/proc"
mount --rbind /dev "$place/root/dev"
cp "$first" "$place/root/first.deb"
cp "$second" "$place/root/second.deb"
inside() { chroot "$place/root" "$@"; }
inside sh -c 'command -v sendonce' >/dev/null && { printf 'not ok: the root is not clean\n'; exit 1; }
ok() { printf 'ok: %s\n' "$*"; }
fail() {
    printf 'not ok: %s\n' "$*"
    [[ ! -f $place/root/var/log/sendonce/log ]] || tail -20 "$place/root/var/log/sendonce/log"
    exit 1
}
running() { pgrep -x sendonce >/dev/null; }
# Waits for a condition, 20 s at most.
until_true() {
    local give_up=$((SECONDS + 20))
    until "$@"; do
        ((SECONDS < give_up)) || fail "waited for: $*"
        read -rt 0.05 <> <(:) || true
    done
}

export DEBIAN_FRONTEND=noninteractive
inside dpkg -i /first.deb >/dev/null 2>"$place/errors" || { cat "$place/errors"; fail "dpkg -i"; }
running && fail "installing has started it"
inside id sendonce >/dev/null || fail "no user"
[[ $(inside stat -c '%U %a' /var/lib/sendonce) == "sendonce 750" ]] || fail "the state's folder"
ok "installed, nothing started"
inside sendonce check --config /etc/sendonce/sendonce.yaml >/dev/null || fail "the configuration that comes with it"
inside man --path sendonce >/dev/null 2>&1 || inside test -f /usr/share/man/man1/sendonce.1.gz || fail "no manual"
ok "its configuration is valid"

# What an administrator does: an upstream, and ports of this trial's own.
sed -i "s/127.0.0.1:3000/127.0.0.1:$upstream/; s/127.0.0.1:8080/127.0.0.1:0/; s/127.0.0.1:9180/127.0.0.1:0/" "$place/root/etc/sendonce/sendonce.yaml"
printf '# mine\n' >>"$place/root/etc/sendonce/sendonce.yaml"
log=$place/root/var/log/sendonce/log
inside setpriv --reuid sendonce --regid sendonce --clear-groups /bin/sh -c \
    'cd /var/lib/sendonce && exec sendonce run --config /etc/sendonce/sendonce.yaml 2>/var/log/sendonce/log' &
until_true grep -qs 'role=proxy' "$log"
port=$(sed -n 's/.*address=127.0.0.1:\([0-9]*\) role=proxy.*/\1/p' "$log")
curl -fsS --max-time 5 "http://127.0.0.1:$port/inspect" >/dev/null || fail "it does not serve"
ok "serves as user sendonce"
supervisor=$(pgrep -xo sendonce)
kill -HUP "$supervisor"
until_true grep -q 'configuration reloaded' "$log"
ok "reloads"

wrk -t1 -c8 -d6s "http://127.0.0.1:$port/inspect" >"$place/wrk" &
load=$!
inside dpkg -i --force-confold /second.deb >/dev/null 2>"$place/errors" || { cat "$place/errors"; fail "the upgrade"; }
is_new() { [[ "$(readlink "/proc/$supervisor/exe")" != *deleted* ]]; }
until_true is_new
wait "$load"
grep -Eq 'Socket errors|Non-2xx' "$place/wrk" && { cat "$place/wrk"; fail "requests were lost in the upgrade"; }
ok "upgraded under load, the same supervisor, no request lost: $(grep -o '[0-9]* requests in [0-9.]*s' "$place/wrk")"
grep -q '^# mine$' "$place/root/etc/sendonce/sendonce.yaml" || fail "the edited configuration is gone"
ok "the edited configuration is kept"

kill -TERM "$supervisor"
gone() { ! running; }
until_true gone
inside dpkg --purge sendonce >/dev/null 2>"$place/errors" || { cat "$place/errors"; fail "purge"; }
inside id sendonce >/dev/null 2>&1 && fail "the user is left"
# dpkg's and adduser's own records change with anything that is installed.
left=$(find "$place/upper" -iname '*sendonce*' ! -type c -printf '%P\n')
[[ -z $left ]] || fail "left behind: $left"
ok "purged, nothing left"
