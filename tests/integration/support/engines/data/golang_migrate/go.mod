// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// golang-migrate itself, for the tests of that engine. A module of its own: the sandbox's go.sum names the build of Kubernetes.
// Only what the build tag "postgres" needs is listed; `go mod tidy` would add what all the other databases need. To renew it:
// go get github.com/golang-migrate/migrate/v4@latest && go build -mod=mod -tags postgres -o /dev/null github.com/golang-migrate/migrate/v4/cmd/migrate
module runbook.release/tests/golang_migrate

go 1.26.0

require github.com/golang-migrate/migrate/v4 v4.20.1
