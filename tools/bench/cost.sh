# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# In the VM of tools/bench/cost: the same jobs on each device, one after the other, on
# the same memory.  BLOCKS, REQUESTS and TARGETS come from there.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

disk=""
pool=""

# With a volatile cache, so that flushes come.  Kernels name the disk nullbN or as its
# directory is called: the same here.
memory_disk()
{
	made=$(null_new "$1" "$2" blocksize=4096 cache_size="$2") || die "null_blk"
	wait_for 10 test -b "$made" || die "null_blk"
	echo "$made"
}

# Whatever was there is not recognised any more.
forget()
{
	must dd if=/dev/zero of="$1" bs=1M count=2 oflag=direct
}

# integrity MODE: the kernel formats it at the first load, and says how large it is.
integrity()
{
	options="2 internal_hash:crc32c block_size:4096"
	must dmsetup create cost --table "0 8 integrity $disk 0 - $1 $options"
	must dmsetup remove cost
	sectors=$(dd if="$disk" bs=4096 count=1 iflag=direct 2>/dev/null | od -An -t u8 -j 16 -N 8 | tr -d ' ')
	must dmsetup create cost --table "0 $sectors integrity $disk 0 - $1 $options"
}

set_up()
{
	dev=/dev/mapper/cost
	forget "$disk"
	case $1 in
	raw)
		dev=$disk
		return
		;;
	linear)
		must dmsetup create cost --table "0 $(blockdev --getsz "$disk") linear $disk 0"
		;;
	shardblk)
		fresh "$disk" --extent-size=8M --checkpoint=1G
		return
		;;
	thin)
		pool=$(memory_disk nullb1 32)
		size=$(blockdev --getsz "$disk")
		must dmsetup create pool --table "0 $size thin-pool $pool $disk 128 0 1 skip_block_zeroing"
		dmsetup mknodes
		must dmsetup message /dev/mapper/pool 0 "create_thin 0"
		must dmsetup create cost --table "0 $((size / 2)) thin /dev/mapper/pool 0"
		;;
	bitmap)
		integrity B
		;;
	journal)
		integrity J
		;;
	esac
	dmsetup mknodes
}

tear_down()
{
	case $1 in
	raw)
		;;
	shardblk)
		gone "$dev"
		;;
	*)
		must dmsetup remove cost
		;;
	esac
	[ "$1" != thin ] || { must dmsetup remove pool; null_gone nullb1; }
}

job()
{
	must cost_load "$target" "$dev" "$1" "$BLOCKS" "$2"
	grep '^cost: ' /tmp/out
}

# What is written to shardblk has a checkpoint of its own, counted by itself.
checkpoint()
{
	[ "$target" != shardblk ] || job checkpoint 1
}

for module in configfs crc32c-intel libcrc32c dm-mod dm-thin-pool dm-integrity; do
	modprobe $module || die "no module $module"
done
mount -t configfs configfs /sys/kernel/config 2>/dev/null
load_module
insmod /usr/local/bin/cost_unit.ko 2>/dev/null
dmesg | sed -n 's/.*cost-unit: /cost-unit: /p' | tail -n 1
disk=$(memory_disk nullb0 512) || die "null_blk"
# So that its pages are there.
dd if=/dev/zero of="$disk" bs=1M oflag=direct conv=fsync 2>/dev/null
# shellcheck disable=SC2086
for target in $(echo $TARGETS | tr + ' '); do
	t "$target"
	set_up "$target"
	job fill "$BLOCKS"
	checkpoint
	for name in read-1 read-32 write-1 write-32 durable; do
		job $name "$REQUESTS"
		case $name in
		write*|durable) checkpoint ;;
		esac
	done
	job seqfill $((BLOCKS / 32))
	checkpoint
	job seqread $((BLOCKS / 32))
	tear_down "$target"
done
# Who counts by functions wants to know where they are.
[ ! -b /dev/vda ] || dd if=/proc/kallsyms of=/dev/vda bs=64k 2>/dev/null
finish
