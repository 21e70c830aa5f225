// Command network-policy enforces networking.k8s.io/v1 NetworkPolicy on one node whose pods are
// routed (CNI ptp, so that pod-to-pod traffic crosses the forward hook). It watches
// pods, namespaces and policies and replaces one nftables table atomically.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const table = "network_policy"

var (
	kubeconfig = flag.String("kubeconfig", "", "kubeconfig")
	deny       = flag.String("deny", "reject", "reject (refused at once) or drop (times out)")
	nodeEgress = flag.Bool("node-egress", false, "hold pods' traffic to the node itself (so also to an API server that runs on it) to their egress policies")
	nftBin     = flag.String("nft", "nft", "nft program")
	once       = flag.Bool("print", false, "print each ruleset instead of loading it")
)

func main() {
	flag.Parse()
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	cfg.QPS, cfg.Burst = 50, 100
	f := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(cfg), 0)
	pods := f.Core().V1().Pods()
	nss := f.Core().V1().Namespaces()
	pols := f.Networking().V1().NetworkPolicies()
	dirty := make(chan struct{}, 1)
	mark := func() {
		select {
		case dirty <- struct{}{}:
		default:
		}
	}
	h := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { mark() }, UpdateFunc: func(_, _ any) { mark() }, DeleteFunc: func(any) { mark() },
	}
	for _, i := range []cache.SharedIndexInformer{pods.Informer(), nss.Informer(), pols.Informer()} {
		i.AddEventHandler(h)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	f.Start(ctx.Done())
	f.WaitForCacheSync(ctx.Done())
	last := ""
	resync := time.NewTicker(30 * time.Second)
	for {
		ps, _ := pods.Lister().List(labels.Everything())
		ns, _ := nss.Lister().List(labels.Everything())
		np, _ := pols.Lister().List(labels.Everything())
		rules := Render(ps, ns, np, *deny, *nodeEgress)
		if rules != last {
			start := time.Now()
			if *once {
				fmt.Println(rules)
			} else if err := load(rules); err != nil {
				log.Printf("load: %v\n%s", err, rules)
				time.Sleep(time.Second)
				continue
			}
			log.Printf("loaded: %d policies, %d bytes, %v", len(np), len(rules), time.Since(start).Round(time.Millisecond))
			last = rules
		}
		select {
		case <-ctx.Done():
			return
		case <-resync.C:
			last = ""
		case <-dirty:
			time.Sleep(50 * time.Millisecond) // gather a burst
		}
	}
}

func load(rules string) error {
	c := exec.Command(*nftBin, "-f", "-")
	c.Stdin = strings.NewReader(rules)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}

// Render turns the cluster's state into one nft script that replaces the table.
func Render(pods []*corev1.Pod, nss []*corev1.Namespace, pols []*netv1.NetworkPolicy, deny string, nodeEgress bool) string {
	nsLabels := map[string]labels.Set{}
	for _, n := range nss {
		nsLabels[n.Name] = n.Labels
	}
	live := []*corev1.Pod{}
	for _, p := range pods {
		if p.Status.PodIP != "" && !p.Spec.HostNetwork && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed &&
			net.ParseIP(p.Status.PodIP).To4() != nil {
			live = append(live, p)
		}
	}
	sort.Slice(live, func(i, j int) bool { return live[i].Status.PodIP < live[j].Status.PodIP })
	sort.Slice(pols, func(i, j int) bool {
		return pols[i].Namespace+"/"+pols[i].Name < pols[j].Namespace+"/"+pols[j].Name
	})
	r := renderer{live: live, ns: nsLabels}
	verdict := "counter reject"
	if deny == "drop" {
		verdict = "counter drop"
	}
	var chains, inMap, egMap strings.Builder
	for _, p := range live {
		var in, eg []string
		hasIn, hasEg := false, false
		for _, pol := range pols {
			if pol.Namespace != p.Namespace || !matches(&pol.Spec.PodSelector, p.Labels) {
				continue
			}
			for _, t := range types(pol) {
				if t == netv1.PolicyTypeIngress {
					hasIn = true
					for _, rule := range pol.Spec.Ingress {
						in = append(in, r.rules(pol, "saddr", rule.From, rule.Ports, p)...)
					}
				} else {
					hasEg = true
					for _, rule := range pol.Spec.Egress {
						eg = append(eg, r.rules(pol, "daddr", rule.To, rule.Ports, nil)...)
					}
				}
			}
		}
		id := strings.ReplaceAll(p.Status.PodIP, ".", "_")
		write := func(dir, self string, has bool, rules []string, m *strings.Builder) {
			if !has {
				return
			}
			fmt.Fprintf(m, "%s : jump %s_%s, ", p.Status.PodIP, dir, id)
			fmt.Fprintf(&chains, "  chain %s_%s {\n    comment \"%s/%s\"\n    ip %s %s return\n", dir, id, p.Namespace, p.Name, self, p.Status.PodIP)
			for _, l := range rules {
				fmt.Fprintf(&chains, "    %s return\n", l)
			}
			fmt.Fprintf(&chains, "    %s\n  }\n", verdict)
		}
		write("in", "saddr", hasIn, in, &inMap)
		write("eg", "daddr", hasEg, eg, &egMap)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "table ip %s\ndelete table ip %s\ntable ip %s {\n%s", table, table, table, chains.String())
	vmap := func(addr string, m *strings.Builder) string {
		if m.Len() == 0 {
			return ""
		}
		return fmt.Sprintf("    ip %s vmap { %s }\n", addr, strings.TrimSuffix(m.String(), ", "))
	}
	fmt.Fprintf(&b, "  chain forward {\n    type filter hook forward priority filter; policy accept;\n    ct state established,related accept\n%s%s  }\n",
		vmap("saddr", &egMap), vmap("daddr", &inMap))
	if nodeEgress {
		fmt.Fprintf(&b, "  chain input {\n    type filter hook input priority filter; policy accept;\n    ct state established,related accept\n%s  }\n", vmap("saddr", &egMap))
	}
	b.WriteString("}\n")
	return b.String()
}

