# SPDX-License-Identifier: GPL-2.0-only
#
# Figures of the module beside others', in a VM; instructions of a request, by layer.

# QUICK=1 within ten minutes, ONLY=STACK/JOB/DISK for a few cells, REPS=N; DOC=FILE replaces the
# tables of docs/PERFORMANCE-DATA.md.
BENCH_DIR	:= $(O)/bench-vm

.PHONY: bench bench-cells-test
bench: ## shardblk beside dm, bcache and loop devices in a VM; QUICK=1, ONLY=STACK/JOB/DISK, REPS=N, DOC=FILE
	@tools/deps build compare
	@$(MAKE) --no-print-directory -s vm-module shardctl
	@tools/bench/compare --dir $(BENCH_DIR) --module $(VM_MODULE) --shardctl $(O)/shardctl \
		$(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') \
		$(if $(REPS),--reps $(REPS)) $(if $(DOC),--doc '$(DOC)')

bench-cells-test: ## are the figures of the benchmark put together as they should be?
	@tools/bench/cells_test

# As the kernel is compiled: no link-time optimisation, which would blur the
# layers, and nothing that valgrind does not know.
user-cflags-count	:= -O2 -DKAPI_NO_CHECKS
$(eval $(call user-rules,count))
-include $(shell find $(O)/count -name '*.d' 2>/dev/null)

INSTRUCTIONS	:= $(O)/count/instructions

instructions-objs := $(call user-objs,count,tools/bench/instructions.c tools/bench/media.c \
		userspace-model/check/batch.c) $(call user-engine,count)

$(INSTRUCTIONS): $(instructions-objs)
	@echo "  LINK    $@"
	@$(call user-link,count)

user-libs-$(INSTRUCTIONS)-fill := -Wl,--wrap=memcpy,--wrap=crc32c

$(INSTRUCTIONS)-fill: $(instructions-objs) $(call user-objs,count,tools/bench/payload.c)
	@echo "  LINK    $@"
	@$(call user-link,count)

.PHONY: bench-deps bench-instructions
bench-deps:
	@tools/deps bench

bench-instructions: bench-deps ## instructions of a 4 KiB random write and read, by layer; GROWTH="18 22": with 2^18 and 2^22 blocks mapped; EACH=128: by requests of so many; PERCENT=50 of what may lie above the oldest run
	@$(MAKE) --no-print-directory $(INSTRUCTIONS) $(INSTRUCTIONS)-fill
	@tools/bench/instructions $(INSTRUCTIONS) $(if $(GROWTH),--growth $(GROWTH)) $(if $(EACH),--each $(EACH)) \
		$(if $(PERCENT),--percent $(PERCENT))

# Instructions of an I/O in the kernel: tools/bench/cost.
BENCH_COST	:= $(O)/bench-cost

.PHONY: bench-cost bench-cost-build
bench-cost-build:
	@mkdir -p $(BENCH_COST)/unit
	@gcc -O2 -Wall -static -no-pie -o $(BENCH_COST)/cost_load tools/bench/cost_load.c -luring
	@gcc -O2 -Wall -shared -fPIC -o $(BENCH_COST)/cost_plugin.so tools/bench/cost_plugin.c
	@echo "obj-m := cost_unit.o" >$(BENCH_COST)/unit/Kbuild
	@cp tools/bench/cost_unit.c $(BENCH_COST)/unit/
	+@$(MAKE) --no-print-directory -C "$$(tools/vm/fetch --kdir)" M=$(CURDIR)/$(BENCH_COST)/unit modules

# Each of the two runs takes a minute or two of one processor.
bench-cost: vm-deps ## instructions of an I/O in a VM, beside dm-thin's and dm-integrity's; FUNCTIONS=40 by function; LOCKS=1 locks and atomics
	+@$(MAKE) --no-print-directory vm-module shardctl bench-cost-build
	@tools/bench/cost --dir $(BENCH_COST) --module $(VM_MODULE) --shardctl $(O)/shardctl \
		$(if $(FUNCTIONS),--runs 1 --functions $(FUNCTIONS)) \
		$(if $(LOCKS),--runs 1 --targets raw+shardblk --locks)
