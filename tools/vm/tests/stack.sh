# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Partitions; dm above the device and below it.  vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
modprobe dm-mod
modprobe dm-delay
t "partitions"
fresh /dev/vda
printf 'label: gpt\n,64M\n,64M\n' >/tmp/table
must sh -c "sfdisk -q $dev </tmp/table"
blockdev --rereadpt "$dev" 2>/dev/null
wait_for 60 test -b "${dev}p2" || fail "no partition appeared"
must mke2fs -q -t ext4 "${dev}p1"
put "${dev}p2" part 4
shows "${dev}p2" part 4
must e2fsck -f -n "${dev}p1"
gone "$dev"
dev=$(add_device /dev/vda) || fail "add"
wait_for 60 test -b "${dev}p2" || fail "no partition appeared"
shows "${dev}p2" part 4
must e2fsck -f -n "${dev}p1"

t "dm above"
sectors=$(blockdev --getsz "$dev")
must blkdiscard -f "$dev"
must dmsetup create above --table "0 $((sectors / 2)) linear $dev $((sectors / 2))"
dmsetup mknodes
must mke2fs -q -t ext4 /dev/mapper/above
must mount -t ext4 /dev/mapper/above /mnt
pattern above 4 >/mnt/file
must umount /mnt
must e2fsck -f -n /dev/mapper/above
refuses 2 shardctl remove "$dev"
must dmsetup remove above
gone "$dev"

t "dm below"
sectors=$(blockdev --getsz /dev/vda)
must dmsetup create below --table "0 $((sectors / 2)) linear /dev/vda 1024
$((sectors / 2)) $((sectors / 4)) linear /dev/vda $((sectors / 2 + 4096))"
dmsetup mknodes
fresh /dev/mapper/below
run_fio random "$dev"
gone "$dev"
must shardctl check --data /dev/mapper/below
must dmsetup remove below

t "dm that delays, below"
must dmsetup create slow --table "0 $(blockdev --getsz /dev/vda) delay /dev/vda 0 5"
dmsetup mknodes
fresh /dev/mapper/slow
must fio --name=slow --filename="$dev" --size=4m --rw=randwrite --bs=4k --iodepth=32 --ioengine=libaio \
	--direct=1 --verify=crc32c --verify_fatal=1 --fsync=64 --minimal
gone "$dev"
must dmsetup remove slow
finish
