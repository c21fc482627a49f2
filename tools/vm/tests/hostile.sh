# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Images that a fuzzer made give errors or devices that work; nonsense at the control
# node gives errors; the kernel's log has nothing to say.
# vda: images of 512 KiB, one behind the other; vdb: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
modprobe loop 2>/dev/null
image=524288

t "images give errors, or devices that can be read, written and removed"
nr=$(($(blockdev --getsize64 /dev/vda) / image))
added=0
refused=0
i=0
# What the module says of images that are not right is what it is to say.  Who does not
# come back, but from add, has the kernel tell of it and the VM run out of time.  A slow
# kernel gets one of so many.
expect_begin "I/O error|Buffer I/O|error, dev "
while [ $i -lt "$nr" ]; do
	loop=$(losetup -f --show -o $((i * image)) --sizelimit $image /dev/vda) || fail "losetup $i"
	if dev=$(timeout $((60 * SLOW)) shardctl add "$loop" 2>/dev/null); then
		added=$((added + 1))
		wait_for 60 test -b "$dev" || fail "image $i: no $dev"
		dd if="$dev" of=/dev/null bs=4096 iflag=direct 2>/dev/null
		dd if=/dev/zero of="$dev" bs=4096 count=4 oflag=direct 2>/dev/null
		blkdiscard -l 4096 "$dev" 2>/dev/null
		shardctl status "$dev" >/dev/null || fail "image $i: no status"
		shardctl remove "$dev" >/dev/null 2>&1
		[ ! -b "$dev" ] || wait_for 60 test ! -b "$dev" || fail "image $i: $dev stays"
	else
		[ $? != 124 ] || fail "image $i: add does not come back"
		refused=$((refused + 1))
	fi
	losetup -d "$loop"
	i=$((i + SLOW))
done
echo "# $nr images: $added added, $refused refused"
[ "$nr" -ge 200 ] || fail "$nr images"
[ $added -ge $((20 / SLOW)) ] || fail "only $added could be added"
[ $refused -ge $((20 / SLOW)) ] || fail "only $refused were refused"

t "the control node refuses nonsense by root"
must shardctl format --force /dev/vdb
control_fuzz 20 >/tmp/fuzzed || fail "control_fuzz exited with $?"
echo "# root: $(cat /tmp/fuzzed)"

t "and everything by nobody"
control_fuzz 5 nobody >/tmp/fuzzed || fail "nobody: $(cat /tmp/fuzzed)"
echo "# nobody: $(cat /tmp/fuzzed)"
expect_end

t "what there was goes, and the module too"
shardctl remove --all >/dev/null 2>&1
must rmmod shardblk
finish
