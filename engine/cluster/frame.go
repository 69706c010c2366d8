package cluster

import (
	"bytes"
	"encoding/json"
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// frame is one event of a watch: ADDED, MODIFIED, DELETED, BOOKMARK with the
// object, or ERROR with the server's words.
type frame struct {
	kind   string
	object map[string]any // what JSON is decoded to …
	pod    *corev1.Pod    // … unless it is to be a typed pod
	status metav1.Status  // of ERROR
}

// decodeFrame reads an event. It uses up raw: the managedFields are cut out of it
// before anything is decoded.
func decodeFrame(raw []byte) (frame, error) {
	f, object, err := splitFrame(raw)
	if err == nil && f.kind != "ERROR" {
		f.object, err = decodeObject(object)
	}
	return f, err
}

// decodePodFrame reads an event into the pod that is given. It uses up raw.
func decodePodFrame(raw []byte, pod *corev1.Pod) (frame, error) {
	f, object, err := splitFrame(raw)
	if err == nil && f.kind != "ERROR" {
		f.pod = pod
		err = decodeJSONPod(object, pod)
	}
	return f, err
}

// decodeJSONPod reads a pod without its managedFields. It uses up raw.
func decodeJSONPod(raw []byte, pod *corev1.Pod) error {
	pod.Reset()
	err := utiljson.Unmarshal(cutManagedFields(raw), pod)
	pod.ManagedFields = nil // what is left of them: an empty list
	return err
}

// splitFrame finds an event's kind and its object, and decodes that of ERROR.
func splitFrame(raw []byte) (frame, []byte, error) {
	var kind, object []byte
	err := eachField(raw, func(key, value []byte) {
		switch string(key) {
		case "type":
			kind = value
		case "object":
			object = value
		}
	})
	if err != nil {
		return frame{}, nil, err
	}
	f := frame{kind: eventKind(bytes.Trim(kind, `"`))}
	switch {
	case object == nil:
		return f, nil, errNotJSON
	case f.kind == "ERROR":
		return f, nil, json.Unmarshal(object, &f.status)
	}
	return f, object, nil
}

// eventKind is an event's type as a text that need not be made anew each time.
func eventKind(raw []byte) string {
	for _, kind := range [...]string{"MODIFIED", "ADDED", "DELETED", "BOOKMARK", "ERROR"} {
		if string(raw) == kind {
			return kind
		}
	}
	return string(raw)
}

// version is the object's resourceVersion.
func (f *frame) version() string {
	if f.pod != nil {
		return f.pod.ResourceVersion
	}
	metadata, _ := f.object["metadata"].(map[string]any)
	version, _ := metadata["resourceVersion"].(string)
	return version
}

// canary tells realspec's own probe.
func (f *frame) canary() bool {
	if f.pod != nil {
		_, ok := f.pod.Labels[LabelCanary]
		return ok
	}
	return isCanary(f.object)
}

// cutManagedFields empties metadata.managedFields in an object's JSON, in place.
// JSON that it cannot follow is returned as it is: the decoder will say what is
// wrong with it.
func cutManagedFields(object []byte) []byte {
	var metadata, fields []byte
	find := func(name string, out *[]byte) func(key, value []byte) {
		return func(key, value []byte) {
			if string(key) == name {
				*out = value
			}
		}
	}
	if eachField(object, find("metadata", &metadata)) != nil || metadata == nil {
		return object
	}
	if eachField(metadata, find("managedFields", &fields)) != nil || len(fields) < 2 {
		return object
	}
	// The slices share object's memory, so their capacities tell where they are.
	start := cap(object) - cap(fields)
	end := start + len(fields)
	copy(object[start:], "[]")
	return append(object[:start+2], object[end:]...)
}

var errNotJSON = errors.New("it is not a JSON object")

// eachField calls f with the key and the value, both as they are written, of
// each field of a JSON object. It follows the structure only; whether the values
// are good JSON is for the decoder to find out.
func eachField(text []byte, f func(key, value []byte)) error {
	i := space(text, 0)
	if i >= len(text) || text[i] != '{' {
		return errNotJSON
	}
	for i = space(text, i+1); i < len(text) && text[i] != '}'; i = space(text, i) {
		if text[i] == ',' {
			i++
			continue
		}
		keyEnd := skip(text, i)
		colon := space(text, keyEnd)
		if text[i] != '"' || colon >= len(text) || text[colon] != ':' {
			return errNotJSON
		}
		start := space(text, colon+1)
		end := skip(text, start)
		if end <= start {
			return errNotJSON
		}
		f(text[i+1:keyEnd-1], text[start:end])
		i = end
	}
	if i >= len(text) {
		return errNotJSON
	}
	return nil
}

// space is the first place from i on that is not white space.
func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skip is the end of the value that begins at i.
func skip(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i // the end of what a bare value stands in
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// skipString is the end of the string whose opening quote is at i.
func skipString(text []byte, i int) int {
	for i++; i < len(text); {
		next := bytes.IndexAny(text[i:], `"\`)
		if next < 0 {
			return len(text)
		}
		i += next
		if text[i] == '"' {
			return i + 1
		}
		i += 2
	}
	return len(text)
}