type renderer struct {
	live []*corev1.Pod
	ns   map[string]labels.Set
}

func types(p *netv1.NetworkPolicy) []netv1.PolicyType {
	if len(p.Spec.PolicyTypes) > 0 {
		return p.Spec.PolicyTypes
	}
	t := []netv1.PolicyType{netv1.PolicyTypeIngress}
	if len(p.Spec.Egress) > 0 {
		t = append(t, netv1.PolicyTypeEgress)
	}
	return t
}

func matches(s *metav1.LabelSelector, l labels.Set) bool {
	sel, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && sel.Matches(l)
}

// rules gives the match part of each nft rule for one ingress or egress rule.
// target is the pod whose named ports count (ingress); nil: each peer's own (egress).
func (r *renderer) rules(pol *netv1.NetworkPolicy, addr string, peers []netv1.NetworkPolicyPeer, ports []netv1.NetworkPolicyPort, target *corev1.Pod) (out []string) {
	type src struct {
		match string
		pods  []*corev1.Pod
	}
	var srcs []src
	if len(peers) == 0 {
		srcs = append(srcs, src{"", r.live})
	}
	var podPeers []*corev1.Pod
	seen := map[string]bool{}
	for _, peer := range peers {
		if b := peer.IPBlock; b != nil {
			if strings.Contains(b.CIDR, ":") {
				continue
			}
			m := fmt.Sprintf("ip %s %s", addr, b.CIDR)
			if len(b.Except) > 0 {
				m += fmt.Sprintf(" ip %s != { %s }", addr, strings.Join(b.Except, ", "))
			}
			var inside []*corev1.Pod
			if _, n, err := net.ParseCIDR(b.CIDR); err == nil {
				for _, p := range r.live {
					if n.Contains(net.ParseIP(p.Status.PodIP)) {
						inside = append(inside, p)
					}
				}
			}
			srcs = append(srcs, src{m, inside})
			continue
		}
		for _, p := range r.live {
			if peer.NamespaceSelector == nil && p.Namespace != pol.Namespace ||
				peer.NamespaceSelector != nil && !matches(peer.NamespaceSelector, r.ns[p.Namespace]) ||
				peer.PodSelector != nil && !matches(peer.PodSelector, p.Labels) || seen[p.Status.PodIP] {
				continue
			}
			seen[p.Status.PodIP] = true
			podPeers = append(podPeers, p)
		}
	}
	if len(podPeers) > 0 {
		ips := make([]string, len(podPeers))
		for i, p := range podPeers {
			ips[i] = p.Status.PodIP
		}
		srcs = append(srcs, src{fmt.Sprintf("ip %s { %s }", addr, strings.Join(ips, ", ")), podPeers})
	}
	for _, s := range srcs {
		if len(ports) == 0 {
			out = append(out, strings.TrimSpace(s.match+" counter"))
		}
		for _, port := range ports {
			proto := "tcp"
			if port.Protocol != nil {
				proto = strings.ToLower(string(*port.Protocol))
			}
			switch {
			case port.Port == nil:
				out = append(out, strings.TrimSpace(s.match+" meta l4proto "+proto+" counter"))
			case port.Port.Type == intstr.Int:
				d := fmt.Sprint(port.Port.IntVal)
				if port.EndPort != nil {
					d += fmt.Sprintf("-%d", *port.EndPort)
				}
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s dport %s counter", s.match, proto, d)))
			case target != nil:
				for _, n := range named(target, port.Port.StrVal, proto) {
					out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s dport %d counter", s.match, proto, n)))
				}
			default:
				for _, p := range s.pods {
					for _, n := range named(p, port.Port.StrVal, proto) {
						out = append(out, fmt.Sprintf("ip %s %s %s dport %d counter", addr, p.Status.PodIP, proto, n))
					}
				}
			}
		}
	}
	return out
}

func named(p *corev1.Pod, name, proto string) (n []int32) {
	cs := append([]corev1.Container{}, p.Spec.Containers...)
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			cs = append(cs, c)
		}
	}
	for _, c := range cs {
		for _, q := range c.Ports {
			pp := strings.ToLower(string(q.Protocol))
			if pp == "" {
				pp = "tcp"
			}
			if q.Name == name && pp == proto {
				n = append(n, q.ContainerPort)
			}
		}
	}
	return n
}
