package load

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/realspec/realspec/engine/spec"
)

// asked is what an http step and an http measure have in common.
type asked struct {
	at      spec.Pos
	url     spec.Text
	headers map[string]spec.Text
	from    string
	as      map[string]string
	tls     *spec.TLS
	timeout spec.Duration
	checks  []spec.Rule
}

func (l *loader) checkHTTP(h *spec.HTTP) {
	l.checkAsked(asked{h.At, h.URL, h.Headers, h.From, h.As, h.TLS, h.RequestTimeout, h.Checks})
}

func (l *loader) checkAsked(a asked) {
	if !a.at.IsValid() {
		return
	}
	l.checkURL(a.at, a.url.Text)
	if l.has(a.at, "body") && l.has(a.at, "json") {
		l.wrongKey(a.at, "json", "too-many", "body and json in one request").Help = "only one of body (a text) or json (a mapping)"
	}
	for _, name := range slices.Sorted(maps.Keys(a.headers)) {
		if !headerName.MatchString(name) {
			pos, width := l.entry(a.at, "headers", name)
			l.addAt(pos, width, "bad-name", "%q is no name of a header", shorten(name)).Help = "such as authorization or content-type"
		}
	}
	l.checkAs(a)
	if a.tls != nil && a.tls.At.IsValid() {
		l.checkTLS(a)
	}
	l.checkPositive(a.at, "requestTimeout", a.timeout)
	l.checkRules(a.checks)
}

// headerName is a token of RFC 9110, 5.6.2.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

const urlHelp = "such as http://web:80/healthz, or https://example.com"

// checkURL looks at the address of a request, as far as it is written out.
func (l *loader) checkURL(at spec.Pos, text string) {
	if written, ok := l.scalar(at, "url"); !ok || written != text || strings.TrimSpace(text) == "" {
		return // it could not be read, which has been said
	}
	if before, _, templated := strings.Cut(text, "${{"); templated {
		for _, scheme := range []string{"http://", "https://"} {
			if strings.HasPrefix(before, scheme) || strings.HasPrefix(scheme, before) {
				return
			}
		}
		l.wrong(at, "url", "bad-url", "%q does not begin with http:// or https://", shorten(text)).Help = urlHelp
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" || u.Scheme != "http" && u.Scheme != "https":
		l.wrong(at, "url", "bad-url", "%q is no address that begins with http:// or https://", shorten(text)).Help = urlHelp
	case u.Hostname() == "":
		l.wrong(at, "url", "bad-url", "%q names no host", shorten(text)).Help = urlHelp
	}
}

// checkAs looks at labels of the sending pod: there is none where a request is
// sent from here.
func (l *loader) checkAs(a asked) {
	for _, key := range slices.Sorted(maps.Keys(a.as)) {
		if len(content.IsLabelKey(key)) > 0 || len(content.IsLabelValue(a.as[key])) > 0 {
			pos, width := l.entry(a.at, "as", key)
			l.addAt(pos, width, "bad-label", "%q cannot be a label", shorten(key+": "+a.as[key])).Help = "such as {app: frontend}"
		}
	}
	for _, field := range []string{"as", "agents"} {
		if !l.has(a.at, field) || strings.Contains(a.url.Text, "${{") && a.from == "" {
			continue
		}
		if spec.FromOf(a.url.Text, a.from) == spec.FromHere {
			l.wrongKey(a.at, field, "no-place", "%s is about pods in the cluster, and this request is sent from here", field).Help =
				"from: cluster sends it from a pod"
		}
	}
}

func (l *loader) checkTLS(a asked) {
	switch {
	case strings.HasPrefix(a.url.Text, "http://"):
		l.wrongKey(a.at, "tls", "no-place", "tls has no place beside a URL that begins with http://").Help = "TLS is spoken with https://"
	case a.tls.Insecure && l.has(a.tls.At, "ca"):
		l.wrongKey(a.tls.At, "ca", "no-place", "ca has no effect beside insecure: true").Help = "a server that is not verified needs no ca"
	}
	l.checkText(a.tls.At, "ca", a.tls.CA.Text)
	l.checkText(a.tls.At, "serverName", a.tls.ServerName.Text)
}

func (l *loader) checkRules(rules []spec.Rule) {
	for _, r := range rules {
		l.checkText(r.At, "cel", r.CEL.Text)
	}
}

func (l *loader) checkExec(e *spec.Exec) {
	l.checkPodOn("exec", &e.On)
	l.checkCommand(e.At, e.Command)
	l.checkText(e.At, "container", e.Container.Text)
	l.checkRules(e.Checks)
}

func (l *loader) checkRun(r *spec.Run) {
	l.checkCommand(r.At, r.Command)
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		if !envName.MatchString(name) {
			pos, width := l.entry(r.At, "env", name)
			l.addAt(pos, width, "bad-name", "%q is no name of an environment variable", shorten(name)).Help =
				"letters, digits and _ only, not beginning with a digit: HELM_DEBUG"
		}
	}
	l.checkRules(r.Checks)
}

func (l *loader) checkLogs(g *spec.Logs) {
	l.checkPodOn("logs", &g.On)
	l.checkText(g.At, "container", g.Container.Text)
	l.checkPositive(g.At, "since", g.Since)
	l.checkCount(g.At, "tail", g.Tail)
	l.checkRules(g.Checks)
}

// checkPodOn refuses what has no containers of its own.
func (l *loader) checkPodOn(verb string, on *spec.Selector) {
	l.checkSelector(on)
	said := strings.Contains(on.Kind, "${{") || meantKind(on.Kind) != ""
	if on.At.IsValid() && on.Kind != "" && on.Kind != "Pod" && !said {
		l.wrong(on.At, "kind", "bad-kind", "%s works on pods, found the kind %q", verb, shorten(on.Kind)).Help =
			"its pods are selected by their labels: {kind: Pod, selector: app=web}"
	}
}

// checkCommand refuses a command without a program. Arguments may be empty.
func (l *loader) checkCommand(at spec.Pos, command []spec.Text) {
	if at.IsValid() && len(command) > 0 && strings.TrimSpace(command[0].Text) == "" && l.isText(at, "command", 0) {
		pos, width := l.item(at, "command", 0)
		l.addAt(pos, width, "empty", "the command is empty").Help = "the first item is the program, the others are its arguments"
	}
}

// checkOutputs looks at the names of outputs: later steps find them by these.
func (l *loader) checkOutputs(steps []*spec.Step) {
	first := map[string]spec.Pos{}
	for s := range every(steps) {
		at, name := outputOf(s)
		if name == "" || !at.IsValid() {
			continue
		}
		pos, width := l.valueOf(at, "output")
		l.checkName(pos, width, "output", name)
		if earlier, again := first[name]; again {
			l.wrong(at, "output", "duplicate-name", "the output %s is there twice", name).Help =
				fmt.Sprintf("the first is at %s; names are unique in a scenario", earlier)
		} else {
			first[name] = pos
		}
	}
}

// outputOf is the name of what a step keeps, and the mapping where it stands.
func outputOf(s *spec.Step) (spec.Pos, string) {
	switch {
	case s.HTTP != nil:
		return s.HTTP.At, s.HTTP.Output
	case s.Exec != nil:
		return s.Exec.At, s.Exec.Output
	case s.Run != nil:
		return s.Run.At, s.Run.Output
	case s.Logs != nil:
		return s.Logs.At, s.Logs.Output
	}
	return spec.Pos{}, ""
}
