package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/realspec/realspec/cmd/realspec-cluster/realnode"
)

// serveCommand is the process that is the cluster. 'up' starts it in the
// background with the cluster's folder as working directory.
type serveCommand struct {
	Name  string `required:"" help:"Name of the cluster."`
	State string `required:"" help:"Folder of all clusters."`
}

// Open files that 'up' hands to the server.
const (
	lockDescriptor     = 3 // the server lock, locked
	progressDescriptor = 4 // a pipe that 'up' reads progress from
)

// Run is called by kong. It returns only if the cluster failed.
func (c *serveCommand) Run(io streams) error {
	root, err := findStateRoot(c.State, os.Getenv)
	if err != nil {
		return err
	}
	place, err := root.folder(c.Name)
	if err != nil {
		return err
	}
	lock := os.NewFile(lockDescriptor, "server lock")
	if lock == nil || !place.holdsServerLock(lock) {
		return usageError("'serve' is started by 'realspec-cluster up' and not by hand")
	}
	defer lock.Close() // which keeps it reachable, and so locked, until then
	unix.CloseOnExec(lockDescriptor)
	unix.CloseOnExec(progressDescriptor)
	if err := os.Chdir(place.path()); err != nil {
		return err
	}
	s := &server{place: place, progress: os.NewFile(progressDescriptor, "progress"), failed: make(chan error)}
	if s.record, err = place.readCluster(); err != nil {
		return err
	}
	return s.run()
}

// server is one running cluster.
type server struct {
	place    folder
	record   clusterRecord
	progress *os.File
	failed   chan error // a component has ended, which none should
	ca       *authority
	machine  *realnode.Machine // nil without real nodes
}

// run brings the cluster up and keeps it until it is told to go (then the
// process removes all traces and exits) or a component fails.
func (s *server) run() error {
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	about := serverRecord{Process: self, Started: time.Now().UTC(), Version: kubernetesVersion()}
	if err := s.place.writeServer(about); err != nil {
		return err
	}
	s.leaveWhenTold()
	logs, err := openBoundedLog(s.place.log())
	if err != nil {
		return err
	}
	logs.takeComponentLogs(s.record.Verbose)

	ready := make(chan error, 1)
	go func() { ready <- s.bringUp(context.Background(), &about, logs) }()
	select {
	case err := <-ready:
		if err != nil {
			return err
		}
	case err := <-s.failed:
		return err
	}
	about.Ready = true
	if err := s.place.writeServer(about); err != nil {
		return err
	}
	s.tell("ready")
	return <-s.failed
}

// tell sends a line to the 'up' that waits. If that is gone before the
// cluster is ready nobody wants this cluster any more.
func (s *server) tell(line string) {
	if _, err := fmt.Fprintln(s.progress, line); err != nil {
		s.leave("the 'up' that started this cluster is gone")
	}
}

// leaveWhenTold ends the cluster on SIGTERM, SIGINT, and the owner's end.
func (s *server) leaveWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, os.Interrupt)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	go func() { s.leave("got " + (<-told).String()) }()
	if owner := s.record.Owner; owner != nil {
		go func() {
			owner.waitGone(context.Background())
			s.leave(fmt.Sprintf("owner process %d is gone", owner.PID))
		}()
	}
}

