package measure_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/realspec/realspec/engine/measure"
)

// cluster starts a real control plane for one test; without the program that
// starts one, the test is skipped.
func cluster(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	binary, err := findBinary()
	if err != nil && os.Getenv("REALSPEC_REQUIRE_CLUSTER") != "1" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kubeconfig, state := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "state")
	t.Cleanup(func() {
		if out, err := exec.Command(binary, "down", "--name", "engine-measure-test", "--state", state).CombinedOutput(); err != nil {
			t.Errorf("the test cluster does not stop: %v\n%s", err, out)
		}
	})
	up := exec.Command(binary, "up", "--name", "engine-measure-test", "--state", state, "--kubeconfig", kubeconfig,
		"--nodes", "count=1,cpu=4,memory=8Gi", "--owner", strconv.Itoa(os.Getpid()))
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("the test cluster does not start: %v\n%s", err, out)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = -1, -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func findBinary() (string, error) {
	if path := os.Getenv("REALSPEC_CLUSTER_BIN"); path != "" {
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "bin", "realspec-cluster")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no bin/realspec-cluster to start a cluster with, and REALSPEC_CLUSTER_BIN names none")
}

// A real API server's own histograms know the calls that were made, and no others.
func TestARealAPIServersHistograms(t *testing.T) {
	g := NewWithT(t)
	client := cluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	metrics := func() []byte {
		text, err := client.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		return text
	}
	secrets := client.CoreV1().Secrets("default")
	before := metrics()
	for i := range 320 {
		_, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("s", i)}}, metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	for range 7 {
		_, err := secrets.Get(ctx, "s1", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	for range 3 {
		_, err := secrets.List(ctx, metav1.ListOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(secrets.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})).To(Succeed())
	r, err := measure.ServerLatency(before, metrics(), []string{"secrets"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.Series).To(HaveLen(3), "the deletion of the collection is not in the SLI")
	g.Expect(r.Series[0].Group).To(Equal("POST secrets"))
	g.Expect(r.Latency.Mutating.Count).To(Equal(int64(320)))
	g.Expect(r.Latency.Mutating.P50).To(BeNumerically(">=", 50*millisecond), "the least bucket")
	g.Expect(r.Latency.Mutating.Mean).To(And(BeNumerically(">", 0), BeNumerically("<", time.Second)))
	g.Expect(r.Latency.Reads.Count).To(Equal(int64(7)))
	g.Expect(r.Series[2].Group).To(Equal("LIST secrets (namespace)"))
	g.Expect(r.Latency.Lists.Count).To(Equal(int64(3)))

	r, err = measure.ServerLatency(before, metrics(), nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.Latency.Mutating.Count).To(BeNumerically(">=", 320))
}
