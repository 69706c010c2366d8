package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// readAudit reads an audit log. The server may be writing its last line.
func readAudit(path string) ([]auditv1.Event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []auditv1.Event
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return events, nil
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, errors.Join(err, errors.New(string(line)))
		}
		events = append(events, event)
	}
}

// readyPod is the pod in an event's answer, if it is the Ready one.
func readyPod(event auditv1.Event) (pod corev1.Pod, ready bool) {
	if event.ResponseObject == nil || json.Unmarshal(event.ResponseObject.Raw, &pod) != nil {
		return pod, false
	}
	for _, condition := range pod.Status.Conditions {
		ready = ready || condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	}
	return pod, ready
}

func TestAudit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	up := c.up("--name", "kept", "--audit")
	info := c.status("kept")
	g.Expect(info.Audit).To(Equal(c.folder("kept").auditLog()))
	g.Expect(up.out).To(ContainSubstring("audit log   " + info.Audit + "\n"))
	file, err := os.Stat(info.Audit)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(file.Mode().Perm()).To(Equal(os.FileMode(0o600)))

	_, client := c.connect("kept")
	template := podTemplate("audited")
	pod, err := client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "audited"}, Spec: template.Spec}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "audited"}, Data: map[string]string{"a": "b"}}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		now, err := client.CoreV1().Pods("default").Get(t.Context(), "audited", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(now.Status.Phase).To(Equal(corev1.PodRunning))
	}).WithTimeout(soon).WithPolling(20 * time.Millisecond).Should(Succeed())
	g.Eventually(func(g Gomega) { // the answer may be seen before its line
		events, err := readAudit(info.Audit)
		g.Expect(err).NotTo(HaveOccurred())
		checkAudit(g, events, pod.UID)
	}).WithTimeout(soon).Should(Succeed())

	g.Expect(c.run("up", "--name", "kept").code).To(Equal(0), "whoever needs no log may use a cluster that has one")
	g.Expect(c.run("down", "--name", "kept").code).To(Equal(0))
	g.Expect(info.Audit).NotTo(BeAnExistingFile())
}

// checkAudit checks what the log says of a pod's life, and what it leaves out.
func checkAudit(g Gomega, events []auditv1.Event, uid types.UID) {
	life := map[string]auditv1.Event{}
	for _, event := range events {
		g.Expect(event.Verb).NotTo(BeElementOf("get", "list", "watch"))
		g.Expect(event.Stage).To(Equal(auditv1.StageResponseComplete))
		g.Expect(event.ObjectRef.Resource).NotTo(BeElementOf("leases", "events"))
		if event.ObjectRef.Resource != "pods" {
			g.Expect(event.Level).To(Equal(auditv1.LevelMetadata), event.RequestURI)
		}
		if event.ObjectRef.Namespace != "default" || event.ResponseStatus.Code >= 300 {
			continue
		}
		pod, ready := readyPod(event)
		switch kind := event.ObjectRef.Resource + "/" + event.ObjectRef.Subresource; {
		case kind == "pods/" && event.Verb == "create" && pod.UID == uid:
			life["created"] = event
		case kind == "pods/binding" && event.ObjectRef.UID == uid:
			life["bound"] = event
		case kind == "pods/status" && event.Verb == "patch" && pod.UID == uid && ready:
			life["ready"] = event
		case kind == "configmaps/" && event.ObjectRef.Name == "audited":
			life["configmap"] = event
		}
	}
	g.Expect(life).To(And(HaveLen(4), HaveKey("created"), HaveKey("bound"), HaveKey("ready"), HaveKey("configmap")))
	created, ready := life["created"], life["ready"]
	g.Expect(created.ResponseStatus.Code).To(Equal(int32(201)))
	g.Expect(created.RequestReceivedTimestamp.Time).To(BeTemporally("<", created.StageTimestamp.Time), "microseconds")
	g.Expect(created.StageTimestamp.Time).To(BeTemporally("<", ready.StageTimestamp.Time))
	g.Expect(string(created.ResponseObject.Raw)).NotTo(ContainSubstring("managedFields"))
}

func TestNoAuditUnlessAsked(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newTool(t)
	g.Expect(c.up().out).NotTo(ContainSubstring("audit"))
	info := c.status("default")
	g.Expect(info.Audit).To(BeEmpty())
	g.Expect(c.folder("default").auditLog()).NotTo(BeAnExistingFile())

	refused := c.run("up", "--audit")
	g.Expect(refused.code).To(Equal(exitUsage))
	g.Expect(refused.err).To(ContainSubstring(`cluster "default" is running without an audit log; stop it first with 'realspec-cluster down --name default'`))
	g.Expect(c.status("default").PID).To(Equal(info.PID))
}
