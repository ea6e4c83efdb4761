import {
  bool,
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
  unsupported,
} from "@xebec/model-schema";
import { port, StringMatch } from "../shared/shapes.ts";

// Policy and MeshPolicy of Istio 1.1 (docs/reference/pilot.md §3.14).

const PathMatch = message("authentication.StringMatch", {
  ...StringMatch.properties,
  suffix: field(string(), "The string ends with this."),
});

const TriggerRule = message("Jwt.TriggerRule", {
  excludedPaths: field(list(PathMatch), "Paths for which no token is asked."),
  includedPaths: field(list(PathMatch), "Paths for which a token is asked; all when there are none."),
});

const Jwt = message("Jwt", {
  issuer: required(string({ minLength: 1 }), "Who issued the token, its claim `iss`."),
  audiences: field(list(string({ minLength: 1 })), "A token must be for one of these.", {
    defaultText: "any audience",
  }),
  jwksUri: field(string(), "Where the issuer's keys are, http or https."),
  jwks: field(string(), "The issuer's keys, a JSON Web Key Set."),
  jwtHeaders: field(list(string({ minLength: 1 })), "Headers that may have the token."),
  jwtParams: field(list(string({ minLength: 1 })), "Parameters of the query that may have the token."),
  triggerRules: field(list(TriggerRule), "The paths of requests that need a token; one of the rules must fit.", {
    defaultText: "all requests",
  }),
});
export type PolicyJwt = Static<typeof Jwt>;

const Mtls = message("authentication.MutualTls", {
  mode: field(enumeration(["STRICT", "PERMISSIVE"]), "Mutual TLS only, or plaintext, too.", { default: "STRICT" }),
  allowTls: field(bool(), "An older form of `mode: PERMISSIVE`.", { noEffect: "Istio 1.1 does not look at it either" }),
});

const Peer = message(
  "PeerAuthenticationMethod",
  { mtls: field(Mtls, "The peer shows a certificate of the mesh.") },
  { unsupported: unsupported("", { jwt: "write it in origins" }) },
);

const PortSelector = message("authentication.PortSelector", {
  number: field(port(), "The number of a port of the service."),
  name: field(string({ minLength: 1 }), "The name of a port of the service."),
});

const Target = message("TargetSelector", {
  name: required(string({ minLength: 1 }), "The short name of a service of the namespace."),
  ports: field(list(PortSelector), "Ports of the service; all when there are none."),
});

export const AuthenticationPolicySpec = message("authentication.Policy", {
  targets: field(list(Target), "Services that the policy is for; in the object named `default` there are none.", {
    defaultText: "all services of the namespace, or of the mesh",
  }),
  peers: field(list(Peer), "How connections are authenticated. Without `mtls`, they are plaintext."),
  peerIsOptional: field(bool(), "Connections that are not authenticated are taken, too.", { default: false }),
  origins: field(
    list(message("OriginAuthenticationMethod", { jwt: field(Jwt, "A token of an issuer.") })),
    "Tokens that requests need: a valid one of any of these.",
  ),
  originIsOptional: field(bool(), "Requests without a valid token are taken, too.", { default: false }),
  principalBinding: field(enumeration(["USE_PEER", "USE_ORIGIN"]), "Whose identity the request's principal is.", {
    default: "USE_PEER",
  }),
});
export type AuthenticationPolicySpec = Static<typeof AuthenticationPolicySpec>;
