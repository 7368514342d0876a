# Cloister: everything that a person or CI does with this tree. `make help` lists it.

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
# Where `make run` keeps the daemon's files: a path of its own, because a socket's path is short.
RUN_DIR ?= $(CURDIR)/.build/run

BUILD := $(CURDIR)/.build
RELEASE := $(BUILD)/release
VENV := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
SOURCES := Package.swift Sources Tests examples
PROGRAMS := cloisterd cloister-bridge cloisterctl
# What nobody starts by hand.
HELPERS := cloister-celld cloister-cell cloister-busid cloister-authorize
# What packs the package and boots a container with it.
MACHINE := gcc debhelper dpkg-dev fakeroot mmdebstrap systemd-container
# Sections of the manual that have pages of ours.
MANUALS := 1 5 8
# Where units, users and the like go, below PREFIX; what they say of our programs is put right on the way.
UNITS := lib/systemd/system
USER_UNITS := lib/systemd/user
PLACED := sed -e 's,/usr/bin/cloisterd,$(PREFIX)/bin/cloisterd,' -e 's,/usr/libexec/,$(PREFIX)/libexec/,'

.PHONY: help build run test system-test vm-test check fmt bench probe fuzz install deb check-deb rpm clean deps venv
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Settings: PREFIX DESTDIR (install), RUN_DIR ONCE=1 (run), SECONDS (fuzz), KEEP=1 TESTS (vm-test, system-test)'

build: deps ## Build the programs, optimised and without a need for Swift's libraries
	swift build -c release --static-swift-stdlib

run: build ## Start a daemon here, hold one session with it, and stay up until Ctrl-C (ONCE=1: do not stay)
	@packaging/run.sh "$(RELEASE)" "$(RUN_DIR)" "$(ONCE)"

test: deps venv ## Run every test
	@packaging/need.sh openssl systemd dbus dbus-daemon polkitd
	@Tests/run.sh "$(BUILD)" "$(PYTHON)"

system-test: build venv ## Install, use, upgrade and purge the package on a booted Debian 12 and 13 (containers; TESTS: some, DEBIAN: one)
	@packaging/need.sh $(MACHINE)
	@"$(PYTHON)" Tests/System/native.py "$(BUILD)" $(TESTS)

vm-test: build venv ## The same in a virtual machine with all of cgroup v2, and the limits of cells (KEEP=1: stay inside)
	@packaging/need.sh gcc debhelper dpkg-dev fakeroot e2fsprogs mmdebstrap qemu-system-x86
	@KEEP="$(KEEP)" "$(PYTHON)" Tests/System/run.py "$(BUILD)" $(TESTS)

check: ## Check formatting and rules without changing anything
	swift format lint --strict --recursive --parallel $(SOURCES)
	@packaging/check.sh

fmt: ## Format all Swift sources
	swift format --in-place --recursive --parallel $(SOURCES)

bench: build venv ## Measure against the named peers; prints a table, writes .build/bench.json
	@packaging/need.sh dbus-daemon systemd $(MACHINE)
	CLOISTER_BIN="$(RELEASE)" BUILD_DIR="$(BUILD)" "$(PYTHON)" Tests/Bench/bench.py

probe: deps venv ## Try to get out of a cell in every way that Tests/Probe knows, and compare with bwrap and firejail
	@packaging/need.sh bubblewrap firejail
	swift build --product cloister-celld
	swift build --product cloister-cell
	CLOISTER_BIN="$(BUILD)/debug" PYTHONDONTWRITEBYTECODE=1 "$(PYTHON)" Tests/Probe/probe.py "$(BUILD)/probe"

fuzz: deps ## Fuzz JSON, the session, cells and audit for SECONDS each
	Tests/Fuzz/run.sh "$(SECONDS)"

