// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A token is the user's address and a signature: any pod of any version can
// check it, so a login survives the release of the service that gave it.

func signToken(key, user string) string {
	name := base64.RawURLEncoding.EncodeToString([]byte(user))
	return name + "." + signature(key, name)
}

func tokenUser(key, token string) (string, bool) {
	name, sign, found := strings.Cut(token, ".")
	if !found || !hmac.Equal([]byte(sign), []byte(signature(key, name))) {
		return "", false
	}
	user, err := base64.RawURLEncoding.DecodeString(name)
	return string(user), err == nil
}

func signature(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
