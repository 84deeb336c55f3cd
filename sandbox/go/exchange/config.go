// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"strings"
	"time"
)

// config is what a service is, as opposed to faults: what is wrong with it.
type config struct {
	service     string
	version     string
	listen      string
	tokenKey    string
	maintenance bool
	readOnly    bool
	drain       time.Duration
}

func configFromEnv() config {
	return config{
		service:     envOr("SERVICE", "exchange"),
		version:     envOr("VERSION", "0.0.0"),
		listen:      envOr("LISTEN", ":8080"),
		tokenKey:    envOr("TOKEN_KEY", "a demo platform has no secrets"),
		maintenance: envBool("MAINTENANCE_MODE"),
		readOnly:    envBool("READ_ONLY"),
		drain:       envDuration("DRAIN", 4*time.Second),
	}
}

func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func envBool(name string) bool {
	switch strings.ToLower(os.Getenv(name)) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

func envDuration(name string, fallback time.Duration) time.Duration {
	if value, err := time.ParseDuration(os.Getenv(name)); err == nil {
		return value
	}
	return fallback
}
