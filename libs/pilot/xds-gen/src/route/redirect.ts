import { RedirectAction_RedirectResponseCode } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { HttpRoute } from "@xebec/model-resources";

const REDIRECT_CODES: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

/** The ports that a URL need not name, by its scheme. */
const OWN_PORT: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * The redirect of a rule (docs/reference/pilot.md §3.1).
 * @param listenerPort the port that was called
 * @param tls true when it was called with TLS
 */
export function redirectOf(redirect: NonNullable<HttpRoute["redirect"]>, listenerPort: number, tls = false) {
  const called = tls ? "https" : "http";
  const port = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? listenerPort : undefined);
  // Envoy keeps the port in the host that was called where none is set: the scheme's own may be left out only if
  // there is none.
  const isPlainHost = redirect.authority !== undefined || listenerPort === OWN_PORT[called];
  const elided = isPlainHost && port === OWN_PORT[redirect.scheme || called];
  return {
    responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
    hostRedirect: redirect.authority ?? "",
    pathRewriteSpecifier: redirect.uri ? { case: "pathRedirect" as const, value: redirect.uri } : { case: undefined },
    schemeRewriteSpecifier: redirect.scheme
      ? { case: "schemeRedirect" as const, value: redirect.scheme }
      : { case: undefined },
    portRedirect: port !== undefined && !elided ? port : 0,
  };
}

/** The answer that a rule gives itself. */
export function directResponseOf(direct: NonNullable<HttpRoute["directResponse"]>) {
  const text = direct.body?.string;
  const bytes = direct.body?.bytes;
  return {
    status: direct.status,
    ...(text !== undefined
      ? { body: { specifier: { case: "inlineString" as const, value: text } } }
      : bytes !== undefined
        ? { body: { specifier: { case: "inlineBytes" as const, value: Buffer.from(bytes, "base64") } } }
        : {}),
  };
}
