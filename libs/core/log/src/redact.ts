/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** Names of fields, parameters and headers whose values are secrets, in any spelling. */
const SECRET =
  "(?:[\\w-]{0,40}(?:token|passwd|password|passphrase|secret|seed)|(?:proxy-)?authorization|(?:set-)?cookie|(?:api|access|private|secret|signing)[_-]?key|credentials?|x-amz-signature|signature|sig)";
/** A text in JSON, or in single quotes, up to its end. */
const QUOTED = "\"(?:[^\"\\\\]|\\\\.)*\"?|'[^']*'?";

type Rule = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];

// All of them take time in proportion to the text: what is written in a log may come from anybody.
const RULES: readonly Rule[] = [
  // A private key of any kind, whole or cut off, with line ends as such or as JSON writes them.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^"]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|(?=")|$)/g, REDACTED],
  // User and password of a URL. Up to the last @ before the path: a password may have one itself.
  [/\b([a-z][a-z0-9+.-]{1,31}:\/\/)[^\s/?#"'<>\\]*@/gi, `$1${REDACTED}@`],
  // JSON: "password":"..."
  [new RegExp(`("${SECRET}"\\s*:\\s*)(?:${QUOTED})`, "gi"), `$1"${REDACTED}"`],
  // JSON within JSON: \"password\":\"...\"
  [new RegExp(`(\\\\"${SECRET}\\\\"\\s*:\\s*)\\\\".*?\\\\"`, "gi"), `$1\\"${REDACTED}\\"`],
  // Headers and what looks like one: Authorization: Basic ...
  [/\b((?:proxy-)?authorization\s*[:=]\s*)(?:[a-z]+\s+)?[^\s"'\\,;]+/gi, `$1${REDACTED}`],
  [/\b((?:set-)?cookie\s*:\s*)[^"'\\\r\n]+/gi, `$1${REDACTED}`],
  // Queries, forms and settings: access_token=...
  [new RegExp(`\\b(${SECRET}=)(?!\\s)[^\\s"'&;,\\\\]+`, "gi"), `$1${REDACTED}`],
  // YAML and flags: password: ..., --token ...
  [
    new RegExp(`((?:^|[\\s{,"'(]|\\\\n)${SECRET}:[ \\t]+)(?!\\[redacted\\])(?:${QUOTED}|[^\\s"'\\\\,}]+)`, "gi"),
    keepWords,
  ],
  [new RegExp(`(--${SECRET}[ =])[^\\s"'\\\\,]+`, "gi"), `$1${REDACTED}`],
  // Tokens by their form: JWTs, bearers, user and password in base64, seeds of NATS.
  [/\beyJ[\w-]{8,2048}\.[\w-]{4,}(?:\.[\w-]*)?/g, REDACTED],
  [/\b(bearer\s+)(?=[^\s"'\\]*[\d_.~+/=-])[\w.~+/=-]{8,}/gi, `$1${REDACTED}`],
  [/\b(basic\s+)([a-z0-9+/]{4,}={0,2})/gi, keepProse],
  [/\bS[ACNOUX][A-Z2-7]{54,}\b/g, REDACTED],
];

/**
 * Takes secrets out of a text: private keys, user and password of URLs, tokens, and the values of fields, parameters and headers that
 * have the name of a secret. Text without a secret stays as it is.
 * @param text a line of a log (JSON), a message, a condition
 */
export function redactText(text: string): string {
  let out = text;
  for (const [pattern, by] of RULES) out = out.replace(pattern, by as string);
  return out;
}

/** `token: is required` is a message about a field, no field. */
function keepWords(match: string, name: string): string {
  const value = match.slice(name.length);
  return /^(?:is|must|may|has|needs|cannot|the|no|not|unknown|invalid|it|in|of|a|an|expected|wrong|there|only)\b/.test(
    value,
  )
    ? match
    : `${name}${REDACTED}`;
}

/** `basic constraints` is not a header: only user and password in base64 are. */
function keepProse(match: string, scheme: string, value: string): string {
  return Buffer.from(value, "base64").toString("latin1").includes(":") ? `${scheme}${REDACTED}` : match;
}
