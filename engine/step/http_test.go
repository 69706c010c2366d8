package step

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// A Service that is called by its name is that of the scenario's namespace, though
// the agent stands in another one; the server sees the name as it was written.
func TestANameIsThatOfTheScenariosNamespace(t *testing.T) {
	for _, c := range []struct{ url, want, host string }{
		{"http://web/healthz", "http://web.shop.svc/healthz", "web"},
		{"http://web:8080/?x=1", "http://web.shop.svc:8080/?x=1", "web:8080"},
		{"https://user:word@web/", "https://user:word@web.shop.svc/", "web"},
		{"http://web.other.svc/", "http://web.other.svc/", ""},
		{"http://10.0.0.7:80/", "http://10.0.0.7:80/", ""},
		{"http://[fd00::7]:80/", "http://[fd00::7]:80/", ""},
		{"http://localhost:80/", "http://localhost:80/", ""},
	} {
		g := NewWithT(t)
		r := probe.Request{URL: c.url, Headers: map[string]string{}}
		atHome(&r, "shop")
		g.Expect(r.URL).To(Equal(c.want))
		g.Expect(r.Headers["Host"]).To(Equal(c.host), c.url)
		if c.host != "" {
			g.Expect(r.ServerName).To(Equal("web"))
		}
	}
	given := probe.Request{URL: "https://web/", ServerName: "web.example.com", Headers: map[string]string{"host": "shop.example.com"}}
	atHome(&given, "shop")
	NewWithT(t).Expect(given.ServerName + " " + given.Headers["host"] + given.Headers["Host"]).To(Equal("web.example.com shop.example.com"))
}

// Agents share the rate and the number, and take turns.
func TestAgentsShareTheRate(t *testing.T) {
	g := NewWithT(t)
	r := &requests{job: probe.HTTPJob{Rate: 100, Count: 10}, senders: make([]sender, 4)}
	count := 0
	for i := range r.senders {
		job := r.share(i).HTTP
		g.Expect(job.Rate).To(Equal(25.0))
		g.Expect(job.Offset).To(Equal(time.Duration(i) * 10 * time.Millisecond))
		count += job.Count
	}
	g.Expect(count).To(Equal(10))
}

func TestAnAnswerAsItIsShown(t *testing.T) {
	g := NewWithT(t)
	g.Expect(observedResponse(&spec.Response{Status: 503, Took: 1234567, Body: "over\r\nloaded\n",
		Headers: map[string]string{"retry-after": "7", "set-cookie": "secret"}})).To(Equal(
		"503 Service Unavailable in 1.23ms\nretry-after: 7\n  over\n  loaded"))
	g.Expect(observedResponse(&spec.Response{Error: "timeout", Took: 2 * time.Second})).To(Equal("no answer after 2s: timeout"))
}

func TestThreeDigitsOfADuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 999: "999ns", 1234: "1.23µs", 12345678: "12.3ms", -1234: "-1.23µs", 21 * time.Second: "21s"} {
		NewWithT(t).Expect(fine(d).String()).To(Equal(want))
	}
}
