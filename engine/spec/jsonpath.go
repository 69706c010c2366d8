package spec

import (
	"fmt"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// JSONPath compiles a kubectl JSONPath such as {.status.phase}. The function
// that it gives answers with the text at that path, and whether there is one.
func JSONPath(path string) (func(object map[string]any) (string, bool), error) {
	compiled := jsonpath.New("for").AllowMissingKeys(true)
	if err := compiled.Parse(path); err != nil {
		return nil, fmt.Errorf("the JSONPath %s cannot be read: %w", path, err)
	}
	return func(object map[string]any) (string, bool) {
		found, err := compiled.FindResults(object)
		if err != nil {
			return "", false // the path leads through something that is not there yet
		}
		var texts []string
		for _, results := range found {
			for _, value := range results {
				texts = append(texts, fmt.Sprint(value.Interface()))
			}
		}
		return strings.Join(texts, " "), len(texts) > 0
	}, nil
}
