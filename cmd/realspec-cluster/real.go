package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// realType is the instance type of real nodes, by which pods can ask for one.
const realType = "realspec-real"

// newRealPool returns a pool with every default: one node with all CPUs of the
// machine, 4 GiB, and half of that for its disk, which is in memory.
func newRealPool() Pool {
	return Pool{
		Name:    "real",
		Count:   1,
		CPU:     *resource.NewMilliQuantity(realnode.MachineCPU(), resource.DecimalSI),
		Memory:  resource.MustParse("4Gi"),
		Storage: resource.MustParse("2Gi"),
		Pods:    realnode.MaxPods,
	}
}

// parseReal reads the values of --real-nodes, and refuses them where this
// machine has not what they need.
func parseReal(specs []string, simulated []Pool) ([]Pool, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	var pools []Pool
	for _, spec := range specs {
		pool, err := parseRealPool(spec)
		if err == nil {
			err = pool.checkReal(simulated)
		}
		if err != nil {
			return nil, usageError("--real-nodes %s: %w", spec, err)
		}
		pools = append(pools, pool)
	}
	total := countNodes(pools)
	if total > realnode.MaxNodes {
		return nil, usageError("%d real nodes asked for; at most %d are supported in a cluster", total, realnode.MaxNodes)
	}
	if _, err := realnode.Require(); err != nil {
		return nil, usageError("--real-nodes: %w", err)
	}
	return pools, nil
}

func parseRealPool(spec string) (Pool, error) {
	pool := newRealPool()
	if _, err := strconv.Atoi(spec); err == nil {
		spec = "count=" + spec
	}
	return pool.with(spec)
}

// checkReal refuses what a real node cannot be.
func (p Pool) checkReal(simulated []Pool) error {
	least := func(what string, have resource.Quantity, want string) error {
		if have.Cmp(resource.MustParse(want)) < 0 {
			return fmt.Errorf("%s %s: a real node needs %s at least", what, have.String(), want)
		}
		return nil
	}
	if err := least("cpu", p.CPU, "100m"); err != nil {
		return err
	}
	if err := least("memory", p.Memory, "512Mi"); err != nil {
		return err
	}
	if err := least("storage", p.Storage, "128Mi"); err != nil {
		return err
	}
	switch {
	case p.CPU.MilliValue() > realnode.MachineCPU():
		return fmt.Errorf("cpu %s: this machine has %d", p.CPU.String(), runtime.NumCPU())
	case p.Storage.Cmp(p.Memory) > 0:
		return fmt.Errorf("storage %s: the disk of a real node is in its memory, which is %s", p.Storage.String(), p.Memory.String())
	case p.Pods > realnode.MaxPods:
		return fmt.Errorf("pods %d: a real node takes %d at most", p.Pods, realnode.MaxPods)
	}
	if slices.ContainsFunc(simulated, func(other Pool) bool { return other.Name == p.Name }) {
		return fmt.Errorf("name %q: simulated nodes have it, too; give another name=PREFIX", p.Name)
	}
	return nil
}

// realShapes returns the sizes of all real nodes, and realNodes their objects.
func realShapes(pools []Pool) []realnode.Shape {
	var shapes []realnode.Shape
	eachNode(pools, func(pool Pool, name string) {
		shapes = append(shapes, realnode.Shape{Name: name, MilliCPU: pool.CPU.MilliValue(), Memory: pool.Memory.Value(),
			Storage: pool.Storage.Value(), Pods: pool.Pods})
	})
	return shapes
}

// policiesAnnotation says what becomes of NetworkPolicies; realspec reads it.
const policiesAnnotation = "realspec.dev/network-policies"

// realNodes returns the Node objects of the real nodes. A kubelet that finds
// its node there takes it on, with the network of its pods and the labels.
func (s *server) realNodes() []*corev1.Node {
	var nodes []*corev1.Node
	eachNode(s.record.Real, func(pool Pool, name string) {
		i := len(nodes)
		labels := nodeLabels(pool, name, i)
		delete(labels, simulatedLabel)
		labels[corev1.LabelInstanceTypeStable] = realType
		network := s.machine.Slot.NodePods(i).String()
		nodes = append(nodes, &corev1.Node{
			// The bridge between the pods of a node knows no policies, which cannot be
			// told from outside; whoever makes them count says "enforced".
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{policiesAnnotation: "ignored"}},
			Spec:       corev1.NodeSpec{PodCIDR: network, PodCIDRs: []string{network}, Taints: nodeTaints(pool)},
		})
	})
	return nodes
}

// openMachine prepares the machine for real nodes and makes the API server
// listen for them, too.
func (s *server) openMachine(ctx context.Context, loopback net.Listener) (net.Listener, error) {
	if len(s.record.Real) == 0 {
		return loopback, nil
	}
	s.tell("preparing the machine for real nodes")
	bypassProxies()
	cni, err := realnode.Require()
	if err != nil {
		return nil, err
	}
	cluster := realnode.ClusterAt(s.place.path())
	s.machine, err = realnode.Open(ctx, realnode.Options{
		Cluster: cluster,
		Shapes:  realShapes(s.record.Real),
		CNI:     cni,
		DNS:     dnsAddress,
		Log: func(node string) (io.Writer, error) {
			return openBoundedLog(cluster.Log(node))
		},
	})
	if err != nil {
		return nil, err
	}
	if err := s.listenForOrders(); err != nil {
		return nil, err
	}
	wire, err := net.Listen("tcp4", s.insideAddress(loopback))
	if err != nil {
		return nil, fmt.Errorf("port for the nodes: %w", err)
	}
	return listenBoth(loopback, wire), nil
}

