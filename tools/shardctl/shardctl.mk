# SPDX-License-Identifier: GPL-2.0-only
#
# shardctl: the engine over a file back end, with a command line around it.
# Included after userspace-model/user.mk, which has the rules for objects.
#
#   $(SHARDCTL)     the program
#   shardctl-test   its tests
#
# $(SHARDCTL_ASAN) is the same with sanitizers, which the tests use.

SHARDCTL_VERSION ?= $(or $(VERSION),0.1.0)

SHARDCTL_SRCS	:= $(wildcard tools/shardctl/*.c) $(GRAPH_SRCS)
SHARDCTL_FILL_SRCS := tools/shardctl/test/fill.c tools/shardctl/file_backend.c
SHARDCTL	:= $(O)/shardctl
SHARDCTL_ASAN	:= $(O)/asan/shardctl
SHARDCTL_FILL	:= $(O)/asan/shardctl-fill

$(foreach f,$(SHARDCTL_SRCS),$(eval user-cflags-$f := \
	-DSHARDCTL_VERSION='"$(SHARDCTL_VERSION)"'))
user-libs-$(SHARDCTL)		:= -lblkid -ljson-c
user-libs-$(SHARDCTL_ASAN)	:= -lblkid -ljson-c

$(SHARDCTL): $(call user-objs,tool,$(SHARDCTL_SRCS)) $(call user-engine,tool)
	@echo "  LINK    $@"
	@$(call user-link,tool)

$(SHARDCTL_ASAN): $(call user-objs,asan,$(SHARDCTL_SRCS)) $(call user-engine,asan)
	@echo "  LINK    $@"
	@$(call user-link,asan)

$(SHARDCTL_FILL): $(call user-objs,asan,$(SHARDCTL_FILL_SRCS)) $(call user-engine,asan)
	@echo "  LINK    $@"
	@$(call user-link,asan)

SBINDIR	?= /usr/local/sbin
MANDIR	?= /usr/local/share/man
COMPLETIONDIR ?= /usr/share/bash-completion/completions

ALL += $(SHARDCTL)
INSTALL += shardctl-install

.PHONY: shardctl shardctl-install shardctl-test
shardctl: $(SHARDCTL) ## build the tool that formats, adds, checks and exports

shardctl-install: $(SHARDCTL)
	install -D -m 755 $(SHARDCTL) $(DESTDIR)$(SBINDIR)/shardctl
	install -D -m 644 docs/man/shardctl.8 $(DESTDIR)$(MANDIR)/man8/shardctl.8
	install -D -m 644 tools/shardctl/shardctl.bash-completion \
		$(DESTDIR)$(COMPLETIONDIR)/shardctl

shardctl-test: $(SHARDCTL_ASAN) $(SHARDCTL_FILL) ## test shardctl on image files
	tools/shardctl/test.sh $(SHARDCTL_ASAN) $(SHARDCTL_FILL)
