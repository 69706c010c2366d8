package cluster

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/ready"
)

// Unready lists the pods of a namespace that are not ready and not being deleted.
// The others are dropped page by page, so that thousands of them take no memory.
func (c *Client) Unready(ctx context.Context, namespace string) ([]*unstructured.Unstructured, error) {
	out := []*unstructured.Unstructured{}
	_, err := c.pages(ctx, listCall(Pods, namespace, ListOptions{Selector: withoutCanaries(Pods, "")}), c.opts.RetryBudget,
		func(a answer, anew bool) (metav1.ListMeta, error) {
			if anew {
				out = out[:0]
			}
			return eachItem(a.body, func(raw []byte) error {
				u, err := decodeItem(raw, Pods)
				if err != nil {
					return err
				}
				if s := ready.Of(u).State; s != ready.Ready && s != ready.Terminating {
					out = append(out, u)
				}
				return nil
			})
		})
	return out, err
}
