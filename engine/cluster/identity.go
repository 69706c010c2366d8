package cluster

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// identities is what a tape remembers of the present objects: enough to tell
// what is new, what has changed and what is gone when it must list again.
type identities struct {
	all   map[string]identity // by UID
	round uint32              // of the last list
}

// identity is one object's. Its UID, namespace and name are one text, so that an
// object costs one allocation:
//
//	7f3c…-9d21shop/web-5d9f
//	└── uid ──┘└─ rest ───┘
type identity struct {
	text      string
	uid       uint16 // the lengths
	namespace uint16
	round     uint32
	version   uint64 // its number, or a hash where it is none
}

// gone is an object that a list no longer has.
type gone struct {
	uid             types.UID
	namespace, name string
}

// put takes an object in and tells what that is: nothing when this very version
// is known.
func (s *identities) put(o metav1.Object) ChangeType {
	uid, version := string(o.GetUID()), versionOrHash(o.GetResourceVersion())
	known, ok := s.all[uid]
	if !ok {
		known = identity{
			text: uid + o.GetNamespace() + o.GetName(),
			uid:  uint16(len(uid)), namespace: uint16(len(o.GetNamespace())),
		}
	}
	same := ok && known.version == version
	known.version, known.round = version, s.round
	s.all[known.text[:known.uid]] = known // a map takes the new key's memory even if it has the key
	switch {
	case same:
		return ""
	case ok:
		return Modified
	}
	return Added
}

// drop forgets an object.
func (s *identities) drop(uid types.UID) ChangeType {
	if _, ok := s.all[string(uid)]; !ok {
		return "" // its end was told when a list no longer had it
	}
	delete(s.all, string(uid))
	return Deleted
}

// missing forgets the objects that the last list did not have.
func (s *identities) missing() []gone {
	var out []gone
	for uid, known := range s.all {
		if known.round == s.round {
			continue
		}
		rest := known.text[known.uid:]
		out = append(out, gone{types.UID(uid), rest[:known.namespace], rest[known.namespace:]})
		delete(s.all, uid)
	}
	slices.SortFunc(out, func(a, b gone) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	return out
}

// versionOrHash tells versions apart, which is all that an identity needs.
func versionOrHash(version string) uint64 {
	if n, ok := versionNumber(version); ok {
		return n
	}
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(version) {
		h = (h ^ uint64(version[i])) * 1099511628211
	}
	return h
}
