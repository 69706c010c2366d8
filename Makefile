# make run    builds what is missing, starts the local cluster, runs specs/high-load
# make test   runs every test
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
SPECS   ?= specs/high-load
SOURCES := $(shell find cmd/realspec cmd/realspec-agent engine schemas examples -type f -not -path '*/testdata/*' 2>/dev/null) go.mod go.sum
LOCAL   := $(wildcard cmd/realspec-cluster/*.go cmd/realspec-cluster/*/*.go cmd/realspec-cluster/go.* cmd/realspec-cluster/build.sh)

.PHONY: build run test generate lint bench soak pictures clean

build: bin/realspec bin/realspec-agent bin/realspec-cluster

bin/realspec: $(SOURCES)
	@echo "building realspec"
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/realspec

# The same sources give the same binary, and so the same image on a cluster.
bin/realspec-agent: $(SOURCES)
	@CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w" -o $@ ./cmd/realspec-agent
	@touch $@

bin/realspec-cluster: $(LOCAL)
	@GO="$(GO)" cmd/realspec-cluster/build.sh $@
	@touch $@

run: build
	@bin/realspec run $(SPECS) --cluster local \
		--junit .realspec/junit.xml --json .realspec/result.json --events .realspec/events.jsonl

# The tests of the engine run against the real local cluster. What ships is run
# alone: its loads must be delivered. Real nodes come last; where they cannot be,
# those tests say that they skip.
ENGINE := REALSPEC_REQUIRE_CLUSTER=1 REALSPEC_CLUSTER_BIN=$(CURDIR)/bin/realspec-cluster
REAL   := Real|InCluster|AgentImage
test: build
	$(ENGINE) $(GO) test -timeout 20m ./engine/... ./schemas ./examples ./cmd/realspec-agent
	$(ENGINE) $(GO) test -parallel 6 -timeout 20m -skip 'TestScripts/shipped$$|$(REAL)' ./cmd/realspec
	$(ENGINE) $(GO) test -timeout 20m -run 'TestScripts/shipped$$' ./cmd/realspec
	$(ENGINE) $(GO) test -parallel 3 -timeout 40m -run '$(REAL)' ./cmd/realspec
	cd cmd/realspec-cluster && REALSPEC_CLUSTER_BIN=$(CURDIR)/bin/realspec-cluster CGO_ENABLED=0 $(GO) test -trimpath -timeout 20m ./...

# What is made from the Go types of engine/spec.
generate:
	$(GO) run ./engine/schema/gen

lint:
	golangci-lint run ./...
	cd cmd/realspec-cluster && golangci-lint run ./...

bench: build
	REALSPEC_CLUSTER_BIN=$(CURDIR)/bin/realspec-cluster $(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./cmd/realspec
	$(GO) test -run '^$$' -bench 'ManyPods|RequestsPerCPUSecond' -benchtime 1x -timeout 10m ./engine/report ./engine/probe

# The pictures of the README, from a real run.
pictures: build
	@mkdir -p .realspec
	cd engine/report/testdata/pictures && $(CURDIR)/bin/realspec run shop training --cluster local --events $(CURDIR)/.realspec/pictures.jsonl >/dev/null || test $$? -eq 1
	REALSPEC_PICTURES_OF=$(CURDIR)/.realspec/pictures.jsonl REALSPEC_PICTURES_IN=$(CURDIR)/.github/pictures $(GO) test ./engine/report -run TestPictures -count 1

# One hundred runs of everything that ships, on simulated nodes: none may be red.
SOAK ?= 100
soak: build
	@mkdir -p .realspec
	@bin/realspec run specs --cluster local --allow-disruption --parallel 6 --repeat $(SOAK) --json .realspec/soak.json --quiet

clean:
	rm -rf bin .realspec
