package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// ordersSocket is where the server takes orders about its real nodes: in the
// cluster's private folder, and named from there, because the path of a socket
// must fit in 108 bytes.
const ordersSocket = "orders.sock"

// listenForOrders serves 'node' and 'load-image'.
func (s *server) listenForOrders() error {
	listener, err := net.Listen("unix", ordersSocket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, _ *http.Request) {
		statuses := []realnode.Status{}
		for _, node := range s.machine.Nodes {
			statuses = append(statuses, node.Status())
		}
		_ = json.NewEncoder(w).Encode(statuses)
	})
	mux.HandleFunc("POST /nodes/{name}/{action}", func(w http.ResponseWriter, r *http.Request) {
		node, err := s.machine.Node(r.PathValue("name"))
		if err == nil {
			err = obey(node, r.PathValue("action"), r.FormValue("duration"))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	s.start("orders", func() error { return (&http.Server{Handler: mux}).Serve(listener) })
	return nil
}

func obey(node *realnode.Node, action, duration string) error {
	switch action {
	case "stop":
		return node.Stop()
	case "start":
		return node.Start()
	case "freeze":
		return node.Freeze()
	case "thaw":
		return node.Thaw()
	case "cut":
		return node.Cut()
	case "heal":
		return node.Heal()
	case "delay":
		delay, err := time.ParseDuration(duration)
		if err != nil {
			return err
		}
		return node.Delay(delay)
	}
	return fmt.Errorf("unknown action %q", action)
}

// orders sends orders to the server of a running cluster.
type orders struct {
	name   string
	client *http.Client
}

// connectOrders returns a client for orders. It changes the working directory
// to the cluster's folder, where the socket is.
func connectOrders(state, name string) (*orders, error) {
	root, err := findStateRoot(state, os.Getenv)
	if err != nil {
		return nil, err
	}
	place, err := root.folder(name)
	if err != nil {
		return nil, err
	}
	if info := describe(place); info.State != stateRunning {
		return nil, notRunningError("cluster %q is %s; start it with 'realspec-cluster up --name %s --real-nodes 3'", name, info.State, name)
	} else if len(info.Real) == 0 {
		return nil, usageError("cluster %q has no real nodes; 'realspec-cluster up --real-nodes 3' makes some", name)
	}
	if err := os.Chdir(place.path()); err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", ordersSocket)
	}
	return &orders{name: name, client: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
}

// nodes returns how the real nodes are.
func (o *orders) nodes() (nodes []realnode.Status, err error) {
	err = o.send(http.MethodGet, "/nodes", &nodes)
	return nodes, err
}

// send sends one order and decodes the answer, if one is wanted.
func (o *orders) send(method, path string, answer any) error {
	request, err := http.NewRequest(method, "http://cluster"+path, nil)
	if err != nil {
		return err
	}
	response, err := o.client.Do(request)
	if err != nil {
		return notRunningError("cluster %q does not answer: %w", o.name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return errors.New(strings.TrimSpace(string(text)))
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
