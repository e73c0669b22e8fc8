// Command go-waku-node runs one go-waku service node for the interop suite.
//
// It listens on loopback alone, prints one line of JSON when it is ready, writes go-waku's own log to a file, and ends
// on SIGTERM, on SIGINT, or when its standard input is closed - so that it never outlives the suite.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// settings are what the suite asks of a node.
type settings struct {
	clusterID     uint
	shards        list
	staticPeers   list
	logFile       string
	messagesFile  string
	minRelayPeers int
	// ownLimits keeps what would disturb a cell that is about something else: one lightpush, filter and peer-exchange
	// request a second and peer, and the end of filter subscriptions within a minute.
	ownLimits bool
	// light makes a light client of the static peers instead of a service node.
	light        bool
	store        bool
	rest         bool
	peerExchange bool
	bootNodes    list
}

func parse() (settings, error) {
	var s settings
	flag.UintVar(&s.clusterID, "cluster-id", 0, "cluster of the network")
	flag.Var(&s.shards, "shard", "shard to relay; repeatable")
	flag.Var(&s.staticPeers, "static-peer", "multiaddr of a relay peer to dial; repeatable")
	flag.StringVar(&s.logFile, "log-file", "", "file for go-waku's own log, at level debug")
	flag.StringVar(&s.messagesFile, "messages-file", "", "file for every relayed message, one JSON object a line")
	flag.IntVar(&s.minRelayPeers, "min-relay-peers", 0, "relay peers without which a push is refused")
	flag.BoolVar(&s.ownLimits, "own-limits", false, "keep go-waku's own rate limits and filter timeout")
	flag.BoolVar(&s.light, "light", false, "be a light client of the static peers: no relay, no services")
	flag.BoolVar(&s.store, "store", false, "keep messages in memory and serve the store protocol go-waku has")
	flag.BoolVar(&s.rest, "rest", false, "serve go-waku's REST API")
	flag.BoolVar(&s.peerExchange, "peer-exchange", false, "serve peer exchange, which needs discovery v5")
	flag.Var(&s.bootNodes, "boot-node", "ENR of a node to start discovery v5 from; repeatable")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case s.logFile == "":
		return s, fmt.Errorf("-log-file is missing: name the file for go-waku's log")
	case len(s.shards) == 0:
		return s, fmt.Errorf("-shard is missing: name at least one shard to relay")
	}
	return s, nil
}

func main() {
	s, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-waku-node:", err)
		os.Exit(64)
	}
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "go-waku-node:", err)
		os.Exit(70)
	}
}

func run(s settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	node, err := startNode(ctx, s)
	if err != nil {
		return err
	}
	defer node.close()
	if err := json.NewEncoder(os.Stdout).Encode(node.ready()); err != nil {
		return fmt.Errorf("telling that the node is ready: %w", err)
	}
	<-ctx.Done()
	return nil
}
