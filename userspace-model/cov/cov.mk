# SPDX-License-Identifier: GPL-2.0-only
#
# Which branches of the engine do the checks take?  Counted by gcov, at -O0,
# with assertions compiled out (cov.h); everything but the engine is as fast as
# it gets.  gcc counts what follows each call, so the counts are right though
# fibers that a power cut ends never return.

COV		:= userspace-model/cov

user-cc-cov	:= gcc
user-cflags-cov	:= -O2 -DKAPI_NO_CHECKS
$(O)/cov/kmod/core/%.o: user-more := -O0 --coverage -fprofile-update=single \
	-Wno-unused-value -include $(COV)/cov.h
user-libs-$(O)/cov/shardsim	+= --coverage
user-libs-$(O)/cov/kunit-user	:= --coverage
user-libs-$(O)/cov/shardctl	:= --coverage -lblkid -ljson-c

$(O)/cov/kunit-user: $(call user-objs,cov,$(KUNIT_SRCS)) $(call user-engine,cov)
	@echo "  LINK    $@"
	@$(call user-link,cov)

$(O)/cov/shardctl: $(call user-objs,cov,$(SHARDCTL_SRCS)) $(call user-engine,cov)
	@echo "  LINK    $@"
	@$(call user-link,cov)

.PHONY: cov cov-deps
cov-deps:
	@tools/deps cov

cov: cov-deps ## branches of the engine that the checks take; fails on one that is not listed
	@$(MAKE) --no-print-directory $(O)/cov/shardsim $(O)/cov/kunit-user \
		$(O)/cov/shardctl $(SHARDCTL_FILL)
	@$(COV)/run $(O)/cov $(SHARDCTL_FILL) $(JOBS)
	@$(COV)/report $(O)/cov/kmod/core
