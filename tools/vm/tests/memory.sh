# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Memory is short and the way to get some is a shardblk device: files are written
# beside a program that takes all there is, then that has its pages swapped
# out to another device, too.  Nothing may hang, and nothing may be lost.
# vda, vdb: 3 GiB; a VM of 256 MiB.  HOG_SECONDS: how long in all.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

meminfo()
{
	awk "/^$1:/ { print int(\$2 / 1024) }" /proc/meminfo
}

# Writes files, compares and deletes them, until the hog has ended.
files_beside()
{
	rounds=0
	while kill -0 "$hog" 2>/dev/null; do
		n=$((rounds % 4))
		pattern "$rounds" 8 >"/mnt/$n" || fail "write"
		[ $((rounds % 3)) != 0 ] || must sync
		pattern "$rounds" 8 | cmp -s - "/mnt/$n" || fail "file $rounds differs"
		[ $((rounds % 5)) != 0 ] || must rm -f /mnt/0 /mnt/1
		rounds=$((rounds + 1))
	done
	rc=0
	wait "$hog" || rc=$?
	same "$rc" 0 "exit code of the hog, which said '$(tail -n 1 /tmp/hog)'"
	echo "#   $rounds files of 8 MiB, $(tail -n 1 /tmp/hog) pages"
	[ "$rounds" -gt $((4 / SLOW)) ] || fail "only $rounds files in that time"
}

# hog_begin MIB SECONDS
hog_begin()
{
	hog "$1" "$2" >/tmp/hog 2>&1 &
	hog=$!
}

load_module
echo "#   $(meminfo MemTotal) MiB in all, $(meminfo MemAvailable) MiB available"
t "files beside a program that takes all memory"
fresh /dev/vda --size=256M
must mke2fs -q -t ext4 "$dev"
must mount -t ext4 -o discard "$dev" /mnt
hog_begin $(($(meminfo MemAvailable) - 40)) $((HOG_SECONDS / 3))
files_beside

t "files and swap, both on shardblk"
files=$dev
fresh /dev/vdb --size=256M
must mkswap "$dev"
must swapon "$dev"
writes=$(stat_of "$dev" writes)
hog_begin $(($(meminfo MemAvailable) + 64)) $((HOG_SECONDS * 2 / 3))
files_beside
echo "#   $(($(stat_of "$dev" writes) - writes)) writes to swap"
[ "$(stat_of "$dev" writes)" -gt $((writes + 100)) ] || fail "hardly anything was swapped out"
must swapoff "$dev"

t "both devices are whole"
for d in "$files" "$dev"; do
	same "$(state_of "$d")" read-write "state of $d"
done
gone "$dev"
must umount /mnt
must e2fsck -f -n "$files"
gone "$files"
must shardctl check /dev/vda
must shardctl check /dev/vdb
finish
