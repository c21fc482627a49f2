# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Every kind of backing.  vda: 512 MiB, 512-byte sectors; vdb: 256 MiB, 4096-byte sectors;
# vdc: 256 MiB, no write cache; vdd: 256 MiB, two segments a request, queue of four.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

exercise()
{
	must fio --name=x --filename="$1" --size=8m --rw=randwrite --bsrange="$2" --iodepth=16 --ioengine=libaio \
		--direct=1 --verify=crc32c --verify_fatal=1 --fsync=32 --minimal
	same "$(state_of "$1")" read-write state
}

# The disk holds what it held when /tmp/before was made.
unchanged()
{
	dd if=/dev/vda bs=1M count=64 iflag=direct 2>/dev/null | cmp - /tmp/before >/tmp/out 2>&1 ||
		fail "the disk was written: $(cat /tmp/out)"
}

load_module
t "blocks of 512 bytes"
fresh /dev/vda --block-size=512
same "$(blockdev --getss "$dev")" 512 "sector size"
exercise "$dev" 512-8k
gone "$dev"
must shardctl check --data /dev/vda

t "blocks of 4096 bytes on 512-byte sectors"
fresh /dev/vda
same "$(blockdev --getss "$dev")" 4096 "sector size"
exercise "$dev" 4k-64k
gone "$dev"

t "4096-byte sectors"
refuses 2 shardctl format --force --block-size=512 /dev/vdb || true
fresh /dev/vdb
exercise "$dev" 4k-64k
gone "$dev"
must shardctl check --data /dev/vdb

t "no write cache"
same "$(cat /sys/block/vdc/queue/write_cache)" "write through" "cache of the backing device"
fresh /dev/vdc
trace_begin vdc
exercise "$dev" 4k-64k
trace_end
same "$nr_flushes" 0 "flushes to a disk without a cache"
# It gets one meanwhile, as a logical volume may that is moved to another disk.
echo "write back" >/sys/block/vdc/cache_type
trace_begin vdc
exercise "$dev" 4k-64k
trace_end
[ "$nr_flushes" -ge 10 ] || fail "$nr_flushes flushes to a disk that has a cache now"
echo "write through" >/sys/block/vdc/cache_type
gone "$dev"
must shardctl check --data /dev/vdc

t "tiny max_sectors"
before=$(cat /sys/block/vda/queue/max_sectors_kb)
echo 4 >/sys/block/vda/queue/max_sectors_kb
same "$(cat /sys/block/vda/queue/max_sectors_kb)" 4 max_sectors_kb
fresh /dev/vda
exercise "$dev" 4k-256k
gone "$dev"
echo "$before" >/sys/block/vda/queue/max_sectors_kb
must shardctl check --data /dev/vda

t "tiny max_segments and queue depth"
at_most "$(cat /sys/block/vdd/queue/max_segments)" 2 max_segments
fresh /dev/vdd
exercise "$dev" 4k-256k
gone "$dev"
must shardctl check --data /dev/vdd

t "blocks that begin elsewhere than physical ones"
scsi_debug_new dev_size_mb=64 physblk_exp=3 lowest_aligned=1
same "$(cat "/sys/block/$(basename "$disk")/alignment_offset")" 512 "alignment offset"
refuses 2 shardctl format "$disk"
grep -q 'alignment offset 512' /tmp/out || fail "it does not say why: $(cat /tmp/out)"
expect_begin "blocks do not begin where physical blocks do"
fresh "$disk"
expect_end
dmesg | grep -q "shardblk: .*blocks do not begin where physical blocks do" || fail "no warning"
exercise "$dev" 4k-64k
gone "$dev"
must rmmod scsi_debug

t "read-only backing"
fresh /dev/vda
put "$dev" ro 4
gone "$dev"
must blockdev --setro /dev/vda
dd if=/dev/vda of=/tmp/before bs=1M count=64 iflag=direct 2>/dev/null
rc=0
shardctl add /dev/vda >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "added to be written, on a read-only disk"
refuses 2 shardctl format --force /dev/vda || true
dev=$(add_device /dev/vda --read-only) || fail "add --read-only"
same "$(blockdev --getro "$dev")" 1 "read-only flag"
shows "$dev" ro 4
! dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct 2>/dev/null || fail "a read-only device was written"
gone "$dev"
unchanged
must blockdev --setrw /dev/vda

t "read-only device on a backing that could be written"
dev=$(add_device /dev/vda --read-only) || fail "add --read-only"
shows "$dev" ro 4
gone "$dev"
unchanged
finish
