import { isIP } from "node:net";
import type { HandlerLimits, Path, Violation } from "@xebec/mixer-sdk";

const FLAG = "the flag --handlerNetworks of mixer-telemetry names networks that handlers may call";

/** Takes `HOST:PORT` apart; IPv6 addresses are in brackets. Undefined for anything else. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name, digits] = /^(?:\[([^\]]+)\]|([^:\s/[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const host = six ?? name;
  if (!host || !(port >= 1 && port <= 65_535) || (six !== undefined && isIP(six) !== 6)) return undefined;
  return { host, port };
}

/** What is wrong with a `HOST:PORT` of a handler. A name is looked up when the handler sends. */
export function addressViolations(path: Path, address: string, limits: HandlerLimits | undefined): Violation[] {
  const parts = hostAndPort(address);
  if (!parts) return [{ path, message: `${JSON.stringify(address)} is not HOST:PORT` }];
  return refusalOf(path, parts.host, limits);
}

/**
 * What is wrong with a URL of a handler. The text may hold a password: no message shows it.
 * @param schemes such as `https:`
 */
export function urlViolations(
  path: Path,
  text: string,
  limits: HandlerLimits | undefined,
  schemes: readonly string[] = ["http:", "https:"],
): Violation[] {
  if (text === "") return [{ path, message: "is required" }];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const names = schemes.map((each) => each.replace(/:$/, "")).join(" or ");
  if (!url?.host || !schemes.includes(url.protocol)) return [{ path, message: `is not a URL of ${names}` }];
  return refusalOf(path, url.hostname.replace(/^\[|\]$/g, ""), limits);
}

function refusalOf(path: Path, host: string, limits: HandlerLimits | undefined): Violation[] {
  const refusal = isIP(host) === 0 ? undefined : limits?.addressRefusal(host);
  return refusal === undefined ? [] : [{ path, message: `${refusal}; ${FLAG}` }];
}
