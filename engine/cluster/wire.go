package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// This file reads Kubernetes' protobuf without copying it: the envelopes are
// walked in place, and only what stands inside is decoded, by the generated code
// of the API types. https://kubernetes.io/docs/reference/using-api/api-concepts/
//
//	watch frame    WatchEvent{type = 1, object = 2: RawExtension{raw = 1: envelope}}
//	envelope       "k8s\x00" Unknown{typeMeta = 1, raw = 2: the object}
//	list           {metadata = 1, items = 2 …}
//	pod            {metadata = 1, spec = 2, status = 3}; managedFields are metadata's 17

// envelope begins every object in Kubernetes' protobuf.
var envelope = []byte("k8s\x00")

var errNotProtobuf = errors.New("it is not Kubernetes protobuf")

// managedFields is their number in ObjectMeta.
const managedFields = 17

// decodeProtoFrame reads an event into the pod that is given; its strings are
// copies, so that raw may be used again.
func decodeProtoFrame(raw []byte, pod *corev1.Pod) (frame, error) {
	var f frame
	var object []byte
	for len(raw) > 0 {
		number, value, rest, err := nextField(raw)
		if err != nil {
			return f, err
		}
		switch number {
		case 1:
			f.kind = eventKind(value)
		case 2:
			if object, err = fieldOf(value, 1); err != nil {
				return f, err
			}
		}
		raw = rest
	}
	object, err := openEnvelope(object)
	if err != nil {
		return f, err
	}
	if f.kind == "ERROR" {
		return f, f.status.Unmarshal(object)
	}
	f.pod = pod
	return f, decodePod(object, pod)
}

// eachPod calls f with every pod of a list, always the same one.
func eachPod(raw []byte, pod *corev1.Pod, f func()) (metav1.ListMeta, error) {
	var meta metav1.ListMeta
	list, err := openEnvelope(raw)
	if err != nil {
		return meta, err
	}
	for len(list) > 0 {
		number, value, rest, err := nextField(list)
		switch {
		case err != nil:
			return meta, err
		case number == 1:
			err = meta.Unmarshal(value)
		case number == 2:
			if err = decodePod(value, pod); err == nil {
				f()
			}
		}
		if err != nil {
			return meta, err
		}
		list = rest
	}
	return meta, nil
}

// decodePod reads a pod without its managedFields. The memory of the last one's
// long lists is used again (a third of all); maps are not, lest somebody who
// holds on to the labels see them change.
func decodePod(raw []byte, pod *corev1.Pod) error {
	containers, volumes, tolerations := pod.Spec.Containers[:0], pod.Spec.Volumes[:0], pod.Spec.Tolerations[:0]
	conditions, statuses := pod.Status.Conditions[:0], pod.Status.ContainerStatuses[:0]
	pod.Reset()
	pod.Spec.Containers, pod.Spec.Volumes, pod.Spec.Tolerations = containers, volumes, tolerations
	pod.Status.Conditions, pod.Status.ContainerStatuses = conditions, statuses
	err := decodePodParts(raw, pod)
	pod.Spec.Containers, pod.Spec.Volumes, pod.Spec.Tolerations = orNil(pod.Spec.Containers), orNil(pod.Spec.Volumes), orNil(pod.Spec.Tolerations)
	pod.Status.Conditions, pod.Status.ContainerStatuses = orNil(pod.Status.Conditions), orNil(pod.Status.ContainerStatuses)
	return err
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func decodePodParts(raw []byte, pod *corev1.Pod) error {
	for len(raw) > 0 {
		number, value, rest, err := nextField(raw)
		if err != nil {
			return err
		}
		switch number {
		case 1:
			err = decodeMeta(value, &pod.ObjectMeta)
		case 2:
			err = pod.Spec.Unmarshal(value)
		case 3:
			err = pod.Status.Unmarshal(value)
		}
		if err != nil {
			return err
		}
		raw = rest
	}
	return nil
}

// decodeMeta reads metadata but for the managedFields, which are often half of
// an object. A protobuf message may be read in pieces, so it is read around them.
func decodeMeta(raw []byte, meta *metav1.ObjectMeta) error {
	piece := raw
	for len(raw) > 0 {
		number, _, rest, err := nextField(raw)
		if err != nil {
			return err
		}
		if number == managedFields {
			if err := meta.Unmarshal(piece[:len(piece)-len(raw)]); err != nil {
				return err
			}
			piece = rest
		}
		raw = rest
	}
	return meta.Unmarshal(piece)
}

// openEnvelope is the object in an envelope.
func openEnvelope(raw []byte) ([]byte, error) {
	inner, ok := bytes.CutPrefix(raw, envelope)
	if !ok {
		return nil, errNotProtobuf
	}
	return fieldOf(inner, 2)
}

// fieldOf is the value of one field of a message, the last if there are several;
// nil when it is not there.
func fieldOf(raw []byte, wanted uint64) (found []byte, err error) {
	for len(raw) > 0 {
		number, value, rest, err := nextField(raw)
		if err != nil {
			return nil, err
		}
		if number == wanted {
			found = value
		}
		raw = rest
	}
	return found, nil
}

// nextField cuts the first field off a message. The value is that of a field
// with a length (a message, a text); numbers are skipped.
// https://protobuf.dev/programming-guides/encoding/
func nextField(raw []byte) (number uint64, value, rest []byte, err error) {
	tag, n := binary.Uvarint(raw)
	if n <= 0 {
		return 0, nil, nil, errNotProtobuf
	}
	raw = raw[n:]
	size := 0
	switch tag & 7 {
	case 0:
		_, size = binary.Uvarint(raw)
	case 1:
		size = 8
	case 2:
		length, n := binary.Uvarint(raw)
		if n <= 0 || length > uint64(len(raw)-n) {
			return 0, nil, nil, errNotProtobuf
		}
		raw, size = raw[n:], int(length)
		value = raw[:size]
	case 5:
		size = 4
	default:
		size = -1
	}
	if size < 0 || size > len(raw) || size == 0 && tag&7 == 0 {
		return 0, nil, nil, errNotProtobuf
	}
	return tag >> 3, value, raw[size:], nil
}
