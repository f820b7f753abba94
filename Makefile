# Everything that a developer or CI types. `make help` lists it.
#
# On Debian, `make demo` and `make test` need nothing but the Swift toolchain beforehand: as root they install what
# is missing, as an ordinary user they print the one apt line that would, and stop.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps-build deps-install deps-deb deps-test-deb deps-demo deps-test deps-bench deps-bench-policies build release install test faults verify-policies machine test-kernel demo bench bench-plans bench-policies bench-watch format lint schemas docs deb test-deb reproduce clean

# Debian leaves the sbin folders, where `ip` and `nft` are, out of an ordinary user's PATH; swiftly and tarballs put
# the toolchain where PATH may not lead.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
SWIFT ?= $(firstword $(shell command -v swift) $(wildcard $(HOME)/.local/share/swiftly/bin/swift /opt/swift*/usr/bin/swift) swift)
PREFIX ?= /usr/local
ZSH_FUNCTIONS ?= $(PREFIX)/share/zsh/site-functions
# For `bulkhead --version` of a release; empty where the sources are no checkout of Git.
COMMIT ?= $(shell git -c safe.directory='$(CURDIR)' describe --always --abbrev=12 --exclude='*' --dirty 2>/dev/null)
# All that swift-format looks at.
SOURCES := Package.swift Sources Tests Fuzz Benchmarks
KINDS := host network compartment endpoint policy

# What each target needs: COMMAND=PACKAGE, pkg:MODULE=PACKAGE (pkg-config) or py:MODULE=PACKAGE (Python).
BUILD_NEEDS := git=git pkg-config=pkg-config pkg:yaml-0.1=libyaml-dev pkg:libnftables=libnftables-dev pkg:jansson=libjansson-dev
INSTALL_NEEDS := $(BUILD_NEEDS) python3=python3
DEB_NEEDS := $(INSTALL_NEEDS) dh=debhelper dpkg-buildpackage=dpkg-dev
TEST_DEB_NEEDS := $(DEB_NEEDS) debootstrap=debootstrap lintian=lintian zsh=zsh fish=fish ip=iproute2 unshare=util-linux systemctl=systemd
DEMO_NEEDS := $(BUILD_NEEDS) ip=iproute2 nft=nftables ping=iputils-ping sysctl=procps unshare=util-linux python3=python3
MACHINE_NEEDS := qemu-system-x86_64=qemu-system-x86 modprobe=kmod cpio=cpio dpkg=dpkg python3=python3 flock=util-linux
TEST_NEEDS := $(DEMO_NEEDS) $(MACHINE_NEEDS) tcpdump=tcpdump modprobe=kmod py:jsonschema=python3-jsonschema ssh-keygen=openssh-client gpg=gpg gpg-agent=gpg-agent setpriv=util-linux mandoc=mandoc col=bsdextrautils dropbear=dropbear-bin openssl=openssl crun=crun vtysh=frr

help:
	@echo 'make demo      install what is missing, build, and show bulkhead at work on a throw-away host'
	@echo 'make test      install what is missing, build, and run all tests'
	@echo 'make verify-policies  random policies against real packets, at length, beside a LAN and on overlays too'
	@echo 'make test-kernel  suites of tests on the stock kernel of Debian, by QEMU (SUITES)'
	@echo 'make faults    every fault at every step of the plans in Tests/Fixtures/faults (make test: a sample)'
	@echo 'make bench     bulkhead beside system calls alone and beside other tools, as ratios (BENCH_PARTS, BENCH_ENDPOINTS)'
	@echo 'make bench-policies   what 10 000 rules cost, as ratios'
	@echo 'make bench-watch   how long watch takes to repair drift, and its memory over 100 000 events'
	@echo 'make bench-plans      how planning without a kernel grows from 1000 to 10 000 endpoints'
	@echo 'make fuzz      libFuzzer on the decoders, ten minutes each'
	@echo 'make build     debug build:   .build/debug/bulkhead'
	@echo 'make release   release build: .build/release/bulkhead'
	@echo 'make install   release build with manual pages and completions, below $$(DESTDIR)$$(PREFIX) (PREFIX=$(PREFIX))'
	@echo 'make deb       Debian package, in .build/deb; make test-deb installs, runs and purges it in a clean root folder'
	@echo 'make reproduce builds the package of the last commit twice, in different folders, and compares'
	@echo 'make format    rewrite sources with swift-format; make lint checks instead'
	@echo 'make schemas   write schemas/*.json; make docs writes docs/fields.md'

