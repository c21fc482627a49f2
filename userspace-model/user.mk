# SPDX-License-Identifier: GPL-2.0-only
#
# The user-space build: the engine, the Linux words, the simulator.
#
# Flavours, each in its own build/FLAVOUR/:
#
#   asan   AddressSanitizer and UBSan, all of kapi's checks
#   bench  optimised, without the checks on hot paths (KAPI_NO_CHECKS)
#   plain  not optimised, so that it is built soon, and without these checks:
#          is nothing used that only they have?
#   train fast
#          bench, to make a profile of some scenarios, and compiled by it
#   tool   optimised, all of kapi's checks: what shardctl is made of
#   gcc-O0 clang-O0 clang-O2
#          only to see that a run is the same whoever compiled it
#   mutants generic
#            the same, of copies of the engine that have faults to switch on
#            (userspace-model/mutants)
#   locks  tool, with a call at each access of the engine to memory: what lies
#          between a lock and an unlock that are left out can be preempted there
#          (userspace-model/mutants/locks)
#   race   the engine with ThreadSanitizer (kapi/race.h)
#   cov    the engine unoptimised, with counters at its branches
#            (userspace-model/cov)
#
# For other fragments:
#
#   $(call user-objs,FLAVOUR,SOURCES)    the objects of sources, built by the
#                                        rules below
#   $(call user-engine,FLAVOUR)          objects of core and kapi
#   $(call user-sim,FLAVOUR)             objects of core, kapi and sim
#   $(call user-link,FLAVOUR)            the command that links $^ to $@
#   user-cflags-PATH/FILE.c              more flags for one source
#   user-libs-TARGET                     more libraries for one program
#
# No object needs to be listed twice, and dependencies on headers are found.

USER_CC		:= $(if $(filter default,$(origin CC)),gcc,$(CC))
PYTHON		?= python3

USER_FLAVOURS	:= asan bench plain train fast tool mutants generic generic-asan locks cov race mutants-asan
# Other compilers and levels than those: see check.mk.
USER_OTHERS	:= gcc-O0 clang-O0 clang-O2
user-cc		= $(or $(user-cc-$1),$(USER_CC))

