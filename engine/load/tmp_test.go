package load
import ("testing";"os";"path/filepath";"time";"fmt")
func TestTmp(t *testing.T) {
	in := []byte("me: +A\nalways: xre\ncontinueOnFailure: tAe\napply:\n  files: [man*A9scs, pply:\\n ")
	dir := t.TempDir()
	try := func(data []byte) {
		os.WriteFile("/tmp/last.bin", data, 0o600)
		for name, content := range map[string][]byte{"scenario.yaml": data, "00-step.yaml": data, "00-assert.yaml": data, "m.yaml": data, "01-apply.yaml": []byte("apply: {files: [m.yaml]}\n")} {
			os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		b := time.Now()
		_, _ = Scenario(dir)
		if e := time.Since(b); e > 200*time.Millisecond { fmt.Printf("%v %q\n", e, data) }
	}
	for i := 0; i <= len(in); i++ { for j := i; j <= len(in); j++ {
		c := append(append([]byte{}, in[:i]...), in[j:]...)
		try(c)
	} }
	for i := range in { for b := 0; b < 256; b++ { c := append([]byte{}, in...); c[i] = byte(b); try(c) } }
}
