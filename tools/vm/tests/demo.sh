# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Not a test by itself: the guest's side of tools/demo.
#   DISK  for the device, 512 MiB       RESULTS  disk for a tar of fio's reports
#   JOBS  names of fio-jobs/, + between them
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

# Say what is done, as one would type it, and do it.
step()
{
	echo "demo: # $*"
	"$@" >/tmp/out 2>&1 || die "$*: $(tail -n 2 /tmp/out | tr '\n' ' ')"
	sed 's/^/demo: /' /tmp/out
}

cd /usr/local/bin || exit
step modprobe libcrc32c
step insmod shardblk.ko
mkdir /tmp/results
# shellcheck disable=SC2153
for job in $(echo "$JOBS" | tr + ' '); do
	if [ -z "$dev" ]; then
		step shardctl format "$DISK"
		step shardctl add "$DISK"
		step shardctl list
	else
		# Space is not taken back from random overwrites yet, so each has its own.
		must shardctl remove "$dev" || die "$current_failed"
		must shardctl format --force "$DISK" || die "$current_failed"
		must shardctl add "$DISK" || die "$current_failed"
	fi
	dev=/dev/shardblk0
	wait_for 60 test -b $dev || die "there is no $dev"
	echo "demo: # fio --filename=$dev fio-jobs/$job.fio"
	run_fio "$job" "$dev" --output-format=json --output="/tmp/results/$job.json" || die "$current_failed"
done
step shardctl remove "$dev"
step shardctl check --data "$DISK"
step rmmod shardblk
tar -C /tmp/results -cf - . | dd of="$RESULTS" bs=1M iflag=fullblock conv=sync,fsync 2>/dev/null ||
	die "cannot write the results"
