package main

import (
	"errors"
	"net"
	"testing"

	. "github.com/onsi/gomega"
)

func TestListenBoth(t *testing.T) {
	g := NewWithT(t)
	first, err := net.Listen("tcp4", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	second, err := net.Listen("tcp4", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	both := listenBoth(first, second)
	g.Expect(both.Addr()).To(Equal(first.Addr()))
	for _, one := range []net.Listener{first, second, second, first} {
		caller, err := net.Dial("tcp4", one.Addr().String())
		g.Expect(err).NotTo(HaveOccurred())
		answered, err := both.Accept()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answered.LocalAddr().String()).To(Equal(one.Addr().String()))
		answered.Close()
		caller.Close()
	}
	g.Expect(both.Close()).To(Succeed())
	_, err = both.Accept()
	g.Expect(errors.Is(err, net.ErrClosed)).To(BeTrue())
	_, err = net.Dial("tcp4", second.Addr().String())
	g.Expect(err).To(HaveOccurred())
}
