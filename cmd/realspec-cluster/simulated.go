package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"runtime"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// How a simulated node is recognised: KWOK looks after nodes with the label,
// and whoever measures refuses what a node with the annotation cannot show.
const (
	simulatedLabel      = "type"
	simulatedValue      = "kwok"
	simulatedAnnotation = "kwok.x-k8s.io/node"
	simulatedType       = "realspec-simulated"
)

// simulatedDomain is where the API server looks for the kubelet of a simulated
// node. No name in .invalid ever resolves (RFC 2606), and the error that the
// user of 'kubectl logs' sees names the reason.
const simulatedDomain = ".simulated-node-has-no-kubelet.invalid"

// zones are those that nodes are spread over, in turn.
var zones = []string{"zone-a", "zone-b", "zone-c"}

// simulatedNodes returns the Node objects of all pools. Pools with the same
// prefix share one numbering, so that names are unique.
func simulatedNodes(pools []Pool) []*corev1.Node {
	var nodes []*corev1.Node
	eachNode(pools, func(pool Pool, name string) {
		nodes = append(nodes, simulatedNode(pool, name, len(nodes)))
	})
	return nodes
}

// eachNode calls do with the name of every node and its pool.
func eachNode(pools []Pool, do func(pool Pool, name string)) {
	next := map[string]int{}
	for _, pool := range pools {
		for range pool.Count {
			do(pool, fmt.Sprintf("%s-%d", pool.Name, next[pool.Name]))
			next[pool.Name]++
		}
	}
}

// simulatedNode returns a node that is Ready from the start, as KWOK would
// make it one step later; index counts over all pools.
func simulatedNode(pool Pool, name string, index int) *corev1.Node {
	version := "kwok-" + builtVersions().KWOK
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      nodeLabels(pool, name, index),
			Annotations: map[string]string{simulatedAnnotation: "fake"},
		},
		Spec: corev1.NodeSpec{ProviderID: "kwok://" + name},
		Status: corev1.NodeStatus{
			Capacity:    nodeResources(pool),
			Allocatable: nodeResources(pool),
			Phase:       corev1.NodeRunning, // KWOK's heartbeat asks for it
			Conditions:  readyConditions(metav1.Now()),
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: nodeAddress(index)},
				{Type: corev1.NodeHostName, Address: name},
				{Type: corev1.NodeInternalDNS, Address: name + simulatedDomain},
			},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: runtime.GOARCH, OSImage: "simulated",
				KubeletVersion: version, ContainerRuntimeVersion: version, KernelVersion: version,
			},
		},
	}
	node.Spec.Taints = nodeTaints(pool)
	return node
}

func nodeTaints(pool Pool) []corev1.Taint {
	var taints []corev1.Taint
	for _, taint := range pool.Taints {
		taints = append(taints, corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: corev1.TaintEffect(taint.Effect)})
	}
	return taints
}

func nodeLabels(pool Pool, name string, index int) map[string]string {
	labels := map[string]string{
		simulatedLabel:                 simulatedValue,
		corev1.LabelHostname:           name,
		corev1.LabelOSStable:           "linux",
		corev1.LabelArchStable:         runtime.GOARCH,
		corev1.LabelInstanceTypeStable: simulatedType,
		corev1.LabelTopologyRegion:     "local",
		corev1.LabelTopologyZone:       zones[index%len(zones)],
	}
	for key, value := range pool.Labels {
		labels[key] = value
	}
	return labels
}

func nodeResources(pool Pool) corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:              pool.CPU,
		corev1.ResourceMemory:           pool.Memory,
		corev1.ResourceEphemeralStorage: pool.Storage,
		corev1.ResourcePods:             *resource.NewQuantity(int64(pool.Pods), resource.DecimalSI),
	}
	maps.Copy(list, extendedResources(pool))
	return list
}

// nodeAddress gives every node an address of its own, from 198.18.0.1 on.
func nodeAddress(index int) string {
	n := index + 1
	return net.IPv4(198, 18, byte(n>>8), byte(n)).String()
}

// readyConditions are the conditions of a healthy node, with KWOK's reasons.
func readyConditions(now metav1.Time) []corev1.NodeCondition {
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	return []corev1.NodeCondition{
		condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		condition(corev1.NodeNetworkUnavailable, corev1.ConditionFalse, "RouteCreated", "RouteController created a route"),
	}
}

// createNodes creates all nodes, several at a time.
func createNodes(ctx context.Context, client kubernetes.Interface, nodes []*corev1.Node) error {
	queue := make(chan *corev1.Node)
	var workers sync.WaitGroup
	failures := make(chan error, len(nodes))
	for range min(16, len(nodes)) {
		workers.Go(func() {
			for node := range queue {
				if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
					failures <- fmt.Errorf("creating node %s: %w", node.Name, err)
				}
			}
		})
	}
	for _, node := range nodes {
		queue <- node
	}
	close(queue)
	workers.Wait()
	close(failures)
	return <-failures
}

// awaitNodes waits until every node is Ready and the taint that the API
// server puts on new nodes is gone, so that pods can be scheduled.
func awaitNodes(ctx context.Context, client kubernetes.Interface, count int) error {
	// Looking costs time in proportion to the number of nodes.
	pause := 20*time.Millisecond + time.Duration(count)*200*time.Microsecond
	return eventually(ctx, pause, func() error {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		usable := 0
		for _, node := range list.Items {
			if schedulable(&node) {
				usable++
			}
		}
		if usable < count {
			return fmt.Errorf("%d of %d nodes are ready", usable, count)
		}
		return nil
	})
}

// schedulable reports whether a node is Ready and free of the taint for
// nodes that are not; taints of the pool's own do not count.
func schedulable(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
