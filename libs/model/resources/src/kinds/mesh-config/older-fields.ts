import { bool, duration, enumeration, field, string, struct, uint32 } from "@xebec/model-schema";

const GRPC_REPORTS = { noEffect: "Envoy gathers reports for a second at most" };
const SDS = { noEffect: "agents get their certificates from citadel" };

/** Fields that Istio 1.1 and versions after it had. They are accepted, so that a mesh's own file can be used as it is. */
export const OLDER_FIELDS = {
  mixerCheckServer: field(string(), "`HOST:PORT` of the policy service.", {
    noEffect: "the policy service is istio-policy in the root namespace",
  }),
  mixerReportServer: field(string(), "`HOST:PORT` of the telemetry service.", {
    noEffect: "the telemetry service is istio-telemetry in the root namespace",
  }),
  sidecarToTelemetrySessionAffinity: field(bool(), "Each proxy reports to one telemetry pod.", {
    noEffect: "each worker of a proxy keeps one connection, and so one pod",
  }),
  enableClientSidePolicyCheck: field(bool(), "Clients ask the policy service, too.", {
    noEffect: "servers ask the policy service",
  }),
  mixerAddress: field(string(), "The old form of both.", { noEffect: "Istio 1.1 did not read it either" }),
  disableMixerHttpReports: field(bool(), "The name of `disableReports` in Istio 1.4.", {
    noEffect: "write disableReports",
  }),
  disableReportBatch: field(bool(), "Sends each report alone.", GRPC_REPORTS),
  reportBatchMaxEntries: field(uint32(), "Most reports at once.", GRPC_REPORTS),
  reportBatchMaxTime: field(duration(), "How long reports are gathered.", GRPC_REPORTS),
  authPolicy: field(enumeration(["NONE", "MUTUAL_TLS"]), "Mutual TLS in the mesh.", {
    noEffect: "write a PeerAuthentication in the root namespace",
  }),
  rdsRefreshDelay: field(duration(), "How often routes were polled.", { noEffect: "routes are pushed" }),
  sdsUdsPath: field(string(), "The socket of secrets.", SDS),
  sdsRefreshDelay: field(duration(), "How often secrets were polled.", SDS),
  enableSdsTokenMount: field(bool(), "Mounts the token.", SDS),
  sdsUseK8sSaJwt: field(bool(), "Uses the token of the service account.", SDS),
  compliancePolicy: field(string(), "Restrictions of TLS; Istio 1.18 to 1.20.", {
    noEffect: "write meshMTLS and tlsDefaults",
  }),
  thriftConfig: field(struct(), "Rate limits of Thrift.", { noEffect: "Thrift is taken for TCP" }),
  fileFlushInterval: field(duration(), "How often access logs are written.", {
    noEffect: "the agent does not put it into Envoy's bootstrap",
  }),
  fileFlushMinSize: field(uint32(), "How much is written at once.", {
    noEffect: "the agent does not put it into Envoy's bootstrap",
  }),
  terminationDrainDuration: field(duration(), "How long a proxy that ends waits for its connections.", {
    noEffect: "the agent reads it from the pod: write it into the annotation proxy.istio.io/config",
  }),
};
