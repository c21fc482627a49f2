# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzing: any image, and histories; by libFuzzer, or by AFL++ with FUZZER=afl.

FUZZ		:= userspace-model/fuzz
FUZZ_TARGETS	:= open histories
FUZZER		?= libfuzzer
comma		:= ,

user-cc-fuzz	:= clang
user-cflags-fuzz := -O2 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -DCONFIG_DEBUG_LIST \
	$(CLANG_WARN)
fuzz-link-fuzz	:= clang $(user-cflags-fuzz) -fsanitize=fuzzer
user-cc-afl	:= AFL_QUIET=1 afl-clang-fast
user-cflags-afl	:= $(subst fuzzer-no-link$(comma),,$(user-cflags-fuzz))
fuzz-link-afl	:= $(user-cc-afl) $(user-cflags-afl) -fsanitize=fuzzer
# What AFL++ loads.
user-cc-mutator	:= clang
user-cflags-mutator := -O2 -fPIC -DCONFIG_DEBUG_LIST $(CLANG_WARN)

$(foreach f,fuzz afl mutator,$(eval $(call user-rules,$f)))
-include $(foreach f,fuzz afl mutator,$(shell find $(O)/$f -name '*.d' 2>/dev/null))

FUZZ_IMAGE	:= $(FUZZ)/image.c $(FUZZ)/ask.c
fuzz-srcs-open	:= $(FUZZ)/open.c $(FUZZ)/mutate.c $(FUZZ_IMAGE)
fuzz-srcs-histories := $(FUZZ)/histories.c $(SIM_SRCS) $(MOCK_SRCS) \
	$(addprefix userspace-model/,check/show.c check/table.c model/m_device.c) \
	$(GRAPH_SRCS)

# A target by one of the two.
define fuzz-rules
$(O)/$2/$1: $(call user-objs,$2,$(fuzz-srcs-$1)) $(call user-engine,$2)
	@echo "  LINK    $$@"
	@$(fuzz-link-$2) -o $$@ $$(filter %.o,$$^) $$(user-libs)
endef
$(foreach f,fuzz afl,$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz-rules,$t,$f))))

$(O)/fuzz/seeds: $(call user-objs,fuzz,$(FUZZ)/seeds.c $(FUZZ_IMAGE)) $(call user-engine,fuzz)
	@echo "  LINK    $@"
	@clang $(user-cflags-fuzz) -o $@ $(filter %.o,$^) $(user-libs)

$(O)/afl/mutator.so: $(call user-objs,mutator,$(FUZZ)/afl.c $(FUZZ)/mutate.c \
		$(FUZZ)/image.c kmod/core/codec.c $(KAPI_SRCS)) $(call KERNEL_OBJS,mutator)
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	@clang -shared -o $@ $(filter %.o,$^) $(user-libs)

FUZZ_BUILT-libfuzzer := $(FUZZ_TARGETS:%=$(O)/fuzz/%)
FUZZ_BUILT-afl	:= $(FUZZ_TARGETS:%=$(O)/afl/%) $(O)/afl/mutator.so

.PHONY: fuzz fuzz-replay
fuzz: $(FUZZ_BUILT-$(FUZZER)) $(O)/fuzz/seeds ## any image, and histories, for SECONDS=600 in all; FUZZER=afl, MERGE=1
	@MERGE='$(MERGE)' $(FUZZ)/run --seconds=$(SECONDS) --jobs=$(JOBS) \
		--fuzzer=$(FUZZER) $(O) $(FUZZ_TARGETS)

fuzz-replay: $(FUZZ_TARGETS:%=$(O)/fuzz/%) ## run an input of a fuzzer again: TARGET=open INPUT=file
	@$(O)/fuzz/$(or $(TARGET),open) '$(INPUT)'
