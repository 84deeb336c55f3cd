// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"strings"
)

const (
	demoUser     = "test@example.com"
	demoPassword = "Test123!"
)

func (a *application) login(w http.ResponseWriter, r *http.Request) {
	var given struct{ Email, Password string }
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		writeError(w, http.StatusBadRequest, "BAD_JSON", "the body must be JSON with email and password")
		return
	}
	if given.Email != demoUser || given.Password != demoPassword {
		writeError(w, http.StatusUnauthorized, "BAD_CREDENTIALS", "unknown email or wrong password")
		return
	}
	writeData(w, map[string]any{"accessToken": signToken(a.config.tokenKey, given.Email), "expiresIn": 3600})
}

// user answers with 401 by itself when the request carries no valid token.
func (a *application) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	user, ok := tokenUser(a.config.tokenKey, token)
	if !ok {
		writeError(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in at /api/v1/auth/login and send the token as a Bearer")
	}
	return user, ok
}

func (a *application) me(w http.ResponseWriter, r *http.Request) {
	if user, ok := a.user(w, r); ok {
		writeData(w, map[string]any{"email": user, "name": "Test User"})
	}
}

func (a *application) kycStatus(w http.ResponseWriter, r *http.Request) {
	if user, ok := a.user(w, r); ok {
		writeData(w, map[string]any{"email": user, "level": 2, "status": "verified"})
	}
}

func (a *application) balances(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.user(w, r); ok {
		writeData(w, []map[string]string{{"asset": "BTC", "available": "0.50000000"}, {"asset": "USD", "available": "1250.00"}})
	}
}

func (a *application) limits(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.user(w, r); ok {
		writeData(w, map[string]any{"daily": "10000.00", "currency": "USD"})
	}
}

func (a *application) payments(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.user(w, r); ok {
		writeData(w, []map[string]string{{"id": "p-1", "state": "settled"}})
	}
}

func (a *application) markets(w http.ResponseWriter, _ *http.Request) {
	writeData(w, []map[string]string{{"symbol": "BTC-USD", "state": "open"}, {"symbol": "ETH-USD", "state": "open"}})
}

func (a *application) orderbook(w http.ResponseWriter, _ *http.Request) {
	writeData(w, map[string]any{"symbol": "BTC-USD", "bids": [][]string{{"64000.00", "0.5"}}, "asks": [][]string{{"64010.00", "0.4"}}})
}

// orders lists, or places one: the matching engine has the last word on it.
func (a *application) orders(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.user(w, r); !ok {
		return
	}
	if r.Method != http.MethodPost {
		writeData(w, []map[string]string{})
		return
	}
	recorded := &recorder{ResponseWriter: w, code: http.StatusOK}
	r.URL.Path = "/internal/match"
	a.passTo("matching-engine")(recorded, r)
	if recorded.code < 300 {
		a.metrics.ordersPlaced.Add(1)
	} else {
		a.metrics.ordersFailed.Add(1)
	}
}

func (a *application) match(w http.ResponseWriter, _ *http.Request) {
	a.metrics.ordersPlaced.Add(1)
	writeData(w, map[string]string{"state": "filled", "price": "64005.00"})
}
