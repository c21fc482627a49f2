# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions of a request, by layer.

# As the kernel is compiled: no link-time optimisation, which would blur the
# layers, and nothing that valgrind does not know.
user-cflags-count	:= -O2 -DKAPI_NO_CHECKS
$(eval $(call user-rules,count))
-include $(shell find $(O)/count -name '*.d' 2>/dev/null)

INSTRUCTIONS	:= $(O)/count/instructions

$(INSTRUCTIONS): $(call user-objs,count,tools/bench/instructions.c) \
		$(call user-engine,count)
	@echo "  LINK    $@"
	@$(call user-link,count)

.PHONY: bench-deps bench-instructions
bench-deps:
	@tools/deps bench

bench-instructions: bench-deps ## instructions of a 4 KiB random write and read, by layer
	@$(MAKE) --no-print-directory $(INSTRUCTIONS)
	@tools/bench/instructions $(INSTRUCTIONS)
