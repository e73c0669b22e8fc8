package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/cmd/waku/server/rest"
	"github.com/waku-org/go-waku/logging"
	"github.com/waku-org/go-waku/waku/persistence"
	"github.com/waku-org/go-waku/waku/persistence/sqlite"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/peerstore"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter"
	"github.com/waku-org/go-waku/waku/v2/protocol/lightpush"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"github.com/waku-org/go-waku/waku/v2/utils"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// manyPerSecond stands for "no rate limit" where go-waku wants a number.
	manyPerSecond = 1_000_000
	// dialTimeout is what go-waku's own command gives a static peer.
	dialTimeout = 7 * time.Second
	// storedMessagesMax is far more than any cell sends.
	storedMessagesMax = 100_000
)

// serviceNode is a running go-waku node with what was started around it.
type serviceNode struct {
	waku    *node.WakuNode
	log     *zap.Logger
	store   *sql.DB
	rest    *rest.WakuRest
	restURL string
	written chan struct{}
	file    *os.File
}

func startNode(ctx context.Context, s settings) (*serviceNode, error) {
	// go-waku reads `file:` as "write there"; the level is that at which it tells a message's way.
	utils.InitLogger("nocolor", "file:"+s.logFile, "gowaku", zapcore.DebugLevel)
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	id, err := peer.IDFromPublicKey(utils.EcdsaPrivKeyToSecp256k1PrivKey(key).GetPublic())
	if err != nil {
		return nil, fmt.Errorf("deriving the peer id: %w", err)
	}
	// As go-waku's own command does: every line then names its node.
	n := &serviceNode{log: utils.Logger().With(logging.HostID("node", id))}
	topics, err := pubsubTopics(s)
	if err != nil {
		return nil, err
	}
	options := []node.WakuNodeOption{
		node.WithLogger(n.log),
		node.WithLogLevel(zapcore.DebugLevel),
		node.WithPrivateKey(key),
		node.WithClusterID(uint16(s.clusterID)),
		// With a cluster and no shards go-waku cannot read its own record, and hangs up on every peer with "invalid
		// shard count": a relay gets its shards by subscribing, a light client never.
		node.WithPubSubTopics(topics),
		node.WithPrometheusRegisterer(prometheus.NewRegistry()),
		// Every peer of the suite has the same address; go-waku's own limit is five connections from one.
		node.WithMaxConnectionsPerIP(0),
		node.WithKeepAlive(10*time.Second, 2*time.Minute),
		node.WithWakuFilterLightNode(),
	}
	if !s.light {
		services, err := n.services(s)
		if err != nil {
			return nil, err
		}
		options = append(options, services...)
	}
	addresses, err := addresses(s)
	if err != nil {
		return nil, err
	}
	options = append(options, addresses...)
	n.waku, err = node.New(options...)
	if err != nil {
		return nil, fmt.Errorf("assembling the node: %w", err)
	}
	if err := n.waku.Start(ctx); err != nil {
		return nil, fmt.Errorf("starting the node: %w", err)
	}
	return n, n.join(ctx, s, topics)
}

// services are relay, and the protocols light clients ask for.
func (n *serviceNode) services(s settings) ([]node.WakuNodeOption, error) {
	var lightpushOptions []lightpush.Option
	var filterOptions []filter.Option
	if !s.ownLimits {
		lightpushOptions = append(lightpushOptions, lightpush.WithRateLimiter(manyPerSecond, manyPerSecond))
		// go-waku compares the wrong way round: every minute it removes the subscribers it saw within the timeout
		// (subscribers_map.go; fixed upstream by pull request 1314, after v0.10.1). With no timeout it removes none.
		filterOptions = append(filterOptions, filter.WithTimeout(0),
			filter.WithFullNodeRateLimiter(manyPerSecond, manyPerSecond))
	}
	options := []node.WakuNodeOption{
		node.WithWakuRelayAndMinPeers(s.minRelayPeers),
		node.WithLightPush(lightpushOptions...),
		node.WithWakuFilterFullNode(filterOptions...),
	}
	if !s.store {
		return options, nil
	}
	db, err := sqlite.NewDB(":memory:", n.log)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	n.store = db
	provider, err := persistence.NewDBStore(prometheus.NewRegistry(), n.log, persistence.WithDB(db),
		persistence.WithMigrations(sqlite.Migrations), persistence.WithRetentionPolicy(storedMessagesMax, time.Hour))
	if err != nil {
		return nil, fmt.Errorf("preparing the store: %w", err)
	}
	return append(options, node.WithWakuStore(), node.WithMessageProvider(provider)), nil
}

