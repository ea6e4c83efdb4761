// Speaks MCP with the packages of Istio: as a sink that takes configuration from a server, as a server that takes it, and as a source
// that serves it. What came, and what was answered, is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/gogo/protobuf/jsonpb"
	"github.com/gogo/protobuf/proto"
	"github.com/gogo/protobuf/types"
	"google.golang.org/grpc"

	_ "istio.io/api/authentication/v1alpha1"
	mcpapi "istio.io/api/mcp/v1alpha1"
	_ "istio.io/api/mixer/v1/config/client"
	networking "istio.io/api/networking/v1alpha3"
	_ "istio.io/api/policy/v1beta1"
	_ "istio.io/api/rbac/v1alpha1"
	"istio.io/istio/pkg/mcp/monitoring"
	"istio.io/istio/pkg/mcp/server"
	"istio.io/istio/pkg/mcp/sink"
	"istio.io/istio/pkg/mcp/snapshot"
	"istio.io/istio/pkg/mcp/source"
)

type object struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Type    string            `json:"type"`
	Labels  map[string]string `json:"labels,omitempty"`
	Created string            `json:"created,omitempty"`
	Body    json.RawMessage   `json:"body"`
}

type state struct {
	Version     string   `json:"version"`
	Incremental bool     `json:"incremental"`
	Objects     []object `json:"objects"`
	Removed     []string `json:"removed,omitempty"`
}

// updater keeps the last change of each collection.
type updater struct {
	mu     sync.Mutex
	refuse string
	got    map[string]state
	count  int
}

func (u *updater) Apply(change *sink.Change) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := state{Version: change.SystemVersionInfo, Incremental: change.Incremental, Objects: []object{}, Removed: change.Removed}
	for _, each := range change.Objects {
		text, err := (&jsonpb.Marshaler{}).MarshalToString(each.Body)
		if err != nil {
			return err
		}
		o := object{Name: each.Metadata.Name, Version: each.Metadata.Version, Type: each.TypeURL, Labels: each.Metadata.Labels, Body: json.RawMessage(text)}
		if each.Metadata.CreateTime != nil {
			o.Created = types.TimestampString(each.Metadata.CreateTime)
		}
		s.Objects = append(s.Objects, o)
	}
	sort.Slice(s.Objects, func(i, j int) bool { return s.Objects[i].Name < s.Objects[j].Name })
	u.got[change.Collection] = s
	u.count++
	if u.refuse != "" && strings.Contains(change.Collection, u.refuse) {
		return fmt.Errorf("the test refuses %s", change.Collection)
	}
	return nil
}

func (u *updater) print() {
	u.mu.Lock()
	defer u.mu.Unlock()
	text, err := json.Marshal(u.got)
	check(err)
	fmt.Println(string(text))
}

// until waits for as many messages, and for the changes that are expected, and prints what there is.
func (u *updater) until(messages int, limit time.Duration) {
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		u.mu.Lock()
		done := u.count >= messages
		u.mu.Unlock()
		if done {
			u.print()
			return
		}
		if time.Now().After(end) {
			fmt.Fprintf(os.Stderr, "%d messages of %d came\n", u.count, messages)
			os.Exit(1)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	mode := flag.String("mode", "sink", "sink, sinkserver, source")
	address := flag.String("address", "", "of the server")
	incremental := flag.Bool("incremental", false, "ask for changes only")
	refuse := flag.String("refuse", "", "refuse collections with this in their name")
	more := flag.Int("more", 0, "messages to wait for besides the first of each collection")
	host := flag.String("host", "", "source: the host of the service that is served")
	port := flag.Uint("port", 0, "source: the port where it listens on 127.0.0.1")
	flag.Parse()

	names := collections
	options := sink.CollectionOptionsFromSlice(names)
	for i := range options {
		options[i].Incremental = *incremental
	}
	u := &updater{refuse: *refuse, got: map[string]state{}}
	sinkOptions := &sink.Options{CollectionOptions: options, Updater: u, ID: "conformance", Reporter: monitoring.NewStatsContext("mcp")}
	switch *mode {
	case "sink":
		conn, err := grpc.Dial(*address, grpc.WithInsecure())
		check(err)
		client := sink.NewClient(mcpapi.NewResourceSourceClient(conn), sinkOptions)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go client.Run(ctx)
		u.until(len(names)+*more, 30*time.Second)
		if *refuse != "" {
			// A refusal is sent after the change was looked at: whoever waits for it closes standard input.
			_, err := io.Copy(io.Discard, os.Stdin)
			check(err)
		}
	case "sinkserver":
		listener, err := net.Listen("tcp", *address)
		check(err)
		grpcServer := grpc.NewServer()
		mcpapi.RegisterResourceSinkServer(grpcServer, sink.NewServer(sinkOptions, &sink.ServerOptions{NewConnectionFreq: time.Millisecond, NewConnectionBurstSize: 10, AuthChecker: server.NewAllowAllChecker()}))
		go grpcServer.Serve(listener)
		u.until(len(names), 30*time.Second)
	case "source":
		serve(*address, *host, uint32(*port), names)
	}
}

func envelope(builder *snapshot.InMemoryBuilder, collection, name, version string, body proto.Message) {
	check(builder.SetEntry(collection, name, version, time.Now(), map[string]string{"from": "go"}, nil, body))
}

// serve is a source as Istio's: one service, and a route that answers for one path. Each line of its input changes the header that the route adds.
func serve(address, host string, port uint32, names []string) {
	cache := snapshot.New(func(string, *mcpapi.SinkNode) string { return "default" })
	listener, err := net.Listen("tcp", address)
	check(err)
	srv := source.NewServer(&source.Options{Watcher: cache, CollectionOptions: source.CollectionOptionsFromSlice(names), Reporter: monitoring.NewStatsContext("mcp/source")},
		&source.ServerOptions{NewConnectionFreq: time.Millisecond, NewConnectionBurstSize: 100, AuthChecker: server.NewAllowAllChecker()})
	grpcServer := grpc.NewServer()
	mcpapi.RegisterResourceSourceServer(grpcServer, srv)
	go grpcServer.Serve(listener)
	fmt.Println(listener.Addr().String())
	for version := 1; ; version++ {
		var word string
		if _, err := fmt.Scanln(&word); err != nil {
			return
		}
		builder := snapshot.NewInMemoryBuilder()
		for _, name := range names {
			builder.SetVersion(name, fmt.Sprint(version))
		}
		envelope(builder, "istio/networking/v1alpha3/serviceentries", "default/service", fmt.Sprint(version), &networking.ServiceEntry{
			Hosts:      []string{host},
			Location:   networking.ServiceEntry_MESH_EXTERNAL,
			Resolution: networking.ServiceEntry_STATIC,
			Ports:      []*networking.Port{{Number: 80, Protocol: "HTTP", Name: "http"}},
			Endpoints:  []*networking.ServiceEntry_Endpoint{{Address: "127.0.0.1", Ports: map[string]uint32{"http": port}}},
		})
		envelope(builder, "istio/networking/v1alpha3/virtualservices", "default/route", fmt.Sprint(version), &networking.VirtualService{
			Hosts:    []string{host},
			Gateways: []string{"istio-system/gateway"},
			Http: []*networking.HTTPRoute{{
				Timeout: types.DurationProto(90 * time.Second),
				Headers: &networking.Headers{Response: &networking.Headers_HeaderOperations{Add: map[string]string{"from-go": word}}},
				Route:   []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: host}, Weight: 100}},
			}},
		})
		cache.SetSnapshot("default", builder.Build())
	}
}
