# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A backing device of which a few MiB fail writes, lose them, or return wrong bytes
# (dm-flakey): nothing that was flushed is lost, no read returns wrong data, what is
# damaged is named, and what can be written is.  vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

modprobe dm-mod
modprobe dm-flakey || die "no dm-flakey"
load_module

sectors=$(blockdev --getsz /dev/vda)
first=$((24 * 2048))		# where it begins, sectors: data comes by soon
length=$((4 * 2048))

# table TARGET, table FEATURE...: these MiB misbehave from now on; nothing: all is well.
table()
{
	case ${1-} in
	'')
		feature="$first $length linear /dev/vda $first" ;;
	error)
		feature="$first $length error" ;;
	*)
		feature="$first $length flakey /dev/vda $first 0 3600 $# $*" ;;
	esac
	printf '%s\n' "0 $first linear /dev/vda 0" "$feature" \
		"$((first + length)) $((sectors - first - length)) linear /dev/vda $((first + length))" >/tmp/table
	if dmsetup info flaky >/dev/null 2>&1; then
		must dmsetup reload flaky /tmp/table && must dmsetup suspend flaky && must dmsetup resume flaky
	else
		must dmsetup create flaky /tmp/table
		dmsetup mknodes
	fi
}

# All but the first 8 MiB of 64 are what SEED wrote.
tail_shows()
{
	pattern "$1" 64 | dd bs=1M skip=8 iflag=fullblock of=/tmp/tail 2>/dev/null
	dd if="$dev" bs=1M skip=8 count=56 iflag=direct 2>/dev/null | cmp -s - /tmp/tail ||
		fail "what was flushed is not there"
	rm -f /tmp/tail
}

# MiB of $dev that can be read, of 64; each must be what SEED wrote.
readable()
{
	pattern "$1" 64 >/tmp/all
	nr_readable=0
	for i in $(seq 0 63); do
		dd if="$dev" of=/tmp/got bs=1M count=1 skip="$i" iflag=direct 2>/dev/null || continue
		nr_readable=$((nr_readable + 1))
		dd if=/tmp/all bs=1M count=1 skip="$i" 2>/dev/null | cmp -s - /tmp/got ||
			fail "MiB $i holds what nobody wrote"
	done
	rm -f /tmp/all /tmp/got
}

# shellcheck disable=SC2317
scrubbed()
{
	grep -q idle "/sys/block/$(basename "$dev")/shardblk/scrub"
}

# A whole scrub; how many are damaged is in $nr_damaged.
scrub()
{
	echo 1000000 >"/sys/block/$(basename "$dev")/shardblk/scrub_rate"
	must shardctl scrub --start "$dev"
	wait_for 300 scrubbed || fail "the scrub does not end"
	nr_damaged=$(shardctl scrub "$dev" | sed 's/.*, \([0-9]*\) damaged/\1/')
}

table
flaky=/dev/dm-$(dmsetup info -c --noheadings -o minor flaky | tr -d ' ')

t "a few MiB cannot be written: written elsewhere, and nobody is told"
fresh "$flaky"
expect_begin "write failed|I/O error|checkpoint failed|merging runs failed"
table error
put "$dev" one 64 || fail "a write failed"
table
expect_end
shows "$dev" one 64
same "$(state_of "$dev")" read-write state
bad=$(stat_of "$dev" bad_extents)
[ "$bad" -ge 1 ] || fail "no extent is bad"
[ "$(stat_of "$dev" write_retries)" -ge 1 ] || fail "nothing was written again"

t "bad extents are remembered, until they are tried"
gone "$dev"
dev=$(add_device "$flaky") || die "cannot add"
shows "$dev" one 64
same "$(stat_of "$dev" bad_extents)" "$bad" "bad extents"
gone "$dev"
dev=$(add_device "$flaky" --retry-bad) || die "cannot add"
same "$(stat_of "$dev" bad_extents)" 0 "bad extents"
gone "$dev"
dev=$(add_device "$flaky") || die "cannot add"
same "$(stat_of "$dev" bad_extents)" 0 "bad extents"
shows "$dev" one 64

