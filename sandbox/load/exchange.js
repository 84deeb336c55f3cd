// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// A constant rate of requests, whatever the answers: an open loop, as users are. One request an iteration.
import exec from "k6/execution";
import http from "k6/http";
import { sleep } from "k6";
import { Counter, Trend } from "k6/metrics";

const base = __ENV.TARGET_URL;
const hosts = __ENV.TARGET_HOST ? { Host: __ENV.TARGET_HOST } : {};
// k6 shows a tagged count only where a threshold names the tag; so it is told what may answer: wallet/1.0.0,...
const expected = (__ENV.EXPECTED || "").split(",").filter((name) => name);

const sent = new Counter("load_sent");
const failed = new Counter("load_failed");
const answers = new Counter("load_answers");
const latency = new Trend("load_latency");
const failedAt = new Trend("load_failed_at");

const thresholds = { "load_answers{served:other}": ["count>=0"] };
for (const name of expected) {
  thresholds[`load_answers{served:${name}}`] = ["count>=0"];
}

export const options = {
  scenarios: {
    steady: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 150,
      maxVUs: 1000,
      gracefulStop: "12s",
    },
  },
  summaryTrendStats: ["min", "avg", "med", "p(95)", "p(99)", "max"],
  thresholds,
  insecureSkipTLSVerify: true,
};

const json = { "Content-Type": "application/json" };
const login = JSON.stringify({ email: "test@example.com", password: "Test123!" });
// Every service has a part in it.
const mix = [
  { method: "GET", path: "/api/v1/public/time" },
  { method: "GET", path: "/api/v1/markets" },
  { method: "POST", path: "/api/v1/auth/login", body: login },
  { method: "GET", path: "/api/v1/wallets/balances", user: true },
  { method: "GET", path: "/api/v1/users/me", user: true },
  { method: "GET", path: "/api/v1/orderbook" },
  { method: "GET", path: "/api/v1/kyc/status", user: true },
  { method: "POST", path: "/api/v1/orders", body: JSON.stringify({ symbol: "BTC-USD", side: "buy", quantity: "0.01" }), user: true },
  { method: "GET", path: "/api/v1/compliance/limits", user: true },
  { method: "GET", path: "/api/v1/payments", user: true },
];

export function setup() {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = http.post(`${base}/api/v1/auth/login`, login, { headers: { ...json, ...hosts }, timeout: "5s" });
    if (answer.status === 200) {
      return { token: answer.json("data.accessToken") };
    }
    sleep(0.5);
  }
  exec.test.abort(`no login at ${base}: the platform does not answer`);
  return {};
}

export default function (session) {
  const n = exec.scenario.iterationInTest;
  const { method, path, body, user } = mix[n % mix.length];
  const headers = { ...json, ...hosts };
  if (user) {
    headers.Authorization = `Bearer ${session.token}`;
  }
  if (method === "POST") {
    headers["Idempotency-Key"] = `load-${n}`;
  }
  const answer = http.request(method, base + path, body || null, { headers, timeout: "10s", tags: { name: path } });
  if (answer.error.includes("context canceled")) {
    return; // the load is being stopped: this request was cut off by us
  }
  sent.add(1);
  latency.add(answer.timings.duration);
  for (const part of (answer.headers["X-Served-By"] || "").split(", ").filter((name) => name)) {
    answers.add(1, { served: expected.includes(part) ? part : "other" });
  }
  if (answer.status < 200 || answer.status > 299) {
    failed.add(1);
    failedAt.add(Date.now());
    console.error(JSON.stringify({
      at: new Date().toISOString(), request: `${method} ${path}`, status: answer.status,
      error: answer.error || "", body: String(answer.body || "").slice(0, 300),
    }));
  }
}

export function handleSummary(data) {
  return { [__ENV.OUT]: JSON.stringify(data) };
}
