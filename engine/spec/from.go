package spec

import (
	"net/netip"
	"net/url"
	"strings"
)

// The values of `from` of http.
const (
	FromCluster = "cluster"
	FromHere    = "here"
)

// FromOf is where a request to an address is sent from: what is written as `from`,
// or else cluster when the host is one that only the cluster knows (a name without
// a dot, or one that ends in .svc or .cluster.local), and here for all others.
// localhost is this machine. The address has no ${{ }} any more.
func FromOf(address, from string) string {
	if from != "" {
		return from
	}
	u, err := url.Parse(address)
	if err != nil {
		return FromHere
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if _, err := netip.ParseAddr(host); err == nil || host == "" || host == "localhost" {
		return FromHere
	}
	if !strings.Contains(host, ".") || strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".cluster.local") {
		return FromCluster
	}
	return FromHere
}
