# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The index at scale: 1 TiB at once, large reads, and memory given back.
# vda: 1.25 TiB, sparse.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
t "1 TiB is discarded in less than a second, and reads as zeros"
fresh /dev/vda --size=1T --checkpoint=1M
same "$(blockdev --getsize64 "$dev")" $((1 << 40)) "size"
put "$dev" 1 4 1000
put "$dev" 2 4 1000000
before=$(stat_of "$dev" discards)
start=$(now)
must blkdiscard "$dev"
fsync_device "$dev"
seconds=$(awk "BEGIN { printf \"%.2f\", $(now) - $start }")
echo "#   $seconds seconds, $(($(stat_of "$dev" discards) - before)) requests"
awk "BEGIN { exit !($seconds < $SLOW) }" || fail "it took $seconds seconds"
for at in 1000 1000000; do
	dd if="$dev" bs=1M count=4 skip=$at iflag=direct 2>/dev/null | cmp -s -n $((4 << 20)) - /dev/zero ||
		fail "not zeros at $at MiB"
done

t "neighbouring discards are one entry of the index"
checkpoint_behind()
{
	# shellcheck disable=SC2317
	[ "$(stat_of "$dev" checkpoints)" -gt "$1" ]
}

sleep 1
before=$(stat_of "$dev" index_blocks)
checkpoints=$(stat_of "$dev" checkpoints)
merges=$(stat_of "$dev" compactions)
put "$dev" 4 1 500000
wait_for 30 checkpoint_behind "$checkpoints" || fail "no checkpoint came"
sleep 1
checkpoints=$(($(stat_of "$dev" checkpoints) - checkpoints))
merges=$(($(stat_of "$dev" compactions) - merges))
# What a merge writes that comes just then is all that is in the index: a few pages.
at_most $(($(stat_of "$dev" index_blocks) - before)) $((2 * checkpoints + 6 * merges)) \
	"a header and one page for each checkpoint"

t "the largest write is one request wherever its memory begins"
before=$(stat_of "$dev" writes)
largest=$(cat "/sys/block/${dev#/dev/}/queue/max_hw_sectors_kb")
same "$largest" 512 "KiB in the largest request"
for align in 512 2048 3584; do
	must scattered "$dev" 512 $align
done
same "$(($(stat_of "$dev" writes) - before))" 3 "requests for three writes"

t "reads in order are large backing reads"
put "$dev" 3 64 5000
trace_begin vda
must dd if="$dev" of=/dev/null bs=512k count=128 skip=10000 iflag=direct
trace_end
awk '$3 == "R" { n++; s += $2 } END { print "nr_reads=" n + 0; print "nr_read=" s + 0 }' /tmp/trace >/tmp/reads
nr_reads=0
nr_read=0
. /tmp/reads
echo "#   $nr_reads backing reads of $nr_read sectors for 128 requests of 1024"
at_most "$nr_reads" $((2 * 128)) "backing reads"
shows "$dev" 3 64 5000

t "pages of the index are given back when memory is short, and read again"
# Merges come to their end.
sleep 3
shows "$dev" 3 64 5000
before=$(stat_of "$dev" page_misses)
shows "$dev" 3 64 5000
cached=$(($(stat_of "$dev" page_misses) - before))
echo 2 >/proc/sys/vm/drop_caches
before=$(stat_of "$dev" page_misses)
shows "$dev" 3 64 5000
dropped=$(($(stat_of "$dev" page_misses) - before))
echo "#   pages read: $cached with them cached, $dropped after they were given back"
[ "$dropped" -gt "$cached" ] || fail "no page was given back"
gone "$dev"
must shardctl check /dev/vda
finish