CORE_SRCS	:= $(wildcard kmod/core/*.c)
KAPI_SRCS	:= $(filter-out %selftest.c,$(wildcard userspace-model/kapi/*.c))
SIM_SRCS	:= $(filter-out %/selftest.c,$(wildcard userspace-model/sim/*.c))
# What has to do with the lives of devices, and the block layer's words for it.
BLOCK_SRCS	:= $(addprefix kmod/block/,table.c queue.c scrub.c) \
	$(wildcard userspace-model/block/*.c)
# The kernel's own, see below.
KERNEL_SRCS	:= rbtree.c sort.c

USER_WARN := -Wall -Wextra -Werror -Wdeclaration-after-statement -Wvla \
	-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wundef -Wwrite-strings -Wno-sign-compare -Wno-unused-parameter \
	-Wno-missing-field-initializers

# Linux does not ask for it.
USER_BLOCK_WARN := -Wno-unknown-warning-option -Wno-format-truncation

# clang does not look through the kernel's idioms as gcc does.
CLANG_WARN := -Wno-gnu-variable-sized-type-not-at-end \
	-Wno-initializer-overrides -Wno-unused-function
ifneq ($(findstring clang,$(USER_CC)),)
USER_WARN += $(CLANG_WARN)
endif

USER_CFLAGS := -std=gnu11 -g -fno-strict-aliasing -fno-common -fwrapv \
	-fno-delete-null-pointer-checks $(USER_WARN) \
	-include userspace-model/kapi/kapi.h -I$(O)/kernel-include \
	-Ikmod/core -Iuapi -Iuserspace-model
user-cflags-asan	:= -O2 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -DCONFIG_DEBUG_LIST
# For this machine: ISA-L's CRC uses AVX, and SSE code behind it would stall.
user-cflags-bench	:= -O3 -march=native -DKAPI_NO_CHECKS
user-cflags-plain	:= -O0 -DKAPI_NO_CHECKS
user-cflags-tool	:= -O2 -DCONFIG_DEBUG_LIST
user-cc-gcc-O0		:= gcc
user-cflags-gcc-O0	:= -O0 -DCONFIG_DEBUG_LIST
user-cc-clang-O0	:= clang
user-cflags-clang-O0	:= -O0 -DCONFIG_DEBUG_LIST $(CLANG_WARN)
user-cc-clang-O2	:= clang
user-cflags-clang-O2	:= -O2 -DCONFIG_DEBUG_LIST $(CLANG_WARN)
user-cflags-mutants	:= $(user-cflags-tool)
user-srcs-mutants	:= userspace-model/mutants/mutant.c
user-cflags-generic	:= $(user-cflags-tool) -Wno-misleading-indentation \
	-Wno-parentheses -Wno-int-in-bool-context -Wno-bool-compare \
	-Wno-maybe-uninitialized
user-srcs-generic	:= $(user-srcs-mutants)
user-cflags-generic-asan := $(user-cflags-asan) $(filter -Wno-%,$(user-cflags-generic))
user-srcs-generic-asan	:= $(user-srcs-mutants)
user-cflags-locks	:= $(user-cflags-tool)
user-srcs-locks		:= userspace-model/mutants/access.c
user-libs		:= -lisal -lm
# What kapi and the checks copy and clear must not become calls of the library.
user-cflags-race	:= -O1 -fno-omit-frame-pointer -DKAPI_RACE -DCONFIG_DEBUG_LIST \
	-fno-tree-loop-distribute-patterns
user-libs-race		:= -fsanitize=thread

# gcc copies a sector with "rep movs" where it knows a bound of the length:
# a scenario takes twice as long as with the C library's memcpy().
USER_LIBCALLS := -mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign
ifeq ($(shell $(USER_CC) $(USER_LIBCALLS) -Werror -xc -c -o /dev/null /dev/null \
	2>/dev/null && echo yes),yes)
user-cflags-bench	+= $(USER_LIBCALLS) -flto=auto
user-cflags-asan	+= $(USER_LIBCALLS)
user-cflags-tool	+= $(USER_LIBCALLS)
user-cflags-mutants	+= $(USER_LIBCALLS)
user-cflags-generic	+= $(USER_LIBCALLS)
user-cflags-locks	+= $(USER_LIBCALLS)
endif

# Fibers that a power cut ends leave counts that do not add up; what a profile
# makes gcc warn of is of no interest.  A function's place in it hangs on the name
# of the object, which -dumpdir makes the same.
user-cflags-train := $(filter-out -flto%,$(user-cflags-bench)) \
	-fprofile-generate -fprofile-update=single
# A scenario goes through more code than a processor's first cache holds, once.
# So nothing that makes loops or copies of functions larger pays, and all code is
# put in the order in which the profile has it.
user-cflags-fast := $(user-cflags-bench) -w -fprofile-use -fprofile-correction \
	-fno-tracer -fno-unroll-loops -fno-peel-loops -fno-unswitch-loops \
	-fno-split-loops -fno-ipa-cp-clone -flto-partition=one
user-dump-train	= -dumpdir $(O)/profile/$(dir $*)
user-dump-fast	= $(user-dump-train)

# Kernel stacks are small; sanitizers blow frames up.
$(foreach f,bench tool,$(eval $(O)/$f/kmod/core/%.o: user-more := -Wframe-larger-than=1024))
# What is watched.
$(foreach d,kmod/core kmod/block kernel,$(eval $(O)/race/$d/%.o: user-more := -fsanitize=thread))

# Of the models and checks a null pointer ends the process anyway, and the processor
# does not ask for alignment: these questions would be a fifth of the time.
$(O)/asan/userspace-model/%.o: user-more := \
	-fno-sanitize=null,alignment,object-size,pointer-overflow

user-cflags-mutants-asan := $(user-cflags-asan)
user-srcs-mutants-asan	:= $(user-srcs-mutants)

# The calls that ThreadSanitizer wants, and what they call is ours.
$(O)/locks/kmod/core/%.o: user-more := -fsanitize=thread \
	--param tsan-instrument-func-entry-exit=0 \
	'-Dinline=inline __attribute__((__no_sanitize_thread__))' \
	-include userspace-model/mutants/access.h

user-objs	= $(patsubst %.c,$(O)/$1/%.o,$2)
$(foreach f,$(BLOCK_SRCS) userspace-model/check/control.c,$(eval user-cflags-$f := \
	-include userspace-model/block/linux.h $(USER_BLOCK_WARN)))
user-engine	= $(call user-objs,$1,$(CORE_SRCS) $(KAPI_SRCS) $(user-srcs-$1)) \
		  $(call KERNEL_OBJS,$1)
user-sim	= $(call user-engine,$1) $(call user-objs,$1,$(SIM_SRCS))
user-link	= $(user-cc) $(user-cflags-$1) -g -o $@ \
		  $(filter %.o,$^) $(user-libs) $(user-libs-$(word 2,$(subst /, ,$@))) \
		  $(user-libs-$@)

# --- the kernel's own list.h, rbtree and sort() ---
#
# Copied without their #include lines, which kapi.h stands in for, into a
# directory that holds nothing else.  Each file appears whole: another make may
# be compiling.  Lists have locks; what is marked in trees is a point (kapi/run.h),
# since some are walked without one.
KERNEL_INCLUDE	:= $(O)/kernel-include/kernel
KERNEL_FILES	:= include/linux/list.h include/linux/rbtree.h \
	include/linux/rbtree_types.h include/linux/rbtree_augmented.h \
	lib/rbtree.c lib/sort.c
KERNEL_STAMP	:= $(KERNEL_INCLUDE)/.stamp

$(KERNEL_STAMP): userspace-model/user.mk
	@echo "  KERNEL  $(KERNEL_INCLUDE)"
	@mkdir -p $(KERNEL_INCLUDE)
	@tree=$$(tools/linux-source) && new=$$(mktemp -d $(O)/.kernel.XXXXXX) && \
	for f in $(KERNEL_FILES); do \
		sed -e '/^#include/d' -e '/^#define pr_fmt/d' \
		    -e 's/rcu_assign_pointer(/WRITE_ONCE(/' \
		    $$tree/$$f >$$new/$${f##*/} || exit 1; \
	done && \
	sed -i 's/\b\(READ\|WRITE\)_ONCE(/__&/' $$new/list.h && \
	sed -i '1a #include "rbtree_augmented.h"' $$new/rbtree.c && \
	sed -i '1a #undef swap' $$new/sort.c && \
	mv -f $$new/* $(KERNEL_INCLUDE)/ && rmdir $$new
	@touch $@

$(addprefix $(KERNEL_INCLUDE)/,$(KERNEL_SRCS)): $(KERNEL_STAMP) ;

# --- objects ---

# Compiled with another compiler or other flags: compile again.
USER_STAMP	:= $(O)/.user-cc
USER_HOW	:= $(USER_CC) $(USER_CFLAGS) $(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(user-cflags-$f))
$(shell mkdir -p $(O); echo '$(USER_HOW)' | cmp -s - $(USER_STAMP) || \
	echo '$(USER_HOW)' >$(USER_STAMP))

define user-rules
$(O)/$1/%.o: %.c $(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$$(call user-cc,$1) $$(USER_CFLAGS) $$(user-cflags-$1) $$(user-more) \
		$$(user-cflags-$$<) -MMD -MP -MF $$(@:.o=.d) $$(user-dump-$1) -c -o $$@ $$<

$(O)/$1/kernel/%.o: $(KERNEL_INCLUDE)/%.c $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$$(call user-cc,$1) $$(USER_CFLAGS) $$(user-cflags-$1) $$(user-more) \
		-MMD -MP -MF $$(@:.o=.d) $$(user-dump-$1) -c -o $$@ $$<
endef
$(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(eval $(call user-rules,$f)))

-include $(foreach f,$(USER_FLAVOURS) $(USER_OTHERS),$(shell find $(O)/$f -name '*.d' 2>/dev/null))

# --- self-tests of what the checks stand on ---

KERNEL_OBJS	= $(patsubst %.c,$(O)/$1/kernel/%.o,$(KERNEL_SRCS))

define selftest-rules
$(O)/$1/kapi-selftest: $(call user-objs,$1,userspace-model/kapi/selftest.c \
		$(KAPI_SRCS)) $(call KERNEL_OBJS,$1)
	@echo "  LINK    $$@"
	@$$(call user-link,$1)

$(O)/$1/sim-selftest: $(call user-objs,$1,userspace-model/sim/selftest.c \
		$(KAPI_SRCS) $(SIM_SRCS)) $(call KERNEL_OBJS,$1)
	@echo "  LINK    $$@"
	@$$(call user-link,$1)
endef
$(foreach f,$(USER_FLAVOURS),$(eval $(call selftest-rules,$f)))

SELFTESTS	:= $(foreach f,$(filter-out mutants generic generic-asan locks train fast cov race mutants-asan,$(USER_FLAVOURS)),$(O)/$f/kapi-selftest $(O)/$f/sim-selftest)

$(O)/race/userspace-model/kapi/race_selftest.o: user-more := -fsanitize=thread
$(O)/race/race-selftest: $(call user-objs,race,userspace-model/kapi/race_selftest.c \
		$(KAPI_SRCS)) $(call KERNEL_OBJS,race)
	@echo "  LINK    $@"
	@$(call user-link,race)

.PHONY: kapi-selftest
kapi-selftest: $(SELFTESTS) ## the Linux words and the disk model, in every flavour
	@set -e; for t in $(SELFTESTS); do echo "$$t:"; $$t; done
