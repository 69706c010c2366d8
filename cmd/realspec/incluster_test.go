package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/realspec/realspec/engine/cluster"
)

// ownCluster is the cluster of this test.
type ownCluster struct {
	*realNodes
	t *testing.T
}

const ownImage = "realspec.dev/realspec:test"

// realspec runs in a pod of the cluster that it tests, with the pod's service
// account and with exactly the permissions that 'realspec plan --server' lists.
func TestInCluster(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := &ownCluster{realNodes: startRealNodes(t, "incluster", "count=1,memory=1Gi,storage=512Mi"), t: t}
	program := c.build(t, "../realspec")
	c.image(t, program, ownImage, "--file", "testdata/incluster=/specs/incluster")

	client := c.client(t)
	role := c.plannedRole(program)
	c.grant(client, role)

	logs := c.runJob(client, 0)
	g.Expect(logs).To(ContainSubstring("incluster · cluster in-cluster, Kubernetes"))
	g.Expect(logs).To(ContainSubstring("PASSED"))
	g.Expect(logs).To(ContainSubstring(`"source": "the pod's service account"`))

	// The permissions are what it takes: without one of them nothing is begun.
	role.Rules = withoutVerb(role.Rules, "pods", "create")
	_, err := client.RbacV1().ClusterRoles().Update(t.Context(), role, metav1.UpdateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	logs = c.runJob(client, 4)
	g.Expect(logs).To(ContainSubstring("it may not create, patch pods"))
}

// plannedRole has the permissions that a plan lists. Those of the scenario's own
// namespace are for all of them: its name is not known before.
func (c *ownCluster) plannedRole(program string) *rbacv1.ClusterRole {
	c.t.Helper()
	command := exec.Command(program, "plan", "testdata/incluster", "--server", "--output", "json", "--kubeconfig", c.kubeconfig)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		c.t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	var planned struct {
		Scenarios []struct {
			Server struct{ Access []cluster.Access }
		}
	}
	if err := json.Unmarshal(out, &planned); err != nil || len(planned.Scenarios) != 1 || len(planned.Scenarios[0].Server.Access) < 5 {
		c.t.Fatalf("%v\n%s", err, out)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "realspec"}}
	for _, access := range planned.Scenarios[0].Server.Access {
		rule := rbacv1.PolicyRule{Verbs: []string{access.Verb}}
		if access.Path != "" {
			rule.NonResourceURLs = []string{access.Path}
		} else {
			resource := access.Resource
			if access.Subresource != "" {
				resource += "/" + access.Subresource
			}
			rule.APIGroups, rule.Resources = []string{access.Group}, []string{resource}
			if access.Name != "" {
				rule.ResourceNames = []string{access.Name}
			}
		}
		role.Rules = append(role.Rules, rule)
	}
	return role
}

func withoutVerb(rules []rbacv1.PolicyRule, resource, verb string) (out []rbacv1.PolicyRule) {
	for _, rule := range rules {
		if len(rule.Resources) == 0 || rule.Resources[0] != resource || rule.Verbs[0] != verb && rule.Verbs[0] != "patch" {
			out = append(out, rule)
		}
	}
	return out
}

// grant gives a new service account the permissions.
func (c *ownCluster) grant(client kubernetes.Interface, role *rbacv1.ClusterRole) {
	c.t.Helper()
	g := NewWithT(c.t)
	ctx := c.t.Context()
	_, err := client.CoreV1().ServiceAccounts("default").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "realspec"}}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "realspec"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "realspec"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "realspec", Namespace: "default"}},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
}

// runJob runs the scenario as a Job, expects an exit code, and returns what was
// said. Before it the plan is made in the pod, which says where it looked.
func (c *ownCluster) runJob(client kubernetes.Interface, code int32) string {
	c.t.Helper()
	g := NewWithT(c.t)
	ctx, name := c.t.Context(), fmt.Sprintf("realspec-%d", code)
	none := int32(0)
	_, err := client.BatchV1().Jobs("default").Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: batchv1.JobSpec{BackoffLimit: &none, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			ServiceAccountName: "realspec", RestartPolicy: corev1.RestartPolicyNever,
			InitContainers: []corev1.Container{{Name: "plan", Image: ownImage, Args: []string{"plan", "/specs", "--output", "json"}}},
			Containers: []corev1.Container{{Name: "run", Image: ownImage,
				Args: []string{"run", "/specs", "--cluster", "current"}}},
		}}},
	}, metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	var pod corev1.Pod
	g.Eventually(func(g Gomega) {
		list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + name})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list.Items).To(HaveLen(1))
		pod = list.Items[0]
		g.Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
		g.Expect(pod.Status.ContainerStatuses[0].State.Terminated).NotTo(BeNil(), "%+v", pod.Status)
	}).WithTimeout(2 * time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
	var logs strings.Builder
	for _, container := range []string{"plan", "run"} {
		stream, err := client.CoreV1().Pods("default").GetLogs(pod.Name, &corev1.PodLogOptions{Container: container}).Stream(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = io.Copy(&logs, stream)
		g.Expect(err).NotTo(HaveOccurred())
		_ = stream.Close()
	}
	g.Expect(pod.Status.ContainerStatuses[0].State.Terminated.ExitCode).To(Equal(code), logs.String())
	return logs.String()
}
