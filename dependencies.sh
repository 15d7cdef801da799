#!/bin/sh
# Installs the Debian packages that a target needs and this machine lacks.
#
#   dependencies.sh build|demo|test|lint|fuzz
#
# Says what it installs and why; uses sudo when not root; installs nothing
# when nothing is missing.
set -eu

build="gcc make libc6-dev libssl-dev liblmdb-dev libuv1-dev libnghttp2-dev
	libjansson-dev libxml2-dev libyaml-dev libseccomp-dev libqrencode-dev
	libcmocka-dev"
demo="$build curl python3"
test="$build curl openssl python3 python3-cryptography libxml2-utils"
lint="$build git clang-format clang-tidy"
fuzz="$build clang libclang-rt-14-dev"

case "${1:-build}" in
build) want=$build why="to build Entente" ;;
demo) want=$demo why="to run Entente's demo" ;;
test) want=$test why="to run Entente's tests" ;;
lint) want=$lint why="to check Entente's code" ;;
fuzz) want=$fuzz why="to fuzz Entente's decoders" ;;
*)
	echo "usage: dependencies.sh build|demo|test|lint|fuzz" >&2
	exit 64
	;;
esac

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "dependencies: this is no Debian machine; $why it needs what" \
		"Debian calls:" $want >&2
	exit 0
fi
missing=
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

echo "dependencies: installing$missing ($why)" >&2
root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "dependencies: not root and no sudo; as root, run:" >&2
		echo "  apt-get install -y --no-install-recommends$missing" >&2
		exit 1
	fi
	root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	$root env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}
# Lists as they are, if they serve; fetched anew if not.
apt install -y --no-install-recommends $missing ||
	{ apt update && apt install -y --no-install-recommends $missing; } || {
	grep -E '^(E|Err|W):' "$log" | tail -n 5 >&2
	echo "dependencies: apt could not install$missing; check the network" \
		"and the package sources (/etc/apt), then run this again" >&2
	exit 1
}
