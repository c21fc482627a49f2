# SPDX-License-Identifier: GPL-2.0-only
#
# The checker with mutants in its engine: would the checks notice?
#
# The flavour "mutants" compiles a copy of kmod/core with all edits of the table
# made; the copy's headers come before the engine's own.

MUTANTS		:= userspace-model/mutants
WOVEN		:= $(O)/mutants/woven
WOVEN_STAMP	:= $(WOVEN)/.stamp

$(WOVEN_STAMP): $(wildcard kmod/core/*.[ch]) $(MUTANTS)/table \
		$(MUTANTS)/weave $(MUTANTS)/weave_table.py
	@echo "  WEAVE   $(WOVEN)"
	@$(MUTANTS)/weave kmod/core $(WOVEN)
	@touch $@

$(O)/mutants/kmod/core/%.o: kmod/core/%.c $(MUTANTS)/mutant.h $(WOVEN_STAMP) \
		$(KERNEL_STAMP) $(USER_STAMP)
	@echo "  CC      $@"
	@mkdir -p $(@D)
	@$(USER_CC) $(patsubst -Ikmod/core,-I$(WOVEN) -Ikmod/core,$(USER_CFLAGS)) \
		$(user-cflags-mutants) -include $(MUTANTS)/mutant.h \
		-MMD -MP -c -o $@ $(WOVEN)/$*.c

user-cflags-$(MUTANTS)/mutant.c := -I$(WOVEN)
$(O)/mutants/$(MUTANTS)/mutant.o: $(WOVEN_STAMP)

.PHONY: mutants
mutants: $(O)/mutants/shardsim ## who notices which fault in the engine; ONLY=O4, DOC=FILE
	@$(MUTANTS)/matrix $< --jobs=$(JOBS) $(if $(ONLY),--only=$(ONLY)) $(if $(DOC),--doc=$(DOC))
