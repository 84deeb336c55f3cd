// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command exchange is every service of the demo platform: which one it is, and
// in which version, is told by its environment. It stands in for nine real
// services, so that a release has something real to roll, to break and to undo.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "-resolve" {
		resolve(os.Args[2])
		return
	}
	config := configFromEnv()
	faults, err := faultsFromEnv()
	if err != nil {
		fmt.Fprintf(os.Stderr, "fatal: %s %s: %v\n", config.service, config.version, err)
		os.Exit(2)
	}
	if faults.exitCode != 0 {
		fmt.Fprintln(os.Stderr, faults.lastWords)
		os.Exit(faults.exitCode)
	}
	faults.startLeak()
	faults.startClock()
	if err := serve(config, faults); err != nil {
		fmt.Fprintf(os.Stderr, "fatal: %s %s: %v\n", config.service, config.version, err)
		os.Exit(1)
	}
}

// resolve tells what a name means inside this pod: the image holds no other program to ask.
func resolve(name string) {
	addresses, err := net.LookupHost(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(addresses[0])
}

// serve answers until the process is told to stop, and then ends in the order
// that loses nobody: first go on as before, because proxies learn only after
// the signal that this pod is leaving; then finish what is under way.
func serve(config config, faults *faults) error {
	app := newApplication(config, faults)
	server := &http.Server{
		Addr:              config.listen,
		Handler:           app.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	fmt.Printf("%s %s listens on %s\n", config.service, config.version, config.listen)

	for {
		select {
		case err := <-ended:
			return err
		case <-signals:
			if faults.ignoreSigterm {
				fmt.Println("SIGTERM ignored (FAULT_IGNORE_SIGTERM)")
				continue
			}
		}
		break
	}
	app.leaving.Store(true)
	fmt.Printf("leaving: answering for another %s while proxies forget this pod\n", config.drain)
	select {
	case <-time.After(config.drain):
	case err := <-ended:
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("requests still open at the end: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	fmt.Println("left: no request was cut off")
	return nil
}
