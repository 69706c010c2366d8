package main

import (
	"errors"
	"fmt"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// etcdSocket is where etcd listens: a socket file in the cluster's private
// folder, so that only its owner can connect, and no port can clash. The name
// is relative to the server's working directory, which is that folder: the
// path of a socket must fit in 108 bytes, that of a state folder need not.
const etcdSocket = "etcd.sock"

// etcdEndpoint is the address of etcd for clients in the server's process.
const etcdEndpoint = "unix://" + etcdSocket

// startEtcd starts the database. It is not ready when the call returns: the
// API server retries, and both get ready together.
func startEtcd() (*embed.Etcd, error) {
	// Two files of 64 MiB would be allocated for a log that takes 2 MiB.
	wal.SegmentSizeBytes = 8 << 20
	config := embed.NewConfig()
	config.Name = "realspec"
	config.Dir = "etcd"
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // the data need not survive the process
	// A single member waits one election timeout before it elects itself.
	config.TickMs, config.ElectionMs = 20, 100
	// A cluster under load must not stop at etcd's default of 2 GiB.
	config.QuotaBackendBytes = 8 << 30
	client, peer := socketURL(etcdSocket), socketURL("peer.sock")
	config.ListenClientUrls, config.AdvertiseClientUrls = client, client
	config.ListenPeerUrls, config.AdvertisePeerUrls = peer, peer
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// The gateway is a second, HTTP, way in; nobody uses it.
	config.EnableGRPCGateway = false
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return etcd, nil
}

// watchEtcd returns when etcd has ended, which it must not.
func watchEtcd(etcd *embed.Etcd) error {
	select {
	case err := <-etcd.Err():
		return err
	case <-etcd.Server.StopNotify():
		return errors.New("stopped")
	}
}

func socketURL(path string) []url.URL {
	return []url.URL{{Scheme: "unix", Host: path}}
}
