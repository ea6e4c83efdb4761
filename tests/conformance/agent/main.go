// Connects to a control plane the way a pilot-agent of Istio 1.29 does: it asks for a certificate with a service account's token,
// and then for configuration at the same address, with the same token or with the certificate. It prints what it got as JSON.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	security "istio.io/api/security/v1alpha1"
)

type options struct {
	address, serverName, rootFile, tokenFile string
	namespace, account                       string
	withCertificate, skipCertificate         bool
	debug                                    string
}

// result is what the program prints.
type result struct {
	// Error is the name of the gRPC status that ended it, and its text.
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
	// Identity is the URI in the certificate that was issued.
	Identity string `json:"identity,omitempty"`
	// Acknowledged counts resources by type URL.
	Acknowledged map[string]int `json:"acknowledged,omitempty"`
	// Debug has the answer to a debug request, and who says that it is.
	Debug        []string `json:"debug,omitempty"`
	ControlPlane string   `json:"controlPlane,omitempty"`
}

const types = "type.googleapis.com/envoy."

func main() {
	var o options
	flag.StringVar(&o.address, "address", "", "HOST:PORT of the control plane")
	flag.StringVar(&o.serverName, "server-name", "istiod.istio-system.svc", "name that its certificate must have")
	flag.StringVar(&o.rootFile, "root", "", "file of the root certificate")
	flag.StringVar(&o.tokenFile, "token", "", "file of the token; none without it")
	flag.StringVar(&o.namespace, "namespace", "default", "what the node says")
	flag.StringVar(&o.account, "account", "reviews", "what the node says")
	flag.BoolVar(&o.withCertificate, "with-certificate", false, "show the issued certificate instead of the token for configuration")
	flag.BoolVar(&o.skipCertificate, "skip-certificate", false, "ask for configuration only")
	flag.StringVar(&o.debug, "debug", "", "ask for this debug type instead: TYPE_URL[ NAME]")
	flag.Parse()
	out := &result{}
	if err := run(o, out); err != nil {
		out.Error, out.Message = status.Code(err).String(), err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

func run(o options, out *result) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	root, err := os.ReadFile(o.rootFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	config := &tls.Config{RootCAs: pool, ServerName: o.serverName}
	if !o.skipCertificate {
		pair, err := certificate(ctx, o, config, out)
		if err != nil {
			return err
		}
		if o.withCertificate {
			config = &tls.Config{RootCAs: pool, ServerName: o.serverName, Certificates: []tls.Certificate{*pair}}
		}
	}
	conn, err := dial(o, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	if !o.withCertificate {
		ctx = withToken(ctx, o)
	}
	if o.debug != "" {
		return debug(ctx, o, conn, out)
	}
	return configuration(ctx, o, conn, out)
}

func dial(o options, config *tls.Config) (*grpc.ClientConn, error) {
	return grpc.NewClient(o.address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
}

func withToken(ctx context.Context, o options) context.Context {
	if o.tokenFile == "" {
		return ctx
	}
	token, err := os.ReadFile(o.tokenFile)
	if err != nil {
		panic(err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+strings.TrimSpace(string(token)), "ClusterID", "Kubernetes")
}

func certificate(ctx context.Context, o options, config *tls.Config, out *result) (*tls.Certificate, error) {
	conn, err := dial(o, config)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: fmt.Sprintf("/ns/%s/sa/%s", o.namespace, o.account)}
	template := &x509.CertificateRequest{Subject: pkix.Name{Organization: []string{""}}, URIs: []*url.URL{id}}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	answer, err := security.NewIstioCertificateServiceClient(conn).CreateCertificate(withToken(ctx, o), &security.IstioCertificateRequest{
		Csr:              string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
		ValidityDuration: 24 * 3600,
	})
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	chain := strings.Join(answer.CertChain[:len(answer.CertChain)-1], "")
	pair, err := tls.X509KeyPair([]byte(chain), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	out.Identity = leaf.URIs[0].String()
	return &pair, nil
}

func node(o options, id string) *core.Node {
	fields, _ := structpb.NewStruct(map[string]any{
		"NAMESPACE": o.namespace, "SERVICE_ACCOUNT": o.account, "CLUSTER_ID": "Kubernetes", "ISTIO_VERSION": "1.29.0",
		"GENERATOR": "", "LABELS": map[string]any{"app": "reviews"},
	})
	return &core.Node{Id: id, Cluster: "reviews.default", UserAgentName: "envoy", Metadata: fields}
}

// orStatus leaves the end of a stream to Recv, which has the status: Send only says that the server has answered already.
func orStatus(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// configuration asks for all types as an Envoy behind the agent does, and acknowledges each answer.
func configuration(ctx context.Context, o options, conn *grpc.ClientConn, out *result) error {
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("sidecar~10.0.0.7~reviews-1.%s~%s.svc.cluster.local", o.namespace, o.namespace)
	send := func(typeURL, nonce string, names ...string) error {
		return orStatus(stream.Send(&discovery.DeltaDiscoveryRequest{Node: node(o, id), TypeUrl: types + typeURL, ResponseNonce: nonce, ResourceNamesSubscribe: names}))
	}
	const cds, eds, lds, rds = "config.cluster.v3.Cluster", "config.endpoint.v3.ClusterLoadAssignment", "config.listener.v3.Listener", "config.route.v3.RouteConfiguration"
	if err := send(cds, ""); err != nil {
		return err
	}
	asked := map[string]bool{}
	out.Acknowledged = map[string]int{}
	for len(out.Acknowledged) < 4 {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(answer.TypeUrl, types)
		if err := send(short, answer.Nonce); err != nil {
			return err
		}
		out.Acknowledged[short] += len(answer.Resources)
		next := map[string]func() error{
			cds: func() error {
				for _, each := range answer.Resources {
					if strings.HasPrefix(each.Name, "outbound|") {
						if err := send(eds, "", each.Name); err != nil {
							return err
						}
					}
				}
				return send(lds, "")
			},
			lds: func() error { return send(rds, "", "9080") },
		}[short]
		if next != nil && !asked[short] {
			asked[short] = true
			if err := next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// debug asks as istioctl does.
func debug(ctx context.Context, o options, conn *grpc.ClientConn, out *result) error {
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if err != nil {
		return err
	}
	typeURL, name, _ := strings.Cut(o.debug, " ")
	request := &discovery.DiscoveryRequest{Node: node(o, "debug~0.0.0.0~istioctl~cluster.local"), TypeUrl: typeURL}
	if name != "" {
		request.ResourceNames = []string{name}
	}
	if err := orStatus(stream.Send(request)); err != nil {
		return err
	}
	answer, err := stream.Recv()
	if err != nil {
		return err
	}
	out.ControlPlane = answer.ControlPlane.GetIdentifier()
	for _, each := range answer.Resources {
		out.Debug = append(out.Debug, each.TypeUrl+" "+string(each.Value))
	}
	return nil
}
