// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command task does what its arguments say, one after the other: it stands in
// for the programs that a release runs once (a migration, a check), in an image
// that holds no shell. Without arguments it waits to be told to leave.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	for _, step := range os.Args[1:] {
		what, argument, _ := strings.Cut(step, ":")
		switch what {
		case "out":
			fmt.Println(argument)
		case "err":
			fmt.Fprintln(os.Stderr, argument)
		case "env":
			fmt.Printf("%s=%s\n", argument, os.Getenv(argument))
		case "cat":
			io.Copy(os.Stdout, os.Stdin)
		case "sleep":
			time.Sleep(time.Duration(number(argument)) * time.Millisecond)
		case "lines":
			count, pause, _ := strings.Cut(argument, ":")
			for line := 1; line <= number(count); line++ {
				fmt.Printf("line %d\n", line)
				time.Sleep(time.Duration(number(pause)) * time.Millisecond)
			}
		case "exit":
			os.Exit(number(argument))
		default:
			fmt.Fprintf(os.Stderr, "no step is called %q; there are out, err, env, cat, sleep, lines, exit\n", what)
			os.Exit(2)
		}
	}
	if len(os.Args) == 1 {
		for {
			time.Sleep(time.Hour)
		}
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%q is not a number\n", text)
		os.Exit(2)
	}
	return value
}