deps-build: NEEDS := $(BUILD_NEEDS)
deps-install: NEEDS := $(INSTALL_NEEDS)
deps-deb: NEEDS := $(DEB_NEEDS)
deps-test-deb: NEEDS := $(TEST_DEB_NEEDS)
deps-demo: NEEDS := $(DEMO_NEEDS)
deps-test: NEEDS := $(TEST_NEEDS)
deps-bench: NEEDS := $(DEMO_NEEDS) cc=gcc
deps-bench-policies: NEEDS := $(DEMO_NEEDS) iperf3=iperf3
deps-build deps-install deps-deb deps-test-deb deps-demo deps-test deps-bench deps-bench-policies:
	@command -v '$(SWIFT)' >/dev/null || {
	    echo 'make: no swift found: put the bin folder of a Swift 6.2 (or newer) toolchain on PATH,'
	    echo '      or say make SWIFT=/path/to/swift'; exit 1; } >&2
	missing() {
	    for need in $(NEEDS); do
	        case $$need in
	            pkg:*) name=$${need#pkg:}; pkg-config --exists "$${name%=*}" 2>/dev/null ;;
	            py:*) name=$${need#py:}; python3 -c "import $${name%=*}" 2>/dev/null ;;
	            *) command -v "$${need%=*}" >/dev/null ;;
	        esac || printf '%s ' "$${need#*=}"
	    done
	}
	packages=$$(missing)
	[ -n "$$packages" ] || exit 0
	if [ "$$(id -u)" != 0 ]; then
	    echo 'make: some packages are missing. Please have them installed, then run make again:' >&2
	    echo "  sudo apt-get install --no-install-recommends $$packages" >&2
	    exit 1
	fi
	command -v apt-get >/dev/null || { echo "make: no apt-get here; please install what these packages hold: $$packages" >&2; exit 1; }
	echo "Installing $$packages"
	export DEBIAN_FRONTEND=noninteractive
	log=$$(mktemp); trap 'rm -f "$$log"' EXIT
	{ apt-get update && apt-get install --yes --no-install-recommends $$packages; } >"$$log" 2>&1 </dev/null || {
	    cat "$$log" >&2; echo 'make: the packages could not be installed' >&2; exit 1; }
	packages=$$(missing)
	[ -z "$$packages" ] || { echo "make: installed, but still not found: $$packages" >&2; exit 1; }

build: deps-build
	@"$(SWIFT)" build --product bulkhead

# Nothing of the program tells of the folder that it was built in: names of files are those of a folder of this name, and
# the linker makes no build id of all that it links, debug information included.
release: deps-build
	@BULKHEAD_COMMIT='$(COMMIT)' "$(SWIFT)" build -c release --product bulkhead --static-swift-stdlib \
	    -Xswiftc -file-prefix-map -Xswiftc '$(CURDIR)=/usr/src/bulkhead' -Xlinker --build-id=none

install: deps-install release
	packaging/install .build/release/bulkhead "$(DESTDIR)" "$(PREFIX)" "$(ZSH_FUNCTIONS)"

# A Debian package of the release build, for the Debian that it is built on.
deb: deps-deb release
	@packaging/deb .build/release/bulkhead .build/deb

# In a root folder that debootstrap makes; needs root and a mirror of Debian.
test-deb: deps-test-deb deb
	@packaging/test-deb .build/deb/bulkhead_*.deb '$(COMMIT)'

# Builds the package of the last commit in two folders, and compares.
reproduce: deps-deb
	@packaging/reproduce '$(SWIFT)'

demo: deps-demo
	@"$(SWIFT)" build --product bulkhead
	BULKHEAD="$$("$(SWIFT)" build --show-bin-path)/bulkhead" bash examples/quickstart/demo.sh

# Tests run bulkhead some ten thousand times: they have it optimized, in a folder of its own.
TEST_BUILD := BULKHEAD_OPTIMIZED=1 "$(SWIFT)" build --scratch-path .build-test

# Without a way to Debian's archive everything else is tested all the same.
test: deps-test
	@Tests/MachineTests/Tools/machine prepare || echo 'make: the kernel of Debian could not be fetched: tests on it are left out' >&2
	@Tests/promtool || echo 'make: promtool could not be fetched: Prometheus does not check the metrics' >&2
	$(TEST_BUILD) --build-tests
	PATH="$$(dirname "$(SWIFT)"):$$PATH" Tests/run "$$($(TEST_BUILD) --show-bin-path)"

