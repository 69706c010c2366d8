package schema_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// editor speaks with a yaml-language-server over its standard input and output,
// as an editor does.
type editor struct {
	t      *testing.T
	maps   map[string]any // which schema goes for which files, as in the user's settings
	asked  chan struct{}  // the server has asked for the settings
	stdin  io.Writer
	writes sync.Mutex

	mu      sync.Mutex
	next    int
	answers map[int]chan answer
	wrong   map[string]chan []problem // published diagnostics, by document
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// problem is a diagnostic of the server.
type problem struct {
	Message string
	Range   struct{ Start, End struct{ Line, Character int } }
}

// patience is how long one answer may take.
const patience = 30 * time.Second

// newEditor starts the language server. Without node and npm the test is
// skipped, unless REALSPEC_REQUIRE_EDITOR says that they must be there.
func newEditor(t *testing.T) *editor {
	t.Helper()
	return newEditorWith(t, map[string]any{})
}

// newEditorWith starts it for a user who has mapped schemas to files.
func newEditorWith(t *testing.T, maps map[string]any) *editor {
	t.Helper()
	node, err := exec.LookPath("node")
	npm, npmErr := exec.LookPath("npm")
	if err != nil || npmErr != nil {
		if os.Getenv("REALSPEC_REQUIRE_EDITOR") != "" {
			t.Fatal("node and npm are not installed")
		}
		t.Skip("node and npm are not installed: no yaml-language-server to try the schemas with")
	}
	dir := install(t, npm)
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, node, filepath.Join(dir, "node_modules/yaml-language-server/bin/yaml-language-server"), "--stdio")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	e := &editor{t: t, maps: maps, asked: make(chan struct{}, 100), stdin: stdin, answers: map[int]chan answer{}, wrong: map[string]chan []problem{}}
	read := make(chan struct{})
	go func() { defer close(read); e.read(bufio.NewReader(stdout)) }()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = command.Wait()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("the language server said: %s", stderr.String())
		}
	})
	e.ask("initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": nil,
		"capabilities": map[string]any{
			"workspace": map[string]any{"configuration": true},
			"textDocument": map[string]any{
				"completion":         map[string]any{"completionItem": map[string]any{"snippetSupport": true}},
				"publishDiagnostics": map[string]any{},
			},
		},
	})
	e.tell("initialized", map[string]any{})
	e.tell("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{}})
	select {
	case <-e.asked:
		return e
	case <-time.After(patience):
		t.Fatalf("the language server did not ask for the settings within %s", patience)
		return nil
	}
}

