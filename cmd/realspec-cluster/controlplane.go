package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllermanageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// The components are built from their options, never from their cobra
// commands: those install signal handlers, and a second one panics. Options
// are given as command-line flags, because flags are the documented and
// stable face of the components.

// The addresses of nodes, Services and pods. Nothing listens there, but the
// API server dials some of them (for logs, webhooks, proxied requests), so
// they must never be somebody's machine, as an address in 10.0.0.0/8 can be.
// 198.18.0.0/15 is reserved for benchmarks (RFC 2544); nodes begin at its
// start, see nodeAddress.
const (
	serviceRange = "198.18.128.0/17"
	podRange     = "198.19.0.0/16"
)

// firstServiceIP is the address of the Service "kubernetes".
func firstServiceIP() net.IP { return net.IPv4(198, 18, 128, 1) }

// advertisedAddress becomes the endpoint of the Service "kubernetes". The
// real one is loopback, which an endpoint must not be; this one is reserved
// for documentation (RFC 5737).
const advertisedAddress = "192.0.2.1"

// runAPIServer runs until ctx is over. The listener is handed over open, so
// that no other process can take the port in between; more are further flags,
// which win over those here.
func runAPIServer(ctx context.Context, listener net.Listener, more ...string) error {
	o := apiserveroptions.NewServerRunOptions()
	err := parseFlags("kube-apiserver", o.Flags(), append([]string{
		"--etcd-servers=" + etcdEndpoint,
		fmt.Sprintf("--secure-port=%d", listener.Addr().(*net.TCPAddr).Port),
		"--bind-address=127.0.0.1",
		"--advertise-address=" + advertisedAddress,
		"--service-cluster-ip-range=" + serviceRange,
		// Simulated nodes have a name that says so and resolves to nothing, so
		// that 'kubectl logs' fails at once; see simulatedDomain.
		"--kubelet-preferred-address-types=InternalDNS,InternalIP",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=ca.crt",
		"--tls-cert-file=apiserver.crt",
		"--tls-private-key-file=apiserver.key",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=service-accounts.key",
		"--service-account-signing-key-file=service-accounts.key",
		"--allow-privileged=true",
		"--profiling=false",
	}, more...)...)
	if err != nil {
		return err
	}
	o.SecureServing.Listener = listener
	// Feature gates and versions are one registry for the whole process.
	if err := o.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := o.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	config, err := apiserver.NewConfig(completed)
	if err != nil {
		return err
	}
	for _, generic := range []*genericapiserver.Config{
		config.KubeAPIs.ControlPlane.Generic,
		&config.ApiExtensions.GenericConfig.Config,
		&config.Aggregator.GenericConfig.Config,
	} {
		generic.EffectiveVersion = stampedVersion{generic.EffectiveVersion}
	}
	return serveAPI(ctx, config)
}

// serveAPI is the second half of the API server's own app.Run.
func serveAPI(ctx context.Context, config *apiserver.Config) error {
	completed, err := config.Complete()
	if err != nil {
		return err
	}
	server, err := apiserver.CreateServerChain(completed)
	if err != nil {
		return err
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}

// Rate limits of the components' own clients, far above what one machine can
// do: a measurement must show the API's limits, not those of a client.
const (
	clientQPS   = 500
	clientBurst = 1000
)

// runControllerManager runs all controllers until ctx is over.
func runControllerManager(ctx context.Context) error {
	o, err := controllermanageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	known, disabled, aliases := controllermanager.KnownControllers(), controllermanager.ControllersDisabledByDefault(), controllermanager.ControllerAliases()
	flags := o.Flags(known, disabled, aliases)
	o.ParsedFlags = &flags
	err = parseFlags("kube-controller-manager", flags,
		"--kubeconfig=kube-controller-manager.kubeconfig",
		"--secure-port=0",
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=service-accounts.key",
		"--root-ca-file=ca.crt",
		"--cluster-signing-cert-file=ca.crt",
		"--cluster-signing-key-file=ca.key",
		"--allocate-node-cidrs=false",
		// It makes this directory, by default under /usr/libexec.
		"--flex-volume-plugin-dir=flexvolume",
		fmt.Sprintf("--kube-api-qps=%d", clientQPS),
		fmt.Sprintf("--kube-api-burst=%d", clientBurst),
	)
	if err != nil {
		return err
	}
	config, err := o.Config(ctx, known, disabled, aliases)
	if err != nil {
		return err
	}
	return controllermanager.Run(ctx, config.Complete())
}

// runScheduler runs the scheduler until ctx is over.
func runScheduler(ctx context.Context) error {
	o := scheduleroptions.NewOptions()
	err := parseFlags("kube-scheduler", *o.Flags,
		"--kubeconfig=kube-scheduler.kubeconfig",
		"--secure-port=0",
		"--leader-elect=false",
		fmt.Sprintf("--kube-api-qps=%d", clientQPS),
		fmt.Sprintf("--kube-api-burst=%d", clientBurst),
	)
	if err != nil {
		return err
	}
	config, instance, err := scheduler.Setup(ctx, o)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, config, instance)
}

// parseFlags sets a component's options from flags. Paths among them are
// relative to the server's working directory, the cluster's folder.
func parseFlags(component string, sets cliflag.NamedFlagSets, args ...string) error {
	all := pflag.NewFlagSet(component, pflag.ContinueOnError)
	all.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(args); err != nil {
		return fmt.Errorf("flags %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
