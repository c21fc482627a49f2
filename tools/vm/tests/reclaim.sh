# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A small device that is overwritten at random, again and again.  vda: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

overwrite()	# NAME LOOPS [OPTION...]
{
	name=$1 loops=$2
	shift 2
	must fio --name="$name" --filename="$dev" --direct=1 --ioengine=libaio --iodepth=16 --rw=randwrite --bs=4k \
		--size="$(blockdev --getsize64 "$dev")" --loops="$loops" --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --minimal "$@" >/dev/null
}

load_module
t "the whole device overwritten 10 times at random, and compared"
fresh /dev/vda
overwrite before 9 --do_verify=0
overwrite last 1
same "$(state_of "$dev")" read-write state
written=$(stat_of "$dev" writes)
moved=$(stat_of "$dev" relocated_blocks)
echo "#   $written blocks written by the user, $moved moved, $(stat_of "$dev" reclaimed_extents) extents reclaimed"
at_most 1 "$moved" "at least one block, moved"
gone "$dev"
must shardctl check --data /dev/vda

t "what was overwritten is there after a restart, and goes on"
dev=$(add_device /dev/vda) || die "cannot add /dev/vda"
overwrite again 1
same "$(state_of "$dev")" read-write state
gone "$dev"
must shardctl check --data /dev/vda
finish
