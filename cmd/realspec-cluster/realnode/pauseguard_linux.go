package realnode

import (
	"context"
	"time"

	events "github.com/containerd/containerd/api/services/events/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// watchImages says when images have been deleted, for as long as the node
// runs. A kubelet that needs space deletes images that no container uses, and
// it does not know that all sandboxes use the pause image: containerd can tell
// it from 1.7 on.
func watchImages(deleted chan<- struct{}) {
	for {
		_ = followDeletions(deleted)
		time.Sleep(time.Second) // containerd is down, and will be started again
		deleted <- struct{}{}   // whatever has happened meanwhile
	}
}

func followDeletions(deleted chan<- struct{}) error {
	connection, err := grpc.NewClient("unix://"+containerdSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	stream, err := events.NewEventsClient(connection).Subscribe(context.Background(), &events.SubscribeRequest{
		Filters: []string{`topic=="/images/delete"`}})
	if err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		deleted <- struct{}{}
	}
}
