package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// keepResources gives real nodes the extended resources of their pools, such
// as GPUs: the scheduler counts them, and nothing is behind them. A kubelet
// that starts takes away what no device plugin has told it of, so this watches
// for that. It returns when all nodes have them.
func (s *server) keepResources(ctx context.Context, client kubernetes.Interface) error {
	wanted := map[string]corev1.ResourceList{}
	eachNode(s.record.Real, func(pool Pool, name string) {
		if list := extendedResources(pool); len(list) > 0 {
			wanted[name] = list
		}
	})
	if len(wanted) == 0 {
		return nil
	}
	give := func(object any) {
		node, ok := object.(*corev1.Node)
		if ok && schedulable(node) && !hasResources(node, wanted[node.Name]) {
			_ = giveResources(ctx, client, node.Name, wanted[node.Name]) // the resync comes back to it
		}
	}
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "nodes", "", fields.Everything()),
		ObjectType:    &corev1.Node{}, ResyncPeriod: 5 * time.Second,
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: give, UpdateFunc: func(_, now any) { give(now) }},
	})
	go controller.RunWithContext(ctx)
	s.tell("waiting for extended resources")
	return eventually(ctx, 50*time.Millisecond, func() error {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		for _, node := range list.Items {
			if !hasResources(&node, wanted[node.Name]) {
				return fmt.Errorf("node %s has not all of its extended resources", node.Name)
			}
		}
		return nil
	})
}

// extendedResources are what a pool has besides what every node has.
func extendedResources(pool Pool) corev1.ResourceList {
	list := corev1.ResourceList{}
	if pool.GPU > 0 {
		list[gpuResource] = *resource.NewQuantity(int64(pool.GPU), resource.DecimalSI)
	}
	for name, quantity := range pool.Resources {
		list[corev1.ResourceName(name)] = quantity
	}
	return list
}

func hasResources(node *corev1.Node, wanted corev1.ResourceList) bool {
	for name, quantity := range wanted {
		if have := node.Status.Allocatable[name]; have.Cmp(quantity) != 0 {
			return false
		}
		if have := node.Status.Capacity[name]; have.Cmp(quantity) != 0 {
			return false
		}
	}
	return true
}

// giveResources writes both, since kubelets derive the one from the other only
// when they next report, up to 10 s later.
func giveResources(ctx context.Context, client kubernetes.Interface, node string, list corev1.ResourceList) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"capacity": list, "allocatable": list}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
