// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// faults makes a bad version of any service. Every fault is off when its
// variable is absent or empty, so an image may carry all of them as defaults.
type faults struct {
	exitCode      int           // FAULT_EXIT_AT_START: exit with this code instead of starting
	exitAfter     int           // FAULT_EXIT_AFTER, seconds: exit with code 4 in the middle of its work
	lastWords     string        // FAULT_LAST_WORDS: the line printed before either
	neverReady    bool          // FAULT_NEVER_READY
	readyAfter    time.Duration // FAULT_READY_AFTER, seconds
	errorPercent  int64         // FAULT_ERROR_PERCENT: share of API answers that are a 500
	latency       time.Duration // FAULT_LATENCY_MS: added to every API answer
	leakMegabytes int           // FAULT_LEAK_MB_PER_SECOND: until the memory limit kills it
	ignoreSigterm bool          // FAULT_IGNORE_SIGTERM

	started  time.Time
	requests atomic.Int64
}

func faultsFromEnv() (*faults, error) {
	found := &faults{
		lastWords:     envOr("FAULT_LAST_WORDS", "fatal: told to exit (FAULT_EXIT_AT_START, FAULT_EXIT_AFTER)"),
		neverReady:    envBool("FAULT_NEVER_READY"),
		ignoreSigterm: envBool("FAULT_IGNORE_SIGTERM"),
		started:       time.Now(),
	}
	var readyAfter, errorPercent, latency int
	for name, target := range map[string]*int{
		"FAULT_EXIT_AT_START":      &found.exitCode,
		"FAULT_EXIT_AFTER":         &found.exitAfter,
		"FAULT_READY_AFTER":        &readyAfter,
		"FAULT_ERROR_PERCENT":      &errorPercent,
		"FAULT_LATENCY_MS":         &latency,
		"FAULT_LEAK_MB_PER_SECOND": &found.leakMegabytes,
	} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < 0 {
			return nil, fmt.Errorf("%s must be a whole number of zero or more, not %q", name, text)
		}
		*target = value
	}
	found.readyAfter = time.Duration(readyAfter) * time.Second
	found.errorPercent = int64(errorPercent)
	found.latency = time.Duration(latency) * time.Millisecond
	return found, nil
}

func (f *faults) ready() (bool, string) {
	if f.neverReady {
		return false, "never ready (FAULT_NEVER_READY)"
	}
	if left := f.readyAfter - time.Since(f.started); left > 0 {
		return false, fmt.Sprintf("warming up, ready in %.0f s (FAULT_READY_AFTER)", left.Seconds())
	}
	return true, ""
}

// wrap adds latency and errors to API answers; health, readiness and metrics
// stay as they are, as they do in a version that starts well and serves badly.
func (f *faults) wrap(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if f.latency > 0 {
			time.Sleep(f.latency)
		}
		// Spread evenly and not drawn at random: the same number of requests
		// always gives the same number of errors.
		n := f.requests.Add(1)
		if n*f.errorPercent/100 > (n-1)*f.errorPercent/100 {
			writeError(w, http.StatusInternalServerError, "INTERNAL", "broken on purpose (FAULT_ERROR_PERCENT)")
			return
		}
		next(w, r)
	}
}

func (f *faults) startClock() {
	if f.exitAfter == 0 {
		return
	}
	time.AfterFunc(time.Duration(f.exitAfter)*time.Second, func() {
		fmt.Fprintln(os.Stderr, f.lastWords)
		os.Exit(4)
	})
}

func (f *faults) startLeak() {
	if f.leakMegabytes == 0 {
		return
	}
	go func() {
		var kept [][]byte
		for range time.Tick(time.Second) {
			block := make([]byte, f.leakMegabytes<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1 // a page counts only once it is written
			}
			kept = append(kept, block)
		}
		_ = kept
	}()
}