// bypassProxies keeps the API server's requests to kubelets and pods off the
// user's proxies, which cannot know the way.
func bypassProxies() {
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		_ = os.Setenv(name, strings.TrimPrefix(os.Getenv(name)+",198.18.0.0/15", ","))
	}
}

// insideAddress is where nodes and pods find the API server.
func (s *server) insideAddress(listener net.Listener) string {
	port := listener.Addr().(*net.TCPAddr).Port
	return net.JoinHostPort(s.machine.Slot.Machine().String(), strconv.Itoa(port))
}

// realAddresses are the further addresses of the API server's certificate.
func (s *server) realAddresses() []net.IP {
	if s.machine == nil {
		return nil
	}
	return []net.IP{s.machine.Slot.Machine().AsSlice()}
}

// kubeletClient is who the API server is for kubelets.
const kubeletClient = "realspec:kube-apiserver"

// addRealIdentities adds the keys with which the API server goes to kubelets
// and to further API servers.
func (s *server) addRealIdentities(files map[string][]byte) error {
	if s.machine == nil {
		return nil
	}
	client, err := s.ca.client(kubeletClient)
	if err != nil {
		return err
	}
	files["kubelet-client.crt"], files["kubelet-client.key"] = client.certificate, client.key
	front, err := newAuthority(s.place.name + "-front-proxy")
	if err != nil {
		return err
	}
	proxy, err := front.client("front-proxy-client")
	if err != nil {
		return err
	}
	files["front-proxy-ca.crt"] = front.pem.certificate
	files["front-proxy.crt"], files["front-proxy.key"] = proxy.certificate, proxy.key
	return nil
}

// realAPIFlags are the API server's flags for real nodes. Endpoints are
// addressed directly: there is no kube-proxy on the machine itself.
func (s *server) realAPIFlags() []string {
	if s.machine == nil {
		return nil
	}
	return []string{
		"--bind-address=0.0.0.0", // which it does not do: it is handed its listener
		"--advertise-address=" + s.machine.Slot.Machine().String(),
		"--kubelet-certificate-authority=ca.crt",
		"--kubelet-client-certificate=kubelet-client.crt",
		"--kubelet-client-key=kubelet-client.key",
		"--enable-aggregator-routing=true",
		"--requestheader-client-ca-file=front-proxy-ca.crt",
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=front-proxy.crt",
		"--proxy-client-key-file=front-proxy.key",
	}
}

// bootRealNodes starts the real nodes up to their container runtimes, beside
// the API server; what it returns says how that went.
func (s *server) bootRealNodes(listener net.Listener) <-chan error {
	booted := make(chan error, 1)
	if s.machine == nil {
		booted <- nil
		return booted
	}
	inside := "https://" + s.insideAddress(listener)
	go func() {
		booted <- s.machine.Boot(func(name string, address netip.Addr) (realnode.Identity, error) {
			return s.nodeIdentity(name, address, inside)
		})
	}()
	return booted
}

// nodeIdentity makes the keys of a node: it is system:node:NAME for the API
// server's Node authorizer, which lets it see its own pods and no others'.
func (s *server) nodeIdentity(name string, address netip.Addr, server string) (id realnode.Identity, err error) {
	id.CA = s.ca.pem.certificate
	serving, err := s.ca.insideServing(name, address.AsSlice())
	if err != nil {
		return id, err
	}
	id.ServingCert, id.ServingKey = serving.certificate, serving.key
	kubelet, err := s.ca.client("system:node:"+name, "system:nodes")
	if err != nil {
		return id, err
	}
	proxy, err := s.ca.client("system:kube-proxy")
	if err != nil {
		return id, err
	}
	if id.Kubelet, err = newKubeconfig(s.place.name, server, s.ca.pem.certificate, kubelet); err != nil {
		return id, err
	}
	id.Proxy, err = newKubeconfig(s.place.name, server, s.ca.pem.certificate, proxy)
	return id, err
}

// joinRealNodes lets the kubelets begin, and gives them name servers to run.
func (s *server) joinRealNodes(ctx context.Context, client kubernetes.Interface, booted <-chan error) error {
	if s.machine == nil {
		return nil
	}
	s.tell("waiting for the container runtimes")
	select {
	case err := <-booted:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.machine.Join(); err != nil {
		return err
	}
	if err := allowKubeletAccess(ctx, client); err != nil {
		return err
	}
	return s.deployDNS(ctx, client)
}

// finishRealNodes waits until pods can ask for names, and then gives the
// kubelets metrics-server to run: it would only slow down what is waited for.
func (s *server) finishRealNodes(ctx context.Context, client kubernetes.Interface) error {
	if s.machine == nil {
		return nil
	}
	s.tell("waiting for the cluster's name server")
	if err := awaitDNS(ctx, client); err != nil {
		return err
	}
	return s.deployMetrics(ctx, client)
}

// allowKubeletAccess lets the API server ask kubelets for logs and the like.
func allowKubeletAccess(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: kubeletClient},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:kubelet-api-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: kubeletClient}},
	}, metav1.CreateOptions{})
	return err
}

// startSimulation starts KWOK if there is a node for it.
func (s *server) startSimulation(ctx context.Context, logs io.Writer) error {
	if len(s.record.Shape) == 0 {
		return nil
	}
	pods := podRange
	if s.machine != nil {
		pods = realnode.SimulatedPods
	}
	return startKWOK(ctx, "kwok.kubeconfig", pods, logs)
}
