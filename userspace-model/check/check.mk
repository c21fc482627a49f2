# SPDX-License-Identifier: GPL-2.0-only
#
# shardsim: the checker of the engine, and the targets that run it.

SHARDSIM_SRCS	:= userspace-model/shardsim.c \
	$(filter-out userspace-model/check/mock_%,$(wildcard \
	userspace-model/check/*.c userspace-model/model/*.c \
	userspace-model/scale/*.c)) $(GRAPH_SRCS) $(BLOCK_SRCS)

# --- mocks: a model in place of a layer ---
#
# check/mock_LAYER.c, and mock_LAYER_*.c, stand in for these files of the engine.
# With all others and the histories they are one object, of which only the suite can
# be seen; the choices, the disk, the Linux words and the models are those of the
# program.  Marks are those of the real engine.
MOCKS		:= extent chunk index
mocked-extent	:= extent retire
mocked-chunk	:= frame cache
mocked-index	:= index ahead memtable run cache
MOCK_SRCS	:= $(addprefix userspace-model/check/,world.c world_disk.c history.c \
	compare.c picture.c promise.c)

mock-objs = $(call user-objs,$1,$(filter-out \
	$(patsubst %,kmod/core/%.c,$(mocked-$2)),$(CORE_SRCS)) $(MOCK_SRCS) \
	$(wildcard userspace-model/check/mock_$2.c userspace-model/check/mock_$2_*.c) \
	userspace-model/model/m_$2.c)

define mock-rules
$(O)/$1/mock/$2.o: $(call mock-objs,$1,$2)
	@echo "  MOCK    $$@"
	@mkdir -p $$(@D)
	@$$(call user-cc,$1) -r -nostdlib $$(mock-link-$1) -o $$@.all $$^
	@objcopy --keep-global-symbol=check_mock_$2 \
		--rename-section=kapi_points=mock_points $$@.all $$@
	@rm $$@.all
	@! nm -u $$@ | grep -w 'shard_[a-z_]*' | grep -v -w 'shard_mutant\|shard_mutant_assert' || \
		{ echo "check/mock_$2*.c lacks these functions"; rm $$@; exit 1; }
endef
$(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(foreach m,$(MOCKS),\
	$(eval $(call mock-rules,$f,$m))))
mock-link-bench	:= -flto=auto -flinker-output=nolto-rel
mock-link-fast	:= $(mock-link-bench)

JOBS		?= 2
SECONDS		?= 600

$(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(eval user-libs-$(O)/$f/shardsim := -ljson-c))
$(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(eval $(O)/$f/shardsim: \
	$(call user-objs,$f,$(SHARDSIM_SRCS)) $(call user-sim,$f) \
	$(patsubst %,$(O)/$f/mock/%.o,$(MOCKS)) ; \
	@echo "  LINK    $$@" && $$(call user-link,$f)))

ALL += $(O)/asan/shardsim

# The same scenarios each time, so the same profile, and the same program.
PROFILE		:= $(O)/profile/.done
PROFILE_RUNS	:= 4000

$(PROFILE): $(O)/train/shardsim
	@echo "  PROFILE $@"
	@rm -rf $(@D) && mkdir -p $(@D)
	@$< run device 0 $(PROFILE_RUNS) >$@.new && mv $@.new $@

$(call user-objs,fast,$(SHARDSIM_SRCS) $(CORE_SRCS) $(KAPI_SRCS) $(SIM_SRCS) \
	$(MOCKS:%=userspace-model/check/mock_%.c)) $(call KERNEL_OBJS,fast): \
	$(PROFILE)

# By whom a run is compiled must not matter.
REPLAY_BY := $(patsubst %,$(O)/%/shardsim,asan tool $(USER_OTHERS))
REPLAY_RUNS := 25

# What else is asked: each is one check that passes or fails.  Programs that keep
# one core busy run side by side, those that take long first.
CHECK_ALSO	:= scenarios shrinking alphabet pairs check-programs
CHECK_PROGRAMS	:= shardctl-test $(if $(shell command -v clang),replay-check) \
	kunit-user schedules kapi-selftest scale-test compare unchecked bench-locks \
	bench-cells-test

check-programs: $(CHECK_PROGRAMS)

.PHONY: check-programs check scenarios shrinking unchecked race soak scale-test scale-show replay replay-check bench-check bench-locks bench-memory bench-gc bench-pace alphabet compare pairs schedules exhaustive

# All scenarios are run with kapi's checks, and this part of them, in percent, by
# a program that has sanitizers and is three times slower.
SANITIZED	?= 10

check: $(O)/asan/shardsim ## check the engine in user space
	@$(O)/asan/shardsim check --jobs=$(JOBS) --scale=$(SANITIZED) $(foreach t,$(CHECK_ALSO), \
		'--also=$t=$(MAKE) --no-print-directory --output-sync --jobs=$(JOBS) $t')

scenarios: $(O)/tool/shardsim ## 100,000 scenarios, and all that must occur in them
	@$< scenarios --jobs=$(JOBS)

# It has a limit of time, so nothing runs beside it.
shrinking: $(O)/tool/shardsim ## how short do planted failures become, and how soon?
	@$< shrinking 3

# Sequences of up to so many operations, and states of a crash point: of the
# usual disk, and of the others (check/alphabet.h).
ALPHABET	?= 3 12
ALPHABET_OTHERS	?= 2 12
EXHAUSTIVE	?= 5 20
OTHER_DISKS	:= no-cache fua zoned failing
DISK		?= cache

# That pruning changes no verdict is asked by compare.
alphabet: $(O)/asan/shardsim $(O)/tool/shardsim ## all sequences of up to 3 operations, crashed everywhere; of up to 2 on other disks
	@set -e; \
	$(O)/tool/shardsim exhaustive --jobs=$(JOBS) $(ALPHABET); \
	for disk in cache $(OTHER_DISKS); do \
		$(O)/asan/shardsim exhaustive --disk=$$disk --jobs=$(JOBS) \
			$(ALPHABET_OTHERS); \
	done

# It runs nothing that these do not run, which have AddressSanitizer.
compare: $(O)/tool/shardsim ## are the verdicts of alphabet and pairs the same without pruning?
	@$< compare 2
	@$< compare --disk=zoned 1
	@for pair in read-shrink write-gone write-errors one adds scrubs refused chunk; do \
		$< compare-pairs --suite=$$pair 1 || exit 1; \
	done

# Also the build: it is the only one here that has none of kapi's checks.
unchecked: $(O)/plain/shardsim ## does the checker run without the checks that benches leave out?
	@for suite in device swarm-faults race-jobs extent chunk index mock-extent; do \
		$< run $$suite 0 50 || exit 1; \
	done

schedules: $(O)/tool/shardsim ## does the scheduler find what is known of toy programs?
	@$< schedules 20000

# Changes of a schedule (check/pairs.h), and pairs that are small enough for those of
# exhaustive.
PAIRS		?= 1
PAIRS_EXHAUSTIVE ?= 2
PAIRS_SMALL	:= write-gone read-shrink
PAIR		?=

pairs: $(O)/tool/shardsim ## two users and a worker beside each other: all schedules with at most one change from the simplest, of some with two
	@$< pairs --jobs=$(JOBS) $(PAIRS)
	@for pair in $(PAIRS_SMALL); do \
		$< pairs --jobs=$(JOBS) --suite=$$pair $(PAIRS_EXHAUSTIVE) || exit 1; \
	done

exhaustive: $(O)/tool/shardsim ## pairs and alphabet with more: two changes, sequences of 5 operations; goes on where it was ended; DISK=no-cache, fua, zoned, failing; PAIR=NAME
	@$(O)/tool/shardsim pairs --jobs=$(JOBS) --suite='$(PAIR)' $(PAIRS_EXHAUSTIVE) \
		$(O)/exhaustive-pairs.progress
	@$(O)/tool/shardsim exhaustive --disk=$(DISK) --jobs=$(JOBS) $(EXHAUSTIVE) \
		$(O)/exhaustive-$(DISK).progress

# SHARD and SHARDS, or a scheduler's variables, say which of the seeds are ours.
SOAK		?= asan
RESULTS		?= $(O)/soak

soak: $(O)/$(SOAK)/shardsim ## fresh seeds for SECONDS=600, or SCENARIOS=N from FIRST=0 on, on JOBS=2 processes; SHARD=I SHARDS=N
	@$< soak $(if $(SCENARIOS),--scenarios=$(SCENARIOS),--seconds=$(SECONDS)) \
		--first='$(FIRST)' --jobs=$(JOBS) --results=$(RESULTS)

scale-test: $(O)/tool/shardsim ## do the shards of a soak add up, whoever tells them which one they are?
	@tools/scale/test.sh $< 400 swarm-faults

# Slurm is downloaded, not installed (tools/scale/slurm-here).
scale-show: $(O)/tool/shardsim ## as scale-test, by GNU parallel and a Slurm of this machine, with all suites
	@tools/deps scale
	@tools/scale/show $< $(or $(SCENARIOS),20000)

REPLAYS := $(O)/$(if $(RACE),race,$(if $(MUTANT),mutants,asan))/shardsim
replay: $(REPLAYS) ## run, shrink and print REPRO=file or suite:seed; FILE=name files it; with MUTANT=NAME, or RACE=1
	@MUTANT='$(MUTANT)' $(if $(RACE),$(FIXED)) $(REPLAYS) replay --file='$(FILE)' '$(REPRO)'

# ThreadSanitizer wants its addresses where they are without randomization.
FIXED		:= setarch --addr-no-randomize
RACE_SUITES	:= race race-jobs race-faults control control-faults device swarm-faults idle
RACE_RUNS	?= 1000

race: $(O)/race/race-selftest $(O)/race/shardsim ## is anything shared that nothing orders? RACE_RUNS=1000 of each suite
	@$(FIXED) $(O)/race/race-selftest 2>/dev/null
	@for suite in $(RACE_SUITES); do \
		$(FIXED) $(O)/race/shardsim run $$suite $(or $(FIRST),0) \
			$(RACE_RUNS) || exit 1; \
	done

replay-check: $(REPLAY_BY) ## are runs the same by gcc and clang, -O0 and -O2?
	@tools/replay-check $(REPLAY_RUNS) $(REPLAY_BY)

# Blocks of 4096 bytes: 64 GiB.
MAPPED_LOG2	?= 24

bench-memory: $(O)/bench/shardsim ## memory and I/O of an index of 64 GiB in random blocks
	@$(O)/bench/shardsim bench-memory $(MAPPED_LOG2)

# Other compilers keep no such profile.
BENCH_CHECK	:= $(if $(findstring gcc,$(USER_CC)),fast,bench)

bench-gc: $(O)/bench/shardsim ## write amplification of data, beside what was simulated
	@$(O)/bench/shardsim bench-gc

bench-pace: $(O)/bench/shardsim ## what a device that is overwritten asks of its disk, and how evenly it is served
	@$(O)/bench/shardsim bench-pace

# Only kapi's checks know of locks.
bench-locks: $(O)/asan/shardsim ## locks and atomics of a read, and of a batch of writes; fails if they change
	@$(O)/asan/shardsim bench-locks

bench-check: $(O)/$(BENCH_CHECK)/shardsim $(O)/tool/shardsim ## scenarios, recoveries and schedules per second and core
	@$< bench
	@$(O)/tool/shardsim bench-schedules
