# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# File systems that discard as they delete, and fstrim: more is written than the
# device has room for, as what is deleted is given back; all files are whole.
# vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

ROUNDS=4

# As large as the disk, or on a slow kernel as small as the file system may be.
sizes()	# FILE-SYSTEM
{
	case $SLOW:$1 in
	1:*)	size_mib=512 fill_mib=150 options= ;;
	*:ext4)	size_mib=64 fill_mib=20 options=--size=64M ;;
	*:xfs)	size_mib=304 fill_mib=80 options=--size=304M ;;
	esac
}

make_fs()
{
	case $1 in
	ext4) must mke2fs -q -t ext4 "$dev" ;;
	xfs) must mkfs.xfs -q -f "$dev" ;;
	esac
}

check_fs()
{
	case $1 in
	ext4) must e2fsck -f -n "$dev" ;;
	xfs) must xfs_repair -n "$dev" ;;
	esac
}

# Files that stay, among others that go.
fill_and_delete()
{
	for n in $(seq "$ROUNDS"); do
		must dd if=/dev/zero of=/mnt/gone bs=1M count="$fill_mib" conv=fsync
		pattern "$n" 4 >"/mnt/stays-$n"
		must rm /mnt/gone
		must sync
	done
}

files_stay()
{
	for n in $(seq "$ROUNDS"); do
		pattern "$n" 4 | cmp -s - "/mnt/stays-$n" || fail "file $n differs"
	done
}

load_module
for fs in ext4 xfs; do
	modprobe $fs || die "no $fs"
	sizes $fs
	t "$fs with -o discard: $((ROUNDS * fill_mib)) MiB through $size_mib MiB"
	# shellcheck disable=SC2086
	fresh /dev/vda $options
	make_fs $fs
	must mount -t $fs -o discard "$dev" /mnt
	before=$(stat_of "$dev" discards)
	fill_and_delete
	[ "$(stat_of "$dev" discards)" -gt "$before" ] || fail "no discard came"
	files_stay
	must umount /mnt
	check_fs $fs
	same "$(state_of "$dev")" read-write state

	t "$fs without it, and fstrim"
	must mount -t $fs "$dev" /mnt
	must dd if=/dev/zero of=/mnt/gone bs=1M count="$fill_mib" conv=fsync
	must rm /mnt/gone
	must sync
	before=$(stat_of "$dev" discards)
	must fstrim -v /mnt
	[ "$(stat_of "$dev" discards)" -gt "$before" ] || fail "fstrim discarded nothing"
	must dd if=/dev/zero of=/mnt/gone bs=1M count="$fill_mib" conv=fsync
	files_stay
	must umount /mnt
	check_fs $fs
	gone "$dev"

	t "$fs is whole after remove and add"
	must shardctl check --data /dev/vda
	dev=$(add_device /dev/vda) || fail "add"
	must mount -t $fs "$dev" /mnt
	files_stay
	must umount /mnt
	gone "$dev"
done
finish
