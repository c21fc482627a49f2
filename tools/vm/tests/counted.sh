# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The figures that are promised as counts, counted at the backing device.
# vda: 512 MiB, with a write cache.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

counters="host_frames host_blocks index_writes meta_writes super_writes backing_writes backing_flushes meta_flushes extents_opened checkpoints"

snapshot()
{
	for name in $counters; do
		echo "$name $(stat_of "$dev" "$name")"
	done
}

load_module
t "10,000 durable 4 KiB writes: one write and at most one flush each"
fresh /dev/vda
snapshot >/tmp/stats.before
trace_begin vda
must fio --name=durable --filename="$dev" --size=64m --rw=randwrite --bs=4k --number_ios=10000 --fsync=1 \
	--ioengine=psync --direct=1 --minimal
trace_end
snapshot >/tmp/stats.after
paste /tmp/stats.before /tmp/stats.after 2>/dev/null |
	awk '{ print "#   " $1 ": " $4 - $2; d[$1] = $4 - $2 }
	END { print "overhead=" 4 * (d["extents_opened"] + d["checkpoints"]) >"/tmp/overhead";
	      print "frames=" d["host_frames"] >>"/tmp/overhead";
	      print "meta_flushes=" d["meta_flushes"] >>"/tmp/overhead" }'
overhead=0
frames=0
meta_flushes=0
. /tmp/overhead
echo "#   counted at the disk: $nr_writes writes of $nr_sectors sectors, $nr_flushes flushes"
at_most "$frames" 10000 "host-stream writes"
at_most "$nr_writes" $((10000 + overhead)) "backing writes"
at_most $((nr_flushes - meta_flushes)) 10000 "flushes for the host"
at_most "$meta_flushes" $((nr_writes - frames)) "flushes for metadata alone"
gone "$dev"

t "32 random 4 KiB writes by one io_uring_enter: one backing write of 33 blocks"
fresh /dev/vda
# By one CPU, since the queues of two are two batches.  Whatever the first write opens is open then.
must dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct
fsync_device "$dev"
trace_begin vda
must fio --cpus_allowed=0 --name=batch --filename="$dev" --size=64m --rw=randwrite --bs=4k --number_ios=32 --iodepth=32 \
	--iodepth_batch_submit=32 --iodepth_batch_complete_min=32 --ioengine=io_uring --direct=1 --minimal
trace_end
awk '$3 == "W" { print "#   write of " $2 / 8 " blocks" }' /tmp/trace
same "$(awk '$3 == "W" { printf "%s ", $2 / 8 }' /tmp/trace)" "33 " "blocks of the backing writes"
gone "$dev"
finish
