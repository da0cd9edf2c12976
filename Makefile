# msgspool: make help tells what there is to make. On a fresh Debian with Swift, `make demo` and `make test` are all.

SWIFT   ?= swift
PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
# Where shells look for completions.
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
# Where systemd looks for what the administrator installed; for another PREFIX it has to be told.
UNITDIR ?= $(PREFIX)/lib/systemd/system
# Programs for `exec` channels.
BRIDGEDIR ?= $(PREFIX)/share/msgspool/bridges
# Producers to copy, the use cases as programs, rules for monitoring, a commented configuration.
EXAMPLEDIR ?= $(PREFIX)/share/doc/msgspool/examples
# Where make deb leaves the package, and what it works on.
DEBDIR ?= .build
# An absolute path of its own: configuration belongs to the machine, not to a prefix.
CONFDIR ?= /etc/msgspool

BINARY := .build/release/msgspool
# Undeclared imports between targets compile by default, and the targets are walls. One set of flags for debug builds,
# tests and lint, so that none of them makes the others start over.
CHECKED := --explicit-target-dependency-import-check error
# One file to copy to another machine: Swift's libraries inside, only C libraries of the system outside. Without the tables
# of debuggers and linkers it is half as large: who looks into a crash builds without `-Xlinker --strip-all`.
RELEASE := -c release --static-swift-stdlib -Xlinker --strip-all $(CHECKED) --product msgspool
SOURCES := Sources Tests Package.swift
UNITS   := msgspool.service msgspool-sweep.service msgspool-sweep.timer
# What is in Sources/Extras, and what it is called beside each other.
EXAMPLES := Producers:producers Examples:programs Monitoring:monitoring
BRIDGES := apprise-bridge.py itchat-bridge.py receipts-callback.py receipts-mail.py

.DEFAULT_GOAL := help
.PHONY: help setup setup-build build demo test torture bench lint format built install uninstall deb \
  deb-test clean

help: ## this list
	@printf 'make TARGET, where TARGET is one of\n\n'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14
	@printf '\nVariables: SWIFT, PREFIX (%s), DESTDIR, BENCH_N (messages in a bench run),\n' '$(PREFIX)'
	@printf 'BINARY (a program to install or pack as it is), DEB_VERSION, DEBFULLNAME, DEBEMAIL\n'

setup: ## install the Debian packages that are missing, and check Swift
	@SWIFT='$(SWIFT)' Sources/Extras/Packaging/setup.sh

# What the program needs alone; the tests want more.
setup-build:
	@SWIFT='$(SWIFT)' Sources/Extras/Packaging/setup.sh build

build: setup-build ## build the release binary: .build/release/msgspool
	$(SWIFT) build $(RELEASE)

# The debug build is there in half the time, and the tests go on with it.
demo: setup-build ## see it work, offline: producers, a sweep, failures, a retry
	$(SWIFT) build $(CHECKED) --product msgspool
	@Sources/Extras/Demo/demo.sh .build/debug/msgspool

# Hundreds of tests at once wait for each other so long that kept connections grow old under them. A few at a time are
# twice as fast and fail for their own reasons only. (Known to Swift 6.3, ignored by older ones.)
test: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
test: setup ## run all tests
	$(SWIFT) test --parallel $(CHECKED)

# The hundred thousand simulated histories are optimized, as they are nothing but the engine's own work.
# What MSGSPOOL_TORTURE makes long: every point instead of a few. MSGSPOOL_SEED chooses what is left to chance.
torture: export MSGSPOOL_TORTURE := 1
torture: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 4
torture: setup ## kill, cut off, starve and feed rubbish at every point, for an hour (MSGSPOOL_SEED=1)
	$(SWIFT) test --parallel $(CHECKED) \
	  --filter 'Crash|PowerLoss|ErrorTests|ManySweepers|KillTests|Chaos|DiskTrouble|Hostile|Flood|ReceiptTorture|ReceiptBug'
	$(SWIFT) test -c release -Xswiftc -enable-testing $(CHECKED) --scratch-path .build/torture --filter SimulationTests
	Tests/fuzz.sh
	env -u MSGSPOOL_TORTURE Tests/sanitizers.sh

bench: build ## measure against the file system's own limit (BENCH_N=20000)
	@Tests/Bench/bench.sh $(BINARY)

lint: setup ## check format and style, and that no target imports what it did not declare
	$(SWIFT) format lint --strict --recursive $(SOURCES)
	$(SWIFT) build --build-tests $(CHECKED)

format: ## format the sources in place
	$(SWIFT) format --in-place --recursive $(SOURCES)

# A program that was named with BINARY= is taken as it is; else it is built where it is missing or older than its sources.
built:
ifeq ($(origin BINARY),file)
	@if [ ! -x $(BINARY) ] || [ -n "$$(find Sources Package.swift -name '*.swift' -newer $(BINARY) | head -n 1)" ]; \
	then $(MAKE) build; fi
endif

