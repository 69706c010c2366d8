package main

import (
	"context"
	"errors"
	"os"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	metricsserver "sigs.k8s.io/metrics-server/cmd/metrics-server/app"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// componentCommands are the parts of real nodes. Each is a process of its own,
// started by us, so here their cobra commands, with all that these install, are
// right.
type componentCommands struct {
	NodeInit      nodeInitCommand      `cmd:"" hidden:"" help:"The first process of a real node."`
	Kubelet       kubeletCommand       `cmd:"" hidden:"" passthrough:"" help:"Run a kubelet."`
	KubeProxy     kubeProxyCommand     `cmd:"" hidden:"" passthrough:"" help:"Run kube-proxy."`
	CoreDNS       coreDNSCommand       `cmd:"" name:"coredns" hidden:"" passthrough:"" help:"Run CoreDNS."`
	MetricsServer metricsServerCommand `cmd:"" hidden:"" passthrough:"" help:"Run metrics-server."`
}

type nodeInitCommand struct{}

// Run is called by kong.
func (*nodeInitCommand) Run() error { return realnode.Init() }

// component is the arguments of a component, which parses them itself.
type component struct {
	Args []string `arg:"" optional:""`
}

type (
	kubeletCommand       component
	kubeProxyCommand     component
	coreDNSCommand       component
	metricsServerCommand component
)

// Run is called by kong.
func (c *kubeletCommand) Run() error {
	return runCobra(kubelet.NewKubeletCommand(context.Background()), c.Args)
}

// Run is called by kong.
func (c *kubeProxyCommand) Run() error { return runCobra(kubeproxy.NewProxyCommand(), c.Args) }

// Run is called by kong.
func (c *metricsServerCommand) Run() error {
	return runCobra(metricsserver.NewMetricsServerCommand(make(chan struct{})), c.Args)
}

// Run is called by kong.
func (c *coreDNSCommand) Run() error {
	// A question goes through the plugins in this order, whatever the Corefile
	// says. Unlike CoreDNS itself we have template last: it answers everything.
	dnsserver.Directives = []string{"health", "ready", "prometheus", "errors", "cache", "loadbalance", "kubernetes", "template"}
	os.Args = append([]string{"coredns"}, c.Args...)
	coremain.Run()
	return errors.New("ended")
}

func runCobra(command *cobra.Command, args []string) error {
	command.SetArgs(args)
	if code := cli.Run(command); code != 0 {
		os.Exit(code)
	}
	return nil
}
