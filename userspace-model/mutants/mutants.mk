# SPDX-License-Identifier: GPL-2.0-only
#
# The checker with mutants in its engine: would the checks notice?
#
# The flavour "mutants" compiles a copy of kmod/core with all edits of the table
# made; the copy's headers come before the engine's own.

MUTANTS		:= userspace-model/mutants
WOVEN		:= $(O)/mutants/woven
WOVEN_STAMP	:= $(WOVEN)/.stamp

# Models and files of kmod/block that have mutants: the table names them by their place.
WOVEN_PLACES	:= $(shell sed -n '/^[a-z]*\/.*\.c$$/p' $(MUTANTS)/table | sort -u)
WOVEN_BLOCK	:= $(filter block/%,$(WOVEN_PLACES))
WOVEN_MODELS	:= $(filter-out block/%,$(WOVEN_PLACES))

$(WOVEN_STAMP): $(wildcard kmod/core/*.[ch]) $(addprefix $(MUTANTS)/,table pins) \
		$(MUTANTS)/weave $(MUTANTS)/weave_table.py \
		$(addprefix userspace-model/,$(WOVEN_MODELS)) \
		$(addprefix kmod/,$(WOVEN_BLOCK))
	@echo "  WEAVE   $(WOVEN)"
	@$(MUTANTS)/weave kmod/core $(WOVEN)
	@touch $@

# Core of a flavour that has mutants, compiled from the woven engine in build/$2, by the
# names that its files have elsewhere.
define woven-flavour
$(O)/$1/kmod/core/%.o: kmod/core/%.c $(MUTANTS)/mutant.h $(O)/$2/woven/.stamp \
		$(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$(USER_CC) $(patsubst -Ikmod/core,-I$(O)/$2/woven -Ikmod/core,$(USER_CFLAGS)) \
		$(user-cflags-$1) $$(user-more) -include $(MUTANTS)/mutant.h \
		-fmacro-prefix-map=$(O)/$2/woven=kmod/core \
		-MMD -MP -c -o $$@ $(O)/$2/woven/$$*.c

$(O)/$1/$(MUTANTS)/mutant.o: $(MUTANTS)/mutant.c $(MUTANTS)/mutant.h \
		$(O)/$2/woven/.stamp $(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$(USER_CC) $(USER_CFLAGS) -I$(O)/$2/woven $(user-cflags-$1) \
		-MMD -MP -c -o $$@ $$<
endef
$(eval $(call woven-flavour,mutants,mutants))
$(eval $(call woven-flavour,mutants-asan,mutants))
$(eval $(call woven-flavour,generic,generic))
$(eval $(call woven-flavour,generic-asan,generic))

define woven-block
$(O)/$1/kmod/$(2:.c=.o): kmod/$2 $(MUTANTS)/mutant.h $(WOVEN_STAMP) \
		$(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$(USER_CC) -I$(WOVEN) $(USER_CFLAGS) -Ikmod/block $(user-cflags-$1) $$(user-more) \
		$(user-cflags-kmod/$2) -include $(MUTANTS)/mutant.h \
		-fmacro-prefix-map=$(WOVEN)/block=kmod/block \
		-MMD -MP -c -o $$@ $(WOVEN)/$2
endef
$(foreach f,$(WOVEN_BLOCK),$(foreach flavour,mutants mutants-asan,$(eval $(call woven-block,$(flavour),$f))))

define woven-model
$(O)/mutants/userspace-model/$(1:.c=.o): userspace-model/$1 $(MUTANTS)/mutant.h \
		$(WOVEN_STAMP) $(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $$@"
	@mkdir -p $$(@D)
	@$(USER_CC) -I$(WOVEN) $(USER_CFLAGS) -Iuserspace-model/$(dir $1) \
		$(user-cflags-mutants) -DMUTANT_MODEL -include $(MUTANTS)/mutant.h \
		-MMD -MP -c -o $$@ $(WOVEN)/$1
endef
$(foreach m,$(WOVEN_MODELS),$(eval $(call woven-model,$m)))

# Small faults that a script makes, some of all that there could be.
GENERIC_COUNT	?= 320
GENERIC_SEED	?= 1
GENERIC_CC	= $(USER_CC) $(patsubst -Ikmod/core,-I$(O)/generic/woven -Ikmod/core,$(USER_CFLAGS)) \
		  $(user-cflags-generic) -include $(MUTANTS)/mutant.h

$(O)/generic/woven/.stamp: $(wildcard kmod/core/*.[ch]) $(MUTANTS)/generic \
		$(KERNEL_STAMP) $(USER_STAMP)
	@echo "  WEAVE   $(@D)"
	@mkdir -p $(@D)
	@$(MUTANTS)/generic --weave=$(@D) --count=$(GENERIC_COUNT) --seed=$(GENERIC_SEED) \
		--cc='$(GENERIC_CC)'
	@touch $@

.PHONY: mutants-generic
mutants-generic: $(foreach f,generic generic-asan,$(O)/$f/shardsim $(O)/$f/kunit-user) ## who notices small faults at random places
	@$(MUTANTS)/generic $(O)/generic/shardsim $(O)/generic-asan/shardsim --jobs=$(JOBS)

.PHONY: mutants
mutants: $(O)/mutants/shardsim $(O)/mutants/kunit-user ## who notices which fault in the engine; ONLY=O4, FULL=1, DOC=FILE
	@$(MUTANTS)/matrix $< --jobs=$(JOBS) $(if $(ONLY),--only=$(ONLY)) \
		$(if $(FULL),--full $(if $(DOC),--doc=$(DOC)))

.PHONY: mutants-pairs
mutants-pairs: $(O)/mutants/shardsim ## do pairs judge some faults the same when no schedule is left out?
	@$(MUTANTS)/verdicts $<

.PHONY: mutants-pins
mutants-pins: $(O)/mutants-asan/shardsim $(O)/mutants-asan/kunit-user ## who notices each pin of the engine that is left out; ONLY=H1
	@$(MUTANTS)/matrix $< --pins --jobs=$(JOBS) $(if $(ONLY),--only=$(ONLY))

.PHONY: mutants-locks
mutants-locks: $(O)/locks/shardsim ## who notices each spinlock of the engine that is left out; ONLY=FILE[:FUNCTION]
	@$(MUTANTS)/locks $< --jobs=$(JOBS) $(if $(ONLY),--only=$(ONLY))
