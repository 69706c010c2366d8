package load

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"

	"github.com/realspec/realspec/engine/spec"
)

// maxSize is the most that one file may hold: etcd takes 1.5 MB an object, and
// the largest collections of manifests in use have a few MB.
const maxSize = 10 << 20

// read reads a file into Files, once. Errors stand at pos: the place that named
// the file.
func (l *loader) read(path string, pos spec.Pos) (*text, bool) {
	if t, ok := l.texts[path]; ok {
		return t, true
	}
	data, complaint := readFile(path)
	if complaint.message != "" {
		l.diags.Add(pos, complaint.code, "%s %s", l.shown(path), complaint.message).Help = complaint.help
		return nil, false
	}
	t := newText(path, data)
	l.files[path], l.texts[path] = data, t
	if line, ok := firstInvalid(t); ok {
		l.diags.Add(line, "encoding", "this is not UTF-8 text").Help = encodingHelp(data)
		return nil, false
	}
	return t, true
}

type complaint struct{ code, message, help string }

// readFile reads a regular file. It looks before it opens, because opening a
// pipe would wait for a writer.
func readFile(path string) ([]byte, complaint) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileComplaint(err)
	}
	switch {
	case info.IsDir():
		return nil, complaint{"not-a-file", "is a folder, expected a file", ""}
	case !info.Mode().IsRegular():
		return nil, complaint{"not-a-file", "is a " + special(info.Mode()) + ", expected a file", ""}
	case info.Size() > maxSize:
		return nil, complaint{"too-large", "is larger than 10 MB", "split it into several files"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileComplaint(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, fileComplaint(err)
	case len(data) > maxSize:
		return nil, complaint{"too-large", "is larger than 10 MB", "split it into several files"}
	}
	return data, complaint{}
}

func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// fileComplaint says in plain words why a file could not be read.
func fileComplaint(err error) complaint {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return complaint{"missing-file", "does not exist", ""}
	case errors.Is(err, fs.ErrPermission):
		return complaint{"unreadable", "cannot be read: permission denied", "chmod +r gives the permission"}
	case errors.Is(err, syscall.ELOOP):
		return complaint{"unreadable", "is a symbolic link that leads back to itself", ""}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return complaint{"unreadable", "cannot be read: " + err.Error(), ""}
}

// firstInvalid is the place of the first byte that is no text.
func firstInvalid(t *text) (spec.Pos, bool) {
	at := bytes.IndexByte(t.data, 0)
	if at < 0 && utf8.Valid(t.data) {
		return spec.Pos{}, false
	}
	for i := 0; i < len(t.data); {
		r, size := utf8.DecodeRune(t.data[i:])
		if r == 0 || r == utf8.RuneError && size == 1 {
			return t.pos(i), true
		}
		i += size
	}
	return t.pos(at), true
}

func encodingHelp(data []byte) string {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return "it looks like UTF-16; save it as UTF-8"
	}
	return "save it as UTF-8; a binary file has no place here"
}
