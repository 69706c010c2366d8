package spec

import "time"

// HTTP sends one request and checks its answer. With a step `timeout` it is sent
// again, 250 ms after the last answer, until every check holds. Without checks an
// answer with a status from 200 to 299 passes.
type HTTP struct {
	// At is where the value of http begins.
	At Pos `json:"-"`
	// Where to: http:// or https://. A Service is called by its name.
	// Example: http://web:80/healthz.
	URL Text `json:"url" realspec:"required"`
	// The method. Default: GET, and POST where there is a body.
	Method string `json:"method,omitempty" realspec:"enum=GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"`
	// Headers of the request. Example: {authorization: "Bearer ${{ env.TOKEN }}"}.
	Headers map[string]Text `json:"headers,omitempty"`
	// The body, as a text. Example: hello.
	Body Text `json:"body,omitempty"`
	// The body, as JSON; the content-type is then application/json.
	// Example: {model: small, messages: [{role: user, content: Count the nodes}]}.
	JSON Object `json:"json,omitempty"`
	// Where the request is sent from: cluster (a pod of realspec's agent) or here
	// (the machine that realspec runs on). Default: cluster when the host is one
	// that only the cluster knows (a name without a dot except localhost, or one that
	// ends in .svc or .cluster.local), else here.
	From string `json:"from,omitempty" realspec:"enum=cluster|here"`
	// Labels of the pod that sends the request from the cluster; it is then in the
	// scenario's namespace, so that NetworkPolicies know it.
	// Example: {app: frontend}.
	As map[string]string `json:"as,omitempty"`
	// How TLS is verified. Default: by the machine's certificates.
	// Example: {serverName: web.example.com}.
	TLS *TLS `json:"tls,omitempty"`
	// How long the answer may take. Default: 10s.
	RequestTimeout Duration `json:"requestTimeout,omitempty"`
	// What must hold of `response`: status, headers, body, json (of a body that is
	// JSON), took and error. A request without an answer has status 0 and an error.
	// Example: [{cel: response.status == 200}].
	Checks []Rule `json:"checks,omitempty"`
	// The name by which later steps know the answer, as outputs.NAME.
	// Example: login.
	Output string `json:"output,omitempty"`
}

// TLS says how a server is verified.
type TLS struct {
	// At is where the value of tls begins.
	At Pos `json:"-"`
	// The certificates to trust, as PEM. Example: ${{ env.CA }}.
	CA Text `json:"ca,omitempty"`
	// The name that the certificate must have. Default: the host of the URL.
	// Example: web.example.com.
	ServerName Text `json:"serverName,omitempty"`
	// Do not verify the server at all; the report says so. Default: false.
	Insecure bool `json:"insecure,omitempty"`
}

// Rule is one expression that must hold.
type Rule struct {
	// At is where the rule begins.
	At Pos `json:"-"`
	// An expression that must be true. Example: response.status == 200.
	CEL Expr `json:"cel" realspec:"required"`
	// What it means when it is true; shown when it is not.
	// Example: the front page is there.
	Message Text `json:"message,omitempty"`
}

// Exec runs a command in a container and checks how it ended. With a step
// `timeout` it runs again, 250 ms after its end, until every check holds. Without
// checks its exit code must be 0.
type Exec struct {
	// At is where the value of exec begins.
	At Pos `json:"-"`
	// The pods. Of several that are ready, the command runs in the first by name; one
	// that is selected by its name need not be ready.
	// Example: {kind: Pod, selector: app=database}.
	On Selector `json:"on" realspec:"required"`
	// The container. Default: the one that the annotation
	// kubectl.kubernetes.io/default-container names, else the first.
	// Example: postgres.
	Container Text `json:"container,omitempty"`
	// The command and its arguments; there is no shell but the one you call.
	// Example: [psql, -U, postgres, -c, select 1].
	Command []Text `json:"command" realspec:"required"`
	// What the command reads from its standard input. Example: "select 1;".
	Stdin Text `json:"stdin,omitempty"`
	// What must hold of `result`: exitCode, stdout, stderr, json (of a stdout that is
	// JSON) and took. Example: [{cel: result.exitCode == 0}].
	Checks []Rule `json:"checks,omitempty"`
	// The name by which later steps know the result, as outputs.NAME.
	// Example: rows.
	Output string `json:"output,omitempty"`
}

