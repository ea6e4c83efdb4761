import type { Path } from "@xebec/model-schema";
import { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkFormat } from "../shared/envoy-commands.ts";
import type { HeaderEditor } from "./headers.ts";
import type { HttpRoute } from "./http-route.ts";

const AUTHORITY = new Set([":authority", "host"]);

/** The authority may be given to a request; nobody may remove it, nor touch any other pseudo-header. */
export function checkHeaders(headers: HttpRoute["headers"], path: Path, check: Checker): void {
  for (const side of ["request", "response"] as const) {
    const { set = {}, add = {}, remove = [] } = headers?.[side] ?? {};
    const names: [name: string, at: Path, isGiven: boolean][] = [
      ...Object.keys(set).map((name): [string, Path, boolean] => [name, [...path, side, "set", name], true]),
      ...Object.keys(add).map((name): [string, Path, boolean] => [name, [...path, side, "add", name], true]),
      ...remove.map((name, i): [string, Path, boolean] => [name, [...path, side, "remove", i], false]),
    ];
    for (const [name, at, isGiven] of names)
      if (AUTHORITY.has(name.toLowerCase()) ? !isGiven || side === "response" : !isToken(name))
        check.fail(at, `"${name}" is not a header that may be changed here`);
    for (const [operation, map] of Object.entries({ set, add }))
      for (const [name, value] of Object.entries(map)) {
        const at = [...path, side, operation, name];
        if (/[\r\n\0]/.test(value)) check.fail(at, "must not contain control characters");
        else checkFormat(value, at, check);
      }
  }
}

const OLD = {
  appendHeaders: ["request", "add"],
  appendRequestHeaders: ["request", "add"],
  removeRequestHeaders: ["request", "remove"],
  appendResponseHeaders: ["response", "add"],
  removeResponseHeaders: ["response", "remove"],
} as const;

/** Istio 1.1's fields for headers follow the rules of those that replaced them. */
export function checkOldHeaders(editor: HeaderEditor, path: Path, check: Checker): void {
  for (const [field, [side, operation]] of Object.entries(OLD)) {
    const value = editor[field as keyof typeof OLD];
    if (value === undefined) continue;
    check.warn([...path, field], `is deprecated; write headers.${side}.${operation}`);
    const inner = new Checker(check.namespace);
    checkHeaders({ [side]: { [operation]: value } }, [], inner);
    for (const { path: at, message } of inner.violations) check.fail([...path, field, ...at.slice(2)], message);
  }
}

/** Two places that set the authority would leave to chance which of them counts. */
export function checkAuthority(rule: HttpRoute, path: Path, check: Checker): void {
  const places: Path[] = rule.rewrite?.authority ? [[...path, "rewrite", "authority"]] : [];
  for (const name of Object.keys(rule.headers?.request?.set ?? {}))
    if (AUTHORITY.has(name.toLowerCase())) places.push([...path, "headers", "request", "set", name]);
  for (const place of places.slice(1)) check.fail(place, "the authority is set in another place of this rule already");
}