// install puts the pinned language server into the user's cache, once.
func install(t *testing.T, npm string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join("testdata/npm", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
		sum.Write(data)
	}
	dir := filepath.Join(cache, "realspec", "npm", fmt.Sprintf("%x", sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(making)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(making, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	command.Dir = making
	if out, err := command.CombinedOutput(); err != nil {
		if os.Getenv("REALSPEC_REQUIRE_EDITOR") == "1" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("yaml-language-server could not be installed: npm ci: %v", err)
	}
	// Another test may have been faster; then its folder is as good.
	if err := os.Rename(making, dir); err != nil {
		if _, missing := os.Stat(dir); missing != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// open shows a document to the server.
func (e *editor) open(path, text string) {
	e.t.Helper()
	uri := uriOf(path)
	e.mu.Lock()
	e.wrong[uri] = make(chan []problem, 100)
	e.mu.Unlock()
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": uri, "languageId": "yaml", "version": 1, "text": text,
	}})
}

// problems are what the server finds wrong with a document that was opened.
func (e *editor) problems(path string) []problem {
	e.t.Helper()
	e.mu.Lock()
	published := e.wrong[uriOf(path)]
	e.mu.Unlock()
	select {
	case list := <-published:
		return list
	case <-time.After(patience):
		e.t.Fatalf("no diagnostics for %s within %s", path, patience)
		return nil
	}
}

// item is one completion.
type item struct {
	Label    string
	TextEdit struct{ NewText string }
}

// completions are what can be written at a place, by label.
func (e *editor) completions(path string, line, character int) map[string][]item {
	e.t.Helper()
	var list struct{ Items []item }
	e.at("textDocument/completion", path, line, character, &list)
	out := map[string][]item{}
	for _, i := range list.Items {
		out[i.Label] = append(out[i.Label], i)
	}
	return out
}

// hover is the text that explains a place.
func (e *editor) hover(path string, line, character int) string {
	e.t.Helper()
	var shown struct{ Contents struct{ Value string } }
	e.at("textDocument/hover", path, line, character, &shown)
	return shown.Contents.Value
}

func (e *editor) at(method, path string, line, character int, into any) {
	e.t.Helper()
	result := e.ask(method, map[string]any{
		"textDocument": map[string]any{"uri": uriOf(path)},
		"position":     map[string]any{"line": line, "character": character},
	})
	if err := json.Unmarshal(result, into); err != nil {
		e.t.Fatalf("%s: %v: %s", method, err, result)
	}
}

// ask sends a request and waits for its answer.
func (e *editor) ask(method string, params any) json.RawMessage {
	e.t.Helper()
	e.mu.Lock()
	e.next++
	id, got := e.next, make(chan answer, 1)
	e.answers[id] = got
	e.mu.Unlock()
	e.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	select {
	case a := <-got:
		if a.Error != nil {
			e.t.Fatalf("%s: %s", method, a.Error.Message)
		}
		return a.Result
	case <-time.After(patience):
		e.t.Fatalf("%s: no answer within %s", method, patience)
		return nil
	}
}

func (e *editor) tell(method string, params any) {
	e.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

func (e *editor) send(message any) {
	body, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	e.writes.Lock()
	defer e.writes.Unlock()
	fmt.Fprintf(e.stdin, "Content-Length: %d\r\n\r\n%s", len(body), body)
}

// read takes the server's messages until it ends.
func (e *editor) read(from *bufio.Reader) {
	for {
		head, err := textproto.NewReader(from).ReadMIMEHeader()
		if err != nil {
			return
		}
		size, err := strconv.Atoi(head.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		e.take(body)
	}
}

func (e *editor) take(body []byte) {
	var message struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
		answer
	}
	if json.Unmarshal(body, &message) != nil {
		return
	}
	switch {
	case message.Method == "workspace/configuration":
		e.send(map[string]any{"jsonrpc": "2.0", "id": message.ID, "result": e.settings(message.Params)})
		select {
		case e.asked <- struct{}{}:
		default: // nobody waits any more: the server asks again for every document
		}
	case message.Method == "textDocument/publishDiagnostics":
		var published struct {
			URI         string
			Diagnostics []problem
		}
		if json.Unmarshal(message.Params, &published) == nil {
			e.mu.Lock()
			if to := e.wrong[published.URI]; to != nil {
				to <- published.Diagnostics
			}
			e.mu.Unlock()
		}
	case message.Method != "" && message.ID != nil:
		e.send(map[string]any{"jsonrpc": "2.0", "id": message.ID, "result": nil})
	case message.ID != nil:
		id, _ := strconv.Atoi(string(message.ID))
		e.mu.Lock()
		if to := e.answers[id]; to != nil {
			to <- message.answer
		}
		e.mu.Unlock()
	}
}

// settings are those of a user who has changed nothing else, but that the server
// asks nobody on the network.
func (e *editor) settings(params json.RawMessage) []any {
	var asked struct{ Items []struct{ Section string } }
	_ = json.Unmarshal(params, &asked)
	var out []any
	for _, i := range asked.Items {
		if i.Section == "yaml" {
			out = append(out, map[string]any{
				"validate": true, "hover": true, "completion": true, "schemas": e.maps,
				"schemaStore": map[string]any{"enable": false}, "kubernetesCRDStore": map[string]any{"enable": false},
			})
			continue
		}
		out = append(out, nil)
	}
	return out
}

func uriOf(path string) string { return "file://" + filepath.ToSlash(path) }

// cursor takes the mark ‸ out of a text and says where it was: line and
// character, both from 0.
func cursor(t *testing.T, text string) (string, int, int) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatal("the text has no ‸")
	}
	line := strings.Count(before, "\n")
	return before + after, line, len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
}

func labels(items map[string][]item) []string {
	var out []string
	for label := range items {
		out = append(out, label)
	}
	slices.Sort(out)
	return out
}
