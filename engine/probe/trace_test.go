package probe

import (
	"net"
	"net/http/httptrace"
	"testing"
)

// Only a server that hangs up on a request which has been written drops it.
func TestWhenAConnectionIsDropped(t *testing.T) {
	for name, tc := range map[string]struct {
		written, answered, ours bool
		want                    bool
	}{
		"hung up on a request":                  {written: true, want: true},
		"closed while it was idle":              {},
		"closed behind the answer's first byte": {written: true, answered: true},
		"closed by this side":                   {written: true, ours: true},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		w, cancelled := &wire{Conn: conn}, false
		request := &trace{cancel: func() { cancelled = true }}
		request.gotConn(httptrace.GotConnInfo{Conn: w, WasIdle: true})
		if tc.written {
			_, _ = w.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		}
		if tc.answered {
			request.detach()
		}
		if tc.ours {
			conn.Close()
		}
		server.Close()
		if _, err := w.Read(make([]byte, 1)); err == nil {
			t.Fatalf("%s: something was read", name)
		}
		if got := request.droppedBy() != nil; got != tc.want || cancelled != tc.want {
			t.Errorf("%s: dropped %v, ended %v, want %v", name, got, cancelled, tc.want)
		}
		conn.Close()
		l.Close()
	}
}
