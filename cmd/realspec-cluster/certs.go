package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority signs every certificate of one cluster. It is made when the
// cluster starts and is removed with it.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         keyPair
}

// keyPair is a certificate and its private key, both in PEM.
type keyPair struct {
	certificate []byte
	key         []byte
}

// lifetime of all certificates: longer than any throw-away cluster lives.
const lifetime = 365 * 24 * time.Hour

func newAuthority(clusterName string) (*authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "realspec-" + clusterName},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	pair, key, err := sign(template, nil)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: template, key: key, pem: pair}, nil
}

// serving returns the certificate of the API server for the names and
// addresses that clients on this machine and in the cluster call it by.
func (a *authority) serving(addresses ...net.IP) (keyPair, error) {
	pair, _, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1)}, addresses...),
	}, a)
	return pair, err
}

// insideServing returns the certificate of a server in the cluster other than
// the API server.
func (a *authority) insideServing(name string, address net.IP) (keyPair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{name},
	}
	if address != nil {
		template.IPAddresses = []net.IP{address}
	}
	pair, _, err := sign(template, a)
	return pair, err
}

// client returns the certificate of a user; Kubernetes reads the user's name
// from the common name and the groups from the organisations.
func (a *authority) client(user string, groups ...string) (keyPair, error) {
	pair, _, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a)
	return pair, err
}

// sign makes a key and a certificate for it; without a signer it signs
// itself. On return, template is the certificate as others will parse it.
func sign(template *x509.Certificate, by *authority) (keyPair, crypto.Signer, error) {
	key, encodedKey, err := newKey()
	if err != nil {
		return keyPair{}, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return keyPair{}, nil, err
	}
	now := time.Now()
	template.SerialNumber = serial
	template.NotBefore = now.Add(-time.Hour) // clocks of clients may be behind
	template.NotAfter = now.Add(lifetime)
	parent, signer := template, crypto.Signer(key) //nolint:unconvert // the type of signer must be the interface
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return keyPair{}, nil, fmt.Errorf("certificate of %s: %w", template.Subject, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return keyPair{}, nil, fmt.Errorf("certificate of %s: %w", template.Subject, err)
	}
	*template = *parsed
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return keyPair{certificate: encoded, key: encodedKey}, key, nil
}

// newKey makes an elliptic key: a hundred times faster than RSA, and small.
func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