install: built ## install under PREFIX: program, manual, completions, systemd units, bridges, examples; and CONFDIR
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man5' '$(DESTDIR)$(BASHDIR)' \
	  '$(DESTDIR)$(ZSHDIR)' '$(DESTDIR)$(FISHDIR)' '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(BRIDGEDIR)' '$(DESTDIR)$(CONFDIR)'
	install -m 755 $(BINARY) '$(DESTDIR)$(BINDIR)/msgspool'
	@# The program writes its own manual and completions.
	$(BINARY) manual 1 > '$(DESTDIR)$(MANDIR)/man1/msgspool.1'
	$(BINARY) manual 5 > '$(DESTDIR)$(MANDIR)/man5/msgspool.5'
	$(BINARY) manual conf > '$(DESTDIR)$(MANDIR)/man5/msgspool.conf.5'
	$(BINARY) completion bash > '$(DESTDIR)$(BASHDIR)/msgspool'
	$(BINARY) completion zsh > '$(DESTDIR)$(ZSHDIR)/_msgspool'
	$(BINARY) completion fish > '$(DESTDIR)$(FISHDIR)/msgspool.fish'
	chmod 644 '$(DESTDIR)$(MANDIR)/man1/msgspool.1' '$(DESTDIR)$(MANDIR)'/man5/msgspool*.5 \
	  '$(DESTDIR)$(BASHDIR)/msgspool' '$(DESTDIR)$(ZSHDIR)/_msgspool' '$(DESTDIR)$(FISHDIR)/msgspool.fish'
	for bridge in $(BRIDGES); do \
	  install -m 755 Sources/Extras/Bridges/$$bridge '$(DESTDIR)$(BRIDGEDIR)/'$$bridge || exit 1; \
	done
	for folder in $(EXAMPLES); do \
	  to='$(DESTDIR)$(EXAMPLEDIR)/'$${folder#*:}; \
	  install -d "$$to" && cp -R Sources/Extras/$${folder%:*}/. "$$to" && chmod -R u=rwX,go=rX "$$to" || exit 1; \
	done
	install -d '$(DESTDIR)$(EXAMPLEDIR)/systemd'
	install -m 644 Sources/Extras/Packaging/exec.conf '$(DESTDIR)$(EXAMPLEDIR)/systemd'
	@# As msgspool init writes it.
	aside=$$(mktemp -d) && $(BINARY) init --quiet "$$aside/spool" && \
	  install -m 644 "$$aside/spool/config.json" '$(DESTDIR)$(EXAMPLEDIR)'; status=$$?; rm -rf "$$aside"; exit $$status
	for unit in $(UNITS); do \
	  sed 's|@BINDIR@|$(BINDIR)|g; s|@CONFDIR@|$(CONFDIR)|g' Sources/Extras/Packaging/$$unit > '$(DESTDIR)$(UNITDIR)'/$$unit && \
	  chmod 644 '$(DESTDIR)$(UNITDIR)'/$$unit || exit 1; \
	done
	@sed 's|@BINDIR@|$(BINDIR)|g; s|@CONFDIR@|$(CONFDIR)|g' Sources/Extras/Packaging/next-steps.txt

uninstall: ## remove what install put there; configuration and spool stay
	rm -f '$(DESTDIR)$(BINDIR)/msgspool' '$(DESTDIR)$(MANDIR)/man1/msgspool.1' '$(DESTDIR)$(MANDIR)/man5/msgspool.5' \
	  '$(DESTDIR)$(MANDIR)/man5/msgspool.conf.5' '$(DESTDIR)$(BASHDIR)/msgspool' '$(DESTDIR)$(ZSHDIR)/_msgspool' \
	  '$(DESTDIR)$(FISHDIR)/msgspool.fish'
	cd '$(DESTDIR)$(UNITDIR)' 2> /dev/null && rm -f $(UNITS) || true
	cd '$(DESTDIR)$(BRIDGEDIR)' 2> /dev/null && rm -f $(BRIDGES) || true
	rmdir '$(DESTDIR)$(BRIDGEDIR)' "$$(dirname '$(DESTDIR)$(BRIDGEDIR)')" 2> /dev/null || true
	for folder in $(EXAMPLES); do \
	  (cd Sources/Extras/$${folder%:*} && find . -type f) | (cd '$(DESTDIR)$(EXAMPLEDIR)/'$${folder#*:} 2> /dev/null && \
	    xargs -d '\n' rm -f && find . -depth -type d -exec rmdir {} + 2> /dev/null) || true; \
	done
	rm -f '$(DESTDIR)$(EXAMPLEDIR)/systemd/exec.conf' '$(DESTDIR)$(EXAMPLEDIR)/config.json'
	cd '$(DESTDIR)$(EXAMPLEDIR)' 2> /dev/null && rmdir $(foreach folder,$(EXAMPLES),$(lastword $(subst :, ,$(folder)))) \
	  systemd 2> /dev/null || true
	rmdir '$(DESTDIR)$(EXAMPLEDIR)' "$$(dirname '$(DESTDIR)$(EXAMPLEDIR)')" 2> /dev/null || true
	rmdir '$(DESTDIR)$(CONFDIR)' 2> /dev/null || true

deb: built ## make the Debian package: .build/msgspool_VERSION_ARCH.deb
	@SWIFT='$(SWIFT)' Sources/Extras/Packaging/setup.sh deb
	@Sources/Extras/Packaging/deb.sh '$(BINARY)' '$(DEBDIR)'

# What make test does in an overlay of this machine, and more: lintian's opinion, and a systemd that really runs.
deb-test: built ## try the package in a fresh Debian, which is fetched: its life, its services (as root)
	@SWIFT='$(SWIFT)' Sources/Extras/Packaging/setup.sh deb-test
	@Tests/Package/all.sh '$(BINARY)'

clean: ## remove what was built
	rm -rf .build
