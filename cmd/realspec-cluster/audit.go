package main

import "fmt"

// auditPolicy is what the API server writes to the audit log: every write, and
// of pods what they look like afterwards, so that every moment of a pod's life
// can be read from it. Reads, leases and events are many and say nothing of that.
//
// A line is written when its request is done; the line has the time at which the
// request came, too, so the stage RequestReceived would only double the log.
// The answer to the deletion of a collection is all of its objects: that would
// be one line of some megabytes for a namespace of a thousand pods.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  resources:
  - {group: "", resources: [events]}
  - {group: events.k8s.io, resources: [events]}
  - {group: coordination.k8s.io, resources: [leases]}
- level: Metadata
  verbs: [deletecollection]
- level: RequestResponse
  resources:
  - {group: "", resources: [pods, pods/status, pods/binding]}
- level: Metadata
`

// auditMegabytes is the size at which a new audit log is begun; one older file
// of that size is kept. A pod leaves 19 kB from its creation to its end, so the
// log of a measurement is one file, and a cluster that runs for long fills no disk.
const auditMegabytes = 1024

// auditFlags are the API server's flags for an audit log, none when 'up' was not
// asked for one. They name the policy, which is written here.
//
// The mode is blocking: a request ends when its line is written. A batch would
// drop events when its buffer is full, lose what it holds when the server is
// killed, as 'down' does, and encode one event at a time. blocking-strict adds
// to blocking only what concerns the stage RequestReceived, which is left out.
func (s *server) auditFlags() ([]string, error) {
	if !s.record.Audit {
		return nil, nil
	}
	const policy = "audit-policy.yaml"
	if err := writeFile(s.place.path(policy), []byte(auditPolicy)); err != nil {
		return nil, fmt.Errorf("audit policy: %w", err)
	}
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + s.place.auditLog(),
		"--audit-log-format=json",
		"--audit-log-mode=blocking",
		fmt.Sprintf("--audit-log-maxsize=%d", auditMegabytes),
		"--audit-log-maxbackup=1",
		"--audit-log-maxage=0",
	}, nil
}
