package cluster

import "net/http"

// Impersonate is the client as another user, over the same connections and into
// the same account. It takes the right to impersonate. The server adds the
// groups of a service account by itself; a plain user is in system:authenticated
// only. Like the client's, it is not to be used after the client's Close.
func (c *Client) Impersonate(user string) *Client {
	as := &Client{
		opts: c.opts, info: c.info, base: c.base, as: user, config: c.config,
		requests: c.requests, watching: c.watching,
		closeRequests: func() {}, closeWatching: func() {},
		ledger:    c.ledger,
		discovery: c.discovery, // what is served is the same for everybody
	}
	as.buffers.New = func() any { return new([]byte) }
	return as
}

// impersonate names the user in a request. The transport's own impersonation, of
// --as, leaves a request alone that names one already.
func (c *Client) impersonate(req *http.Request) {
	if c.as != "" {
		req.Header.Set("Impersonate-User", c.as)
	}
}
