// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command controlplane is one binary that can be any process of a small
// Kubernetes cluster: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler, kubelet, kube-proxy or kubectl.
//
// It holds no Kubernetes logic of its own: each subcommand hands its
// arguments to the constructor that the upstream binary of the same name
// calls in its main function, so flags, defaults and behaviour are those of
// the pinned k8s.io/kubernetes and go.etcd.io/etcd releases (see go.mod).
//
// The first argument picks the program. A link named after a program
// (kubectl -> controlplane) works as well, as with busybox.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	// CronJob.spec.timeZone needs the zone data in the API server and in the
	// controller manager.
	_ "time/tzdata"

	etcdmain "go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"           // kubectl: exec and oidc credentials
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info

	"k8s.io/component-base/cli"
	kubectlcmd "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanagerapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxyapp "k8s.io/kubernetes/cmd/kube-proxy/app"
	schedulerapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
)

// A program is one upstream binary. run finds its own arguments in os.Args,
// already shifted so that os.Args[0] is the program's upstream name, and
// returns the exit status.
type program struct {
	upstream string
	run      func() int
}

// Only the chosen program's constructor runs: each of them registers flags
// and feature gates in process-wide tables.
var programs = map[string]program{
	"apiserver":          {"kube-apiserver", func() int { return cli.Run(apiserverapp.NewAPIServerCommand()) }},
	"controller-manager": {"kube-controller-manager", func() int { return cli.Run(controllermanagerapp.NewControllerManagerCommand()) }},
	"scheduler":          {"kube-scheduler", func() int { return cli.Run(schedulerapp.NewSchedulerCommand()) }},
	"kubelet":            {"kubelet", func() int { return cli.Run(kubeletapp.NewKubeletCommand(context.Background())) }},
	"proxy":              {"kube-proxy", func() int { return cli.Run(proxyapp.NewProxyCommand()) }},
	"kubectl":            {"kubectl", runKubectl},
	"etcd":               {"etcd", runEtcd},
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "kube-")
	args := os.Args[1:]
	if _, ok := programs[name]; !ok {
		if len(args) == 0 {
			usage()
		}
		name, args = strings.TrimPrefix(args[0], "kube-"), args[1:]
	}
	p, ok := programs[name]
	if !ok {
		usage()
	}
	os.Args = append([]string{p.upstream}, args...)
	os.Exit(p.run())
}

func runKubectl() int {
	if err := cli.RunNoErrOutput(kubectlcmd.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err) // prints and exits as kubectl does
	}
	return 0
}

func runEtcd() int {
	etcdmain.Main(os.Args) // returns only when the server has stopped
	return 0
}

func usage() {
	names := make([]string, 0, len(programs))
	for name := range programs {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "usage: controlplane {%s} [flags of that program]\n", strings.Join(names, "|"))
	os.Exit(2)
}
