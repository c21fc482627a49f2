# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The backing disk goes away under load: nothing hangs, the device fails, can be
# removed, and what was flushed is there when the disk is back.
# A SCSI disk and an nvme disk of 256 MiB each.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

modprobe virtio_scsi
modprobe sd_mod
load_module

# busy DISK: some hundred writes were made since $before was taken.
# shellcheck disable=SC2317
busy()
{
	[ "$(counter "$1" 5)" -gt $((before + 300)) ]
}

yank()
{
	kind=$1
	disk=$2
	t "$kind: yanked under load"
	wait_for 120 test -b "/dev/$disk" || die "there is no $disk"
	fresh "/dev/$disk" || return
	put "$dev" "$kind" 8
	fio --name=load --filename="$dev" --offset=16m --size=64m --rw=randwrite --bs=4k --iodepth=16 --ioengine=libaio \
		--direct=1 --time_based --runtime=600 --minimal >/tmp/load.out 2>&1 &
	pid=$!
	before=$(counter "$disk" 5)
	wait_for 120 busy "$disk" || fail "the load does not begin"
	events_begin
	expect_begin "error, dev|I/O error|critical|beyond end|shardblk"
	if [ "$kind" = scsi ]; then
		echo 1 >"/sys/block/$disk/device/delete"
	else
		pci=$(readlink -f "/sys/block/$disk")
		pci=$(echo "$pci" | grep -o '[0-9a-f]*:[0-9a-f]*:[0-9a-f]*\.[0-9a-f]*' | tail -n 1)
		echo 1 >"/sys/bus/pci/devices/$pci/remove"
	fi
	# Each turn takes 0.2 s and more: a loaded machine is not a hang.
	for _ in $(seq 1 600); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.2
	done
	! kill -0 $pid 2>/dev/null || { fail "the load hangs"; kill -9 $pid; }
	wait $pid && fail "the load did not see the disk go"
	[ ! -e "/sys/block/$disk" ] || fail "the disk is still there"

	t "$kind: failed, and removed"
	wait_state "$dev" failed
	# A flush that fails before the kernel says that the disk is gone makes it read-only first.
	name=$(basename "$dev")
	wait_for 60 events_has "$name SHARDBLK_STATE=failed" || fail "no uevent of the failure"
	sed -i "1{/^$name SHARDBLK_STATE=read-only\$/d}" /tmp/events
	events_told "$dev" SHARDBLK_STATE=failed
	! dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct 2>/dev/null || fail "written although failed"
	must timeout $((120 * SLOW)) shardctl status "$dev"
	# A device that lost its disk cannot make anything durable: 3 says so.
	rc=0
	timeout $((120 * SLOW)) shardctl remove "$dev" >/tmp/out 2>&1 || rc=$?
	[ "$rc" = 0 ] || [ "$rc" = 3 ] || fail "remove exited with $rc: $(tail -n 1 /tmp/out)"
	same "$(devices | wc -l)" 0 "devices left"
	must rmmod shardblk
	expect_end

	t "$kind: all is there when the disk is back"
	if [ "$kind" = scsi ]; then
		for host in /sys/class/scsi_host/host*; do
			echo "- - -" >"$host/scan"
		done
	else
		echo 1 >/sys/bus/pci/rescan
	fi
	wait_for 120 test -b "/dev/$disk" || fail "the disk does not come back"
	load_module
	dev=$(add_device "/dev/$disk") || { fail "add"; return; }
	shows "$dev" "$kind" 8
	same "$(state_of "$dev")" read-write state
	put "$dev" again 4 100
	shows "$dev" again 4 100
	gone "$dev"
	must shardctl check --data "/dev/$disk"
}

yank scsi sda
yank nvme nvme0n1
finish
