// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const maxBody = 1 << 20

// newClient lets go of an idle connection sooner than a leaving service stops
// (DRAIN): so no request is ever written to a connection that is just being closed.
func newClient() *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     2 * time.Second,
		},
	}
}

// passTo hands a request to another service and its answer back. Its name is
// resolved by the cluster's DNS, in the namespace this service runs in.
func (a *application) passTo(service string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			writeError(w, http.StatusBadRequest, "BAD_BODY", err.Error())
			return
		}
		answer, err := a.send(r, service, body)
		if err != nil && mayRepeat(r, err) {
			answer, err = a.send(r, service, body)
		}
		if err != nil {
			writeError(w, http.StatusBadGateway, "UPSTREAM", service+": "+err.Error())
			return
		}
		defer answer.Body.Close()
		for _, name := range []string{"Content-Type", "Retry-After"} {
			if value := answer.Header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		// The whole way of the answer, the outermost first: api-gateway/1.1.0, trading/1.0.0
		if via := answer.Header.Get("X-Served-By"); via != "" {
			w.Header().Set("X-Served-By", w.Header().Get("X-Served-By")+", "+via)
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}
}

func (a *application) send(r *http.Request, service string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+service+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
		if value := r.Header.Get(name); value != "" {
			request.Header.Set(name, value)
		}
	}
	return a.client.Do(request)
}

// mayRepeat: a request that never got a connection was not seen by anybody;
// otherwise only one that may safely be done twice is done twice.
func mayRepeat(r *http.Request, err error) bool {
	if r.Context().Err() != nil {
		return false
	}
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "dial" {
		return true
	}
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Header.Get("Idempotency-Key") != ""
}
