package cluster

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// aNode is a node of the test cluster; it takes pods again when the test ends.
func aNode(t *testing.T, c *Client) *unstructured.Unstructured {
	t.Helper()
	nodes, err := c.List(context.Background(), Nodes, "", ListOptions{})
	if err != nil || len(nodes) == 0 {
		t.Fatalf("no nodes: %v", err)
	}
	name := nodes[0].GetName()
	t.Cleanup(func() {
		if _, _, err := c.Uncordon(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return nodes[0]
}

func TestCordonLeavesTheCordonsOfOthersAlone(t *testing.T) {
	g, ctx := NewWithT(t), context.Background()
	c := connect(t, Options{})
	node := aNode(t, c).GetName()
	now := func() *unstructured.Unstructured {
		n, err := c.Get(ctx, Nodes, "", node)
		g.Expect(err).NotTo(HaveOccurred())
		return n
	}

	did, err := c.Cordon(ctx, node, "run1", time.Now())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(did).To(BeTrue())
	g.Expect(isCordoned(now())).To(BeTrue())
	g.Expect(now().GetAnnotations()).To(HaveKeyWithValue(AnnotationCordonedBy, "run1"))

	did, err = c.Cordon(ctx, node, "run2", time.Now())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(did).To(BeFalse(), "it was cordoned before")
	g.Expect(now().GetAnnotations()).To(HaveKeyWithValue(AnnotationCordonedBy, "run1"))

	g.Expect(c.UncordonOf(ctx, node, "run2")).To(Succeed())
	g.Expect(isCordoned(now())).To(BeTrue(), "it is not run2's")
	g.Expect(c.UncordonOf(ctx, node, "run1")).To(Succeed())
	g.Expect(isCordoned(now())).To(BeFalse())
	g.Expect(now().GetAnnotations()).NotTo(HaveKey(AnnotationCordonedBy))

	did, err = c.Cordon(ctx, node, "", time.Now()) // as a person would
	g.Expect(did, err).To(BeTrue())
	g.Expect(c.UncordonOf(ctx, node, "run1")).To(Succeed())
	g.Expect(isCordoned(now())).To(BeTrue())
	did, by, err := c.Uncordon(ctx, node)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(did).To(BeTrue())
	g.Expect(by).To(BeEmpty())

	g.Expect(c.UncordonOf(ctx, "no-such-node", "run1")).To(Succeed())
	_, err = c.Cordon(ctx, "no-such-node", "run1", time.Now())
	g.Expect(IsNotFound(err)).To(BeTrue())
}

func TestSweepUncordonsWhatAKilledRunCordoned(t *testing.T) {
	g, ctx := NewWithT(t), context.Background()
	c := connect(t, Options{})
	node := aNode(t, c)
	at := time.Now().Add(-time.Hour)
	did, err := c.Cordon(ctx, node.GetName(), "killed", at)
	g.Expect(did, err).To(BeTrue())

	found, err := c.Leftovers(ctx, map[string]string{LabelRun: "another"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(BeEmpty())
	found, err = c.Leftovers(ctx, map[string]string{LabelRun: "killed"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].String()).To(Equal("Node " + node.GetName() + " (cordoned; to be uncordoned)"))
	g.Expect(found[0].Run).To(Equal("killed"))
	g.Expect(found[0].Age(time.Now())).To(BeNumerically("~", time.Hour, 10*time.Second), "since the cordon, not since the node was made")

	left, err := c.Remove(ctx, found, nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).To(BeEmpty())
	now, err := c.Get(ctx, Nodes, "", node.GetName())
	g.Expect(err).NotTo(HaveOccurred(), "the node itself stays")
	g.Expect(now.GetUID()).To(Equal(node.GetUID()))
	g.Expect(isCordoned(now)).To(BeFalse())
}

func TestAwaitNode(t *testing.T) {
	g, ctx := NewWithT(t), context.Background()
	c := connect(t, Options{})
	node := aNode(t, c)
	g.Expect(NodeSimulated(node)).To(BeTrue())
	g.Expect(NodeReady(node)).To(BeTrue())
	g.Expect(c.AwaitNode(ctx, node.GetName(), "")).To(Succeed())

	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	g.Expect(c.AwaitNode(short, "no-such-node", "")).NotTo(Succeed())
}
