# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The machine sleeps under load; cgroups and hibernation.
# sda: 256 MiB, a SCSI disk: its queue takes nothing while the machine sleeps.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

# shellcheck disable=SC2317
moved()
{
	[ "$(counter "$(basename "$dev")" 5)" -gt "$before" ]
}

modprobe virtio_scsi
modprobe sd_mod
load_module
wait_for 120 test -b /dev/sda || die "there is no sda"
t "hibernation is refused beside a device that may be written to"
fresh /dev/sda
if (echo disk >/sys/power/state) 2>/dev/null; then
	fail "the machine has hibernated"
fi
dmesg | grep -q "remove it to hibernate" || fail "nothing was said"
remove=$dev
gone "$remove"
must shardctl add --read-only /dev/sda
gone "$remove"

t "what is written belongs to no cgroup"
fresh /dev/sda
mkdir /tmp/cgroup
must mount -t cgroup2 none /tmp/cgroup
echo +io >/tmp/cgroup/cgroup.subtree_control
mkdir /tmp/cgroup/writer
# shellcheck disable=SC2016
must sh -c 'echo $$ >/tmp/cgroup/writer/cgroup.procs; exec fio --name=writer --filename="$1" --size=64k --bs=4k \
	--rw=write --iodepth=4 --ioengine=libaio --direct=1 --minimal' sh "$dev"
dev_of()
{
	cat "/sys/block/$(basename "$1")/dev"
}
grep -q "^$(dev_of "$dev") .* wbytes=65536 " /tmp/cgroup/writer/io.stat || fail "it has written nothing"
! grep "^$(dev_of /dev/sda) .* wbytes=[1-9]" /tmp/cgroup/writer/io.stat || fail "a frame is its own"
rmdir /tmp/cgroup/writer
umount /tmp/cgroup
gone "$dev"

# A kernel with KCSAN dies when it wakes up, without any module as well.
[ ! -e /sys/kernel/debug/kcsan ] || finish

# Below is something that holds each operation back for a while, and then finds the disk
# asleep.  The clock wakes the machine up.
t "suspend to memory under load"
modprobe dm-delay
must dmsetup create late --table "0 $(blockdev --getsz /dev/sda) delay /dev/sda 0 100"
dmsetup mknodes
fresh /dev/mapper/late
fio --name=load --filename="$dev" --size=48m --rw=randwrite --bs=4k --iodepth=32 --ioengine=libaio --direct=1 \
	--time_based --runtime=600 --minimal >/tmp/load.out 2>&1 &
load=$!
echo deep >/sys/power/mem_sleep || fail "no suspend to memory here"
touch /tmp/slept
sleeps=0
while [ $sleeps -lt 3 ]; do
	sleep 2
	before=$(counter "$(basename "$dev")" 5)
	wait_for 60 moved || fail "no load"
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	echo +4 >/sys/class/rtc/rtc0/wakealarm
	echo mem >/sys/power/state || fail "no suspend"
	sleeps=$((sleeps + 1))
done
kill $load
wait $load
grep -q '^3;' /tmp/load.out || fail "load: $(tail -n 2 /tmp/load.out | cut -c1-200)"
put "$dev" asleep 8
shows "$dev" asleep 8
gone "$dev"
must dmsetup remove late
finish
