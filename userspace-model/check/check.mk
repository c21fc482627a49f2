# SPDX-License-Identifier: GPL-2.0-only
#
# shardsim: the checker of the engine, and the targets that run it.

SHARDSIM_SRCS	:= userspace-model/shardsim.c \
	$(wildcard userspace-model/check/*.c userspace-model/model/*.c)

JOBS		?= 2
SECONDS		?= 600

$(foreach f,asan bench tool,$(eval $(O)/$f/shardsim: \
	$(call user-objs,$f,$(SHARDSIM_SRCS)) $(call user-sim,$f) ; \
	@echo "  LINK    $$@" && $$(call user-link,$f)))

ALL += $(O)/asan/shardsim

# What else is asked where it exists: each is one check that passes or fails.
CHECK_ALSO = $(foreach t,kapi-selftest kunit-user shardctl-test, \
	$(if $(filter $t:,$(shell sed -n 's/^\([a-z-]*:\).*/\1/p' \
	$(filter-out %.d,$(MAKEFILE_LIST)))),$t))

.PHONY: check soak replay bench-check

check: $(O)/asan/shardsim ## check the engine in user space, about a minute
	@$(O)/asan/shardsim check --jobs=$(JOBS) $(foreach t,$(CHECK_ALSO), \
		'--also=$t=$(MAKE) --no-print-directory $t')

soak: $(O)/asan/shardsim ## fresh seeds for SECONDS=600 on JOBS=2 processes
	@$(O)/asan/shardsim soak --seconds=$(SECONDS) --jobs=$(JOBS)

replay: $(O)/asan/shardsim ## run and print REPRO=file or suite:seed
	@$(O)/asan/shardsim replay '$(REPRO)'

bench-check: $(O)/bench/shardsim ## scenarios per second and core
	@$(O)/bench/shardsim bench
