#!/bin/sh
# Includes follow the arrows proto <- storage <- federation <- relay; client
# stands on proto alone; in relay only guard/ and store/ see storage and
# federation.
# Each third-party header stands in the few files named here.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# may FOLDER PATTERN: quoted includes of FOLDER must match PATTERN.
may() {
	found=$(grep -rnE '^#include "' --include='*.[ch]' "$1" 2>/dev/null |
		grep -vE "#include \"($2)")
	[ -z "$found" ] || { echo "layers: $1 may include only $2:"; echo "$found"; bad=1; }
}
may proto/base 'proto/base/'
may proto/crypto 'proto/(base|crypto)/'
may proto/label 'proto/(base|crypto|label)/'
may proto/document 'proto/(base|crypto|label|document)/'
may proto/exchange 'proto/(base|crypto|label|document|exchange)/'
may proto/wire 'proto/(base|crypto|wire)/'
may storage '(proto|storage)/'
may federation '(proto|storage|federation)/'
may relay/guard '(proto|storage|federation|relay)/'
may relay/store '(proto|storage|federation|relay)/'
may relay/front '(proto|relay/([a-z_]+\.h|front/))'
may client '(proto|client)/'

# only HEADER FILES: the system header stands in these files alone.
only() {
	found=$(grep -rlE "^#include <($1)" --include='*.[ch]' proto storage \
		federation relay client 2>/dev/null | grep -vE "^($2)$")
	[ -z "$found" ] || { echo "layers: <$1> belongs in $2, not in:"; echo "$found"; bad=1; }
}
only 'nghttp2/' 'proto/wire/h2[a-z_]*\.c'
only 'openssl/' 'proto/crypto/[a-z0-9_]*_openssl\.c|proto/wire/tls[a-z_]*\.c'
only 'libxml/' 'proto/label/(label_xml|spif[a-z_]*|xml)\.c'
only 'jansson' 'proto/base/json\.c'
only 'lmdb' 'storage/(store|txn)\.c'
only 'uv\.h' 'relay/.*'
only 'seccomp' 'relay/confine\.c'
only 'yaml' 'relay/config\.c'
only 'qrencode' 'client/cmd_[a-z_]*\.c|client/qr\.c'

# No clocks, sockets, threads or logs below relay and client.
found=$(grep -rnE '^#include <(pthread|sys/socket|time|syslog|threads)' \
	--include='*.[ch]' proto 2>/dev/null)
[ -z "$found" ] || { echo "layers: proto has no sockets, clocks or threads:"; echo "$found"; bad=1; }
[ $bad = 0 ] && echo "layers: ok"
exit $bad
