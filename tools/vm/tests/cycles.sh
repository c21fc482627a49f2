# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# 200 times add, write, remove: the metadata that this costs does not fill the device.
# Fewer times on a slow kernel, where not freed memory is found by other means.
# vda: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
cycles=$((200 / SLOW))
t "$cycles add and remove cycles"
must shardctl format --force /dev/vda
n=0
slab_begin=$(awk '/^(SUnreclaim|Percpu|VmallocUsed)/ { n += $2 } END { print n }' /proc/meminfo)
while [ $n -lt $cycles ]; do
	must shardctl add --id=0 /dev/vda || break
	echo "cycle $n" | dd of=/dev/shardblk0 bs=4096 conv=sync oflag=direct seek=$((n % 16)) 2>/dev/null || fail "write $n"
	must shardctl remove /dev/shardblk0 || break
	n=$((n + 1))
	[ $n != 20 ] || slab_begin=$(awk '/^(SUnreclaim|Percpu|VmallocUsed)/ { n += $2 } END { print n }' /proc/meminfo)
done
same $n $cycles "cycles done"
slab_end=$(awk '/^(SUnreclaim|Percpu|VmallocUsed)/ { n += $2 } END { print n }' /proc/meminfo)
[ "$SLOW" != 1 ] || at_most $((slab_end - slab_begin)) 8192 "KiB of kernel memory more than after 20 cycles"
must shardctl add --id=0 /dev/vda
same "$(dd if=/dev/shardblk0 bs=4096 count=1 skip=$(((cycles - 1) % 16)) 2>/dev/null | tr -d '\000')" "cycle $((cycles - 1))" "last block written"
must shardctl remove --all
must shardctl check --data /dev/vda
must rmmod shardblk
finish
