# SPDX-License-Identifier: GPL-2.0-only
#
# shardblk: everything that is built and checked outside of Kbuild.
#
# Each part has a fragment that defines its targets; this file defines what
# they have in common.  A fragment appends to
#
#   ALL      targets of `make`
#   INSTALL  targets of `make install`
#   CLEAN    files and directories outside of build/ to remove
#
# and describes a target by "## text" behind its name, for `make help`.

O := build

.PHONY: all help test size install clean
all:

include userspace-model/user.mk tools/graph/graph.mk tools/bench/bench.mk kmod/module.mk kunit/user.mk \
	tools/shardctl/shardctl.mk userspace-model/check/check.mk \
	userspace-model/mutants/mutants.mk userspace-model/proofs/proofs.mk userspace-model/fuzz/fuzz.mk \
	userspace-model/cov/cov.mk tools/kunit/kunit.mk tools/vm/vm.mk \
	tools/style/style.mk tools/demo.mk

all: $(ALL) ## build the module, the tools and the checker

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' \
		$(filter-out %.d,$(MAKEFILE_LIST)) | sort -u | expand -t 16

TESTS := check kunit vm-test style

test: ## check, kunit, vm-test and style; installs what they need first
	@tools/deps build check kunit style vm
	@passed=0; failed=0; \
	for t in $(TESTS); do \
		start=$$(date +%s); \
		if $(MAKE) --no-print-directory $$t; then \
			verdict=passed; passed=$$((passed + 1)); \
		else \
			verdict=FAILED; failed=$$((failed + 1)); \
		fi; \
		echo "$$t $$verdict in $$(($$(date +%s) - start)) seconds"; \
	done; \
	echo "$$passed passed, $$failed failed"; \
	[ $$failed = 0 ]

size: ## lines of the reference models and of the checks, beside those of the product
	@tools/deps size
	@tools/size

install: $(INSTALL) ## install the module and the tools

clean: ## remove all that was built
	rm -rf $(O) $(CLEAN)
