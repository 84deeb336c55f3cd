// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}

// metrics writes Prometheus' text format. Every series exists from the start:
// a rate over a counter that appears with its first error misses that error.
type metrics struct {
	service, version string

	mu       sync.Mutex
	requests map[int]uint64
	below    []uint64
	count    uint64
	sum      float64

	inFlight      atomic.Int64
	websockets    atomic.Int64
	ordersPlaced  atomic.Uint64
	ordersFailed  atomic.Uint64
	startedAtUnix int64
}

func newMetrics(service, version string) *metrics {
	m := &metrics{service: service, version: version, below: make([]uint64, len(buckets)),
		requests: map[int]uint64{}, startedAtUnix: time.Now().Unix()}
	for _, code := range []int{200, 201, 400, 401, 404, 500, 502, 503} {
		m.requests[code] = 0
	}
	return m
}

type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (m *metrics) wrap(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		m.inFlight.Add(1)
		recorded := &recorder{ResponseWriter: w, code: http.StatusOK}
		next(recorded, r)
		m.inFlight.Add(-1)
		m.observe(recorded.code, time.Since(began).Seconds())
	}
}

func (m *metrics) observe(code int, seconds float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[code]++
	m.count++
	m.sum += seconds
	for i, bound := range buckets {
		if seconds <= bound {
			m.below[i]++
		}
	}
}

func (m *metrics) serve(w http.ResponseWriter, _ *http.Request) {
	var out strings.Builder
	labels := fmt.Sprintf("service=%q,version=%q", m.service, m.version)
	describe := func(name, kind, help string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	m.mu.Lock()
	describe("http_requests_total", "counter", "Requests answered, by status code.")
	codes := make([]int, 0, len(m.requests))
	for code := range m.requests {
		codes = append(codes, code)
	}
	sort.Ints(codes)
	for _, code := range codes {
		fmt.Fprintf(&out, "http_requests_total{%s,code=\"%d\"} %d\n", labels, code, m.requests[code])
	}
	describe("http_request_duration_seconds", "histogram", "Time from a request to its answer.")
	for i, bound := range buckets {
		fmt.Fprintf(&out, "http_request_duration_seconds_bucket{%s,le=\"%g\"} %d\n", labels, bound, m.below[i])
	}
	fmt.Fprintf(&out, "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, m.count)
	fmt.Fprintf(&out, "http_request_duration_seconds_sum{%s} %g\n", labels, m.sum)
	fmt.Fprintf(&out, "http_request_duration_seconds_count{%s} %d\n", labels, m.count)
	m.mu.Unlock()

	single := func(name, kind, help string, value any) {
		describe(name, kind, help)
		fmt.Fprintf(&out, "%s{%s} %v\n", name, labels, value)
	}
	// A stand-in: the demo has no database, each request under way counts as one connection over a pool of two.
	single("database_connections_active", "gauge", "Connections to the database in use.", 2+m.inFlight.Load())
	single("http_requests_in_flight", "gauge", "Requests under way.", m.inFlight.Load())
	single("websocket_connections", "gauge", "Open websocket connections.", m.websockets.Load())
	single("orders_placed_total", "counter", "Orders accepted.", m.ordersPlaced.Load())
	single("orders_failed_total", "counter", "Orders refused or lost.", m.ordersFailed.Load())
	single("process_start_time_seconds", "gauge", "Start of this process, in seconds since 1970.", m.startedAtUnix)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = w.Write([]byte(out.String()))
}
