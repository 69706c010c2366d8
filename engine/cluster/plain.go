package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// This file turns the errors of Go's libraries into plain words.

// plainNet says why a request got no answer.
func plainNet(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case errors.As(err, &dns):
		return "the name " + quote(dns.Name) + " cannot be resolved"
	case isTLS(err):
		return plainTLS(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		strings.Contains(err.Error(), "client connection lost"),
		strings.Contains(err.Error(), "GOAWAY"),
		strings.Contains(err.Error(), "stream error"):
		return "the connection was cut"
	case isTimeout(err):
		return "no answer in time"
	}
	return innermost(err)
}

// isTimeout tells whether err is the end of some deadline.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isTLS tells whether both sides cannot agree on who they are. Trying again
// does not help.
func isTLS(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		record    tls.RecordHeaderError
	)
	return errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &host) ||
		errors.As(err, &verify) || errors.As(err, &alert) || errors.As(err, &record) ||
		strings.Contains(err.Error(), "remote error: tls:") ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// plainTLS says what is wrong with certificates and keys.
func plainTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "its certificate is signed by an authority that the kubeconfig does not trust"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet"
	case errors.As(err, &host):
		return "its certificate is for other names: " + host.Error()
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS; the address should perhaps begin with http://"
	case strings.Contains(err.Error(), "remote error: tls:"):
		return "it does not accept the client certificate (" + innermost(err) + ")"
	}
	return innermost(err)
}

// plainConfig says what is wrong with a kubeconfig's context, cluster or user.
func plainConfig(err error) string {
	var many utilerrors.Aggregate
	if errors.As(err, &many) && len(many.Errors()) > 0 {
		var parts []string
		for _, e := range many.Errors() {
			parts = append(parts, plainConfig(e))
		}
		return strings.Join(parts, "; ")
	}
	text := strings.TrimPrefix(err.Error(), "invalid configuration: ")
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	return strings.TrimSpace(text)
}

// plainYAML says what is wrong with the text of a kubeconfig. The libraries
// wrap the line number in words about their own workings.
func plainYAML(err error) string {
	text := err.Error()
	for _, prefix := range []string{
		"couldn't get version/kind; json parse error: ",
		"error converting YAML to JSON: ",
		"error unmarshaling JSON: ",
		"yaml: ",
	} {
		if i := strings.Index(text, prefix); i >= 0 {
			text = text[i+len(prefix):]
		}
	}
	if strings.Contains(text, "cannot unmarshal") {
		return "it is not a kubeconfig: a mapping is expected"
	}
	return text
}

// innermost is the last part of a chain of errors, without the URL.
func innermost(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return strings.TrimSpace(err.Error())
}

// shorten cuts a text of a server that is no Kubernetes message.
func shorten(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	if text == "" {
		return "no further words"
	}
	return text
}

// answered is the plain form of an HTTP status that gives no usable answer.
func answered(code int, message string) string {
	return fmt.Sprintf("it answered %d: %s", code, message)
}
