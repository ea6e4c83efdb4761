import { parseDuration } from "@xebec/core-duration";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import type { HttpRoute } from "./http-route.ts";

/** A redirect changes something, and nothing else happens to the request. */
export function checkRedirect(rule: HttpRoute, path: Path, check: Checker): void {
  const { redirect } = rule;
  if (!redirect) return;

  if (!redirect.uri && !redirect.authority && redirect.port === undefined && !redirect.scheme && !redirect.derivePort)
    check.fail([...path, "redirect"], "one of uri, authority, port and scheme is needed");
  const code = redirect.redirectCode;
  if (code !== undefined && (code < 300 || code > 399))
    check.fail([...path, "redirect", "redirectCode"], `must be from 300 to 399, not ${code}`);
  if (redirect.scheme && !["http", "https"].includes(redirect.scheme))
    check.fail([...path, "redirect", "scheme"], `must be http or https, not ${redirect.scheme}`);
  for (const field of ["uri", "authority"] as const) check.headerText(redirect[field], [...path, "redirect", field]);
  for (const other of ["fault", "rewrite"] as const)
    if (rule[other]) check.fail([...path, other], "cannot be together with redirect");
}

/** A direct response has a status and a body that is not too large. */
export function checkDirectResponse(rule: HttpRoute, path: Path, check: Checker): void {
  const { directResponse } = rule;
  if (!directResponse) return;
  if (directResponse.status < 200 || directResponse.status > 599)
    check.fail([...path, "directResponse", "status"], `must be from 200 to 599, not ${directResponse.status}`);
  for (const other of ["fault", "rewrite"] as const)
    if (rule[other]) check.fail([...path, other], "cannot be together with directResponse");
  const { string = "", bytes = "" } = directResponse.body ?? {};
  const size = Buffer.byteLength(string) + Buffer.byteLength(bytes, "base64");
  const body = [...path, "directResponse", "body"];
  if (size > 1 << 20) check.fail(body, "must not be larger than 1 MiB");
  else if (size > 100 << 10) check.warn(body, "is larger than 100 KiB, and is sent to every proxy");
}

const CORS_METHODS = new Set("GET HEAD POST PUT PATCH DELETE CONNECT OPTIONS TRACE *".split(" "));

/** Origins, methods and headers of a CORS policy. */
export function checkCors(cors: HttpRoute["corsPolicy"], path: Path, check: Checker): void {
  if (!cors) return;
  check.duration(cors.maxAge, [...path, "maxAge"]);
  if (cors.maxAge !== undefined && (parseDuration(cors.maxAge) ?? 0) % 1000 !== 0)
    check.fail([...path, "maxAge"], `must be whole seconds, not ${cors.maxAge}`);
  for (const [i, origin] of (cors.allowOrigins ?? []).entries()) {
    const at = [...path, "allowOrigins", i];
    if (!origin.exact && !origin.prefix && !origin.regex) check.fail(at, "one of exact, prefix and regex is needed");
    else check.stringMatch(origin, at);
  }
  for (const [i, method] of (cors.allowMethods ?? []).entries())
    if (!CORS_METHODS.has(method))
      check.fail([...path, "allowMethods", i], `"${method}" is none of ${[...CORS_METHODS].join(", ")}`);
  for (const field of ["allowHeaders", "exposeHeaders"] as const)
    for (const [i, name] of (cors[field] ?? []).entries())
      if (name !== "*" && !isToken(name)) check.fail([...path, field, i], `"${name}" is not a name of a header`);
}
