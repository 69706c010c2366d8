package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/joshdk/go-junit"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/e2e-framework/klient/conf"
)

// junitMain reads a JUnit file with an independent parser and prints what a CI
// system would see in it, one line a suite and a case.
func junitMain() {
	log.SetFlags(0)
	suites, err := junit.IngestFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range suites {
		fmt.Printf("suite %s: %d tests, %d passed, %d failed, %d errors, %d skipped\n",
			s.Name, s.Totals.Tests, s.Totals.Passed, s.Totals.Failed, s.Totals.Error, s.Totals.Skipped)
		for _, c := range s.Tests {
			line := fmt.Sprintf("case %s | %s", c.Name, c.Status)
			var e junit.Error
			if errors.As(c.Error, &e) {
				line += fmt.Sprintf(" | %s | %s\n%s", e.Type, e.Message, e.Body)
			} else if c.Message != "" {
				line += " | " + c.Message
			}
			fmt.Println(strings.TrimRight(line, "\n"))
		}
	}
}

// kubeMain looks at the cluster behind realspec's back:
//
//	kube count PLURAL LABEL=VALUE     how many there are, in all namespaces
//	kube free PLURAL LABEL=VALUE      take their finalizers away
//
// PLURAL is of the core group, or PLURAL.VERSION.GROUP.
func kubeMain() {
	log.SetFlags(0)
	config, err := conf.New(os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	gvr := schema.GroupVersionResource{Version: "v1", Resource: os.Args[2]}
	if full, _ := schema.ParseResourceArg(os.Args[2]); full != nil {
		gvr = *full
	}
	ctx := context.Background()
	found, err := client.Resource(gvr).List(ctx, metav1.ListOptions{LabelSelector: os.Args[3]})
	if err != nil {
		log.Fatal(err)
	}
	if os.Args[1] == "free" {
		for _, o := range found.Items {
			_, err := client.Resource(gvr).Namespace(o.GetNamespace()).Patch(ctx, o.GetName(), types.MergePatchType,
				[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			if err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Printf("%d %s\n", len(found.Items), os.Args[2])
}

// hangMain is an API server that takes every connection and never answers. It
// writes a kubeconfig to the file that is named, and ends after a minute.
func hangMain() {
	log.SetFlags(0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(time.Minute, func() { os.Exit(0) })
	config := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: hang
clusters: [{name: hang, cluster: {server: "http://%s"}}]
contexts: [{name: hang, context: {cluster: hang, user: nobody}}]
users: [{name: nobody, user: {}}]
`, listener.Addr())
	if err := os.WriteFile(os.Args[1], []byte(config), 0o600); err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go io.Copy(io.Discard, conn)
	}
}

// fetchMain prints what a URL answers.
func fetchMain() {
	log.SetFlags(0)
	resp, err := http.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
}
