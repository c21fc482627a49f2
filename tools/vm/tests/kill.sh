# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# An add is killed while it recovers from a slow disk: it ends soon, nothing of it
# stays, and the next add finds all.  vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
modprobe dm-mod
modprobe dm-delay

# Is it the log that is being read by now?
# shellcheck disable=SC2317
replays()
{
	[ "$(counter "$slow" 3)" -gt $((8 << 11)) ]
}

# Does the kernel log say how far it is, and the control node as well?
# shellcheck disable=SC2317
progress_told()
{
	dmesg | grep -q "$slow: recovery has read [0-9]*% of at most"
}

# killed COMMAND...: while it recovers.
killed()
{
	must dmsetup create slow --table "0 $(blockdev --getsz /dev/vda) delay /dev/vda 0 200"
	dmsetup mknodes
	slow=dm-$(dmsetup info -c --noheadings -o minor slow | tr -d ' ')
	expect_begin "shardblk: cannot add $slow: interrupted"
	"$@" >/tmp/out 2>&1 &
	pid=$!
	wait_for 120 replays || fail "no recovery: $(tail -n 1 /tmp/out)"
	wait_for 60 progress_told || fail "no progress in the kernel log"
	grep "state=adding" /dev/shardblk-control >/tmp/adding
	must grep -q "id=0 backing=/dev/$slow state=adding recovered=[1-9][0-9]*%" /tmp/adding
	kill -9 $pid
	rc=0
	wait $pid || rc=$?
	same $rc 137 "exit code"
	# 40 MiB of log, of which it has left most alone
	at_most "$(counter "$slow" 3)" $((24 << 11)) "sectors read"
	same "$(devices | wc -l)" 0 "devices left"
	dmesg | grep -q "cannot add $slow: interrupted" || fail "nobody says that it was interrupted"
	expect_end
	# that nobody holds any more
	must dmsetup remove slow
}

# shellcheck disable=SC2317
add_by_node()
{
	exec sh -c 'echo "add backing=/dev/mapper/slow" >/dev/shardblk-control'
}

t "a log to recover from"
fresh /dev/vda
put "$dev" before 40
gone "$dev"

t "shardctl add is killed, having told how far it is"
dmesg -c >/dev/null
killed shardctl add /dev/mapper/slow

t "a write to the control node is killed"
dmesg -c >/dev/null
killed add_by_node

t "the next add finds all"
dev=$(add_device /dev/vda) || fail "add"
shows "$dev" before 40
same "$(state_of "$dev")" read-write state
put "$dev" after 4 100
gone "$dev"
must shardctl check --data /dev/vda
must rmmod shardblk
finish
