package grade

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// An audit line in a few words: its times are milliseconds after base.
var base = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

type written struct {
	verb, sub, name, uid string // uid of the objectRef
	stage, uri, resource string
	code, from, to       int
	object               string
}

func (w written) String() string {
	at := func(ms int) string {
		return base.Add(time.Duration(ms) * time.Millisecond).Format("2006-01-02T15:04:05.000000Z07:00")
	}
	line := fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","stage":%q,"requestURI":%q,"verb":%q,`+
		`"objectRef":{"resource":%q,"namespace":"shop","name":%q,"uid":%q,"apiVersion":"v1","subresource":%q},"responseStatus":{"metadata":{},"code":%d},`,
		cmp.Or(w.stage, "ResponseComplete"), cmp.Or(w.uri, "/api/v1/namespaces/shop/pods"), w.verb, cmp.Or(w.resource, "pods"), w.name, w.uid, w.sub, w.code)
	if w.object != "" {
		line += `"responseObject":` + w.object + `,`
	}
	return line + fmt.Sprintf(`"requestReceivedTimestamp":%q,"stageTimestamp":%q}`, at(w.from), at(w.to)) + "\n"
}

// object is a pod of one container with the conditions that are True and the
// state of the container.
func object(name, uid, state string, conditions ...string) string {
	var list []string
	for _, c := range conditions {
		list = append(list, fmt.Sprintf(`{"type":%q,"status":"True"}`, c))
	}
	list = append(list, `{"type":"DisruptionTarget","status":"False"}`)
	statuses := ""
	if state != "" {
		kind, at, _ := strings.Cut(state, " ")
		statuses = fmt.Sprintf(`,"containerStatuses":[{"name":"main","state":{%q:{"startedAt":%q}}}]`, kind, cmp.Or(at, "2026-01-31T09:30:00Z"))
	}
	return fmt.Sprintf(`{"kind":"Pod","metadata":{"name":%q,"namespace":"shop","uid":%q},"spec":{"containers":[{"name":"main"}]},"status":{"conditions":[%s]%s}}`,
		name, uid, strings.Join(list, ","), statuses)
}

