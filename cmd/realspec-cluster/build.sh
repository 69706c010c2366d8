#!/bin/sh
# Builds realspec-cluster into the file that is named. A build from nothing
# compiles all of Kubernetes, which takes minutes; the result is kept in the
# user's cache under the hash of everything that went into it, so that it is
# built once.
set -eu
out=${1:?usage: build.sh FILE}
case $out in /*) ;; *) out=$(pwd)/$out ;; esac
cd "$(dirname "$0")"
go=${GO:-go}

kubernetes=$($go list -mod=readonly -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${kubernetes#v*.}
minor=${minor%%.*}
v=k8s.io/component-base/version
ldflags="-s -w -X $v.gitVersion=$kubernetes -X $v.gitMajor=1 -X $v.gitMinor=$minor -X $v.gitTreeState=clean"
ldflags="$ldflags -X k8s.io/client-go/pkg/version.gitVersion=$kubernetes"

hash=$( (ls ./*.go ./*/*.go | grep -v _test.go | xargs cat go.mod go.sum build.sh; $go version; $go env GOOS GOARCH) | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/realspec
kept=$cache/realspec-cluster-$hash
if [ ! -x "$kept" ]; then
	mkdir -p "$cache"
	echo "building realspec-cluster: etcd, Kubernetes $kubernetes, KWOK, CoreDNS and metrics-server (some minutes the first time)" >&2
	# go build -v names every package that it compiles: count them as progress,
	# and pass on whatever is not a package.
	status=$cache/status.$$
	# The first program of the images of databases; this program holds it.
	GOOS=linux CGO_ENABLED=0 $go build -mod=readonly -trimpath -ldflags "-s -w -buildid=" -o built/starter ./starter
	{
		if CGO_ENABLED=0 $go build -mod=readonly -v -trimpath -ldflags "$ldflags" -o "$kept.$$" . 2>&1
		then echo 0 >"$status"; else echo $? >"$status"; fi
	} | awk -v tty="$(test -t 2 && echo 1 || echo 0)" '
		/^go: downloading / { n["modules"]++; report("downloading modules", n["modules"]); next }
		/^[A-Za-z0-9.\/_~-]+$/  { n["packages"]++; report("compiling packages", n["packages"]); next }
		{ print > "/dev/stderr" }
		function report(what, count) {
			if (tty == "1") printf "\r  %s: %d   ", what, count > "/dev/stderr"
			else if (count % 250 == 0) printf "  %s: %d\n", what, count > "/dev/stderr"
		}
		END { if (tty == "1") printf "\r\033[K" > "/dev/stderr" }'
	code=$(cat "$status"); rm -f "$status"
	if [ "$code" != 0 ]; then
		rm -f "$kept.$$"
		exit "$code"
	fi
	mv "$kept.$$" "$kept"
	for old in "$cache"/realspec-cluster-*; do # of older sources
		[ "$old" = "$kept" ] || rm -f "$old"
	done
fi
mkdir -p "$(dirname "$out")"
if ! cmp -s "$kept" "$out"; then
	rm -f "$out"
	ln "$kept" "$out" 2>/dev/null || cp "$kept" "$out"
fi
