package spec

import (
	"strings"
	"testing"
)

func TestParseImage(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0a", 32)
	for _, tc := range []struct{ text, want string }{
		{"nginx", "docker.io/library/nginx"},
		{"library/nginx", "docker.io/library/nginx"},
		{"index.docker.io/nginx:1", "docker.io/library/nginx:1"},
		{"nginx:1.29.3", "docker.io/library/nginx:1.29.3"},
		{"prom/prometheus:v3.0.0", "docker.io/prom/prometheus:v3.0.0"},
		{"quay.io/prometheus/prometheus", "quay.io/prometheus/prometheus"},
		{"localhost/web:1", "localhost/web:1"},
		{"registry:5000/a/b__c:x" + digest, "registry:5000/a/b__c:x" + digest},
		{"gcr.io:443/a" + digest, "gcr.io:443/a" + digest},
	} {
		got, err := ParseImage(tc.text)
		if err != nil || got.String() != tc.want {
			t.Errorf("%s: got %s, %v; want %s", tc.text, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"", "in lower case"},
		{":1", "in lower case"},
		{"Nginx", "must be lowercase"},
		{"nginx:", "NAME:TAG"},
		{"nginx: 1", "NAME:TAG"},
		{"nginx@sha256:12", "NAME@DIGEST"},
		{"docker.io//nginx", "in lower case"},
		{"https://docker.io/nginx", "in lower case"},
	} {
		if got, err := ParseImage(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, %v; want an error with %q", tc.text, got, err, tc.want)
		}
	}
}
