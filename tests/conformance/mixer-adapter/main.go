// An adapter in a process of its own, with Istio 1.1's own generated code: what it is asked is what Istio 1.1's mixs would have asked.
//
// It denies values of listentry that its configuration does not have, grants quotas up to a limit, and prints each report as a line.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/gogo/googleapis/google/rpc"
	"github.com/gogo/protobuf/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	model "istio.io/api/mixer/adapter/model/v1beta1"
	policy "istio.io/api/policy/v1beta1"
	"istio.io/istio/mixer/adapter/list/config"
	"istio.io/istio/mixer/template/listentry"
	"istio.io/istio/mixer/template/metric"
	"istio.io/istio/mixer/template/quota"
)

type server struct{ out *json.Encoder }

func value(v *policy.Value) interface{} {
	switch v := v.GetValue().(type) {
	case *policy.Value_StringValue:
		return v.StringValue
	case *policy.Value_Int64Value:
		return v.Int64Value
	case *policy.Value_DoubleValue:
		return v.DoubleValue
	case *policy.Value_BoolValue:
		return v.BoolValue
	case *policy.Value_IpAddressValue:
		return net.IP(v.IpAddressValue.Value).String()
	case *policy.Value_DurationValue:
		d, _ := types.DurationFromProto(v.DurationValue.Value)
		return d.String()
	case *policy.Value_TimestampValue:
		return types.TimestampString(v.TimestampValue.Value)
	}
	return nil
}

func params(any *types.Any) (*config.Params, error) {
	out := &config.Params{}
	if any == nil {
		return out, nil
	}
	if any.TypeUrl != "type.googleapis.com/adapter.list.config.Params" {
		return nil, fmt.Errorf("type url %s", any.TypeUrl)
	}
	return out, out.Unmarshal(any.Value)
}

func (s *server) HandleListEntry(ctx context.Context, r *listentry.HandleListEntryRequest) (*model.CheckResult, error) {
	p, err := params(r.AdapterConfig)
	if err != nil {
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	_ = s.out.Encode(map[string]interface{}{
		"call": "listentry", "instance": r.Instance.Name, "value": value(r.Instance.Value), "dedup": r.DedupId != "",
		"config": r.AdapterConfig != nil, "refresh": p.RefreshInterval.String(), "auth": md["authorization"],
	})
	for _, each := range p.Overrides {
		if value(r.Instance.Value) == each {
			return &model.CheckResult{ValidDuration: 5e9, ValidUseCount: 3}, nil
		}
	}
	if value(r.Instance.Value) == "crash" {
		os.Exit(3)
	}
	return &model.CheckResult{
		Status: rpc.Status{Code: int32(rpc.NOT_FOUND), Message: fmt.Sprintf("%v is not listed", value(r.Instance.Value))},
	}, nil
}

func (s *server) HandleQuota(_ context.Context, r *quota.HandleQuotaRequest) (*model.QuotaResult, error) {
	out := &model.QuotaResult{Quotas: map[string]model.QuotaResult_Result{}}
	for name, q := range r.QuotaRequest.Quotas {
		amount := q.Amount
		if amount > 5 {
			amount = 5
		}
		out.Quotas[name] = model.QuotaResult_Result{GrantedAmount: amount, ValidDuration: 2e9}
	}
	_ = s.out.Encode(map[string]interface{}{"call": "quota", "instance": r.Instance.Name, "dedup": r.DedupId, "user": value(r.Instance.Dimensions["user"])})
	return out, nil
}

func (s *server) HandleMetric(_ context.Context, r *metric.HandleMetricRequest) (*model.ReportResult, error) {
	for _, each := range r.Instances {
		dims := map[string]interface{}{}
		for k, v := range each.Dimensions {
			dims[k] = value(v)
		}
		_ = s.out.Encode(map[string]interface{}{"call": "metric", "instance": each.Name, "value": value(each.Value), "dimensions": dims})
	}
	return &model.ReportResult{}, nil
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "")
	cert, key := flag.String("cert", "", ""), flag.String("key", "", "")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		panic(err)
	}
	var options []grpc.ServerOption
	if *cert != "" {
		creds, err := credentials.NewServerTLSFromFile(*cert, *key)
		if err != nil {
			panic(err)
		}
		options = append(options, grpc.Creds(creds))
	}
	s := &server{json.NewEncoder(os.Stdout)}
	g := grpc.NewServer(options...)
	listentry.RegisterHandleListEntryServiceServer(g, s)
	quota.RegisterHandleQuotaServiceServer(g, s)
	metric.RegisterHandleMetricServiceServer(g, s)
	_ = s.out.Encode(map[string]interface{}{"call": "listening", "address": listener.Addr().String()})
	if err := g.Serve(listener); err != nil {
		panic(err)
	}
}