t "error_writes, flushes too: read-only, and all that was flushed is there"
events_begin
expect_begin "write failed|I/O error|cannot be written|flush failed|read-only|failed|not all could be"
table error_writes
! put "$dev" lost 8 2>/dev/null || fail "written and flushed, to nowhere"
wait_state "$dev" read-only
events_told "$dev" SHARDBLK_STATE=read-only
same "$(blockdev --getro "$dev")" 1 "read-only disk"
tail_shows one
shardctl remove "$dev" >/dev/null 2>&1
table
expect_end
dev=$(add_device "$flaky") || die "cannot add"
same "$(state_of "$dev")" read-write state
tail_shows one
put "$dev" one 64
shows "$dev" one 64
gone "$dev"
must shardctl check --data "$flaky"

t "drop_writes: no wrong data, and a scrub names what is lost"
fresh "$flaky"
table drop_writes
put "$dev" two 64
table
expect_begin "scrub|wrong checksum|I/O error|Buffer I/O|cannot be read"
readable two
[ "$nr_readable" -lt 64 ] || fail "nothing was lost"
[ "$nr_readable" -ge 56 ] || fail "only $nr_readable MiB of 64 can be read"
events_begin
scrub
[ "$nr_damaged" -ge 1 ] || fail "the scrub found nothing"
dmesg | grep -q 'scrub: data: block [0-9]* at extent' || fail "the scrub named nothing"
events_told "$dev" SHARDBLK_SCRUB=damaged
expect_end

t "drop_writes: check names it too, and writing it again mends it"
gone "$dev"
refuses 4 shardctl check --data "$flaky"
grep -q 'data: block [0-9]* at extent' /tmp/out || shardctl check --data "$flaky" | grep -q 'data: block [0-9]* at extent' ||
	fail "check names nothing"
dev=$(add_device "$flaky") || die "cannot add"
put "$dev" three 64
shows "$dev" three 64
must shardctl scrub "$dev"
scrub
same "$nr_damaged" 0 "damaged blocks"

t "corrupt_bio_byte: no wrong data, and none is lost when it ends"
expect_begin "scrub|wrong checksum|I/O error|Buffer I/O|cannot be read"
table corrupt_bio_byte 32 r 1 0
readable three
scrub
table
expect_end
shows "$dev" three 64
scrub
same "$nr_damaged" 0 "damaged blocks"
gone "$dev"
must dmsetup remove flaky

# The block layer calls these -ENODATA, in contrast to what dm makes.
t "medium errors in superblock extents: the other copy is read, or the start refused"
mib=2048
scsi_debug_new dev_size_mb=64 delay=0 medium_error_start=0 medium_error_count=$((2 * mib))
fresh "$disk" --extent-size=1M
put "$dev" four 4
gone "$dev"
# Of the copies in extents 0 and 1 none is left; what is there is not taken for no format.
expect_begin "medium error|I/O error|Sense Key|Add. Sense|tag#|cannot"
echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts
rc=0
shardctl add "$disk" >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "added without a superblock"
! grep -q 'formatted' /tmp/out || fail "it was taken for another disk: $(cat /tmp/out)"
refuses 3 shardctl check "$disk"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
expect_end
dev=$(add_device "$disk") || fail "add"
shows "$dev" four 4
gone "$dev"
# One of the copies is enough.
must rmmod scsi_debug
scsi_debug_new dev_size_mb=64 delay=0 medium_error_start=0 medium_error_count=$mib
fresh "$disk" --extent-size=1M
put "$dev" five 4
gone "$dev"
expect_begin "medium error|I/O error|Sense Key|Add. Sense|tag#"
echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts
dev=$(add_device "$disk") || fail "one copy is not enough"
shows "$dev" five 4
same "$(state_of "$dev")" read-write state
gone "$dev"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
expect_end
must shardctl check --data "$disk"
must rmmod scsi_debug
must rmmod shardblk
finish
