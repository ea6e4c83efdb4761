import { EvaluationError } from "./expression-error.ts";
import { dnsName, sameDnsName } from "./names.ts";

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u0080-\\u{10ffff}-]+";
const DOT_ATOM = `${ATOM}(?:\\.${ATOM})*`;
/** RFC 5322, addr-spec, with a quoted or a plain local part. */
const ADDRESS = new RegExp(
  `^(?:(${DOT_ATOM})|"((?:[\\t !#-[\\]-~\\u0080-\\u{10ffff}]|\\\\[\\t -~])+)")@(${DOT_ATOM})$`,
  "u",
);

interface Parts {
  readonly local: string;
  readonly domain: string;
}

/** Checks a mail address without display name (RFC 5322, addr-spec, also in angle brackets). @returns the text, or undefined when it is none */
export function emailAddress(text: string): string | undefined {
  const parts = partsOf(text);
  return parts && dnsName(parts.domain) !== undefined ? text : undefined;
}

/**
 * The local part counts case, the domain does not; quotes around a local part are no part of it.
 * @throws EvaluationError when one is no mail address
 */
export function sameEmail(a: string, b: string): boolean {
  const [x, y] = [validPartsOf(a), validPartsOf(b)];
  return sameDnsName(x.domain, y.domain) && x.local === y.local;
}

function partsOf(text: string): Parts | undefined {
  const bare = text.replace(/^[ \t]+|[ \t]+$/g, "");
  const match = ADDRESS.exec(/^<.*>$/.test(bare) ? bare.slice(1, -1) : bare);
  if (!match) return undefined;
  const [, plain, quoted, host] = match;
  const local = plain ?? (quoted as string).replace(/\\(.)/g, "$1");
  // As in Mixer the first @ parts the address, also one that was quoted.
  const [first = "", ...rest] = `${local}@${host}`.split("@");
  return { local: first, domain: rest.join("@") };
}

function validPartsOf(text: string): Parts {
  const parts = partsOf(text);
  if (!parts) throw new EvaluationError(`${JSON.stringify(text.slice(0, 200))} is not a mail address`);
  return parts;
}
