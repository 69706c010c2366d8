package main

import (
	"path/filepath"
	"regexp"
	"strings"
)

// ciFile is the file by which a CI system runs the scenarios under specs: its
// path in the repository, and its content.
func ciFile(system, specs string) (path, content string) {
	path, content = ".gitlab-ci.yml", gitlabFile
	if system == "github" {
		path, content = filepath.Join(".github", "workflows", "realspec.yml"), githubFile
	}
	return path, strings.NewReplacer("SPECS", filepath.ToSlash(specs), "REVISION", revision()).Replace(content)
}

var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+[.0-9]*)?$`)

// revision is what CI builds: the release that this realspec is, or main.
func revision() string {
	if v := ownVersion(); release.MatchString(v) {
		return v
	}
	return "main"
}

const githubFile = `# Runs the scenarios on every push, on a local cluster that goes with the job.
name: realspec
on: [push, pull_request]
permissions:
  contents: read
jobs:
  scenarios:
    runs-on: ubuntu-latest
    timeout-minutes: 45
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-go@v5
        with: {go-version: "1.26", cache: false}
      # The first build compiles Kubernetes, which takes some minutes; it is kept.
      - id: kept
        uses: actions/cache@v4
        with:
          path: ~/realspec/bin
          key: realspec-REVISION-${{ runner.os }}-${{ runner.arch }}
      - if: steps.kept.outputs.cache-hit != 'true'
        run: |
          git clone --depth 1 --branch REVISION https://github.com/realspec/realspec ~/realspec-source
          make -C ~/realspec-source build
          mkdir -p ~/realspec && mv ~/realspec-source/bin ~/realspec/bin
      - run: echo ~/realspec/bin >> "$GITHUB_PATH"
      - run: realspec run SPECS --cluster local --junit results/junit.xml --json results/result.json
      - if: always()
        uses: actions/upload-artifact@v4
        with: {name: realspec, path: results/}
`

const gitlabFile = `# Runs the scenarios on every push, on a local cluster that goes with the job.
scenarios:
  image: golang:1.26
  timeout: 45m
  cache:
    # The first build compiles Kubernetes, which takes some minutes; it is kept.
    key: realspec-REVISION
    paths: [realspec-bin/]
  before_script:
    - |
      if [ ! -x realspec-bin/realspec-cluster ]; then
        git clone --depth 1 --branch REVISION https://github.com/realspec/realspec /tmp/realspec
        make -C /tmp/realspec build
        rm -rf realspec-bin && mv /tmp/realspec/bin realspec-bin
      fi
    - export PATH="$PWD/realspec-bin:$PATH"
  script:
    - realspec run SPECS --cluster local --junit results/junit.xml --json results/result.json
  artifacts:
    when: always
    paths: [results/]
    reports:
      junit: results/junit.xml
`