# The kernel of Debian that tests boot by QEMU (71 MB, fetched once by apt-get).
machine: deps-test
	@Tests/MachineTests/Tools/machine prepare

# Whole suites of tests on that kernel. Without hardware's help it is ten times as slow as this machine.
test-kernel: deps-test machine
	@$(TEST_BUILD) --build-tests
	BULKHEAD_MACHINE_SECONDS=$${SECONDS_AT_MOST:-14400} BULKHEAD_MACHINE_MEMORY=4000 BULKHEAD_MACHINE_CPUS=2 \
	    Tests/MachineTests/Tools/machine run "$$($(TEST_BUILD) --show-bin-path)/bulkheadPackageTests.xctest" \
	    --testing-library swift-testing --filter "$${SUITES:-ExampleTests|TapTests|BandwidthTests|PublicationTests|SeparationTests}"

# Random policies against real packets, many more than in `make test`: 24 seeds, 4 steps, 300 probes each, and 8 seeds of
# the same beside a LAN, by an uplink and by an existing bridge, and on overlays of two Hosts.
verify-policies: deps-test
	@$(TEST_BUILD) --build-tests
	BULKHEAD_SEED=$${SEED:-1000} BULKHEAD_SEEDS=$${SEEDS:-24} BULKHEAD_STEPS=$${STEPS:-4} BULKHEAD_PROBES=$${PROBES:-300} \
	    BULKHEAD_VERIFY_SEEDS=$${VERIFY_SEEDS:-100-111} \
	    "$$($(TEST_BUILD) --show-bin-path)/bulkheadPackageTests.xctest" --testing-library swift-testing --filter 'DifferentialTests|VerifyTests/random'

# A release build must hold no way of asking for a fault.
faults: deps-test release
	@if grep --text --quiet BULKHEAD_FAULT .build/release/bulkhead; then
	    echo 'make: the release build can inject faults' >&2; exit 1
	fi
	$(TEST_BUILD) --build-tests
	BULKHEAD_FAULTS=all "$$($(TEST_BUILD) --show-bin-path)/bulkheadPackageTests.xctest" --testing-library swift-testing --filter FaultTests

# Beside the same kernel objects made, read and removed by system calls alone, and beside what else does the work.
# BENCH_PARTS, BENCH_ENDPOINTS, BENCH_ROUNDS and others choose; see Benchmarks/bench.py --help.
bench: release deps-bench
	@case ",$${BENCH_PARTS:-pure}," in *,pure,*)
	    BULKHEAD_BENCHMARK=1 "$(SWIFT)" build --build-path .build-benchmark -c release --product PlanBenchmark
	esac
	python3 Benchmarks/bench.py .build/release/bulkhead --plans .build-benchmark/release/PlanBenchmark

# Throughput with 10 000 rules in force, and the time to change one, as ratios within one run.
bench-policies: release deps-bench-policies
	unshare $$([ "$$(id -u)" = 0 ] || echo -Ur) --net --mount --propagation private python3 Benchmarks/policies.py .build/release/bulkhead

# From the kernel's word of a change to the repair, what waiting costs, and memory.
bench-watch: release deps-demo
	unshare $$([ "$$(id -u)" = 0 ] || echo -Ur) --net --mount --propagation private python3 Benchmarks/watch.py .build/release/bulkhead

# Validating and planning 1000 and 10 000 endpoints, times and their ratios.
bench-plans: deps-build
	BULKHEAD_BENCHMARK=1 "$(SWIFT)" run --build-path .build-benchmark -c release PlanBenchmark

# libFuzzer on the YAML decoder and on the netlink decoders, SECONDS each.
fuzz: deps-build
	for target in Manifest Netlink; do PATH="$$(dirname "$(SWIFT)"):$$PATH" Fuzz/run $$target $${SECONDS_EACH:-600}; done

format:
	@"$(SWIFT)" format format --in-place --parallel --recursive $(SOURCES)

lint:
	@"$(SWIFT)" format lint --strict --parallel --recursive $(SOURCES)

schemas: build
	@for kind in $(KINDS); do
	    .build/debug/bulkhead schema $$kind >schemas/$$kind.schema.json
	done
	.build/debug/bulkhead schema >schemas/bulkhead.schema.json

docs: build
	@.build/debug/bulkhead explain --markdown >docs/fields.md

clean:
	@"$(SWIFT)" package clean
	rm -rf .build-test

.ONESHELL:
