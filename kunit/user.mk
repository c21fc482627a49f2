# SPDX-License-Identifier: GPL-2.0-only
#
# The KUnit suites of the engine in user space; those of kmod/block need a
# kernel (tools/kunit/kunit.mk).  SUITE[.CASE] runs some only:
#
#	make kunit-user KUNIT_ARGS='-v shardblk-writeback'

KUNIT_SRCS	:= $(filter-out kunit/block_% kunit/ramdisk.c,$(wildcard kunit/*.c)) \
	kunit/user/run.c
KUNIT_USER	:= $(O)/asan/kunit-user
KUNIT_ARGS	?=

$(foreach f,$(KUNIT_SRCS),$(eval user-cflags-$f := -Ikunit/user))

# Also of the engine with mutants, which `make mutants` asks about.
$(foreach f,asan mutants mutants-asan generic generic-asan,$(eval $(O)/$f/kunit-user: \
	$(call user-objs,$f,$(KUNIT_SRCS)) $(call user-engine,$f) ; \
	@echo "  LINK    $$@" && $$(call user-link,$f)))

.PHONY: kunit-user
kunit-user: $(KUNIT_USER) ## the KUnit suites of the engine, in user space; KUNIT_ARGS='-v SUITE[.CASE]'
	$(KUNIT_USER) $(KUNIT_ARGS)
