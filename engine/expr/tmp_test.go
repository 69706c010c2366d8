package expr

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestTmp(t *testing.T) {
	env := newEnv(t, fullScope())
	files, _ := filepath.Glob(os.Getenv("FZ") + "/*")
	seen := map[string]string{}
	q := regexp.MustCompile(`"[^"]*"|'[^']*'|[0-9]+`)
	for _, f := range files {
		b, _ := os.ReadFile(f)
		l := strings.Split(string(b), "\n")[1]
		l = strings.TrimSuffix(strings.TrimPrefix(l, "string("), ")")
		text, err := strconv.Unquote(l)
		if err != nil {
			continue
		}
		p, diags := env.Compile(expression(text), Bool)
		for _, d := range diags {
			k := q.ReplaceAllString(d.Message, "Q")
			if _, ok := seen[k]; !ok {
				seen[k] = text + " => " + d.Message
			}
		}
		if p != nil {
			if _, err := p.Eval(t.Context(), fullValues()); err != nil {
				m := err.Error()
				k := "RUN " + q.ReplaceAllString(m[strings.LastIndex(m, ": ")+1:], "Q")
				if _, ok := seen[k]; !ok {
					seen[k] = text + " => " + m
				}
			}
		}
	}
	for k, v := range seen {
		fmt.Printf("%s\n        %.200q\n", k, v)
	}
}