const status = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}`

func created(name, uid string, from, to int) written {
	return written{verb: "create", code: 201, from: from, to: to, object: object(name, uid, "")}
}

func bound(name, uid string, from, to int) written {
	return written{verb: "create", sub: "binding", name: name, uid: uid, code: 201, from: from, to: to, object: status}
}

func patched(name, uid string, from, to int, state string, conditions ...string) written {
	return written{verb: "patch", sub: "status", name: name, code: 200, from: from, to: to, object: object(name, uid, state, conditions...)}
}

func log(lines ...written) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String())
	}
	return b.String()
}

// tookMillis are the phases of a pod since it was stored, in milliseconds; -1
// where the log does not say.
func tookMillis(t *Truth, s event.Sample, from string) [phases]int64 {
	var all [phases]int64
	for i := range all {
		all[i] = -1
		if took, ok := t.find("shop", s).took(from, i); ok {
			all[i] = took.duration.Milliseconds()
		}
	}
	return all
}

func TestThePhasesAreThoseOfTheLanguage(t *testing.T) {
	if len(spec.Phases) != phases || spec.Phases[scheduled] != "scheduled" || spec.Phases[initialized] != "initialized" ||
		spec.Phases[startup] != "startup" || spec.Phases[ready] != "ready" {
		t.Errorf("the indices do not match %v", spec.Phases)
	}
}

func TestReadAudit(t *testing.T) {
	never := [phases]int64{-1, -1, -1, -1}
	for _, test := range []struct {
		name  string
		lines []written
		want  [phases]int64 // of the pod a, UID 1
	}{
		{"status in steps", []written{
			created("a", "1", 90, 100),
			bound("a", "1", 104, 110),
			patched("a", "1", 118, 120, "waiting", "PodScheduled"),
			patched("a", "1", 125, 130, "waiting", "PodScheduled", "Initialized"),
			patched("a", "1", 135, 140, "running", "PodScheduled", "Initialized"),
			patched("a", "1", 145, 150, "running", "PodScheduled", "Initialized", "Ready"),
			patched("a", "1", 155, 160, "running", "PodScheduled", "Initialized", "Ready"),
		}, [phases]int64{10, 30, 40, 50}},
		{"all at once, after other objects", []written{
			{verb: "create", resource: "configmaps", code: 201, object: `{"metadata":{"uid":"1","name":"pods"}}`},
			created("a", "1", 90, 100),
			patched("a", "1", 115, 120, "running", "PodScheduled", "Initialized", "Ready"),
		}, [phases]int64{20, 20, 20, 20}},
		{"a job's pod ends at once", []written{
			created("a", "1", 90, 100),
			patched("a", "1", 115, 120, "terminated", "PodScheduled"),
		}, [phases]int64{20, -1, 20, -1}},
		{"a container that could not be started", []written{
			created("a", "1", 90, 100),
			patched("a", "1", 115, 120, "terminated 1970-01-01T00:00:00Z", "PodScheduled"),
			patched("a", "1", 125, 130, "terminated", "PodScheduled"),
		}, [phases]int64{20, -1, 30, -1}},
		{"a client's update of the whole pod", []written{
			created("a", "1", 90, 100),
			{verb: "update", name: "a", code: 200, from: 110, to: 120, object: object("a", "1", "", "Ready")},
		}, [phases]int64{-1, -1, -1, 20}},
		{"server-side apply creates by a patch", []written{
			{verb: "patch", name: "a", code: 201, from: 90, to: 100, object: object("a", "1", "")},
			{verb: "patch", name: "a", code: 200, from: 101, to: 105, object: object("a", "1", "")},
			bound("a", "1", 104, 110),
		}, [phases]int64{10, -1, -1, -1}},
		{"lines in another order", []written{
			patched("a", "1", 145, 150, "running", "Ready"),
			patched("a", "1", 125, 130, "running"),
			bound("a", "1", 104, 110),
			created("a", "1", 90, 100),
			patched("a", "1", 115, 120, "waiting", "PodScheduled"),
		}, [phases]int64{10, -1, 30, 50}},
		{"a status shows the binding before it is answered", []written{
			created("a", "1", 90, 100),
			patched("a", "1", 115, 120, "running", "PodScheduled"),
			bound("a", "1", 104, 125),
		}, [phases]int64{20, -1, 20, -1}},
		{"a binding without UID", []written{
			created("a", "0", 10, 20),
			created("a", "1", 90, 100),
			bound("a", "", 104, 110),
			created("a", "2", 190, 200),
		}, [phases]int64{10, -1, -1, -1}},
		{"refused, dry and unfinished", []written{
			{verb: "create", code: 403, from: 1, to: 2, object: `{"kind":"Status","status":"Failure","metadata":{}}`},
			{verb: "create", code: 201, from: 3, to: 4, object: object("a", "1", ""), uri: "/api/v1/namespaces/shop/pods?dryRun=All&fieldManager=x"},
			{verb: "create", code: 201, from: 3, to: 4, object: object("a", "1", ""), stage: "ResponseStarted"},
			created("a", "1", 90, 100),
			{verb: "patch", sub: "status", name: "a", code: 409, from: 101, to: 102, object: `{"kind":"Status","status":"Failure","metadata":{}}`},
			{verb: "create", sub: "binding", name: "a", uid: "1", code: 409, from: 103, to: 104, object: status},
			{verb: "create", sub: "eviction", name: "a", uid: "1", code: 201, from: 103, to: 104, object: status},
			{verb: "delete", name: "a", code: 200, from: 103, to: 104, object: object("a", "1", "running", "Ready")},
			patched("a", "1", 115, 120, "running"),
		}, [phases]int64{-1, -1, 20, -1}},
		{"created before the log began", []written{
			patched("a", "1", 115, 120, "running", "Ready"),
		}, never},
		{"another pod", []written{created("b", "2", 90, 100), bound("b", "2", 101, 102)}, never},
	} {
		t.Run(test.name, func(t *testing.T) {
			truth, err := ReadAudit(iotest.HalfReader(strings.NewReader(log(test.lines...))))
			if err != nil {
				t.Fatal(err)
			}
			got := tookMillis(truth, event.Sample{Object: "a", UID: "1"}, "stored")
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTheBeginning(t *testing.T) {
	g := NewWithT(t)
	truth, err := ReadAudit(strings.NewReader(log(created("a", "1", 90, 100), bound("a", "1", 104, 130))))
	g.Expect(err).NotTo(HaveOccurred())
	for from, want := range map[string]span{
		"stored":   {30 * time.Millisecond, 26 * time.Millisecond},
		"accepted": {30 * time.Millisecond, 26 * time.Millisecond},
		"sent":     {40 * time.Millisecond, 26 * time.Millisecond},
		"due":      {40 * time.Millisecond, 26 * time.Millisecond},
	} {
		got, ok := truth.find("shop", event.Sample{UID: "1"}).took(from, scheduled)
		g.Expect(ok).To(BeTrue())
		g.Expect(got).To(Equal(want), from)
	}
}

func TestFindByName(t *testing.T) {
	truth, err := ReadAudit(strings.NewReader(log(created("a", "1", 0, 1), created("b", "2", 0, 1), created("b", "3", 5, 6))))
	if err != nil {
		t.Fatal(err)
	}
	if n := truth.Pods(); n != 3 {
		t.Errorf("%d pods, want 3", n)
	}
	for _, test := range []struct {
		namespace string
		sample    event.Sample
		want      *pod
	}{
		{"shop", event.Sample{Object: "a"}, truth.pods["1"]},
		{"else", event.Sample{Object: "shop/a"}, truth.pods["1"]},
		{"else", event.Sample{Object: "a"}, nil},
		{"shop", event.Sample{Object: "b"}, nil}, // two pods had the name
		{"shop", event.Sample{Object: "b", UID: "3"}, truth.pods["3"]},
		{"shop", event.Sample{Object: "a", UID: "4"}, nil},
	} {
		if got := truth.find(test.namespace, test.sample); got != test.want {
			t.Errorf("%s, %+v: got %v", test.namespace, test.sample, got)
		}
	}
}

func TestTornAndForeignLogs(t *testing.T) {
	whole := log(created("a", "1", 90, 100), bound("a", "1", 104, 110))
	last := patched("a", "1", 125, 130, "running", "Ready").String()
	for cut := 1; cut < len(last)-1; cut += 7 {
		truth, err := ReadAudit(strings.NewReader(whole + last[:cut]))
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got, want := tookMillis(truth, event.Sample{UID: "1"}, ""), [phases]int64{10, -1, -1, -1}; got != want {
			t.Fatalf("cut at %d: got %v, want %v", cut, got, want)
		}
	}
	g := NewWithT(t)
	truth, err := ReadAudit(strings.NewReader(strings.TrimSuffix(whole+last, "\n")))
	g.Expect(err).NotTo(HaveOccurred(), "a last line without newline that is whole counts")
	g.Expect(tookMillis(truth, event.Sample{UID: "1"}, "")).To(Equal([phases]int64{10, -1, 30, 30}))
	truth, err = ReadAudit(strings.NewReader(""))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(truth.Pods()).To(BeZero())

	bare := created("a", "1", 90, 100)
	bare.object = ""
	for name, test := range map[string]struct{ text, want string }{
		"torn in the middle": {whole + last[:200] + "\n" + last, "line 3 is not JSON: an audit log has one event a line"},
		"no JSON":            {"I0131 pods\n", "line 1 is not JSON"},
		"events of a run":    {`{"event":"run-started","at":"2026-01-31T09:30:00Z"}` + "\n", "line 1 is not an event of an audit log"},
		"a broken time":      {whole + strings.Replace(last, `"stageTimestamp":"2026`, `"stageTimestamp":"x`, 1), "line 3 is not an event of an audit log"},
		"no bodies":          {log(bare, bare), "the audit log has no bodies of pods: its policy must have the level RequestResponse"},
	} {
		_, err := ReadAudit(strings.NewReader(test.text))
		g.Expect(err).To(MatchError(ContainSubstring(test.want)), name)
		g.Expect(err).NotTo(MatchError(ContainSubstring("unmarshal")), name)
	}
	broken := errors.New("the disk is gone")
	_, err = ReadAudit(io.MultiReader(strings.NewReader(whole), iotest.ErrReader(broken)))
	g.Expect(err).To(MatchError(broken))
	g.Expect(err).To(MatchError(ContainSubstring("line 3")))
}

// BenchmarkReadAudit reads the log of 3,000 pods as they are created, bound,
// ready and deleted, with lines as long as the real ones and as many others.
func BenchmarkReadAudit(b *testing.B) {
	var text strings.Builder
	padding := `{"padding":"` + strings.Repeat("x", 2800) + `",`
	for i := range 3000 {
		name, uid := fmt.Sprintf("web-%d", i), fmt.Sprintf("uid-%d", i)
		for _, w := range []written{
			created(name, uid, i, i+5), bound(name, uid, i+6, i+9),
			patched(name, uid, i+10, i+15, "running", "PodScheduled", "Initialized", "Ready"),
			{verb: "delete", name: name, code: 200, from: i + 20, to: i + 30, object: object(name, uid, "running", "Ready")},
			{verb: "update", resource: "replicasets", name: "web", code: 200, from: i + 20, to: i + 30},
		} {
			if w.object != "" && w.sub != "binding" {
				w.object = strings.Replace(w.object, `{`, padding, 1)
			}
			text.WriteString(w.String())
		}
	}
	whole := text.String()
	b.SetBytes(int64(len(whole)))
	b.ReportAllocs()
	for b.Loop() {
		truth, err := ReadAudit(strings.NewReader(whole))
		if err != nil || truth.Pods() != 3000 {
			b.Fatal(err, truth.Pods())
		}
	}
}
