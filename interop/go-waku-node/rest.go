package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/waku-org/go-waku/cmd/waku/server/rest"
)

const (
	// restTries is how many free ports are tried. go-waku tells nobody which port it got, nor that it got none, so a
	// port that was free a moment ago is named and then asked whether this node answers there.
	restTries = 5
	// restPatience is how long the server may take to answer its first request.
	restPatience = 5 * time.Second
	// cachedMessages is what go-waku's command keeps by default for a REST client that fetches messages.
	cachedMessages = 30
)

// serveREST starts go-waku's REST API on a free port of loopback.
func (n *serviceNode) serveREST(ctx context.Context) error {
	// The router would write its request log to standard output, which is for the ready line alone.
	middleware.DefaultLogger = middleware.RequestLogger(&middleware.DefaultLogFormatter{
		Logger: log.New(os.Stderr, "", log.LstdFlags), NoColor: true,
	})
	var err error
	for range restTries {
		var port int
		port, err = freePort()
		if err != nil {
			return err
		}
		n.rest = rest.NewWakuRest(n.waku, rest.RestConfig{
			Address: "127.0.0.1", Port: uint(port), EnableAdmin: true,
			RelayCacheCapacity: cachedMessages, FilterCacheCapacity: cachedMessages,
		}, n.log)
		var started sync.WaitGroup
		started.Add(1)
		n.rest.Start(ctx, &started)
		n.restURL = fmt.Sprintf("http://127.0.0.1:%d", port)
		err = n.answersREST(ctx)
		if err == nil {
			return nil
		}
		n.stopREST()
	}
	return fmt.Errorf("serving REST, %d ports tried: %w", restTries, err)
}

// answersREST waits until the REST API answers as this node.
func (n *serviceNode) answersREST(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restPatience)
	defer cancel()
	for {
		err := n.askREST(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (n *serviceNode) askREST(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.restURL+"/debug/v1/info", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var info rest.InfoReply
	if err := json.NewDecoder(response.Body).Decode(&info); err != nil {
		return err
	}
	for _, address := range info.ListenAddresses {
		if strings.HasSuffix(address, n.waku.ID()) {
			return nil
		}
	}
	return fmt.Errorf("another node answers at %s", n.restURL)
}

func (n *serviceNode) stopREST() {
	if n.rest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.rest.Stop(ctx)
	n.rest = nil
}

// freePort is a TCP port of loopback that was free when asked.
func freePort() (int, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
