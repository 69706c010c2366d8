package expr

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

func quantity(text string) *resource.Quantity {
	q := resource.MustParse(text)
	return &q
}

func TestEval(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, tc := range []struct {
		text string
		want any
	}{
		// Go values of every type
		{"vars.debug", true},
		{"vars.replicas", int64(5)},
		{"vars.replicas * 2 - 1", int64(9)},
		{"vars.ratio", 0.75},
		{"vars.name + '-' + string(vars.replicas)", "web-5"},
		{"vars.empty", nil},
		{"7u", uint64(7)},
		{"rollout", 90 * time.Second},
		{"rollout + duration('30s')", 2 * time.Minute},
		{"duration(vars.wait)", 30 * time.Second},
		{"timestamp('2026-01-31T12:00:00Z')", time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)},
		{"quantity('1500m').add(quantity('500m'))", quantity("2")},
		{"nodes[0].allocatable.cpu", quantity("8")},
		{"b'ab'", []byte("ab")},
		{"optional.of(3)", int64(3)},
		{"optional.none()", nil},
		{"type(1)", "int"},
		{"vars.hosts", []any{"a", "b"}},
		{"vars.hosts.map(h, h + '!')", []any{"a!", "b!"}},
		{"vars.ports.http", int64(80)},
		{"vars.limits", map[string]any{"cpu": "1"}},
		{"{'a': [1, 2]}", map[string]any{"a": []any{int64(1), int64(2)}}},
		{"object.spec.template.spec.containers[0]", map[string]any{"name": "c", "image": "nginx:1.21"}},
		{"vars.`two-words`", "tw"},
		{"object.metadata.annotations.`example.com/long`.size() > 60", true},
		// variables
		{"env.LLM_ENDPOINT", "http://llm"},
		{"env.HOME == ''", true},
		{"run.id + run.namespace + run.scenario", "r1ns-r1high-load"},
		{"cluster.version", "1.37.2"},
		{"cluster.local && !cluster.simulated", true},
		{"semver(cluster.version).compareTo(semver('1.24.0')) >= 0", true},
		{"'apps/v1' in cluster.apis", true},
		{"nodes.filter(n, n.ready && n.schedulable).size()", int64(2)},
		{"nodes.exists_one(n, n.name == 'n2')", true},
		{"nodes.all(n, n.os == 'linux' && n.labels.zone == 'a' && n.conditions['Ready'] == 'True')", true},
		{"nodes.all(n, n.taints.exists(t, t.key == 'gpu' && t.effect == 'NoSchedule' && t.value == ''))", true},
		{"nodes.filter(n, n.allocatable['cpu'].isGreaterThan(quantity('4'))).map(n, n.name)", []any{"n1", "n2"}},
		{"nodes.filter(n, n.allocatable.cpu.compareTo(quantity('8')) >= 0).size()", int64(2)},
		{"nodes.map(n, n.allocatable.cpu.asInteger()).sum()", int64(28)},
		{"nodes.all(n, !has(n.allocatable.gpu)) && !('gpu' in nodes[0].allocatable)", true},
		{"nodes.map(n, n.name) == ['n1', 'n2', 'n3'] && nodes[0] == nodes[0] && nodes[0] != nodes[1]", true},
		{"dyn(nodes[0]).name == 'n1' && has(dyn(nodes[0]).zone) && dyn(cluster).local", true},
		{"startup.ready.count + startup.ready.missing", int64(6)},
		{"startup.startup.p50 < duration('2s') && bound.stddev < duration('2ms')", true},
		{"startup.ready.p95 > duration('1000h')", true},
		{"[startup.ready, bound].all(s, s.count == 5)", true},
		// what is there and what is not
		{"has(object.status.readyReplicas)", false},
		{"has(object.spec.paused)", true},
		{"object.spec.paused == null", true},
		{"has(object.status) && object.status.replicas == 3", true},
		{"object.status.?readyReplicas.orValue(0)", int64(0)},
		{"object.?spec.?replicas.orValue(0)", int64(5)},
		{"object[?'nothing'].hasValue()", false},
		// numbers of different types
		{"object.spec.replicas == 5.0 && 5 < 5.5 && vars.ratio < 1 && object.spec.share == 0.5", true},
		{"object.spec.replicas == vars.replicas", true},
		// libraries
		{"pods.map(p, p.spec.nodeName).distinct().size() >= 2", true},
		{"pods.map(p, p.spec.nodeName).sort()", []any{"n1", "n1", "n2"}},
		{"pods.sortBy(p, p.metadata.name).map(p, p.metadata.name)[2]", "web-c"},
		{"[1, 2, 3].isSorted() && [1, 2].sum() == 3 && [1, 2].max() == 2 && [1, 2].indexOf(2) == 1", true},
		{"[[1], [2, 3]].flatten().reverse()", []any{int64(3), int64(2), int64(1)}},
		{"sets.contains(['a', 'b'], ['a']) && math.greatest(1, 3) == 3", true},
		{"'a,b'.split(',').join('-').upperAscii().replace('A', 'x')", "x-B"},
		{"'%s has %d'.format(['web', 5])", "web has 5"},
		{"base64.decode(base64.encode(b'x')) == b'x'", true},
		{"cel.bind(n, pods.size(), n > 2 && n < 4)", true},
		{"{'a': 1, 'b': 2}.transformList(k, v, v > 1, k)", []any{"b"}},
		{"[1, 2].exists(i, v, i == 1 && v == 2)", true},
		{"url('https://a.b:80/c').getHost() == 'a.b:80' && isURL('https://a')", true},
		{"ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3')", true},
		{"'abc 123'.find('[0-9]+') == '123' && 'a1'.matches('^a[0-9]$')", true},
		{"!format.dns1123Label().validate('web').hasValue()", true},
		{"isQuantity('8Gi') && quantity('1Gi').isGreaterThan(quantity('1G'))", true},
	} {
		t.Run(tc.text, func(t *testing.T) {
			p, diags := env.Compile(expression(tc.text), Any)
			if p == nil {
				t.Fatal(diags)
			}
			got, err := p.Eval(t.Context(), fullValues())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The conditions that the product's documents show, with what they must give.
func TestDocumentedExpressions(t *testing.T) {
	env := newEnv(t, fullScope())
	for text, want := range map[string]bool{
		"nodes.filter(n, n.ready).size() >= 3":                                                     false,
		"object.status.replicas == vars.replicas":                                                  false,
		"pods.map(p, p.spec.nodeName).distinct().size() >= 3":                                      false,
		"object.kind == 'FailedScheduling'":                                                        false,
		"startup.ready.max < duration('30s')":                                                      true,
		"rollout < duration('3m')":                                                                 true,
		"nodes.size() > 1":                                                                         true,
		"nodes.all(n, n.allocatable.cpu.compareTo(quantity('4')) >= 0)":                            true,
		"nodes.exists(n, n.allocatable.memory.isGreaterThan(quantity('7Gi')))":                     true,
		"nodes.filter(n, 'nvidia.com/gpu' in n.allocatable).size() >= 1":                           false,
		"pods.all(p, p.status.phase in ['Running', 'Pending'])":                                    true,
		"pods.filter(p, p.status.phase == 'Running').size() >= vars.replicas - 3":                  true,
		"object.spec.template.spec.containers.all(c, c.image.startsWith('nginx:'))":                true,
		"object.spec.replicas <= 5 && !has(object.metadata.namespace)":                             true,
		"object.spec.template.spec.containers.all(c, !has(c.securityContext))":                     true,
		"has(object.metadata.labels) && 'app' in object.metadata.labels":                           false,
		"web.metadata.labels.all(k, web.metadata.labels[k].matches('^[a-z]+$'))":                   true,
		"pods.map(p, p.spec.nodeName).all(name, nodes.exists(n, n.name == name && n.ready))":       true,
		"nodes.map(n, n.allocatable.cpu).all(q, q.isInteger() && quantity('64').compareTo(q) > 0)": true,
	} {
		t.Run(text, func(t *testing.T) {
			p, diags := env.Compile(expression(text), Bool)
			if p == nil {
				t.Fatal(diags)
			}
			got, err := p.Bool(t.Context(), fullValues())
			if err != nil || got != want {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestNamesAndStats(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, tc := range []struct {
		text  string
		names []string
		stats []Stat
	}{
		{"vars.replicas > 3", nil, nil},
		{"rollout < duration('3m')", []string{"rollout"}, nil},
		{"startup.ready.p95 < duration('3m')", []string{"startup"}, []Stat{{"startup", "ready", "p95"}}},
		{"bound.p99 < bound.max", []string{"bound"}, []Stat{{"bound", "", "p99"}, {"bound", "", "max"}}},
		{"bound.p99 < duration('1s') || bound.p99 > duration('1m')", []string{"bound"}, []Stat{{"bound", "", "p99"}}},
		{"pods.size() > 3 && web.kind == 'Pod'", []string{"pods", "web"}, nil},
		{"nodes.all(pods, pods.ready)", nil, nil},
		{"nodes.all(startup, startup.ready)", nil, nil},
		{"cel.bind(s, startup.ready, s.p95 < duration('1m'))", []string{"startup"}, []Stat{{"startup", "ready", "p95"}}},
		{"cel.bind(s, startup, cel.bind(r, s.ready, r.p50 < s.startup.p90))", []string{"startup"},
			[]Stat{{"startup", "ready", "p50"}, {"startup", "startup", "p90"}}},
		{"[startup.ready, startup.startup, bound].all(s, s.p95 < duration('1m'))", []string{"bound", "startup"},
			[]Stat{{"startup", "ready", "p95"}, {"startup", "startup", "p95"}, {"bound", "", "p95"}}},
		{"[bound].map(s, s)[0].p95 < duration('1m')", []string{"bound"}, []Stat{{"bound", "", "p95"}}},
		{"[bound].filter(s, s.count > 3).all(x, x.p95 < duration('1m'))", []string{"bound"},
			[]Stat{{"bound", "", "count"}, {"bound", "", "p95"}}},
		{"(vars.debug ? bound : startup.ready).p95 < duration('1m')", []string{"bound", "startup"},
			[]Stat{{"bound", "", "p95"}, {"startup", "ready", "p95"}}},
		{"{'a': bound}['a'].p95 < duration('1m') && {'a': bound}.a.p90 < duration('1m')", []string{"bound"},
			[]Stat{{"bound", "", "p95"}, {"bound", "", "p90"}}},
		{"dyn(startup)['ready'].p95 < duration('1m')", []string{"startup"}, []Stat{{"startup", "ready", "p95"}}},
		{"dyn(startup).ready['p95'] < duration('1m')", []string{"startup"}, []Stat{{"startup", "ready", "p95"}}},
		{"optional.of(bound).value().p95 < duration('1m')", []string{"bound"}, []Stat{{"bound", "", "p95"}}},
		{"has(startup.ready)", []string{"startup"}, nil},
	} {
		t.Run(tc.text, func(t *testing.T) {
			g := NewWithT(t)
			p, diags := env.Compile(expression(tc.text), Bool)
			g.Expect(diags).To(BeEmpty())
			g.Expect(p.Names()).To(Equal(tc.names))
			g.Expect(p.Stats()).To(Equal(tc.stats))
		})
	}
}

func TestScopeNames(t *testing.T) {
	for _, tc := range []struct {
		scope Scope
		want  string
	}{
		{Scope{Let: map[string]LetKind{"my-pods": Many}}, `"my-pods" cannot be used in expressions: a name has letters, digits and _ only, and begins with a letter`},
		{Scope{Let: map[string]LetKind{"object": One}}, `the name "object" is taken: it has a meaning of its own in expressions`},
		{Scope{Measures: map[string]MeasureKind{"in": MeasureSeries}}, `the name "in" is taken: it has a meaning of its own in expressions`},
		{Scope{Measures: map[string]MeasureKind{"": MeasureSeries}}, "a name is missing"},
		{Scope{Let: map[string]LetKind{"a": One}, Measures: map[string]MeasureKind{"a": MeasureSeries}}, `the name "a" is used twice: for a measure and in let`},
	} {
		_, err := New(tc.scope)
		NewWithT(t).Expect(err).To(MatchError(tc.want))
	}
	NewWithT(t).Expect(CheckName("web_pods2")).To(Succeed())
}

// What a place does not offer is refused, although other places know it.
func TestNamesOfOtherPlaces(t *testing.T) {
	env := newEnv(t, Scope{})
	for _, text := range []string{"object.a == 1", "nodes.size() > 1", "cluster.local", "run.id == ''", "pods.size() > 1", "vars.a == 1", "env.A == ''"} {
		_, diags := env.Compile(expression(text), Bool)
		if len(diags) != 1 || diags[0].Code != codeName {
			t.Errorf("%s: %v", text, diags)
		}
	}
}

func TestTypesOfVars(t *testing.T) {
	env := newEnv(t, Scope{Vars: map[string]any{
		"int": 1, "long": int64(1), "double": 1.5, "text": "a", "flag": true, "none": nil, "time": time.Second,
		"ints": []any{1, 2}, "mixed": []any{1, "a"}, "nothing": []any{}, "map": map[string]any{"a": 1},
		"maps": map[string]any{"a": 1, "b": "x"}, "deep": map[string]any{"a": map[string]any{"b": "c"}},
	}})
	for text, ok := range map[string]bool{
		"vars.int + vars.long == 2": true, "vars.int == 'a'": false, "vars.double < 2": true, "vars.text == 1": false,
		"vars.flag": true, "vars.none == null": true, "vars.none == 1": true, "vars.time < duration('1m')": true, "vars.time < 1": false,
		"vars.ints.all(i, i > 0)": true, "vars.ints.all(i, i == 'a')": false, "vars.mixed.all(i, i == 'a')": true,
		"vars.nothing == ['a']": true, "vars.map.a == 'x'": false, "vars.map.a == 1": true,
		"vars.maps.a == 'x'": true, "vars.deep.a.b == 1": false, "vars.deep.a.b == 'c'": true,
	} {
		if _, diags := env.Compile(expression(text), Bool); (len(diags) == 0) != ok {
			t.Errorf("%s: %v", text, diags)
		}
	}
}

func TestMissingError(t *testing.T) {
	g := NewWithT(t)
	p, _ := newEnv(t, Scope{Object: true}).Compile(expression("object.status.phase == 'Bound'"), Bool)
	_, err := p.Bool(t.Context(), Values{"object": map[string]any{"status": map[string]any{}}})
	var missing *MissingError
	g.Expect(errors.As(err, &missing)).To(BeTrue())
	g.Expect(missing.Field).To(Equal("phase"))
	g.Expect(missing.Part).To(Equal("object.status.phase"))
	ok, err := p.Bool(t.Context(), Values{"object": map[string]any{"status": map[string]any{"phase": "Bound"}}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ok).To(BeTrue())
}

// A duration that was not reached fails every limit, whatever is computed of it.
func TestUnreachedNeverPasses(t *testing.T) {
	env := newEnv(t, fullScope())
	for _, text := range []string{
		"startup.ready.p95 < duration('1000h')", "startup.ready.p95 <= rollout", "duration('1h') > startup.ready.p95",
		"startup.ready.p95 - startup.startup.p95 < duration('1s')", "rollout - startup.ready.p95 < duration('1s')",
		"startup.ready.p95 + duration('1s') < duration('1h')", "cel.bind(s, startup.ready, s.p95 - s.p95 < duration('1s'))",
		"dyn(startup).ready.p95 - dyn(bound).p95 < duration('1s')", "[startup.ready.p95, rollout].max() < duration('1h')",
		"startup.ready.p95.getSeconds() < 60", "startup.ready.p95 == startup.ready.p50",
	} {
		p, diags := env.Compile(expression(text), Bool)
		if p == nil {
			t.Fatal(text, diags)
		}
		if ok, err := p.Bool(t.Context(), fullValues()); ok {
			t.Errorf("%s: passes, %v", text, err)
		}
	}
}

func TestConcurrentEval(t *testing.T) {
	env := newEnv(t, fullScope())
	p, _ := env.Compile(expression("pods.all(p, p.status.phase in ['Running', 'Pending']) && object.spec.replicas == vars.replicas && startup.ready.max - startup.ready.min > duration('1s')"), Bool)
	missing, _ := env.Compile(expression("object.status.readyReplicas == vars.replicas"), Bool)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				if _, err := missing.Bool(t.Context(), fullValues()); err == nil {
					t.Error("no error")
				}
				if ok, err := p.Bool(t.Context(), fullValues()); !ok && err == nil {
					t.Error("not true")
				}
				p.Explain(t.Context(), fullValues())
				if _, diags := env.Compile(expression("vars.unknown == 1"), Bool); len(diags) != 1 {
					t.Error(diags)
				}
			}
		})
	}
	group.Wait()
}

func TestRender(t *testing.T) {
	env := newEnv(t, Scope{})
	for text, want := range map[string]string{
		"duration('1.2345678s')": "1.235s", "duration('12345us')": "12.35ms", "duration('123ns')": "123ns", "duration('3m')": "3m0s",
		"1": "1", "1.0": "1.0", "0.1": "0.1", "1e300": "1e+300", "null": "null", "true": "true", "'a\"b'": `"a\"b"`,
		"quantity('1500m')": "1500m", "[]": "[]", "['a']": `[1 item: "a"]`, "{}": "{}", "{'b': dyn(1), 'a': dyn([1, 2])}": "{a: [2 items: 1, 2], b: 1}",
		"[1, 2, 3]":        "[3 items: 1, 2, 3]",
		"lists.range(100)": "[100 items: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, …]",
		"b'abc'":           "3 bytes", "timestamp('2026-01-31T12:00:00Z')": "2026-01-31T12:00:00Z", "optional.none()": "nothing",
		"{'kind': dyn('Pod'), 'metadata': dyn({'name': 'a'})}": "Pod/a",
		"[['a', 'b'], ['c']]": `[2 items: [2 items: "a", "b"], [1 item: "c"]]`,
		"'ä'+'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'": `"äxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"`,
	} {
		p, diags := env.Compile(expression(text), Any)
		if p == nil {
			t.Errorf("%s: %v", text, diags)
			continue
		}
		v, err := p.eval(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := short(v); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if n := utf8.RuneCountInString(short(v)); n > shortest {
			t.Errorf("%s: %d characters", text, n)
		}
	}
	g := NewWithT(t)
	g.Expect(shortDuration(spec.Missing)).To(Equal("not reached"))
	g.Expect(shortDuration(-1500 * time.Millisecond)).To(Equal("-1.5s"))
	g.Expect(number64(math.Inf(1))).To(Equal("+Inf"))
}
