# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Every job of fio-jobs/ that compares what it wrote, each on a fresh device.  vda: 512 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
for file in /fio-jobs/*.fio; do
	job=$(basename "$file" .fio)
	# The others measure, and are tools/bench/compare's.
	grep -q '^verify=' "$file" || continue
	# These are for devices that are overwritten as a whole: reclaim.sh.
	case $job in
	steady*) continue ;;
	esac
	t "$job"
	fresh /dev/vda || continue
	run_fio "$job" "$dev"
	same "$(state_of "$dev")" read-write state
	gone "$dev"
	must shardctl check --data /dev/vda
done
finish
