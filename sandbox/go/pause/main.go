// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command pause does nothing for as long as somebody needs a process that does
// nothing: it is the process that holds a pod's namespaces, and it is process 1
// of the sandbox's own process namespace. In both places it inherits orphans,
// so it reaps them, and it leaves on SIGTERM.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGTERM, syscall.SIGINT)
	for {
		// Orphans may have ended before the first signal could be heard.
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err == syscall.EINTR {
				continue
			}
			if pid <= 0 || err != nil {
				break
			}
		}
		if received := <-signals; received != syscall.SIGCHLD {
			return
		}
	}
}
