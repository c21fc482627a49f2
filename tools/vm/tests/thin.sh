# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A device that promises more than it has room for: what is left, watermarks, and what
# is told of both.  vda: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
t "a thin device says when little space is left, when it is full, and when no longer"
fresh /dev/vda --size=128M --thin
sys=/sys/block/$(basename "$dev")/shardblk
events_begin
same "$(cat "$sys/low_watermark")" 10 "low watermark"
guaranteed=$(cat "$sys/free_guaranteed")
estimate=$(cat "$sys/free_estimate")
at_most "$guaranteed" "$estimate" "what is guaranteed"
at_most $((40 << 20)) "$guaranteed" "40 MiB"
! sh -c "echo 51 >$sys/low_watermark" 2>/dev/null || fail "a mark of 51 per cent"
shardctl status "$dev" >/tmp/status
must grep -q "free_guaranteed_bytes *$guaranteed" /tmp/status
must dd if=/dev/zero of="$dev" bs=64k count=$((guaranteed / 65536)) oflag=direct
expect_begin "error, dev $(basename "$dev")|state full"
refuses 1 dd if=/dev/zero of="$dev" bs=64k seek=$((guaranteed / 65536)) oflag=direct
expect_end
same "$(state_of "$dev")" full state
same "$(cat "$sys/free_guaranteed")" 0 "what is guaranteed of a full device"
same "$(cat "$sys/space_low")" 1 "little space"
events_told "$dev" SHARDBLK_WATERMARK=low SHARDBLK_STATE=full
must blkdiscard "$dev"
fsync_device "$dev"
wait_state "$dev" read-write
events_told "$dev" SHARDBLK_WATERMARK=ok SHARDBLK_STATE=read-write
for words in "has little space" "is now full" "is now read-write" "has enough space"; do
	same "$(dmesg | grep -c "$(basename "$dev") $words")" 1 "lines '$words'"
done
must dd if=/dev/zero of="$dev" bs=64k count=16 oflag=direct

t "the low watermark that a device is added with"
gone "$dev"
dev=$(add_device /dev/vda --low-watermark=20) || die "cannot add /dev/vda"
same "$(cat "$sys/low_watermark")" 20 "low watermark"
shardctl status --json "$dev" >/tmp/status
must grep -q '"low_watermark_percent": *20' /tmp/status
gone "$dev"
refuses 1 shardctl add --low-watermark=51 /dev/vda
must shardctl check --data /dev/vda
finish
