# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Not a test by itself: recovers the crash images on /dev/vdb and on by the
# module, and copies what the devices hold to /dev/vda for tools/vm/powercut.
#   IMAGES  how many          MIB  how much of each, in MiB
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
n=0
for disk in b c d e f g h i j k l m n o p q r s t u v w; do
	[ "$n" -lt "$IMAGES" ] || break
	dev=$(add_device "/dev/vd$disk") || die "recovery of image $n"
	dd if="$dev" of=/dev/vda bs=1M count="$MIB" seek=$((n * MIB)) 2>/dev/null || die "image $n: read"
	shardctl remove "$dev" || die "remove"
	n=$((n + 1))
done
sync