// addresses says where to listen: on a free port of loopback.
//
// For peer exchange go-waku needs discovery v5, and without an advertised address that would look for a router to open
// ports on. An advertised address must name its port, so there a free one is taken and given back just before.
func addresses(s settings) ([]node.WakuNodeOption, error) {
	loopback := net.IPv4(127, 0, 0, 1)
	if !s.peerExchange {
		return []node.WakuNodeOption{node.WithHostAddress(&net.TCPAddr{IP: loopback})}, nil
	}
	var bootNodes []*enode.Node
	for _, text := range s.bootNodes {
		bootNode, err := enode.Parse(enode.ValidSchemes, text)
		if err != nil {
			return nil, fmt.Errorf("-boot-node %q: %w", text, err)
		}
		bootNodes = append(bootNodes, bootNode)
	}
	tcpPort, err := freePort()
	if err != nil {
		return nil, err
	}
	advertised, err := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", tcpPort))
	if err != nil {
		return nil, fmt.Errorf("writing the advertised address: %w", err)
	}
	var exchange []peer_exchange.Option
	if !s.ownLimits {
		exchange = append(exchange, peer_exchange.WithRateLimiter(manyPerSecond, manyPerSecond))
	}
	return []node.WakuNodeOption{
		node.WithHostAddress(&net.TCPAddr{IP: loopback, Port: tcpPort}),
		node.WithAdvertiseAddresses(advertised),
		node.WithDiscoveryV5(0, bootNodes, false),
		node.WithPeerExchange(exchange...),
	}, nil
}

// join takes the node into its network: topics, peers, discovery, and what watches it.
func (n *serviceNode) join(ctx context.Context, s settings, topics []string) error {
	if err := n.writeMessages(s.messagesFile); err != nil {
		return err
	}
	if !s.light {
		for _, topic := range topics {
			_, err := n.waku.Relay().Subscribe(ctx, protocol.NewContentFilter(topic), relay.WithoutConsumer())
			if err != nil {
				return fmt.Errorf("subscribing to %s: %w", topic, err)
			}
		}
	}
	if s.peerExchange {
		if err := n.waku.DiscV5().Start(ctx); err != nil {
			return fmt.Errorf("starting discovery v5: %w", err)
		}
	}
	for _, text := range s.staticPeers {
		if err := n.meet(ctx, s, text, topics); err != nil {
			return err
		}
	}
	if s.rest {
		return n.serveREST(ctx)
	}
	return nil
}

// meet connects to a static peer; a light client also notes that the peer serves it.
func (n *serviceNode) meet(ctx context.Context, s settings, text string, topics []string) error {
	address, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return fmt.Errorf("-static-peer %q: %w", text, err)
	}
	if s.light {
		_, err := n.waku.AddPeer([]multiaddr.Multiaddr{address}, peerstore.Static, topics,
			lightpush.LightPushID_v20beta1, filter.FilterSubscribeID_v20beta1)
		if err != nil {
			return fmt.Errorf("adding %s: %w", text, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := n.waku.DialPeerWithMultiAddress(ctx, address); err != nil {
		return fmt.Errorf("dialling %s: %w", text, err)
	}
	return nil
}

// pubsubTopics are those of the shards.
func pubsubTopics(s settings) ([]string, error) {
	topics := make([]string, 0, len(s.shards))
	for _, text := range s.shards {
		shard, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("-shard %q: %w", text, err)
		}
		topics = append(topics, protocol.NewStaticShardingPubsubTopic(uint16(s.clusterID), uint16(shard)).String())
	}
	return topics, nil
}

// ready is the line that tells the suite where the node is.
func (n *serviceNode) ready() map[string]any {
	addresses := make([]string, 0, len(n.waku.ListenAddresses()))
	for _, address := range n.waku.ListenAddresses() {
		addresses = append(addresses, address.String())
	}
	return map[string]any{
		"peer_id":   n.waku.ID(),
		"addresses": addresses,
		"enr":       n.waku.ENR().String(),
		"rest":      n.restURL,
		"version":   wakuVersion(),
	}
}

func (n *serviceNode) close() {
	n.stopREST()
	n.waku.Stop()
	n.endMessages()
	if n.store != nil {
		_ = n.store.Close()
	}
	_ = n.log.Sync()
}
