// Runs gRPC servers that take their configuration from a control plane, without any proxy, and makes calls to a target of the form
// xds:///HOST:PORT. It prints who answered as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	xdscreds "google.golang.org/grpc/credentials/xds"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/xds"
)

// result is what the program prints.
type result struct {
	// By counts the answers by the name of the server and the identity of the client that it saw.
	By map[string]int `json:"by"`
	// Errors counts the calls without an answer by their status.
	Errors map[string]int `json:"errors"`
	// Message is that of the last error.
	Message string `json:"message,omitempty"`
}

type server struct {
	health.UnimplementedHealthServer
	name string
}

// Check answers with the name of the server and the identity of the client in headers.
func (s *server) Check(ctx context.Context, _ *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	identity := "plaintext"
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
			for _, each := range info.State.PeerCertificates[0].URIs {
				identity = each.String()
			}
		} else if ok {
			identity = "tls"
		}
	}
	_ = grpc.SetHeader(ctx, metadata.Pairs("by", s.name+" "+identity))
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

func main() {
	bootstrap := flag.String("bootstrap", "", "bootstrap file of the client")
	target := flag.String("target", "", "HOST:PORT")
	count := flag.Int("count", 1, "how many calls")
	until := flag.Int("until", 0, "go on until there were so many different answers")
	headers := flag.String("headers", "", "NAME=VALUE,... of every call")
	timeout := flag.Duration("timeout", 20*time.Second, "of each call")
	servers := flag.String("servers", "", "NAME=ADDRESS=BOOTSTRAP,... of servers to run")
	flag.Parse()
	out := &result{By: map[string]int{}, Errors: map[string]int{}}
	if err := run(*bootstrap, *target, *count, *until, *headers, *servers, *timeout, out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

func run(bootstrap, target string, count, until int, headers, servers string, timeout time.Duration, out *result) error {
	for _, each := range list(servers) {
		parts := strings.SplitN(each, "=", 3)
		if err := serve(parts[0], parts[1], parts[2]); err != nil {
			return err
		}
	}
	config, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	resolver, err := xds.NewXDSResolverWithConfigForTesting(config)
	if err != nil {
		return err
	}
	creds, err := xdscreds.NewClientCredentials(xdscreds.ClientOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient("xds:///"+target, grpc.WithTransportCredentials(creds), grpc.WithResolvers(resolver))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := health.NewHealthClient(conn)
	begin := time.Now()
	for done := 0; done < count || (len(out.By) < until && time.Since(begin) < 10*time.Second); done++ {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		for _, each := range list(headers) {
			name, value, _ := strings.Cut(each, "=")
			ctx = metadata.AppendToOutgoingContext(ctx, name, value)
		}
		var answer metadata.MD
		_, err := client.Check(ctx, &health.HealthCheckRequest{}, grpc.Header(&answer))
		cancel()
		if err != nil {
			out.Errors[status.Code(err).String()]++
			out.Message = err.Error()
		} else {
			out.By[strings.Join(answer.Get("by"), " ")]++
		}
	}
	return nil
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// serve runs a server, and returns when it accepts connections.
func serve(name, address, bootstrap string) error {
	config, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	creds, err := xdscreds.NewServerCredentials(xdscreds.ServerOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		return err
	}
	serving := make(chan error, 1)
	tell := func(err error) {
		select {
		case serving <- err:
		default:
		}
	}
	changed := xds.ServingModeCallback(func(_ net.Addr, args xds.ServingModeChangeArgs) {
		if args.Mode == connectivity.ServingModeServing {
			tell(nil)
		} else {
			tell(fmt.Errorf("%s does not serve: %w", name, args.Err))
		}
	})
	listening, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s, err := xds.NewGRPCServer(grpc.Creds(creds), changed, xds.BootstrapContentsForTesting(config))
	if err != nil {
		return err
	}
	health.RegisterHealthServer(s, &server{name: name})
	go func() { tell(s.Serve(listening)) }()
	select {
	case err := <-serving:
		return err
	case <-time.After(20 * time.Second):
		return status.Errorf(codes.DeadlineExceeded, "%s has no configuration", name)
	}
}
