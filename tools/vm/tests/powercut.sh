# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Not a test by itself: the guest's side of tools/vm/powercut.
#   DATA    partition for the device        EVENTS  partition for the records
#   TARGET  shardblk, raw to go without, or histories of the model's users, which
#           are on /dev/vdb, in BLOCKS blocks; what became of them goes to /dev/vdc
#                                           AUX     disk for the FUA trace, if any
#   MEMTABLE  its memory for that: little means many checkpoints
#   EXTENT  size of its extents
#   OPTS    options of powercut_load, + for blanks
#   COUNT   1: record what is reclaimed and merged, too
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

# shellcheck disable=SC2153
if [ "$TARGET" = histories ]; then
	load_module
	shardctl format --extent-size="$EXTENT" "$DATA" || die "format"
	tr -d '\000' </dev/vdb >/tmp/histories
	history_run /tmp/histories "$DATA" "$BLOCKS" "$EVENTS" /dev/vdc || die "history_run"
	exit 0
fi
# shellcheck disable=SC2153
target=$DATA
# shellcheck disable=SC2153
if [ "$TARGET" = shardblk ]; then
	load_module
	shardctl format --extent-size="$EXTENT" "$DATA" || die "format"
	target=$(add_device "$DATA" "--memtable=$MEMTABLE") || die "add"
fi
if [ -n "$AUX" ]; then
	disk=$(basename "$DATA")
	trace_begin "${disk%p1}"
fi
[ -z "$COUNT" ] || OPTS="$OPTS+-c+/sys/block/$(basename "$target")/shardblk"
# shellcheck disable=SC2046
powercut_load $(echo "$OPTS" | tr + ' ') "$target" "$EVENTS" || die "powercut_load"
if [ -n "$AUX" ]; then
	trace_end
	awk '$3 == "W" { print $1, $2, $4 }' /tmp/trace >/tmp/aux
	echo "end" >>/tmp/aux
	dd if=/tmp/aux of="$AUX" bs=64k conv=sync 2>/dev/null
fi
[ "$TARGET" != shardblk ] || shardctl remove "$target" || die "remove"
