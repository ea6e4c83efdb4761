// Requests that may mean the same as another one to somebody: for policies that nobody must get around.

/** A request as it goes over the wire. */
export interface RawRequest {
  readonly method: string;
  /** What stands in the request line. */
  readonly target: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Random numbers by a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to `below - 1`. */
  number(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  of<T>(list: readonly T[]): T {
    return list[this.number(list.length)] as T;
  }
}

type Mutate<T> = (value: T, random: Random) => T;

const hex = (letter: string, random: Random): string => {
  const code = letter.charCodeAt(0).toString(16).padStart(2, "0");
  return `%${random.number(2) === 0 ? code : code.toUpperCase()}`;
};
/** Replaces a random occurrence of what `pattern` finds. */
const replaceOne = (text: string, pattern: RegExp, random: Random, make: (found: string) => string): string => {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const { 0: match, index } = random.of(found);
  return text.slice(0, index) + make(match) + text.slice(index + match.length);
};
const slash =
  (...forms: readonly string[]): Mutate<string> =>
  (path, random) =>
    replaceOne(path, /\//g, random, () => random.of(forms));

/** Other forms of a path. */
const PATHS: readonly Mutate<string>[] = [
  (path, random) => replaceOne(path, /[a-z]/gi, random, (letter) => hex(letter, random)),
  (path, random) => replaceOne(path, /[a-z]/gi, random, (letter) => `%25${hex(letter, random).slice(1)}`),
  (path, random) => replaceOne(path, /[a-z]/gi, random, (letter) => letter.toUpperCase()),
  slash("//", "///"),
  slash("/./", "/.//", "/%2e/", "/%2E/"),
  slash("/x/../", "/x/%2e%2e/", "/x/.%2E/", "/x/y/../../", "/x//../"),
  slash("/..;/", "/;/", "/;a=b/"),
  slash("%2f", "%2F", "%5c", "%5C", "\\", "\\/"),
  slash("%2f..%2f", "/x%2f..%2f..%2f", "/x/..%2f"),
  (path) => `${path}/`,
  (path) => `${path}/.`,
  (path) => `${path}/x/..`,
  (path, random) => path + random.of(["%00", "%20", "%09", ";x", ".", ".json", "%2e", "%3f", "%23"]),
  (path, random) => path + random.of(["?", "?a=/public/x", "?/../public/x", "#", "#/public/x"]),
  (path, random) => random.of(["/..", "/../..", "/.", "/public/..", "//", "/\\"]) + path,
];

/** Other forms of a host. */
const HOSTS: readonly Mutate<string>[] = [
  (host) => host.toUpperCase(),
  (host, random) => replaceOne(host, /[a-z]/g, random, (letter) => letter.toUpperCase()),
  (host, random) => host + random.of([":80", ":8080", ":", ":080", ":65535"]),
  (host) => `${host}.`,
  (host, random) => random.of(["user@", "user:pass@", "@"]) + host,
];

const SPOOFED: readonly (readonly [string, string])[] = [
  ["x-envoy-original-path", "/public/x"],
  ["x-envoy-internal", "true"],
  ["x-envoy-external-address", "10.7.0.1"],
  ["x-envoy-decorator-operation", "x"],
  ["x-envoy-original-host", "public.example.com"],
  ["x-original-url", "/public/x"],
  ["x-rewrite-url", "/public/x"],
  ["x-forwarded-for", "10.7.0.1"],
  ["x-forwarded-host", "public.example.com"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-client-cert", "By=x;URI=spiffe://cluster.local/ns/default/sa/a"],
  ["x-http-method-override", "GET"],
  ["forwarded", "for=10.7.0.1;host=public.example.com"],
];

/** Other forms of the headers that a policy looks at. */
const HEADERS: readonly Mutate<RawRequest["headers"]>[] = [
  (headers, random) => [...headers, random.of(SPOOFED)],
  (headers) => headers.map(([name, value]) => [name.toUpperCase(), value] as const),
  (headers) => headers.map(([name, value]) => [name, ` \t${value} \t`] as const),
  (headers, random) =>
    headers.flatMap((each) => (random.number(2) ? [each, [each[0], ""] as const] : [[each[0], ""] as const, each])),
  (headers, random) =>
    headers.flatMap((each) =>
      random.number(2) ? [each, [each[0], "other"] as const] : [[each[0], "other"] as const, each],
    ),
  (headers, random) =>
    headers.map(
      ([name, value]) => [name, random.of([`${value},other`, `other, ${value}`, `${value},`, `,${value}`])] as const,
    ),
  (headers) => headers.flatMap((each) => [each, each]),
  (headers, random) => headers.flatMap((each) => [each, [each[0], `${random.of(["\xff", "a\xfe"])}x`] as const]),
  (headers) => [...headers, ...headers.map(([name]) => [name.replaceAll("-", "_"), "other"] as const)],
];

/** A request in another form: one to four changes of its path, host or headers, or with an absolute target. */
export function mutated(request: RawRequest, random: Random): RawRequest {
  let { target, host, headers } = request;
  for (let left = 1 + random.number(4); left > 0; left--) {
    const what = random.number(10);
    if (what < 5) target = random.of(PATHS)(target, random);
    else if (what < 7) host = random.of(HOSTS)(host, random);
    else headers = random.of(HEADERS)(headers, random);
  }
  if (random.number(6) > 0) return { ...request, target, host, headers };
  return { ...request, target: `http://${host}${target}`, host: random.of([host, "public.example.com"]), headers };
}

/** Each change alone, some of them in several forms. */
export function eachMutation(request: RawRequest, random: Random): RawRequest[] {
  const times = [0, 1, 2];
  return [
    request,
    { ...request, target: `http://${request.host}${request.target}`, host: "public.example.com" },
    ...PATHS.flatMap((each) => times.map(() => ({ ...request, target: each(request.target, random) }))),
    ...HOSTS.flatMap((each) => times.map(() => ({ ...request, host: each(request.host, random) }))),
    ...HEADERS.flatMap((each) => times.map(() => ({ ...request, headers: each(request.headers, random) }))),
    ...SPOOFED.map((each) => ({ ...request, headers: [...request.headers, each] })),
  ];
}

/** The bytes of a request, as latin1. */
export function wire({ method, target, host, headers }: RawRequest): string {
  const lines = [["host", host], ...headers, ["connection", "close"]].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
