package step

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

func TestWhichConditionsFailFast(t *testing.T) {
	yes, no := true, false
	var cel spec.Expr
	cel.Text = "true"
	for _, row := range []struct {
		condition spec.Condition
		want      bool
	}{
		{spec.Condition{For: "ready"}, true},
		{spec.Condition{For: "condition=Available"}, true},
		{spec.Condition{For: "condition=Ready=False"}, false},
		{spec.Condition{For: "condition=Failed"}, false},
		{spec.Condition{For: "condition=ReplicaFailure=true"}, false},
		{spec.Condition{For: "jsonpath={.status.phase}=Pending"}, false},
		{spec.Condition{For: "deleted"}, false},
		{spec.Condition{CEL: cel}, false},
		{spec.Condition{CEL: cel, FailFast: &yes}, true},
		{spec.Condition{For: "ready", FailFast: &no}, false},
		{spec.Condition{For: "ready", Never: true}, false},
	} {
		if got := failsFast(&row.condition); got != row.want {
			t.Errorf("%+v: %v", row.condition, got)
		}
	}
}

// What is wrong with a pod that a rollout replaces does not end the wait for it.
func TestPodsOfThePresentRevision(t *testing.T) {
	object := func(kind string, generation, observed int64, annotations, labels map[string]string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"kind": kind,
			"status": map[string]any{"observedGeneration": observed, "updateRevision": "web-2"}}}
		o.SetGeneration(generation)
		o.SetAnnotations(annotations)
		o.SetLabels(labels)
		return o
	}
	const revision = "deployment.kubernetes.io/revision"
	for _, row := range []struct {
		name               string
		pod, child, object *unstructured.Unstructured
		want               bool
	}{
		{"deployment", object("Pod", 0, 0, nil, nil), object("ReplicaSet", 1, 1, map[string]string{revision: "2"}, nil),
			object("Deployment", 2, 2, map[string]string{revision: "2"}, nil), true},
		{"old one", object("Pod", 0, 0, nil, nil), object("ReplicaSet", 1, 1, map[string]string{revision: "1"}, nil),
			object("Deployment", 2, 2, map[string]string{revision: "2"}, nil), false},
		{"not observed", object("Pod", 0, 0, nil, nil), object("ReplicaSet", 1, 1, map[string]string{revision: "1"}, nil),
			object("Deployment", 2, 1, map[string]string{revision: "1"}, nil), false},
		{"stateful set", object("Pod", 0, 0, nil, map[string]string{"controller-revision-hash": "web-2"}), nil,
			object("StatefulSet", 1, 1, nil, nil), true},
		{"old one of it", object("Pod", 0, 0, nil, map[string]string{"controller-revision-hash": "web-1"}), nil,
			object("StatefulSet", 1, 1, nil, nil), false},
		{"daemon set", object("Pod", 0, 0, nil, map[string]string{"pod-template-generation": "1"}), nil,
			object("DaemonSet", 1, 1, map[string]string{"deprecated.daemonset.template.generation": "2"}, nil), false},
		{"job", object("Pod", 0, 0, nil, nil), nil, object("Job", 1, 0, nil, nil), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			child := row.child
			if child == nil {
				child = row.pod
			}
			if got := ofPresentRevision(row.pod, child, row.object); got != row.want {
				t.Error(got)
			}
		})
	}
}

func TestRedacted(t *testing.T) {
	g := NewWithT(t)
	w := &World{Plan: &plan.Scenario{Env: map[string]string{
		"TOKEN": "sesame-open", "LONGER": "sesame-open-door", "SHORT": "on", "QUERY": "a b/c&d", "PEM": "--begin--\nMIIDazCC\n", "EMPTY": "",
	}}}
	a := event.Attempt{
		Message:  "token sesame-open is on",
		Findings: []event.Finding{{Message: "sesame-open-door", Observed: "x=a+b%2Fc%26d", Parts: []event.Part{{Value: `"sesame-open"`}}}},
		Evidence: []event.Evidence{{Title: "sesame-open", Lines: []string{"MIIDazCC"}}},
		Notes:    []string{"sesame-open twice sesame-open"},
	}
	w.redacted(&a)
	g.Expect(a).To(Equal(event.Attempt{
		Message:  "token *** is on",
		Findings: []event.Finding{{Message: "***", Observed: "x=***", Parts: []event.Part{{Value: `"***"`}}}},
		Evidence: []event.Evidence{{Title: "***", Lines: []string{"***"}}},
		Notes:    []string{"*** twice ***"},
	}))
}

func TestLastLines(t *testing.T) {
	g := NewWithT(t)
	g.Expect(lastLines("", 2)).To(BeEmpty())
	g.Expect(lastLines("one\ntwo\n", 2)).To(Equal([]string{"one", "two"}))
	g.Expect(lastLines("one\ntwo\nthree\r\n", 2)).To(Equal([]string{"… 1 lines before", "two", "three"}))
}
