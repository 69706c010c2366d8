//go:build unix

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// scripts is where a pod can put .sql and .sh files for the first start.
const scripts = "/docker-entrypoint-initdb.d"

// startLimit is how long PostgreSQL may take to answer on the first start.
const startLimit = time.Minute

// database is what the environment says of the database to make.
type database struct {
	folder, user, password, name, method string
}

// preparePostgres makes the database, unless it is there from an earlier start.
func preparePostgres() error {
	d, err := wanted()
	if err != nil {
		return err
	}
	if err := become(d.folder, "/run/postgresql"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(d.folder, "PG_VERSION")); err == nil {
		return nil
	}
	if d.password == "" && d.method != "trust" {
		return errors.New("no database is there and POSTGRES_PASSWORD is not set; set it, or POSTGRES_HOST_AUTH_METHOD=trust to let everyone in")
	}
	if err := d.make(); err != nil {
		return err
	}
	return d.fill()
}

func wanted() (d database, err error) {
	d.folder = cmp.Or(os.Getenv("PGDATA"), "/var/lib/postgresql/data")
	for name, to := range map[string]*string{"POSTGRES_USER": &d.user, "POSTGRES_PASSWORD": &d.password, "POSTGRES_DB": &d.name} {
		if *to = os.Getenv(name); *to != "" {
			continue
		}
		if file := os.Getenv(name + "_FILE"); file != "" {
			content, err := os.ReadFile(file)
			if err != nil {
				return d, fmt.Errorf("%s_FILE: %w", name, err)
			}
			*to = strings.TrimRight(string(content), "\n")
		}
	}
	d.user = cmp.Or(d.user, "postgres")
	d.name = cmp.Or(d.name, d.user)
	d.method = cmp.Or(os.Getenv("POSTGRES_HOST_AUTH_METHOD"), "scram-sha-256")
	return d, nil
}

// make runs initdb, and lets others than this pod connect.
func (d database) make() error {
	args := []string{"--pgdata=" + d.folder, "--username=" + d.user, "--encoding=UTF8", "--locale=C", "--auth-local=trust",
		"--auth-host=" + d.method}
	if d.password != "" {
		file := filepath.Join(os.TempDir(), "postgres-password")
		if err := os.WriteFile(file, []byte(d.password+"\n"), 0o600); err != nil {
			return err
		}
		defer func() { _ = os.Remove(file) }()
		args = append(args, "--pwfile="+file)
	}
	if err := show(exec.Command("initdb", append(args, strings.Fields(os.Getenv("POSTGRES_INITDB_ARGS"))...)...)); err != nil {
		return err
	}
	return errors.Join(
		more(filepath.Join(d.folder, "postgresql.conf"), "listen_addresses = '*'\n"),
		more(filepath.Join(d.folder, "pg_hba.conf"), "host all all all "+d.method+"\n"),
	)
}

// fill makes the database, and runs the scripts, on a server that nobody else
// reaches yet.
func (d database) fill() (err error) {
	files, err := filepath.Glob(scripts + "/*")
	if err != nil || d.name == "postgres" && len(files) == 0 {
		return err
	}
	server := exec.Command("postgres", "-D", d.folder, "-c", "listen_addresses=")
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Signal(syscall.SIGINT) // a fast end, with everything written
		if ended := server.Wait(); err == nil {
			err = ended
		}
	}()
	if err := d.await(); err != nil {
		return err
	}
	if d.name != "postgres" {
		command := d.psql("postgres", "--set=name="+d.name)
		command.Stdin = strings.NewReader(`CREATE DATABASE :"name";`)
		if err := show(command); err != nil {
			return err
		}
	}
	slices.Sort(files)
	for _, file := range files {
		if err := d.script(file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (d database) script(file string) error {
	switch filepath.Ext(file) {
	case ".sql":
		return show(d.psql(d.name, "--file="+file))
	case ".sh":
		return show(exec.Command("/bin/sh", file))
	}
	fmt.Fprintf(os.Stderr, "%s is left alone: it ends neither in .sql nor in .sh\n", file)
	return nil
}

// await waits until the server answers.
func (d database) await() error {
	for end := time.Now().Add(startLimit); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command("pg_isready", "--quiet", "--username="+d.user).CombinedOutput()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("postgres did not answer within %s: %s", startLimit, out)
		}
	}
}

func (d database) psql(name string, args ...string) *exec.Cmd {
	return exec.Command("psql", append([]string{"--no-psqlrc", "--set=ON_ERROR_STOP=1", "--username=" + d.user, "--dbname=" + name}, args...)...)
}

func show(command *exec.Cmd) error {
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(command.Path), err)
	}
	return nil
}

func more(file, text string) (err error) {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.WriteString(out, text)
	return err
}
