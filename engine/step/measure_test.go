package step

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

// What the steps under during did is told as it is of steps of their own.
func TestWhatWrappedStepsDidIsTold(t *testing.T) {
	g := NewWithT(t)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	w, p := simulated(t, "measure: [{name: took, elapsed: {}}]\nduring: [{http: {url: '"+s.URL+"', from: here}}]\n")
	got := all(w, p)
	g.Expect(got).To(HaveLen(1))
	g.Expect(got[0].Outcome).To(Equal(event.Passed), got[0].Message)
	g.Expect(got[0].Notes).To(ConsistOf(HavePrefix("GET " + s.URL + " from here: 200 OK in ")))
}