// Run runs a command on the machine that realspec runs on. A run refuses it
// unless --allow-commands is given. It has the scenario's folder as its working
// directory, and of the environment only PATH, HOME, TMPDIR and LANG, KUBECONFIG for
// the scenario's cluster and namespace, and REALSPEC_NAMESPACE. When its time is over
// it is asked to end (SIGTERM), and ended 5 s later; what it has left running is
// ended with it.
type Run struct {
	// At is where the value of run begins.
	At Pos `json:"-"`
	// The command and its arguments; there is no shell but the one you call.
	// Example: [helm, install, web, ./chart].
	Command []Text `json:"command" realspec:"required"`
	// Further environment variables. Example: {HELM_DEBUG: "true"}.
	Env map[string]Text `json:"env,omitempty"`
	// What the command reads from its standard input. Example: "y".
	Stdin Text `json:"stdin,omitempty"`
	// What must hold of `result`: exitCode, stdout, stderr, json (of a stdout that is
	// JSON) and took. Default: the exit code is 0.
	// Example: [{cel: "result.stdout.contains('deployed')"}].
	Checks []Rule `json:"checks,omitempty"`
	// The name by which later steps know the result, as outputs.NAME.
	// Example: installed.
	Output string `json:"output,omitempty"`
}

// Logs reads what containers wrote and checks it. With a step `timeout` it is
// read again until every check holds.
type Logs struct {
	// At is where the value of logs begins.
	At Pos `json:"-"`
	// The pods; the lines of all of them are read, pod by pod. A container that has not
	// started has written nothing.
	// Example: {kind: Pod, selector: app=web}.
	On Selector `json:"on" realspec:"required"`
	// The container. Default: all of a pod. Example: web.
	Container Text `json:"container,omitempty"`
	// The container before the last restart. Default: false.
	Previous bool `json:"previous,omitempty"`
	// Only what was written in the last so long. Default: all. Example: 1m.
	Since Duration `json:"since,omitempty"`
	// The last lines of each container. Default: 1000. Unit: lines.
	Tail int `json:"tail,omitempty"`
	// What must hold of `logs`: lines, text and pods (the lines by the pod's name).
	// Example: [{cel: "logs.lines.exists(l, l.contains('ready to serve'))"}].
	Checks []Rule `json:"checks" realspec:"required"`
	// The name by which later steps know what was read, as outputs.NAME.
	// Example: told.
	Output string `json:"output,omitempty"`
}

// Response is the variable `response`, and the output of an http step.
type Response struct {
	// The HTTP status; 0 when there was no answer. Example: response.status == 200.
	Status int64 `json:"status"`
	// The headers, by their names in lower case; several values are joined by ", ".
	// Example: response.headers['content-type'].startsWith('application/json').
	Headers map[string]string `json:"headers"`
	// The body, at most 1 MiB of it. Example: response.body.contains('Welcome').
	Body string `json:"body"`
	// The body as JSON; an expression that reads it is an error when the body is not
	// JSON. Example: response.json.choices[0].message.content.size() > 20.
	JSON any `json:"json"`
	// From the moment when the request was due to the end of the answer.
	// Example: response.took < duration('5s').
	Took time.Duration `json:"took"`
	// Why there was no answer; empty when there was one. Example: response.error == ''.
	Error string `json:"error"`
}

// CommandResult is the variable `result`, and the output of an exec or run step.
type CommandResult struct {
	// The exit code. Example: result.exitCode == 0.
	ExitCode int64 `json:"exitCode"`
	// What the command wrote to its standard output, at most 1 MiB.
	// Example: result.stdout.contains('(1 row)').
	Stdout string `json:"stdout"`
	// What it wrote to its standard error, at most 1 MiB. Example: result.stderr == ''.
	Stderr string `json:"stderr"`
	// The standard output as JSON; an expression that reads it is an error when it
	// is not JSON. Example: result.json.status == 'ok'.
	JSON any `json:"json"`
	// How long the command ran. Example: result.took < duration('5s').
	Took time.Duration `json:"took"`
}

// LogLines is the variable `logs`, and the output of a logs step.
type LogLines struct {
	// All lines, pod by pod in the order of their names.
	// Example: logs.lines.exists(l, l.contains('ready')).
	Lines []string `json:"lines"`
	// The lines as one text. Example: logs.text.matches('migrated [0-9]+ tables').
	Text string `json:"text"`
	// The lines of each pod by its name. Example: logs.pods.size() == 3.
	Pods map[string][]string `json:"pods"`
}
