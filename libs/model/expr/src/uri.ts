import { EvaluationError } from "./expression-error.ts";
import { sameDnsName } from "./names.ts";

/** A URI reference as Go's net/url takes it apart. */
interface UriParts {
  readonly scheme: string;
  /** What follows the scheme of a URI without slashes, as in `mailto:a@b`. */
  readonly opaque: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly path: string;
  /** With its question mark. */
  readonly query: string;
  readonly fragment: string;
}

/** @returns the text, or undefined when it is no URI reference */
export function uriText(text: string): string | undefined {
  return text !== "" && split(text) ? text : undefined;
}

/**
 * Compares two URIs: schemes without case, hosts of http and https by the rule of DNS names, the rest as text.
 * @throws EvaluationError when one is no URI, or its host is none
 */
export function sameUri(a: string, b: string): boolean {
  const [x, y] = [validParts(a), validParts(b)];
  if (x.scheme !== y.scheme) return false;
  if (x.scheme === "http" || x.scheme === "https") {
    const [[hostX, portX], [hostY, portY]] = [hostPort(x.host), hostPort(y.host)];
    if (!sameDnsName(hostX, hostY) || portX !== portY) return false;
  } else if (x.host !== y.host) return false;
  return (
    x.opaque === y.opaque &&
    x.user === y.user &&
    x.query === y.query &&
    escaped(x.path, PATH) === escaped(y.path, PATH) &&
    escaped(x.fragment, FRAGMENT) === escaped(y.fragment, FRAGMENT)
  );
}

function validParts(text: string): UriParts {
  const parts = split(text);
  if (!parts) throw new EvaluationError(`${JSON.stringify(text.slice(0, 200))} is not a URI`);
  return parts;
}

function split(text: string): UriParts | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (/[\u0000-\u001f\u007f]/.test(text) || text.startsWith(":")) return undefined;
  const [, beforeFragment = "", fragment = ""] = /^([^#]*)#?([\s\S]*)$/.exec(text) ?? [];
  const [, scheme = "", beforeQuery = "", query = ""] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?([^?]*)([\s\S]*)$/.exec(beforeFragment) ?? [];
  const parts = { scheme: scheme.toLowerCase(), opaque: "", user: undefined, host: "", query, fragment };
  if (!areEscapesValid(fragment)) return undefined;
  if (!beforeQuery.startsWith("/")) {
    if (scheme !== "") return { ...parts, opaque: beforeQuery, path: "" };
    // Without a scheme a colon in the first segment would be one.
    const [segment = ""] = beforeQuery.split("/", 1);
    return segment.includes(":") || !areEscapesValid(beforeQuery) ? undefined : { ...parts, path: beforeQuery };
  }
  if (!beforeQuery.startsWith("//") || (scheme === "" && beforeQuery.startsWith("///")))
    return areEscapesValid(beforeQuery) ? { ...parts, path: beforeQuery } : undefined;
  const [, authority = "", path = ""] = /^\/\/([^/]*)([\s\S]*)$/.exec(beforeQuery) ?? [];
  const at = authority.lastIndexOf("@");
  const user = at < 0 ? undefined : authority.slice(0, at);
  const host = authority.slice(at + 1);
  const isUser = user === undefined || (/^[A-Za-z0-9._:~!$&'()*+,;=%@-]*$/.test(user) && areEscapesValid(user));
  return isUser && isHost(host) && areEscapesValid(path) ? { ...parts, user, host, path } : undefined;
}

/** A name, or an address in brackets, perhaps with a zone (RFC 6874). Escapes stand for bytes above 127 alone. */
const HOST_NAME = /^(?:[A-Za-z0-9._~!$&'()*+,;=:[\]<>"\u0080-\uffff-]|%[89a-fA-F][0-9a-fA-F]|%25)*$/;
const ADDRESS =
  /^\[(?:[A-Za-z0-9._~!$&'()*+,;=:[\]<>"\u0080-\uffff-]|%[89a-fA-F][0-9a-fA-F])*(?:%25(?:[A-Za-z0-9._~!$&'()*+,;=:[\]<>"\u0080-\uffff-]|%[0-9a-fA-F]{2})*)?\]$/;

function isHost(host: string): boolean {
  const [, name = "", port = ""] = /^(\[.*\]|\[[^\]]*|[^[].*?|)(:[^:]*)?$/.exec(host) ?? [];
  return /^(?::\d*)?$/.test(port) && (name.startsWith("[") ? ADDRESS : HOST_NAME).test(name);
}

function hostPort(host: string): readonly [string, string] {
  const [, name = "", port = ""] = /^(\[.*\]|[^:]*)(?::(\d*))?$/.exec(host) ?? [];
  return [decoded(name.replace(/^\[(.*)\]$/, "$1")), port];
}

function areEscapesValid(text: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(text);
}

const PATH = /^[A-Za-z0-9!$&'()*+,;=:@[\]%/._~-]*$/;
const FRAGMENT = /^[A-Za-z0-9!$&'()*+,;=:@[\]%/?._~-]*$/;

/** A text that has only characters which may stand there is taken as it is; any other is decoded and encoded anew. */
function escaped(text: string, valid: RegExp): string {
  return valid.test(text) ? text : `anew ${decoded(text)}`;
}

function decoded(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = [...text.matchAll(/%([0-9a-fA-F]{2})|[^%]+/g)].map(([whole, digits]) =>
    digits ? Buffer.from(digits, "hex") : Buffer.from(whole),
  );
  return Buffer.concat(bytes).toString();
}
