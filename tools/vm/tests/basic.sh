# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The device comes, works, stays, goes; and everything that must be refused is.
# vda: 512 MiB; vdb: 256 MiB of 4096-byte sectors; vdd: 16 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
t "control node is private and tells its options"
same "$(stat -c %a /dev/shardblk-control)" 600 "mode of the control node"
must grep -q backing /dev/shardblk-control

t "format, add, list, status"
fresh /dev/vda
must shardctl list
must shardctl list --json
must shardctl status "$dev"
must shardctl status --json "$dev"
same "$(state_of "$dev")" read-write state
must grep -q "backing=/dev/vda.*state=read-write" /dev/shardblk-control

t "reads zeros, then what was written"
same "$(dd if="$dev" bs=1M count=4 2>/dev/null | tr -d '\000' | wc -c)" 0 "bytes that are not zero"
put "$dev" one 8
shows "$dev" one 8
must blkdiscard -o 2097152 -l 1048576 "$dev"
same "$(dd if="$dev" bs=1M skip=2 count=1 iflag=direct 2>/dev/null | tr -d '\000' | wc -c)" 0 "bytes after discard"
put "$dev" one 8
must blkdiscard -z -o 4194304 -l 1048576 "$dev"
same "$(dd if="$dev" bs=1M skip=4 count=1 iflag=direct 2>/dev/null | tr -d '\000' | wc -c)" 0 "bytes after write-zeroes"
put "$dev" one 8

t "the dependency graph is recorded on request, and drawn"
graph=/sys/kernel/debug/shardblk/${dev#/dev/shardblk}/graph
same "$(stat -c %a "$graph")" 600 "mode of the graph"
must grep -q "recording is off" "$graph"
must grep -q "^extent nr=.* stream=0 " "$graph"
! grep -q "^append " "$graph" || fail "events before anyone wanted them"
must shardctl graph --record=on "$dev"
must grep -q "recording is on" "$graph"
echo 1 >$tracing/events/shardblk/shardblk_event/enable
put "$dev" one 8
echo 0 >$tracing/events/shardblk/shardblk_event/enable
must shardctl graph --record=off "$dev"
put "$dev" one 8
cat "$graph" >/tmp/graph
for word in chunks append issued written flush flushed; do
	must grep -q "^$word " /tmp/graph
done
at_most "$(grep -c "^append " /tmp/graph)" 128 "appends while it was on"
must grep -q "shardblk_event: .*flushed id=" $tracing/trace
must shardctl graph --output=/tmp/dot "$dev"
must grep -q "ellipse.*b2f2bb.*flush" /tmp/dot
must grep -q "box .*b2f2bb.*frame" /tmp/dot
must shardctl graph --output=/tmp/dot2 /tmp/graph
same "$(grep -c "shape=box " /tmp/dot)" "$(grep -c "shape=box " /tmp/dot2)" "frames drawn"
! sh -c "echo maybe >$graph" 2>/dev/null || fail "nonsense accepted"

t "what is open is neither removed nor unloaded"
exec 7<"$dev"
refuses 2 shardctl remove "$dev"
! rmmod shardblk 2>/dev/null || fail "rmmod of a busy module"
exec 7<&-
must shardctl status "$dev"

t "what is added is not formatted, checked or exported"
refuses 2 shardctl format --force /dev/vda
refuses 2 shardctl check /dev/vda
refuses 2 shardctl export /dev/vda /tmp/export

t "an image is not exported over the file that it lies in"
modprobe loop
truncate -s 64M /tmp/image
loop=$(losetup -f --show /tmp/image)
must shardctl format "$loop"
refuses 2 shardctl export "$loop" /tmp/image
grep -q "it is below $loop" /tmp/out || fail "it does not say why: $(cat /tmp/out)"
same "$(stat -c %s /tmp/image)" 67108864 "size of the file"
must shardctl check "$loop"
losetup -d "$loop"
rm /tmp/image

t "remove and add keep the data"
gone "$dev"
must shardctl check --data /dev/vda
dev=$(add_device /dev/vda) || fail "add"
shows "$dev" one 8
gone "$dev"
must shardctl export /dev/vda /tmp/export
same "$(head -c 8388608 /tmp/export | md5sum)" "$(pattern one 8 | md5sum)" "sum of what was exported"
rm -f /tmp/export

t "ids: the lowest free, or the one asked for"
dev=$(add_device /dev/vda --id=7) || fail "add --id=7"
same "$dev" /dev/shardblk7 device
must shardctl format --force /dev/vdb
refuses 2 shardctl add --id=7 /dev/vdb
other=$(add_device /dev/vdb) || fail "add"
same "$other" /dev/shardblk0 device
must shardctl remove --all
same "$(devices | wc -l)" 0 "devices left"

t "by lines to the control node"
must sh -c 'echo "add backing=/dev/vda,id=3" >/dev/shardblk-control'
must shardctl status /dev/shardblk3
! sh -c 'echo "add backing=/dev/vda,id=4" >/dev/shardblk-control' 2>/dev/null || fail "added twice"
! sh -c 'echo "nonsense" >/dev/shardblk-control' 2>/dev/null || fail "nonsense accepted"
! sh -c 'echo "add backing=/dev/vdb,bogus=1" >/dev/shardblk-control' 2>/dev/null || fail "unknown option accepted"
must sh -c 'echo "remove id=3" >/dev/shardblk-control'
! sh -c 'echo "remove id=3" >/dev/shardblk-control' 2>/dev/null || fail "removed twice"

t "the same image twice, by whatever path"
modprobe dm-mod
dev=$(add_device /dev/vda) || fail "add"
refuses 2 shardctl add /dev/vda
must mknod /tmp/alias b $((0x$(stat -c %t /dev/vda))) $((0x$(stat -c %T /dev/vda)))
refuses 2 shardctl add /tmp/alias
gone "$dev"
# A copy of the image has its UUID.
must shardctl format --force --size=67108864 /dev/vda
dd if=/dev/vda of=/dev/vdb bs=1M count=64 2>/dev/null
dev=$(add_device /dev/vda) || fail "add"
rc=0
shardctl add /dev/vdb >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "a copy was added beside the original"
gone "$dev"

t "backing that is in use"
must mke2fs -q -F -t ext4 /dev/vdb
mount -t ext4 /dev/vdb /mnt || fail mount
refuses 2 shardctl format --force /dev/vdb
rc=0
shardctl add /dev/vdb >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "a mounted disk was added"
umount /mnt

t "a foreign signature needs --force"
refuses 2 shardctl format /dev/vdb
must shardctl format --force /dev/vdb
refuses 2 shardctl format /dev/vdb

t "shardblk as its own backing, too small, not formatted, not there"
fresh /dev/vda
rc=0
shardctl add "$dev" >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "a device was added to itself"
gone "$dev"
rc=0
shardctl format --force /dev/vdd >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "a device of 16 MiB was formatted"
must blkdiscard -z /dev/vdb
rc=0
shardctl add /dev/vdb >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "an empty disk was added"
rc=0
shardctl add /dev/none >/tmp/out 2>&1 || rc=$?
[ "$rc" != 0 ] || fail "a disk that is not there was added"
refuses 1 shardctl nonsense
refuses 1 shardctl add
same "$(devices | wc -l)" 0 "devices left"

t "rmmod stops all cleanly"
fresh /dev/vda
put "$dev" two 4
must rmmod shardblk
load_module
dev=$(add_device /dev/vda) || fail "add"
shows "$dev" two 4
gone "$dev"
must rmmod shardblk
finish
