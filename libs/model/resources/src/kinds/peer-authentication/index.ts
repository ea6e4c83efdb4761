import { type Kind, SECURITY_VERSIONS } from "../../kind.ts";
import { checkPeerAuthentication } from "./rules.ts";
import { PeerAuthenticationSpec } from "./schema.ts";

export const peerAuthentication: Kind = {
  group: "security.istio.io",
  kind: "PeerAuthentication",
  plural: "peerauthentications",
  versions: SECURITY_VERSIONS,
  shortNames: ["pa"],
  description: "Whether workloads accept mutual TLS, plaintext or both.",
  schema: PeerAuthenticationSpec,
  columns: [{ name: "Mode", jsonPath: ".spec.mtls.mode", type: "string", description: "The mode for all ports" }],
  check: checkPeerAuthentication,
};
