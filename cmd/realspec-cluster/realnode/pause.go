package realnode

import (
	"bytes"
	"encoding/binary"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/realspec/realspec/cmd/realspec-cluster/image"
)

// PauseImage is the image that every pod's sandbox runs, and that programs run
// in that come from the node itself: it has nothing else in it.
const PauseImage = "realspec.dev/pause:1"

// pauseCode does nothing for ever. It is PID 1 of pods that share a process
// namespace, so it has children to reap: the kernel does that for a process
// that ignores SIGCHLD explicitly.
var pauseCode = []byte{
	0xb8, 13, 0, 0, 0, // mov eax, 13          rt_sigaction
	0xbf, 17, 0, 0, 0, // mov edi, 17          SIGCHLD
	0x48, 0x8d, 0x35, 19, 0, 0, 0, // lea rsi, [rip+19]    the action, below
	0x31, 0xd2, // xor edx, edx         no old action
	0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8          size of a signal set
	0x0f, 0x05, // syscall
	0xb8, 34, 0, 0, 0, // mov eax, 34          pause
	0x0f, 0x05, // syscall
	0xeb, 0xf7, // jmp                  to the mov before
	1, 0, 0, 0, 0, 0, 0, 0, // handler SIG_IGN
	0, 0, 0, 0, 0, 0, 0, 0, // flags
	0, 0, 0, 0, 0, 0, 0, 0, // restorer
	0, 0, 0, 0, 0, 0, 0, 0, // mask
}

// pauseProgram is pauseCode as a static program for Linux on amd64: the ELF
// header, one segment, the code.
func pauseProgram() []byte {
	const base, headers = 0x400000, 64 + 56
	var out bytes.Buffer
	out.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for _, value := range []any{
		uint16(2), uint16(62), uint32(1), // an executable for x86-64, version 1
		uint64(base + headers), uint64(64), uint64(0), // entry; segments at 64; no sections
		uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0), // sizes and counts
		uint32(1), uint32(5), // load, readable and executable
		uint64(0), uint64(base), uint64(base),
		uint64(headers + len(pauseCode)), uint64(headers + len(pauseCode)), uint64(4096),
	} {
		_ = binary.Write(&out, binary.LittleEndian, value) // to memory: no error
	}
	out.Write(pauseCode)
	return out.Bytes()
}

// pauseImage has, besides the program, the empty folders that hardly a program
// can do without. All that is in it is constant, and so is its digest.
func pauseImage() (*image.Image, error) {
	tree := image.NewTree()
	for _, folder := range []string{"/etc", "/run", "/tmp"} {
		tree.Folder(folder, 0o1777, 0)
	}
	tree.Content("/pause", 0o755, pauseProgram())
	return image.New(tree, v1.Config{Entrypoint: []string{"/pause"}})
}

func pauseArchive() ([]byte, error) {
	packed, err := pauseImage()
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	err = packed.Write(&archive, PauseImage)
	return archive.Bytes(), err
}
