# SPDX-License-Identifier: GPL-2.0-only
# Not a test by itself: the guest's side of tools/vm/powercut.
#   DATA    partition for the device        EVENTS  partition for the records
#   TARGET  shardblk, or raw to go without  AUX     disk for the FUA trace, if any
#   OPTS    options of powercut_load, + for blanks
. ./lib.sh

target=$DATA
if [ "$TARGET" = shardblk ]; then
	load_module
	shardctl format "$DATA" || die "format"
	target=$(add_device "$DATA") || die "add"
fi
if [ -n "$AUX" ]; then
	tracing=/sys/kernel/tracing
	disk=$(basename "$DATA")
	disk=${disk%p1}
	echo 8192 >$tracing/buffer_size_kb
	dev=$(cat "/sys/block/$disk/dev")
	# dev_t as the trace events hold it: major << 20 | minor.
	echo "dev == $((${dev%:*} << 20 | ${dev#*:}))" >$tracing/events/block/block_rq_complete/filter
	echo 1 >$tracing/events/block/block_rq_complete/enable
fi
echo "powercut: load begins"
powercut_load $(echo "$OPTS" | tr + ' ') "$target" "$EVENTS" || die "powercut_load"
if [ -n "$AUX" ]; then
	echo 0 >$tracing/tracing_on
	# "259,0 WFS () 2048 + 8 [0]" becomes "2048 8 1": sector, length, FUA.
	sed -n 's/.*block_rq_complete: [0-9]*,[0-9]* F*W\([A-Z]*\) ([^)]*) \([0-9]*\) + \([0-9]*\) .*/\2 \3 x\1/p' $tracing/trace |
		sed 's/ x.*F.*$/ 1/; s/ x.*$/ 0/' >/tmp/trace
	echo "end" >>/tmp/trace
	grep -c ' 1$' /tmp/trace
	grep -q 'entries-in-buffer' $tracing/trace && grep 'entries-in-buffer' $tracing/trace
	dd if=/tmp/trace of="$AUX" bs=64k conv=sync 2>/dev/null
fi
[ "$TARGET" != shardblk ] || shardctl remove "$target" || die "remove"
