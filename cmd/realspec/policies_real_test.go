package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/realspec/realspec/engine/cluster"
)

// enforcePolicies makes NetworkPolicies count on real nodes, whose bridge ignores
// them, and says so on the nodes: it drops packets by rules of nftables in the networks
// of the nodes, as network plugins do. It knows ingress from pods, by their labels; a
// policy that says more fails the test.
func (c *realNodes) enforcePolicies(t *testing.T) {
	t.Helper()
	client, nodes := c.client(t), c.nodes(t)
	says := fmt.Appendf(nil, `{"metadata": {"annotations": {%q: "enforced"}}}`, cluster.AnnotationNetworkPolicies)
	for _, n := range nodes {
		if _, err := client.CoreV1().Nodes().Patch(t.Context(), n.Name, types.MergePatchType, says, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		last, failed := "", 0 // in a row
		for ctx.Err() == nil {
			rules, err := policyRules(ctx, client)
			if err == nil && rules != last {
				if err = setRules(nodes, rules); err == nil {
					last = rules
				}
			}
			if failed++; err == nil {
				failed = 0
			}
			if failed == 20 && ctx.Err() == nil {
				t.Errorf("NetworkPolicies are not enforced: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

// setRules replaces the rules of every node at once.
func setRules(nodes []nodeOfCluster, rules string) error {
	for _, n := range nodes {
		nft := exec.Command("nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", n.PID), "nft", "-f", "-")
		nft.Stdin = strings.NewReader("table inet policies\ndelete table inet policies\n" + rules)
		if out, err := nft.CombinedOutput(); err != nil {
			return fmt.Errorf("node %s: %w: %s", n.Name, err, out)
		}
	}
	return nil
}

// policyRules are the rules for what there is now. A pod that a policy selects gets
// what a policy lets in, answers, and nothing else.
func policyRules(ctx context.Context, client *kubernetes.Clientset) (string, error) {
	cached := metav1.ListOptions{ResourceVersion: "0"}
	policies, err := client.NetworkingV1().NetworkPolicies("").List(ctx, cached)
	if err != nil {
		return "", err
	}
	pods, err := client.CoreV1().Pods("").List(ctx, cached)
	if err != nil {
		return "", err
	}
	var accepted, closed []string
	for _, p := range policies.Items {
		if slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			return "", fmt.Errorf("the policy %s in %s is for egress, which these rules don't know", p.Name, p.Namespace)
		}
		targets, err := addresses(pods.Items, p.Namespace, p.Spec.PodSelector)
		if err != nil {
			return "", err
		}
		for _, to := range targets {
			closed = append(closed, fmt.Sprintf("ip daddr %s drop\n", to))
			for _, rule := range p.Spec.Ingress {
				rules, err := ingressRules(pods.Items, p.Namespace, rule, to)
				if err != nil {
					return "", fmt.Errorf("the policy %s in %s: %w", p.Name, p.Namespace, err)
				}
				accepted = append(accepted, rules...)
			}
		}
	}
	slices.Sort(accepted)
	slices.Sort(closed)
	return "table inet policies {\n chain forward {\n type filter hook forward priority filter; policy accept;\n" +
		"ct state established,related accept\n" + strings.Join(accepted, "") + strings.Join(closed, "") + "}\n}\n", nil
}

func ingressRules(pods []corev1.Pod, namespace string, rule networkingv1.NetworkPolicyIngressRule, to string) (rules []string, err error) {
	var ports []string
	for _, port := range rule.Ports {
		if port.Port == nil || port.Port.IntValue() == 0 || port.EndPort != nil {
			return nil, fmt.Errorf("a port that these rules don't know: %v", port)
		}
		ports = append(ports, fmt.Sprintf("tcp dport %d ", port.Port.IntValue()))
	}
	if ports == nil {
		ports = []string{""}
	}
	for _, peer := range rule.From {
		if peer.PodSelector == nil || peer.NamespaceSelector != nil || peer.IPBlock != nil {
			return nil, fmt.Errorf("a peer that these rules don't know: %v", peer)
		}
		sources, err := addresses(pods, namespace, *peer.PodSelector)
		if err != nil {
			return nil, err
		}
		for _, from := range sources {
			for _, port := range ports {
				rules = append(rules, fmt.Sprintf("ip saddr %s ip daddr %s %saccept\n", from, to, port))
			}
		}
	}
	return rules, nil
}

// addresses are those of the pods of a namespace with a selector's labels.
func addresses(pods []corev1.Pod, namespace string, selector metav1.LabelSelector) (all []string, err error) {
	fits, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return nil, err
	}
	for _, p := range pods {
		if p.Namespace == namespace && !p.Spec.HostNetwork && p.Status.PodIP != "" && fits.Matches(labels.Set(p.Labels)) {
			all = append(all, p.Status.PodIP)
		}
	}
	return all, nil
}
