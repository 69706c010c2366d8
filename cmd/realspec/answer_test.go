package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// answerMain is a server whose answers are known, for scripts that send requests
// from here. It writes a scenario of the name that is given, with the variables
// url, secure (the same with TLS) and ca (its certificate), to the file that is
// named, and ends after two minutes.
//
//	answer NAME FILE
func answerMain() {
	log.SetFlags(0)
	plain, secure := httptest.NewServer(answers()), httptest.NewTLSServer(answers())
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	text := fmt.Sprintf("apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: %s}\nspec:\n  env: [TOKEN]\n  vars:\n"+
		"    url: %q\n    secure: %q\n    ca: |\n      %s\n", os.Args[1], plain.URL, secure.URL,
		strings.ReplaceAll(strings.TrimSpace(string(ca)), "\n", "\n      "))
	if err := os.WriteFile(os.Args[2], []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	time.Sleep(2 * time.Minute)
}

// answers are:
//
//	/          hello
//	/json      {"rows": 3, "of": "web"}
//	/echo      method, headers and body as JSON
//	/later     503 twice, and then hello
//	/twentieth 503 for every twentieth request
//	/status    503 with a body of many lines
//	/slow      nothing for a second
//	/drop      no answer: the connection is closed
func answers() http.Handler {
	mux := http.NewServeMux()
	var later, twentieth atomic.Int64
	hello := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }
	unless := func(fine func() bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !fine() {
				http.Error(w, "not now", http.StatusServiceUnavailable)
				return
			}
			hello(w, r)
		}
	}
	mux.HandleFunc("/{$}", hello)
	mux.HandleFunc("/later", unless(func() bool { return later.Add(1) > 2 }))
	mux.HandleFunc("/twentieth", unless(func() bool { return twentieth.Add(1)%20 != 0 }))
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"rows": 3, "of": "web"}`) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/drop", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, strings.Repeat("a line\n", 25))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "type": r.Header.Get("Content-Type"),
			"token": r.Header.Get("Authorization"), "host": r.Host, "body": string(body)})
	})
	return mux
}