install: ## Install what `make build` made below DESTDIR and PREFIX
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -d $(MANUALS:%="$(DESTDIR)$(PREFIX)/share/man/man%")
	install -m 0755 $(PROGRAMS:%="$(RELEASE)/%") "$(DESTDIR)$(PREFIX)/bin/"
	install -d "$(DESTDIR)$(PREFIX)/libexec/cloister"
	install -m 0755 $(HELPERS:%="$(RELEASE)/%") "$(DESTDIR)$(PREFIX)/libexec/cloister/"
	install -d "$(DESTDIR)$(PREFIX)/lib/cloister/policy.d" "$(DESTDIR)$(PREFIX)/share/doc/cloister/policy"
	install -m 0644 policy.d/10-default.yaml "$(DESTDIR)$(PREFIX)/lib/cloister/policy.d/"
	install -m 0644 policy.d/examples/*.yaml "$(DESTDIR)$(PREFIX)/share/doc/cloister/policy/"
	for section in $(MANUALS); do \
		install -m 0644 man/*.$$section "$(DESTDIR)$(PREFIX)/share/man/man$$section/"; done
	install -D -m 0644 polkit/org.cloister.Cloister1.policy \
		"$(DESTDIR)$(PREFIX)/share/polkit-1/actions/org.cloister.Cloister1.policy"
	install -d "$(DESTDIR)$(PREFIX)/share/dbus-1/interfaces"
	install -m 0644 dbus/org.cloister.*.xml "$(DESTDIR)$(PREFIX)/share/dbus-1/interfaces/"
	install -D -m 0644 dbus/org.cloister.Cloister1.conf \
		"$(DESTDIR)$(PREFIX)/share/dbus-1/system.d/org.cloister.Cloister1.conf"
	install -D -m 0644 dbus/org.cloister.Cloister1.service \
		"$(DESTDIR)$(PREFIX)/share/dbus-1/system-services/org.cloister.Cloister1.service"
	install -D -m 0644 packaging/completions/cloisterctl.bash \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/cloisterctl"
	install -D -m 0644 packaging/completions/_cloisterctl \
		"$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_cloisterctl"
	install -D -m 0644 packaging/completions/cloisterctl.fish \
		"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/cloisterctl.fish"
	install -D -m 0644 packaging/cloister.catalog "$(DESTDIR)$(PREFIX)/lib/systemd/catalog/cloister.catalog"
	install -d "$(DESTDIR)$(PREFIX)/$(UNITS)" "$(DESTDIR)$(PREFIX)/$(USER_UNITS)"
	for unit in $(notdir $(wildcard systemd/*.socket systemd/*.service)); do \
		$(PLACED) "systemd/$$unit" >"$(DESTDIR)$(PREFIX)/$(UNITS)/$$unit"; done
	for unit in $(notdir $(wildcard systemd/user/*)); do \
		$(PLACED) "systemd/user/$$unit" >"$(DESTDIR)$(PREFIX)/$(USER_UNITS)/$$unit"; done
	install -D -m 0644 systemd/cloister.sysusers "$(DESTDIR)$(PREFIX)/lib/sysusers.d/cloister.conf"
	install -D -m 0644 systemd/cloister.tmpfiles "$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/cloister.conf"
	install -D -m 0644 systemd/cloister.preset "$(DESTDIR)$(PREFIX)/lib/systemd/system-preset/90-cloister.preset"
	install -D -m 0644 systemd/cloister.preset "$(DESTDIR)$(PREFIX)/lib/systemd/user-preset/90-cloister.preset"

check-deb: deb ## Have lintian look at the Debian package
	@packaging/need.sh lintian
	lintian --allow-root --fail-on error,warning "$(BUILD)"/deb/packages/cloister_*.deb

# A suffix makes a higher version: make deb DEB_SUFFIX=+1.
DEB_SUFFIX ?=
deb: build ## Pack what was built as a Debian package, in .build/deb/packages
	@packaging/need.sh debhelper dpkg-dev fakeroot
	@packaging/deb.sh "$(BUILD)" "$(BUILD)/deb/packages" "$(DEB_SUFFIX)"

rpm: build ## Pack what was built as an RPM package, in .build/rpm
	@packaging/need.sh rpm
	@packaging/rpm.sh "$(BUILD)"

clean: ## Remove everything that was built
	rm -rf "$(BUILD)"

deps:
	@packaging/need.sh gcc libc6-dev libstdc++-12-dev pkg-config libseccomp-dev libpcre2-dev libyaml-dev nettle-dev libsystemd-dev e2fsprogs

# The peers that the tests and benchmarks talk to, at the versions that are pinned.
venv: $(VENV)/.installed

$(VENV)/.installed: Tests/Interop/requirements.txt
	@packaging/need.sh python3 python3-venv
	python3 -m venv "$(VENV)"
	"$(PYTHON)" -m pip install --quiet --disable-pip-version-check -r $<
	touch $@
