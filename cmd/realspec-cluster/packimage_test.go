package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// buildEcho builds testdata/echo, which needs nothing but a kernel.
func buildEcho(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "echo")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestPackImage(t *testing.T) {
	g := NewWithT(t)
	c := newTool(t)
	program, folder := buildEcho(t), t.TempDir()
	pack := func(out string, args ...string) result {
		return c.run(append([]string{"pack-image", "--as", "echo:1", filepath.Join(folder, out)}, args...)...)
	}
	first := pack("a.tar", "--program", program)
	g.Expect(first.err).To(BeEmpty())
	g.Expect(first.out).To(MatchRegexp(`^sha256:[0-9a-f]{64}\n$`))
	g.Expect(pack("b.tar", "--program", program)).To(Equal(first))
	a, err := os.ReadFile(folder + "/a.tar")
	g.Expect(err).NotTo(HaveOccurred())
	b, err := os.ReadFile(folder + "/b.tar")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(a) == string(b)).To(BeTrue(), "the archives differ")
	g.Expect(pack("c.tar", "--program", program, "--env", "A=B,C", "--cmd", "x", "--cmd", "-y", "--workdir", "/tmp", "--file", "testdata=/data").out).
		NotTo(Equal(first.out))
	g.Expect(filepath.Glob(folder + "/.realspec-*")).To(BeEmpty())

	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--program", "/no/such"}, "/no/such: no such file"},
		{[]string{"--program", "go.mod"}, "go.mod is not a program for Linux"},
		{[]string{"--program", program, "--as", "Echo"}, "--as Echo: "},
		{[]string{"--program", program, "--file", "a"}, "--file a: want SRC=DST"},
		{[]string{"--program", program, "--file", "/no/such=/a"}, "no such file"},
		{[]string{"--program", program, "--env", "=a"}, "--env =a: want NAME=VALUE"},
		{[]string{"--program", "/bin/ls"}, "/bin/ls needs libraries; pack them with --with-libraries"},
	} {
		got := pack("d.tar", test.args...)
		g.Expect(got.code).To(Equal(exitUsage), test.want)
		g.Expect(got.err).To(ContainSubstring(test.want))
	}
	g.Expect(folder + "/d.tar").NotTo(BeAnExistingFile())
}

func TestPackImagesRefused(t *testing.T) {
	g := NewWithT(t)
	c := newTool(t)
	got := c.run("pack-images", t.TempDir(), "--only", "nginx")
	g.Expect(got.code).To(Equal(exitUsage))
	g.Expect(got.err).To(ContainSubstring("--only nginx: there is no such image; there are web, postgres,"))

	// A machine without the packages is told how to get them.
	folder := t.TempDir()
	check(t, os.WriteFile(folder+"/dpkg-query", []byte("#!/bin/sh\necho installed redis-tools 1-1\nexit 1\n"), 0o755))
	command := c.command("pack-images", t.TempDir(), "--only", "redis")
	command.Env = append(command.Env, "PATH="+folder)
	out, _ := command.CombinedOutput()
	g.Expect(command.ProcessState.ExitCode()).To(Equal(exitUsage))
	g.Expect(string(out)).To(ContainSubstring("apt-get install -y --no-install-recommends busybox-static redis-server"))
	command = c.command("pack-images", t.TempDir(), "--only", "redis")
	command.Env = append(command.Env, "PATH=/nowhere")
	out, _ = command.CombinedOutput()
	g.Expect(string(out)).To(ContainSubstring("this machine has no dpkg-query"))

	got = c.run("load-images", t.TempDir())
	g.Expect(got.code).To(Equal(exitUsage))
	g.Expect(got.err).To(ContainSubstring("has no images; fill it with: realspec-cluster pack-images"))
}
