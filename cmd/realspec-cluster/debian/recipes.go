package debian

import (
	"errors"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Recipes returns all recipes.
func Recipes() []Recipe {
	return []Recipe{
		{"web", []string{"nginx", "nginx-common", "busybox-static"}, []string{"docker.io/library/nginx"}, web},
		{"postgres", []string{"postgresql-" + postgresMajor(), "postgresql-client-" + postgresMajor(), "libc-bin", "busybox-static"},
			[]string{"docker.io/library/postgres"}, postgres},
		{"redis", []string{"redis-server", "redis-tools", "busybox-static"}, []string{"docker.io/library/redis"}, redis},
		{"prometheus", []string{"prometheus", "busybox-static"},
			[]string{"docker.io/prom/prometheus", "quay.io/prometheus/prometheus"}, prometheus},
		{"alertmanager", []string{"prometheus-alertmanager", "busybox-static"},
			[]string{"docker.io/prom/alertmanager", "quay.io/prometheus/alertmanager"}, alertmanager},
		{"busybox", []string{"busybox-static"}, []string{"docker.io/library/busybox"}, busybox},
		{Name: AgentName, Stands: []string{"realspec.dev/agent"}, build: agent},
	}
}

// AgentName is the name of the one recipe that takes nothing from Debian.
const AgentName = "agent"

const (
	serverID = 999 // the user of databases, as the starter knows it, too
	nginxID  = 101 // the user of nginx's workers
	nobodyID = 65534
)

// web is nginx: it answers on port 80 with the files in /usr/share/nginx/html,
// until a pod puts other settings into /etc/nginx/conf.d.
func web(k *kit) v1.Config {
	k.shell()
	k.programs("/usr/sbin/nginx")
	k.Account("nginx", nginxID, "/nonexistent")
	k.copies("/etc/nginx/mime.types", "/etc/nginx/fastcgi_params", "/etc/nginx/uwsgi_params", "/etc/nginx/scgi_params")
	k.Content("/etc/nginx/nginx.conf", 0o644, []byte(nginxSettings))
	k.Content("/etc/nginx/conf.d/default.conf", 0o644, []byte(nginxSite))
	k.Content("/usr/share/nginx/html/index.html", 0o644, []byte(nginxPage))
	k.Folder("/var/cache/nginx", 0o1777, 0)
	k.Link("/var/log/nginx/access.log", "/dev/stdout")
	k.Link("/var/log/nginx/error.log", "/dev/stderr")
	return v1.Config{Cmd: []string{"nginx", "-g", "daemon off;"}, StopSignal: "SIGQUIT",
		ExposedPorts: map[string]struct{}{"80/tcp": {}}}
}

// The folders are writable for whoever a pod runs nginx as.
const nginxSettings = `user nginx;
worker_processes auto;
error_log /dev/stderr notice;
pid /tmp/nginx.pid;
events {
    worker_connections 1024;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
    access_log /dev/stdout main;
    client_body_temp_path /var/cache/nginx/client_body;
    proxy_temp_path /var/cache/nginx/proxy;
    fastcgi_temp_path /var/cache/nginx/fastcgi;
    uwsgi_temp_path /var/cache/nginx/uwsgi;
    scgi_temp_path /var/cache/nginx/scgi;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxSite = `server {
    listen 80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
`

const nginxPage = `<!DOCTYPE html>
<title>Welcome to nginx!</title>
<h1>Welcome to nginx!</h1>
`

// postgres is PostgreSQL with what its client and its own extensions need.
func postgres(k *kit) v1.Config {
	home := "/usr/lib/postgresql/" + postgresMajor()
	k.shell()
	k.Account("postgres", serverID, "/var/lib/postgresql")
	for _, name := range []string{"postgres", "initdb", "psql", "pg_isready", "pg_ctl", "pg_dump", "pg_restore", "createdb", "dropdb",
		"createuser", "pgbench", "pg_basebackup", "pg_controldata"} {
		k.programs(home + "/bin/" + name)
	}
	k.libraryFolder(home + "/lib")
	k.copies("/usr/share/postgresql/"+postgresMajor(), "/usr/lib/locale/C.utf8")
	k.Folder("/run/postgresql", 0o3777, serverID)
	k.Folder("/var/lib/postgresql", 0o755, serverID)
	k.Folder("/var/lib/postgresql/data", 0o1777, serverID)
	k.Folder("/docker-entrypoint-initdb.d", 0o755, 0)
	k.path = ":" + home + "/bin"
	return k.started("postgres", v1.Config{Cmd: []string{"postgres"}, StopSignal: "SIGINT",
		Env:          []string{"PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8"},
		ExposedPorts: map[string]struct{}{"5432/tcp": {}}})
}

// postgresMajor is the newest version that this machine has, or Debian 12's.
func postgresMajor() string {
	newest := 0
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	for _, program := range found {
		if major, err := strconv.Atoi(path.Base(path.Dir(path.Dir(program)))); err == nil {
			newest = max(newest, major)
		}
	}
	if newest == 0 {
		return "15"
	}
	return strconv.Itoa(newest)
}

// libraryFolder adds the libraries in a folder, but not the compiler of
// queries: what it needs is larger than all the rest.
func (k *kit) libraryFolder(folder string) {
	files, err := filepath.Glob(folder + "/*.so*")
	k.try(err)
	for _, file := range files {
		if !strings.HasPrefix(path.Base(file), "llvmjit") {
			k.program(file, file)
		}
	}
}

// started lets the starter begin.
func (k *kit) started(server string, config v1.Config) v1.Config {
	if len(k.parts.Starter) == 0 {
		k.try(errors.New("this realspec-cluster was built without the first program of databases; build it with 'make bin/realspec-cluster'"))
	}
	k.Content("/usr/local/bin/start", 0o755, k.parts.Starter)
	config.Entrypoint = []string{"start", server}
	return config
}

// redis is Redis; it keeps its data in /data.
func redis(k *kit) v1.Config {
	k.shell()
	k.Account("redis", serverID, "/data")
	k.programs("/usr/bin/redis-server", "/usr/bin/redis-cli", "/usr/bin/redis-benchmark")
	k.Folder("/data", 0o1777, serverID)
	return k.started("redis-server", v1.Config{Cmd: []string{"redis-server"}, WorkingDir: "/data",
		ExposedPorts: map[string]struct{}{"6379/tcp": {}}})
}

// prometheus is Prometheus, as Debian builds it: without the discovery of
// Kubernetes' objects. Its pages, 200 MB of them, are left out; its API is there.
func prometheus(k *kit) v1.Config {
	k.shell()
	k.program("/usr/bin/prometheus", "/bin/prometheus")
	k.try(k.Add("/etc/prometheus/consoles", "/etc/prometheus/consoles"))
	k.try(k.Add("/etc/prometheus/console_libraries", "/etc/prometheus/console_libraries"))
	k.Content("/etc/prometheus/prometheus.yml", 0o644, []byte(prometheusSettings))
	k.Folder("/prometheus", 0o1777, nobodyID)
	return v1.Config{Entrypoint: []string{"/bin/prometheus"}, User: "65534:65534", WorkingDir: "/prometheus",
		Cmd: []string{"--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus",
			"--web.console.libraries=/etc/prometheus/console_libraries", "--web.console.templates=/etc/prometheus/consoles"},
		ExposedPorts: map[string]struct{}{"9090/tcp": {}}}
}

const prometheusSettings = `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["localhost:9090"]
`

// alertmanager is Alertmanager; its pages are not part of Debian, its API is.
func alertmanager(k *kit) v1.Config {
	k.shell()
	k.program("/usr/bin/prometheus-alertmanager", "/bin/alertmanager")
	k.copies("/usr/share/prometheus/alertmanager")
	k.Content("/etc/alertmanager/alertmanager.yml", 0o644, []byte("route:\n  receiver: none\nreceivers:\n  - name: none\n"))
	k.Folder("/alertmanager", 0o1777, nobodyID)
	return v1.Config{Entrypoint: []string{"/bin/alertmanager"}, User: "65534:65534", WorkingDir: "/alertmanager",
		Cmd:          []string{"--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"},
		ExposedPorts: map[string]struct{}{"9093/tcp": {}, "9094/tcp": {}}}
}

// busybox is a shell and the usual small programs.
func busybox(k *kit) v1.Config {
	k.shell()
	return v1.Config{Cmd: []string{"sh"}}
}

// agent is realspec's own agent, without anything else.
func agent(k *kit) v1.Config {
	k.try(k.Add(k.parts.Agent, "/realspec-agent"))
	k.try(k.libraries.Need(k.parts.Agent))
	return v1.Config{Entrypoint: []string{"/realspec-agent"}, User: "65532:65532", WorkingDir: "/tmp"}
}
