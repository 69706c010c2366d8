package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// mostKinds is how many kinds of failures a report tells apart.
const mostKinds = 20

// otherKinds are the failures of all kinds beyond mostKinds.
const otherKinds = "other failures"

// failure is the kind of a failure, in words.
type failure string

func (f failure) Error() string { return string(f) }

func kindOf(err error) string {
	var f failure
	if errors.As(err, &f) {
		return string(f)
	}
	return failureOf(err).Error()
}

// count adds one of a kind, among the others when there are too many.
func count(kinds map[string]int64, kind string) { countN(kinds, kind, 1) }

func countN(kinds map[string]int64, kind string, n int64) {
	if _, known := kinds[kind]; !known && len(kinds) >= mostKinds-1 {
		kind = otherKinds
	}
	kinds[kind] += n
}

func codeName(code int) string { return strconv.Itoa(code) }

// failureOf says in words why there was no answer.
func failureOf(err error) failure {
	var name *net.DNSError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without an answer"
	case errors.As(err, &name) && name.IsNotFound:
		return "name not found"
	case errors.As(err, &name) && name.IsTimeout:
		return "timeout of name resolution"
	case errors.As(err, &name):
		return failure("name resolution failed: " + name.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), timedOut(err):
		return "timeout"
	case errors.Is(err, context.Canceled), errors.Is(err, errStopped):
		return "stopped before the answer"
	}
	if f, ok := systemFailure(err); ok {
		return f
	}
	return tlsFailure(err)
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// systemFailure is for what the operating system says.
func systemFailure(err error) (failure, bool) {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return "", false
	}
	switch number {
	case syscall.ECONNREFUSED:
		return "connection refused", true
	case syscall.ECONNRESET, syscall.EPIPE:
		return "connection reset", true
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return "no route to host", true
	case syscall.EADDRNOTAVAIL:
		return "no free local port", true
	case syscall.EMFILE, syscall.ENFILE:
		return "too many open connections on the sending side", true
	}
	return failure(number.Error()), true
}

func tlsFailure(err error) failure {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "certificate of an unknown authority"
	case errors.As(err, &host):
		return "certificate of another name"
	case errors.As(err, &invalid):
		return failure("certificate is not valid: " + invalid.Error())
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server does not speak TLS"
	}
	return failure(fmt.Sprintf("no answer: %s", strings.ToValidUTF8(err.Error(), "?")))
}
