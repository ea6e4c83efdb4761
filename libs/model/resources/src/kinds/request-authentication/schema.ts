import { bool, duration, field, list, message, required, type Static, string } from "@xebec/model-schema";
import { PolicyTargetReference } from "../shared/policy-target.ts";
import { WorkloadSelector } from "../shared/shapes.ts";

const FromHeader = message("JWTHeader", {
  name: required(string({ minLength: 1 }), "The header."),
  prefix: field(string(), "What stands before the token, as `Bearer `."),
});

const ClaimToHeader = message("ClaimToHeader", {
  header: required(string({ minLength: 1 }), "The header that the server gets: letters, digits, `-` and `_`."),
  claim: required(string({ minLength: 1 }), "The claim; a nested one with dots between the names."),
});

const texts = () => list(string({ minLength: 1 }));

export const JwtRule = message("JWTRule", {
  issuer: field(string(), "Who issued the token, its claim `iss`. Without it any issuer will do."),
  audiences: field(texts(), "A token must be for one of these, by its claim `aud`.", { defaultText: "any audience" }),
  jwksUri: field(
    string(),
    "Where the issuer's keys are, http or https. Pilot fetches them, and again every `--jwtPubKeyRefreshInterval`.",
    { defaultText: "what the issuer's OpenID configuration names" },
  ),
  jwks: field(string(), "The issuer's keys, a JSON Web Key Set. Then nothing is fetched."),
  fromHeaders: field(list(FromHeader), "Headers that may have the token."),
  fromParams: field(texts(), "Parameters of the query that may have the token."),
  fromCookies: field(texts(), "Cookies that may have the token."),
  outputPayloadToHeader: field(string(), "A header in which the server gets the token's claims, base64url."),
  forwardOriginalToken: field(bool(), "The server gets the token, too.", { default: false }),
  outputClaimToHeaders: field(list(ClaimToHeader), "Headers in which the server gets single claims."),
  timeout: field(duration(), "How long fetching the keys may take.", { default: "5s" }),
  spaceDelimitedClaims: field(
    texts(),
    "Claims whose text is a list with spaces in between. `scope` and `permission` always are.",
  ),
});
export type JwtRule = Static<typeof JwtRule>;

export const RequestAuthenticationSpec = message("RequestAuthentication", {
  selector: field(
    WorkloadSelector,
    "Workloads that the object is for; in the root namespace, those of all namespaces.",
    {
      defaultText: "all workloads of the namespace",
    },
  ),
  targetRef: field(PolicyTargetReference, "One reference, Istio's older form of `targetRefs`."),
  targetRefs: field(
    list(PolicyTargetReference),
    "What the proxies serve that the object is for, in place of a selector.",
  ),
  jwtRules: field(
    list(JwtRule),
    "Tokens that are accepted. A request without a token passes, one with a token that no rule accepts gets 401.",
  ),
});
export type RequestAuthenticationSpec = Static<typeof RequestAuthenticationSpec>;
