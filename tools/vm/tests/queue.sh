# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Schedulers and CPUs come and go under load; two devices at once.
# vda: 512 MiB; vdb: 256 MiB of 4096-byte sectors.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

# load DEVICE OFFSET-MIB: verified random writes, in the background.
load()
{
	fio --name=load --filename="$1" --offset="${2}m" --size=12m --rw=randwrite --bs=4k --iodepth=16 \
		--ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 --minimal >/tmp/load.out 2>&1 &
	load_pid=$!
}

load_done()
{
	wait "$load_pid" || fail "load: $(tail -n 2 /tmp/load.out | cut -c1-200)"
}

load_module
modprobe bfq
modprobe kyber-iosched
t "scheduler switches under load"
fresh /dev/vda
load "$dev" 0
scheduler=/sys/block/$(basename "$dev")/queue/scheduler
turns=0
while kill -0 "$load_pid" 2>/dev/null && [ $turns -lt 40 ]; do
	for name in mq-deadline kyber bfq none; do
		! grep -q "$name" "$scheduler" || echo $name >"$scheduler" || fail "scheduler $name"
		turns=$((turns + 1))
		sleep 0.1
	done
done
echo none >"$scheduler"
load_done
[ $turns -ge 4 ] || fail "only $turns switches"

t "CPUs offline and online under load"
load "$dev" 16
turns=0
while kill -0 "$load_pid" 2>/dev/null && [ $turns -lt 20 ]; do
	echo 0 >/sys/devices/system/cpu/cpu1/online || fail offline
	sleep 0.3
	echo 1 >/sys/devices/system/cpu/cpu1/online || fail online
	sleep 0.2
	turns=$((turns + 1))
done
load_done
[ $turns -ge 2 ] || fail "only $turns turns"

t "two devices at once"
first=$dev
fresh /dev/vdb
load "$first" 32
pid=$load_pid
load "$dev" 0
load_done
load_pid=$pid
load_done
gone "$dev"
gone "$first"
finish
