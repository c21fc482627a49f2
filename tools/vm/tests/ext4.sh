# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A file system and a tree of files; fsck; all is there after remove and add.
# vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
t "mkfs, a file tree"
fresh /dev/vda
must mke2fs -q -t ext4 "$dev"
must mount -t ext4 "$dev" /mnt
for d in 1 2 3 4 5 6 7 8; do
	mkdir -p "/mnt/$d/sub"
	for f in 1 2 3 4 5 6 7 8 9 10; do
		echo "$d $f" >"/mnt/$d/sub/$f"
	done
	pattern "$d" 1 >"/mnt/$d/large"
done
rm -r /mnt/3
mv /mnt/4 /mnt/5/moved
(cd /mnt && find . -type f -exec md5sum {} + | sort) >/tmp/sums
must fstrim -v /mnt
must umount /mnt
must e2fsck -f -n "$dev"

t "all is there after remove and add"
gone "$dev"
must shardctl check --data /dev/vda
dev=$(add_device /dev/vda) || fail "add"
must e2fsck -f -n "$dev"
must mount -t ext4 "$dev" /mnt
(cd /mnt && find . -type f -exec md5sum {} + | sort) | cmp - /tmp/sums || fail "files differ"
refuses 2 shardctl remove "$dev"
must umount /mnt
gone "$dev"
finish
