package step

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

func TestOtherWords(t *testing.T) {
	g := NewWithT(t)
	no := &cluster.Refused{Reason: "Forbidden", Code: 403, Message: `pods "big" is forbidden: exceeded quota: small`}
	g.Expect(otherWords(no, "", "")).To(BeEmpty())
	g.Expect(otherWords(no, "Forbidden", "exceeded quota")).To(BeEmpty())
	g.Expect(otherWords(no, "Invalid", "exceeded quota")).To(Equal("the reason is Forbidden, not Invalid"))
	g.Expect(otherWords(no, "", "Exceeded quota")).To(Equal(`the API server does not say "Exceeded quota"`))
}

// podsRefused is an API server that refuses pods in these words; without any it does
// not answer.
func podsRefused(t *testing.T, words func(try int32) string) *cluster.Client {
	discovery := map[string]string{
		"/version": `{"gitVersion": "v1.37.2"}`,
		"/api":     `{"versions": ["v1"]}`,
		"/apis":    `{"groups": []}`,
		"/api/v1": `{"groupVersion": "v1", "resources": [
			{"name": "pods", "kind": "Pod", "namespaced": true, "verbs": ["get", "list", "watch", "patch"]}]}`,
	}
	var tries atomic.Int32
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			fmt.Fprint(w, discovery[r.URL.Path])
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the client's going is not seen
		said := words(tries.Add(1))
		if said == "" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403,
			"message": "pods \"web\" is forbidden: %s"}`, said)
	})
}

// A quota that its controller has not counted refuses for the moment only: that is
// no proof that it refuses.
func TestAnUncountedQuotaHasRefusedNothing(t *testing.T) {
	uncounted, exceeded := "status unknown for quota: small, resources: pods", "exceeded quota: small"
	for name, tc := range map[string]struct {
		first, then string // what is said first, and from the third answer on; "" is none
		want        event.Outcome
	}{
		"never counted":          {uncounted, uncounted, event.Failed},
		"no answer at the end":   {uncounted, "", event.Failed},
		"counted after a moment": {uncounted, exceeded, event.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			client := podsRefused(t, func(try int32) string {
				if try > 2 {
					return tc.then
				}
				return tc.first
			})
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, ErrStepTimeout)
			defer cancel()
			b := &batch{
				w: &World{Setting: Setting{Client: client}, Progress: func(string) {}}, client: client,
				sources: make([]spec.Object, 1),
				objects: objects(t, `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}`),
			}
			r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
			b.refused(ctx, &plan.Step{Step: &spec.Step{Apply: &spec.Apply{}}}, r)
			g.Expect(r.Outcome).To(Equal(tc.want), r.Message)
			if tc.want == event.Failed {
				g.Expect(r.Reason).To(Equal(event.ReasonTimeout))
				g.Expect(r.Message).To(And(
					HavePrefix("Pod/web must be refused: the step's time is over; "), HaveSuffix(uncounted)))
			}
		})
	}
}