// leave removes every trace of the cluster and ends the process, components
// and all: a graceful end of API server and etcd takes five seconds and
// saves nothing of a throw-away cluster.
func (s *server) leave(why string) {
	fmt.Fprintf(os.Stderr, "leaving: %s\n", why)
	if err := s.place.erase(); err != nil {
		fmt.Fprintf(os.Stderr, "leaving: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// start runs a component; its end, with or without an error, is a failure of
// the whole cluster.
func (s *server) start(name string, component func() error) {
	go func() {
		err := component()
		if err == nil {
			err = errors.New("ended")
		}
		s.failed <- fmt.Errorf("%s: %w", name, err)
	}()
}

// bringUp starts all components and returns when the cluster is usable.
func (s *server) bringUp(ctx context.Context, about *serverRecord, logs io.Writer) error {
	s.tell("starting etcd and the API server")
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("port for the API server: %w", err)
	}
	about.Server = "https://" + listener.Addr().String()
	if listener, err = s.openMachine(ctx, listener); err != nil {
		return err
	}
	if err := s.writeIdentities(about.Server); err != nil {
		return err
	}
	booted := s.bootRealNodes(listener)
	etcd, err := startEtcd()
	if err != nil {
		return err
	}
	s.start("etcd", func() error { return watchEtcd(etcd) })
	audit, err := s.auditFlags()
	if err != nil {
		return err
	}
	s.start("kube-apiserver", func() error { return runAPIServer(ctx, listener, append(audit, s.realAPIFlags()...)...) })
	client, err := newClient(s.place.kubeconfig())
	if err != nil {
		return err
	}
	if err := s.furnish(ctx, client); err != nil {
		return err
	}
	s.tell("waiting for the API server")
	if err := awaitReadyz(ctx, client); err != nil {
		return err
	}
	s.tell("starting controllers and scheduler")
	s.start("kube-controller-manager", func() error { return runControllerManager(ctx) })
	s.start("kube-scheduler", func() error { return runScheduler(ctx) })
	if err := s.startSimulation(ctx, logs); err != nil {
		return fmt.Errorf("kwok: %w", err)
	}
	if err := s.joinRealNodes(ctx, client, booted); err != nil {
		return err
	}
	s.tell("waiting for nodes and the default service account")
	if err := awaitNodes(ctx, client, countNodes(s.record.Shape)+countNodes(s.record.Real)); err != nil {
		return err
	}
	if err := s.keepResources(ctx, client); err != nil {
		return err
	}
	if err := awaitDefaultServiceAccount(ctx, client); err != nil {
		return err
	}
	return s.finishRealNodes(ctx, client)
}

// furnish creates the cluster's own objects. The API server takes them a
// second before it is ready, a second in which it has little else to do. And
// no controller may see the nodes come: the one that removes the taint of new
// nodes reads them from a cache that can lag behind, forgets a node that it
// did not find there, and comes back to it at the next heartbeat, 20 s later.
func (s *server) furnish(ctx context.Context, client kubernetes.Interface) error {
	if err := awaitAnswer(ctx, client); err != nil {
		return err
	}
	s.tell("creating nodes")
	if err := allowKWOK(ctx, client); err != nil {
		return err
	}
	return createNodes(ctx, client, append(simulatedNodes(s.record.Shape), s.realNodes()...))
}

// newClient returns a client for the server's own first steps. It has no
// rate limit of its own.
func newClient(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.ContentType = runtime.ContentTypeProtobuf
	config.UserAgent = "realspec-cluster"
	return kubernetes.NewForConfig(config)
}

// awaitAnswer waits until the API server answers a request of ours, which
// may do everything and so need not wait for RBAC.
func awaitAnswer(ctx context.Context, client kubernetes.Interface) error {
	return eventually(ctx, 10*time.Millisecond, func() error {
		_, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
		return err
	})
}

func awaitReadyz(ctx context.Context, client kubernetes.Interface) error {
	return eventually(ctx, 10*time.Millisecond, func() error {
		status := 0
		client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status)
		if status != http.StatusOK {
			return fmt.Errorf("the API server answers %d on /readyz", status)
		}
		return nil
	})
}

func awaitDefaultServiceAccount(ctx context.Context, client kubernetes.Interface) error {
	return eventually(ctx, 10*time.Millisecond, func() error {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// eventually repeats try until it succeeds or ctx is over. The deadline of a
// start is the one of 'up', which kills the server when it passes.
func eventually(ctx context.Context, pause time.Duration, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-time.After(pause):
		}
	}
}
