package measure_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/realspec/realspec/engine/local/localtest"
	"github.com/realspec/realspec/engine/measure"
)

// cluster starts a real control plane for one test.
func cluster(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	up := localtest.Start(t, "engine-measure-test", "--nodes", "count=1,cpu=4,memory=8Gi")
	config, err := clientcmd.BuildConfigFromFlags("", up.Kubeconfig)
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
