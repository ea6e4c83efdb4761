import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import type { ExtensionProvider } from "./extension-provider.ts";
import { checkCommands, checkJsonFormat } from "./log-format.ts";

/** Rules of extension providers: a name and one sort each, services and headers that Envoy takes. */
export function checkProviders(providers: readonly ExtensionProvider[] = [], check: Checker): void {
  const names = new Set<string>();
  for (const [i, provider] of providers.entries()) {
    const path = ["spec", "extensionProviders", i];
    const { name, ...sorts } = provider;
    if (names.has(name.toLowerCase())) check.fail([...path, "name"], `the provider "${name}" is defined twice`);
    names.add(name.toLowerCase());
    const given = Object.keys(sorts);
    if (given.length !== 1)
      check.fail(path, given.length === 0 ? "has no provider, such as zipkin" : `set one of ${given.join(", ")}`);
    for (const [sort, settings] of Object.entries(sorts)) {
      const { service } = settings as { service?: string };
      if (service !== undefined) checkService(service, [...path, sort, "service"], check);
    }
    checkExtAuthz(provider, path, check);
    checkTracer(provider, path, check);
    checkLog(provider, path, check);
  }
}

function checkService(service: string, path: Path, check: Checker): void {
  const parts = service.split("/");
  if (parts.length > 2 || parts.includes("")) check.fail(path, `"${service}" is not [NAMESPACE/]HOST`);
  else check.name(parts.at(-1) as string, path);
}

function checkExtAuthz({ envoyExtAuthzHttp, envoyExtAuthzGrpc }: ExtensionProvider, path: Path, check: Checker): void {
  const http = [...path, "envoyExtAuthzHttp"];
  for (const [settings, at] of [
    [envoyExtAuthzHttp, http],
    [envoyExtAuthzGrpc, [...path, "envoyExtAuthzGrpc"]],
  ] as const) {
    check.duration(settings?.timeout, [...at, "timeout"]);
    const { statusOnError: status, includeRequestBodyInCheck: body } = settings ?? {};
    if (status !== undefined && !(/^\d{3}$/.test(status) && Number(status) >= 100 && Number(status) < 600))
      check.fail([...at, "statusOnError"], `"${status}" is not a status of HTTP`);
    if (body && !body.maxRequestBytes)
      check.fail([...at, "includeRequestBodyInCheck", "maxRequestBytes"], "must be 1 at least");
  }
  const prefix = envoyExtAuthzHttp?.pathPrefix;
  if (prefix && !prefix.startsWith("/")) check.fail([...http, "pathPrefix"], "must begin with /");
  for (const field of [
    "includeHeadersInCheck",
    "includeRequestHeadersInCheck",
    "headersToUpstreamOnAllow",
    "headersToDownstreamOnDeny",
    "headersToDownstreamOnAllow",
  ] as const)
    for (const [i, name] of (envoyExtAuthzHttp?.[field] ?? []).entries())
      if (name.slice(1, -1).includes("*") || (name.startsWith("*") && name.endsWith("*") && name.length > 1))
        check.fail([...http, field, i], `"${name}" is not NAME, NAME* or *NAME`);
      else if (!isToken(name)) check.fail([...http, field, i], `"${name}" is not a name of a header`);
  for (const [name, value] of Object.entries(envoyExtAuthzHttp?.includeAdditionalHeadersInCheck ?? {})) {
    const at = [...http, "includeAdditionalHeadersInCheck", name];
    if (!isToken(name)) check.fail(at, `"${name}" is not a name of a header`);
    check.headerText(value, at);
  }
}

type Header = { readonly name: string; readonly value?: string; readonly envName?: string };

function checkHeaders(headers: readonly Header[] | undefined, path: Path, check: Checker): void {
  for (const [i, { name, value, envName }] of (headers ?? []).entries()) {
    if (!isToken(name)) check.fail([...path, i, "name"], `"${name}" is not a name of a header`);
    if (value !== undefined && envName !== undefined) check.fail([...path, i], "set one of value and envName");
    check.headerText(value, [...path, i, "value"]);
  }
}

function checkTracer({ zipkin, opentelemetry }: ExtensionProvider, path: Path, check: Checker): void {
  if (zipkin?.path && !zipkin.path.startsWith("/")) check.fail([...path, "zipkin", "path"], "must begin with /");
  check.duration(zipkin?.timeout, [...path, "zipkin", "timeout"]);
  checkHeaders(zipkin?.headers, [...path, "zipkin", "headers"], check);
  const at = [...path, "opentelemetry"];
  if (opentelemetry?.http && opentelemetry.grpc) check.fail([...at, "grpc"], "cannot be together with http");
  checkHttp(opentelemetry?.http, [...at, "http"], check);
  check.duration(opentelemetry?.grpc?.timeout, [...at, "grpc", "timeout"]);
  checkHeaders(opentelemetry?.grpc?.initialMetadata, [...at, "grpc", "initialMetadata"], check);
  const sampler = opentelemetry?.dynatraceSampler;
  if (!sampler) return;
  const { httpService } = sampler;
  if (!httpService && !opentelemetry.http)
    check.fail([...at, "dynatraceSampler", "httpService"], "is needed where the spans do not go by http");
  if (httpService) checkService(httpService.service, [...at, "dynatraceSampler", "httpService", "service"], check);
  checkHttp(httpService?.http, [...at, "dynatraceSampler", "httpService", "http"], check);
}

function checkHttp(
  http: { path: string; timeout?: string; headers?: readonly Header[] } | undefined,
  path: Path,
  check: Checker,
): void {
  if (!http) return;
  if (!http.path.startsWith("/")) check.fail([...path, "path"], "must begin with /");
  check.duration(http.timeout, [...path, "timeout"]);
  checkHeaders(http.headers, [...path, "headers"], check);
}

function checkLog({ envoyFileAccessLog, envoyOtelAls }: ExtensionProvider, path: Path, check: Checker): void {
  const { logFormat: format } = envoyFileAccessLog ?? {};
  if (format && format.text !== undefined && format.labels !== undefined)
    check.fail([...path, "envoyFileAccessLog", "logFormat"], "set one of text and labels");
  for (const [each, at] of [
    [format, [...path, "envoyFileAccessLog", "logFormat"]],
    [envoyOtelAls?.logFormat, [...path, "envoyOtelAls", "logFormat"]],
  ] as const) {
    if (each?.text) checkCommands(each.text, [...at, "text"], check);
    if (each?.labels) checkJsonFormat(each.labels, [...at, "labels"], check);
  }
}
