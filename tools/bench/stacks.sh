# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What tools/bench/compare compares: a backing disk for each stack, and for each stack what
# formats it, what brings it up (the device is in $dev then) and what takes it down.  In
# $disk is the backing disk; guest.sh says what BACKING, MIB, USED and MBPS are.
: "${BACKING:=ram}" "${MIB:=1024}" "${USED:=192}" "${MBPS:=22}"
# Of dm-thin's metadata, MiB.
meta_mib=8

# --- backing disks: the one of a stack is in $disk ---

# One line of a null_blk's attributes.
null_set()
{
	echo "$3" >"/sys/kernel/config/nullb/$1/$2" || { echo "null_blk: no $2"; return 1; }
}

# Fast at first, whatever it will be: limit_disk comes when it is filled.
make_disk()
{
	if [ "$BACKING" = virtio ]; then
		nr=$(($(cat /tmp/disks 2>/dev/null || echo 0) + 1))
		echo $nr >/tmp/disks
		disk=/dev/vd$(echo bcdefghijklmnop | cut -c$nr)
	elif [ "$BACKING" = brd ]; then
		nr=$(cat /tmp/disks 2>/dev/null || echo 0)
		echo $((nr + 1)) >/tmp/disks
		[ -d /sys/module/brd ] || modprobe brd rd_nr=16 rd_size=$((MIB * 1024)) || return 1
		disk=/dev/ram$nr
	else
		null_new "null-$1" "$MIB" blocksize=4096 cache_size=64 >/dev/null || return 1
		disk=/dev/null-$1
	fi
	echo "$disk" >"/tmp/disk-$1"
}

# What is in a null_blk's memory stays while its power is off.
limit_disk()
{
	case $BACKING in
	bandwidth | latency) ;;
	*) return 0 ;;
	esac
	fsync_device "$disk"
	dd if=/dev/zero of="$disk" bs=4k count=1 seek=$((MIB * 256 - 1)) oflag=direct conv=fsync 2>/dev/null
	null_set "null-$1" power 0
	if [ "$BACKING" = bandwidth ]; then
		null_set "null-$1" mbps "$MBPS"
		# Of a tick of 20 ms is lost what the next request does not fit in: the least there can be.
		null_set "null-$1" max_sectors 8
	else
		null_set "null-$1" irqmode 2
		null_set "null-$1" completion_nsec 1000000
	fi
	null_set "null-$1" power 1
	wait_for 10 test -b "$disk"
}

# A partition without a table: slice NUMBER START-MIB LENGTH-MIB; prints it.
slice()
{
	addpart "$disk" "$1" $(($2 * 2048)) $(($3 * 2048)) || return 1
	case $disk in
	*[0-9]) echo "${disk}p$1" ;;
	*) echo "$disk$1" ;;
	esac
}

unslice()
{
	for nr; do
		delpart "$disk" "$nr" || return 1
	done
}

zero()
{
	dd if=/dev/zero of="$1" bs=4k count="${2:-1}" oflag=direct conv=fsync 2>/dev/null
}

mapped()
{
	dmsetup create "$1" --table "$2" && dmsetup mknodes && dev=/dev/mapper/$1
}

# --- stacks: format, up (the device is in $dev) and down, for each ---

raw_format() { :; }
raw_up() { dev=$disk; }
raw_down() { :; }

linear_format() { :; }
linear_up() { mapped linear "0 $((MIB * 2048)) linear $disk 0"; }
linear_down() { dmsetup remove linear; }

# 15 % of spare where jobs want it all.
shardblk_format()
{
	if [ "$USED" = all ]; then
		shardctl format --force --spare=15 "$disk"
	else
		shardctl format --force "$disk"
	fi
}
shardblk_up() { dev=$(add_device "$disk"); }
shardblk_down() { shardctl remove "$dev"; }

