// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

type application struct {
	config  config
	faults  *faults
	metrics *metrics
	client  *http.Client
	leaving atomic.Bool
}

func newApplication(config config, faults *faults) *application {
	return &application{config: config, faults: faults, metrics: newMetrics(config.service, config.version), client: newClient()}
}

// routes says which service answers which part of the API. The gateway passes
// everything on by it; a service answers its own part only.
var routes = []struct {
	path, service string
	handle        func(*application, http.ResponseWriter, *http.Request)
}{
	{"/api/v1/auth/login", "auth", (*application).login},
	{"/api/v1/users/me", "user", (*application).me},
	{"/api/v1/kyc/status", "kyc", (*application).kycStatus},
	{"/api/v1/wallets/balances", "wallet", (*application).balances},
	{"/api/v1/compliance/limits", "compliance", (*application).limits},
	{"/api/v1/payments", "payment", (*application).payments},
	{"/api/v1/markets", "trading", (*application).markets},
	{"/api/v1/orders", "trading", (*application).orders},
	{"/api/v1/orderbook", "matching-engine", (*application).orderbook},
	{"/internal/match", "matching-engine", (*application).match},
}

const gateway = "api-gateway"

func (a *application) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", a.health)
	mux.HandleFunc("/ready", a.ready)
	mux.HandleFunc("/metrics", a.metrics.serve)
	mux.HandleFunc("/ws", a.websocket)
	mux.HandleFunc("/", a.api(a.root))
	mux.HandleFunc("/api/v1/public/time", a.api(a.time))
	for _, route := range routes {
		switch {
		case a.config.service == route.service:
			handle := route.handle
			mux.HandleFunc(route.path, a.api(func(w http.ResponseWriter, r *http.Request) { handle(a, w, r) }))
		case a.config.service == gateway && !strings.HasPrefix(route.path, "/internal/"):
			mux.HandleFunc(route.path, a.api(a.passTo(route.service)))
		}
	}
	return mux
}

// api is what every answer of the API has in common.
func (a *application) api(next http.HandlerFunc) http.HandlerFunc {
	return a.metrics.wrap(a.faults.wrap(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served-By", a.config.service+"/"+a.config.version)
		if a.leaving.Load() {
			// Asks the client to open its next connection elsewhere, without cutting this one.
			w.Header().Set("Connection", "close")
		}
		writes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Path != "/api/v1/auth/login"
		switch {
		case a.config.maintenance && r.URL.Path != "/":
			w.Header().Set("Retry-After", "30")
			writeError(w, http.StatusServiceUnavailable, "MAINTENANCE", "the platform is being maintained, try again soon")
		case a.config.readOnly && writes:
			w.Header().Set("Retry-After", "30")
			writeError(w, http.StatusServiceUnavailable, "READ_ONLY", "the platform can be read but not changed at the moment")
		default:
			next(w, r)
		}
	}))
}

func (a *application) health(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"status": "healthy", "service": a.config.service, "version": a.config.version,
		"maintenance": a.config.maintenance, "readOnly": a.config.readOnly})
}

// ready stays true while leaving: proxies may still choose this pod, and it still answers.
func (a *application) ready(w http.ResponseWriter, _ *http.Request) {
	if ready, why := a.faults.ready(); !ready {
		write(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reason": why})
		return
	}
	write(w, http.StatusOK, map[string]any{"status": "ready"})
}

func (a *application) root(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		writeError(w, http.StatusNotFound, "NOT_FOUND", a.config.service+" has no "+r.URL.Path)
		return
	}
	write(w, http.StatusOK, map[string]any{"service": a.config.service, "version": a.config.version})
}

func (a *application) time(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	writeData(w, map[string]any{"serverTime": now.UnixMilli(), "iso": now.UTC().Format(time.RFC3339Nano)})
}

func writeData(w http.ResponseWriter, data any) {
	write(w, http.StatusOK, map[string]any{"success": true, "data": data})
}

func writeError(w http.ResponseWriter, code int, name, message string) {
	write(w, code, map[string]any{"success": false, "error": map[string]string{"code": name, "message": message}})
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
