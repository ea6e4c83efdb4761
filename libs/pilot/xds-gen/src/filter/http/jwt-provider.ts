import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import type { JwtProviderSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/jwt_authn/v3/config";
import { outboundCluster } from "@xebec/model-names";
import type { JwtRule } from "@xebec/model-resources";
import { keySetRefOf, keysOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { JWT_PAYLOAD } from "../../security/jwt-claims.ts";

type JwtProvider = MessageInitShape<typeof JwtProviderSchema>;

/** Claims that OAuth writes as a list with spaces. */
const SPACE_DELIMITED = ["permission", "scope"];
const CACHE_MS = 5 * 60_000;
/** A key that signed nothing and whose private part is gone: while there are no keys, no token is valid. */
const NO_KEYS = JSON.stringify({
  keys: [
    {
      ...{ kty: "EC", crv: "P-256", kid: "none" },
      ...{ x: "rO5fRPIm8jnPmMXuH1-ELD_uJ-VNgcZUI9o4J3k3K7g", y: "Zj3Fq0WC2ZourQ28xMnlm7wznlX7NJGFwg2bRtmeJJ8" },
    },
  ],
});

/** Verifies the tokens of an issuer (docs/reference/pilot.md §3.8). */
export function jwtProvider(scope: Scope, rule: JwtRule): JwtProvider {
  return {
    issuer: rule.issuer ?? "",
    audiences: [...(rule.audiences ?? [])],
    forward: rule.forwardOriginalToken ?? false,
    forwardPayloadHeader: rule.outputPayloadToHeader ?? "",
    fromHeaders: (rule.fromHeaders ?? []).map(({ name, prefix = "" }) => ({ name, valuePrefix: prefix })),
    fromParams: [...(rule.fromParams ?? [])],
    fromCookies: [...(rule.fromCookies ?? [])],
    claimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      headerName: header,
      claimName: claim,
    })),
    payloadInMetadata: JWT_PAYLOAD,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...SPACE_DELIMITED, ...(rule.spaceDelimitedClaims ?? [])])].sort(),
    },
    // Routes at the edge may depend on claims.
    clearRouteCache: scope.proxyClass.type === "router",
    jwksSourceSpecifier: keySourceOf(scope, rule),
  };
}

function keySourceOf(scope: Scope, rule: JwtRule): JwtProvider["jwksSourceSpecifier"] {
  const ref = keySetRefOf(rule);
  const cluster = ref ? fetchingCluster(scope, ref.uri) : undefined;
  if (ref && cluster !== undefined)
    return {
      case: "remoteJwks",
      value: {
        httpUri: {
          uri: ref.uri,
          httpUpstreamType: { case: "cluster", value: cluster },
          timeout: durationOf(ref.timeoutMs),
        },
        cacheDuration: durationOf(CACHE_MS),
      },
    };
  const jwks = ref ? scope.read(keysOf, ref.id) : rule.jwks;
  return { case: "localJwks", value: { specifier: { case: "inlineString", value: jwks ?? NO_KEYS } } };
}

/** The cluster by which Envoy itself fetches keys; undefined where pilot does it. */
function fetchingCluster(scope: Scope, uri: string): string | undefined {
  const { jwksFetch } = scope.mesh;
  if (jwksFetch === "istiod" || uri === "") return undefined;
  const { hostname, port, protocol } = new URL(uri);
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  const service = scope.service(hostname);
  const isKnown = service?.ports.some((each) => each.number === number);
  return isKnown || jwksFetch === "envoy" ? outboundCluster(number, "", hostname) : undefined;
}