thin_up()
{
	meta=$(slice 1 0 $meta_mib) && data=$(slice 2 $meta_mib $((MIB - meta_mib))) &&
		mapped pool "0 $(((MIB - meta_mib) * 2048)) thin-pool $meta $data 128 0 1 skip_block_zeroing" || return 1
	dmsetup message pool 0 "create_thin 0" 2>/dev/null
	mapped thin "0 $((USED * 2048)) thin /dev/mapper/pool 0"
}
thin_format() { meta=$(slice 1 0 $meta_mib) && zero "$meta" && unslice 1; }
thin_down() { dmsetup remove thin && dmsetup remove pool && unslice 1 2; }

writecache_format() { cache=$(slice 2 $((MIB - 64)) 64) && zero "$cache" && unslice 2; }
writecache_up()
{
	origin=$(slice 1 0 $((MIB - 64))) && cache=$(slice 2 $((MIB - 64)) 64) &&
		mapped writecache "0 $(((MIB - 64) * 2048)) writecache s $origin $cache 4096 0"
}
writecache_down() { dmsetup message writecache 0 flush && dmsetup remove writecache && unslice 1 2; }

bcache_format()
{
	origin=$(slice 1 0 $((MIB - 128))) && cache=$(slice 2 $((MIB - 128)) 128) &&
		make-bcache --block 4k --bucket 64k --writeback -B "$origin" -C "$cache" && unslice 1 2
}
bcache_up()
{
	origin=$(slice 1 0 $((MIB - 128))) && cache=$(slice 2 $((MIB - 128)) 128) || return 1
	echo "$cache" >/sys/fs/bcache/register && echo "$origin" >/sys/fs/bcache/register &&
		wait_for 10 test -b /dev/bcache0 && dev=/dev/bcache0
}
# shellcheck disable=SC2317
bcache_is_gone() { [ ! -e /sys/block/bcache0 ] && ! ls -d /sys/fs/bcache/*-* >/dev/null 2>&1; }
bcache_down()
{
	echo 1 >/sys/block/bcache0/bcache/stop
	wait_for 10 test ! -e /sys/block/bcache0
	for set in /sys/fs/bcache/*-*; do
		echo 1 >"$set/stop"
	done
	wait_for 10 bcache_is_gone && wait_for 10 unslice 1 2
}

# integrity LETTER LENGTH: J has a journal, B a bitmap.
integrity()
{
	mapped integrity "0 $2 integrity $disk 0 - $1 2 internal_hash:crc32c block_size:4096"
}
# Loaded for the first time, it formats; jobs use what is written before.
integrity_format() { zero "$disk" 8 && integrity "$1" 8 && dmsetup remove integrity; }
integrity_down() { dmsetup remove integrity; }
integrity_journal_format() { integrity_format J; }
integrity_journal_up() { integrity J $((USED * 2048)); }
integrity_journal_down() { integrity_down; }
integrity_bitmap_format() { integrity_format B; }
integrity_bitmap_up() { integrity B $((USED * 2048)); }
integrity_bitmap_down() { integrity_down; }

# loop TYPE OPTIONS: over a file as large as jobs use.
loop_up()
{
	mkdir -p "/lower-$1"
	mount -t "$1" -o "noatime$2" "$disk" "/lower-$1" || return 1
	if [ ! -e "/lower-$1/file" ]; then
		fallocate -l "${USED}M" "/lower-$1/file" || return 1
	fi
	dev=$(losetup -f --show --direct-io=on --sector-size 4096 "/lower-$1/file")
}
loop_down() { losetup -d "$dev" && wait_for 10 umount "/lower-$1"; }
loop_ext4_format() { mke2fs -q -F -t ext4 -b 4096 -m 0 -N 64 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$disk"; }
loop_ext4_up() { loop_up ext4 ""; }
loop_ext4_down() { loop_down ext4; }
loop_xfs_format() { mkfs.xfs -q -f -K "$disk"; }
loop_xfs_up() { loop_up xfs ""; }
loop_xfs_down() { loop_down xfs; }
loop_btrfs_format() { mkfs.btrfs -q -f -K -m single -d single "$disk"; }
loop_btrfs_up() { loop_up btrfs ""; }
loop_btrfs_down() { loop_down btrfs; }
loop_btrfs_nocow_format() { loop_btrfs_format; }
loop_btrfs_nocow_up() { loop_up btrfs ",nodatacow"; }
loop_btrfs_nocow_down() { loop_down btrfs; }
