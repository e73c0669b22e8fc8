package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"go.uber.org/zap"
)

// messagesWaiting is how many messages may wait for the disk; go-waku holds its relay back beyond that.
const messagesWaiting = 1024

// witness is one message as go-waku had it, with the hash go-waku computed. The suite computes the hash again from the
// bytes, so an equal hash is an equal payload.
type witness struct {
	Hash         string `json:"hash"`
	PubsubTopic  string `json:"pubsub_topic"`
	ContentTopic string `json:"content_topic"`
	Timestamp    int64  `json:"timestamp_ns"`
	Payload      []byte `json:"payload"`
	Meta         []byte `json:"meta"`
	Ephemeral    bool   `json:"ephemeral"`
}

// writeMessages writes every message the node relays or was pushed to a file, until the node stops.
func (n *serviceNode) writeMessages(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("-messages-file: %w", err)
	}
	n.file = file
	n.written = make(chan struct{})
	subscription := n.waku.Broadcaster().RegisterForAll(relay.WithBufferSize(messagesWaiting))
	go func() {
		defer close(n.written)
		encoder := json.NewEncoder(file)
		for envelope := range subscription.Ch {
			message := envelope.Message()
			err := encoder.Encode(witness{
				Hash:         envelope.Hash().String(),
				PubsubTopic:  envelope.PubsubTopic(),
				ContentTopic: message.GetContentTopic(),
				Timestamp:    message.GetTimestamp(),
				Payload:      message.GetPayload(),
				Meta:         message.GetMeta(),
				Ephemeral:    message.GetEphemeral(),
			})
			if err != nil {
				n.log.Error("writing a message to the messages file", zap.Error(err))
			}
		}
	}()
	return nil
}

// endMessages waits until every message is in the file; the node has stopped and closed the subscription.
func (n *serviceNode) endMessages() {
	if n.file != nil {
		<-n.written
		_ = n.file.Close()
	}
}

// wakuVersion is the version of the go-waku module in this binary.
func wakuVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "github.com/waku-org/go-waku" {
			return module.Version
		}
	}
	return "unknown"
}
