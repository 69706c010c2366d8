package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

func TestCI(t *testing.T) {
	for _, test := range []struct {
		asked, want string
		env         map[string]string
	}{
		{ciAuto, ciNone, nil},
		{ciAuto, ciNone, map[string]string{"CI": "true"}},
		{ciAuto, ciGitHub, map[string]string{"CI": "true", "GITHUB_ACTIONS": "true"}},
		{ciAuto, ciGitLab, map[string]string{"CI": "true", "GITLAB_CI": "true"}},
		{ciNone, ciNone, map[string]string{"GITHUB_ACTIONS": "true"}},
		{ciGitLab, ciGitLab, map[string]string{"GITHUB_ACTIONS": "true"}},
	} {
		a := &app{getenv: func(name string) string { return test.env[name] }}
		if got := a.ci(test.asked); got != test.want {
			t.Errorf("--ci %s with %v is %s, want %s", test.asked, test.env, got, test.want)
		}
	}
}

// The problem matcher finds in rendered diagnostics what was put into them, with
// colours and without, and finds nothing in the other lines.
func TestProblemMatcher(t *testing.T) {
	var matcher struct {
		ProblemMatcher []struct {
			Owner   string
			Pattern []struct {
				Regexp                                string
				File, Line, Column, Severity, Message int
			}
		}
	}
	if err := json.Unmarshal([]byte(problemMatcher), &matcher); err != nil {
		t.Fatal(err)
	}
	list := diag.List{
		{Pos: spec.Pos{File: "specs/high load/01-wait.yaml", Line: 4, Column: 7}, Severity: diag.Error, Message: `unknown field "fro" in wait: for?`, Help: "did you mean \"for\"?"},
		{Pos: spec.Pos{File: "specs/z.yaml", Line: 12, Column: 1}, Severity: diag.Warning, Message: "this is not used"},
	}
	source := func(string) []byte { return bytes.Repeat([]byte("  - fro: ready: 1:2: error: x\n"), 20) }
	pattern := matcher.ProblemMatcher[0].Pattern[0]
	expr := regexp.MustCompile(pattern.Regexp)
	for _, color := range []bool{false, true} {
		var out bytes.Buffer
		diag.Render(&out, list, source, color)
		diag.RenderCount(&out, list)
		var got [][]string
		for line := range bytes.Lines(out.Bytes()) {
			if m := expr.FindStringSubmatch(string(bytes.TrimRight(line, "\n"))); m != nil {
				got = append(got, []string{m[pattern.File], m[pattern.Line], m[pattern.Column], m[pattern.Severity], m[pattern.Message]})
			}
		}
		want := [][]string{
			{"specs/high load/01-wait.yaml", "4", "7", "error", `unknown field "fro" in wait: for?`},
			{"specs/z.yaml", "12", "1", "warning", "this is not used"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("colour %v: - want, + got:\n%s\n%q", color, diff, out.String())
		}
	}
}

func TestShards(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f", "g"}
	for of := 1; of <= 9; of++ {
		seen := map[string]int{}
		for number := 1; number <= of; number++ {
			mine := part(all, shard{number, of})
			if size := len(mine); size < len(all)/of || size > len(all)/of+1 {
				t.Errorf("shard %d/%d has %d of %d", number, of, size, len(all))
			}
			for _, one := range mine {
				seen[one]++
			}
		}
		for _, one := range all {
			if seen[one] != 1 {
				t.Errorf("%s is in %d of %d shards", one, seen[one], of)
			}
		}
	}
	for _, text := range []string{"", "1", "0/2", "3/2", "a/b", "1/0", "-1/2", "1/2/3"} {
		var s shard
		if s.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}
