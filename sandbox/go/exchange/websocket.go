// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// websocket accepts a connection and holds it until the client leaves: enough
// for a release to have connections to count and to drain.
func (a *application) websocket(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" {
		writeError(w, http.StatusBadRequest, "NO_WEBSOCKET", "this address speaks the websocket protocol only")
		return
	}
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		writeError(w, http.StatusInternalServerError, "INTERNAL", err.Error())
		return
	}
	defer connection.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // the constant of RFC 6455
	fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	if buffered.Flush() != nil {
		return
	}
	a.metrics.websockets.Add(1)
	defer a.metrics.websockets.Add(-1)
	_, _ = io.Copy(io.Discard, buffered)
}
