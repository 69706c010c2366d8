// Command told is what tests run in containers: it does what its words say.
//
//	told sleep              waits to be ended
//	told say TEXT…          a line each
//	told fail CODE TEXT     a line on standard error, and that exit code
//	told upper              standard input in upper case
//	told flood BYTES        so many bytes
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	words := os.Args[1:]
	if len(words) == 0 {
		words = []string{"sleep"}
	}
	switch words[0] {
	case "sleep":
		fmt.Println("waiting")
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM)
		<-end
	case "say":
		for _, line := range words[1:] {
			fmt.Println(line)
		}
	case "fail":
		code, _ := strconv.Atoi(words[1])
		fmt.Fprintln(os.Stderr, words[2])
		os.Exit(code)
	case "upper":
		text, _ := io.ReadAll(os.Stdin)
		os.Stdout.Write(bytes.ToUpper(text))
	case "flood":
		n, _ := strconv.Atoi(words[1])
		os.Stdout.Write(bytes.Repeat([]byte("x"), n))
	}
}
