import { sameDnsName } from "./names.ts";

interface UriParts {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly rest: string;
}

/**
 * Checks a URI reference: not empty, no control characters, valid percent escapes, host and port.
 * @returns the text, or undefined when it is none
 */
export function uriText(text: string): string | undefined {
  return split(text) ? text : undefined;
}

function split(text: string): UriParts | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (text === "" || /[\u0000-\u001f\u007f]/.test(text) || text.startsWith(":")) return undefined;
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([\s\S]*)$/.exec(text);
  if (!match) return undefined;
  const [, scheme = "", authority, rest = ""] = match;
  const path = rest.split(/[?#]/, 1)[0] as string;
  if (/%(?![0-9a-fA-F]{2})/.test(path + (rest.split("#", 2)[1] ?? "") + (authority ?? ""))) return undefined;
  // Without a scheme a colon in the first segment would be one.
  if (!scheme && authority === undefined && (path.split("/", 1)[0] as string).includes(":")) return undefined;
  if (authority === undefined) return { scheme, user: undefined, host: undefined, port: undefined, rest };
  const at = authority.lastIndexOf("@");
  const hostPort = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]\s<>"]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (!hostPort) return undefined;
  return { scheme, user: at < 0 ? undefined : authority.slice(0, at), host: hostPort[1], port: hostPort[2], rest };
}

/** Compares two URIs: schemes without case, hosts of http and https by the rule of DNS names, the rest as normalised text. */
export function sameUri(a: string, b: string): boolean {
  const [x, y] = [split(a), split(b)];
  if (!x || !y) return a === b;
  const scheme = x.scheme.toLowerCase();
  if (scheme !== y.scheme.toLowerCase() || (x.port ?? "") !== (y.port ?? "") || x.user !== y.user) return false;
  const web = scheme === "http" || scheme === "https";
  if (x.host !== y.host && !(web && sameDnsName(x.host ?? "", y.host ?? ""))) return false;
  return (x.host === undefined) === (y.host === undefined) && normal(x.rest) === normal(y.rest);
}

/** Escapes of unreserved characters are the characters; the digits of the others are in upper case. */
function normal(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (whole, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : whole.toUpperCase();
  });
}
