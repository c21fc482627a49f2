# SPDX-License-Identifier: GPL-2.0-only
#
# Proofs of the codec and of arithmetic, with a bounded model checker: one folder
# per function.

PROOFS		:= userspace-model/proofs
# What a run of the model checker may take, in seconds.
PROOF_LIMIT	?= 300

.PHONY: proofs
proofs: $(KERNEL_STAMP) ## decoders of any bytes, and encoding and decoding, proved with CBMC; ONLY=shard_super
	@tools=$$(tools/cbmc) && $(PROOFS)/prove --jobs=$(JOBS) --limit=$(PROOF_LIMIT) \
		$(if $(ONLY),--only=$(ONLY)) $(O)/proofs $$tools \
		$(filter-out -g -W% -fwrapv,$(USER_CFLAGS))
