// Random specs by a kind's schema, of which many pass validation: texts are chosen by the name of their field.
import { KINDS } from "@xebec/model-resources";
import fc from "fast-check";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

const HOSTS = ["reviews", "reviews.default.svc.cluster.local", "mongo.default.svc.cluster.local", "a.example.com"];
const SUBNETS = ["10.1.2.3", "2001:db8::1", "10.1.0.0/16", "10.1.7.7/16", "0.0.0.0/0", "::ffff:1.2.3.4/96"];
const DURATIONS = ["1s", "1m30.5s", "1ms", "0s", "876000h"];
const TEXTS = ["v1", "x-user", "/", "other.example.com"];
/** What few fields take, and some ought not to. */
const ODD = [
  ...["", "*", "*.example.com", "nobody", "Host", ":authority", "ümlaut\n", "a".repeat(300), "soon", "-1s", "0.1ms"],
  ...["99999999999999999999h", "[", "(?=x)", "unix:///proc/s", "10.1.2.3/99", "CARRIER", "constructor", "__proto__"],
];
/** Texts that fields of a name take, or of a name in a holder; of any other name `TEXTS`. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  host: HOSTS,
  hosts: HOSTS,
  sniHosts: HOSTS,
  "servers.hosts": [
    "*",
    "a.example.com",
    "*.example.com",
    "./b.example.com",
    "default/reviews.default.svc.cluster.local",
  ],
  "egress.hosts": ["*/*", "./*", "./reviews", "*/mongo.default.svc.cluster.local", "istio-system/*", "*/*.example.com"],
  "actions.instances": ["a", "b", "c.metric"],
  sourceNamespace: ["default", "prod"],
  gateways: ["mesh", "web", "default/web", "nowhere/none", "web.default"],
  exportTo: ["*", ".", "prod"],
  address: ["10.1.2.3", "2001:db8::1", "unix:///proc/s"],
  addresses: SUBNETS,
  destinationSubnets: SUBNETS,
  bind: SUBNETS,
  regex: ["/a.*", "*", "(?i)x"],
  protocol: ["HTTP", "HTTP2", "GRPC", "TCP", "TLS", "HTTPS", "Mongo", "UDP"],
  name: ["v1", "v2", "http", "tcp"],
  subset: ["v1", "v2", "v9"],
  retryOn: ["5xx", "503,reset", "connect-failure"],
  grpcStatus: ["UNAVAILABLE", "16"],
  scheme: ["http", "https"],
  jwks: [JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0" }] })],
  jwksUri: ["https://issuer.example.com/keys", "http://127.0.0.1:1/keys"],
  issuer: ["https://issuer.example.com", "me@example.com"],
  kind: ["Gateway", "Service"],
  "roleRef.kind": ["ServiceRole"],
  "roleRef.name": ["a", "b"],
  group: ["gateway.networking.k8s.io", ""],
  header: ["x-user"],
  compiledAdapter: ["denier", "memquota", "stdio"],
  compiledTemplate: ["checknothing", "metric", "logentry"],
  handler: ["a", "b.default"],
  workload: ["captured", "reviews"],
  url: ["https://modules.example.com/a.wasm", "registry.example.com/a:1", "oci://registry.example.com/a"],
  rootNamespace: ["istio-system", "default"],
  accessLogFile: ["", "/dev/stdout", "/tmp/log"],
  accessLogFormat: ["", "%PROTOCOL%\n", '{"a":{"b":["%PROTOCOL%", 1, null, true]}}', "[1]"],
};
/** Fields that name a file which Envoy opens. */
const FILES = new Set(["accessLogFile"]);
const DURATION = /(timeout|Timeout|^time|Time|interval|Duration|DurationSecs|Delay|backoff|ttl|maxAge)$/;
/** Fields without which most specs are refused, or say nothing. */
const LIKELY = new Set([
  "hosts",
  "http",
  "route",
  "ports",
  "subsets",
  "trafficPolicy",
  "match",
  "mtls",
  "accessLogFile",
  "fixedDelay",
  "jwtRules",
  "origins",
  "jwt",
  "peers",
  "issuer",
  "name",
  "number",
  "servers",
  "egress",
  "address",
  "actions",
  "instances",
  "compiledAdapter",
  "compiledTemplate",
  "subjects",
  "user",
  "rules",
]);
/** Fields of which one object takes one. */
const ONE_OF = [
  ["exact", "prefix", "regex"],
  ["route", "redirect", "directResponse", "delegate"],
  ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"],
  ["httpStatus", "grpcStatus"],
  ["ringHash", "maglev", "minimumRingSize"],
  ["simple", "consistentHash"],
  ["mirror", "mirrors"],
  ["credentialName", "credentialNames", "tlsCertificates", "serverCertificate"],
  ["exact", "prefix", "suffix", "regex"],
  ["selector", "targetRef", "targetRefs"],
];

/** Mostly the one, now and then the other. */
const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: odd });

const text = (name: string, holder: string): fc.Arbitrary<string> => {
  const words = WORDS[`${holder}.${name}`] ?? WORDS[name] ?? (DURATION.test(name) ? DURATIONS : TEXTS);
  // A file that cannot be opened is nothing that an object says wrong.
  if (FILES.has(name)) return fc.constantFrom(...words);
  return mostly(fc.constantFrom(...words), fc.constantFrom(...ODD));
};

/** Ports that nothing else of a proxy may have. */
const OWN_PORTS: Readonly<Record<string, number>> = {
  proxyListenPort: 15_001,
  proxyInboundListenPort: 15_006,
  proxyHttpPort: 15_080,
};

function number({ minimum = -5, maximum = 4_294_967_295 }: Schema, name: string): fc.Arbitrary<number> {
  if (Object.hasOwn(OWN_PORTS, name)) return fc.constant(OWN_PORTS[name] as number);
  const usual = [1, 80, 308, 443, 9080].filter((each) => each >= minimum && each <= maximum);
  return mostly(fc.constantFrom(...usual), fc.constantFrom(minimum, maximum));
}

/** @param holder the name of the field that holds the value's field; empty for those of the spec */
function arbitraryValue(schema: Schema, name: string, holder: string): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object":
      return arbitraryMap(schema, name);
    case "array":
      return mostly(list(schema, name, holder, LIKELY.has(name) ? 1 : 0), list(schema, name, holder, 0));
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return number(schema, name);
    default:
      return text(name, holder);
  }
}

const list = ({ items = {}, minItems = 0 }: Schema, name: string, holder: string, least: number) =>
  fc.array(arbitraryValue(items, name, holder), { minLength: Math.max(minItems, least), maxLength: 2 });

function arbitraryMap({ properties, required = [], patternProperties }: Schema, holder: string): fc.Arbitrary<unknown> {
  const [pattern] = Object.entries(patternProperties ?? {});
  if (pattern) {
    const keys = pattern[0].includes("[0-9]") ? ["80", "9080"] : ["app", "http", "x-user"];
    const key = mostly(fc.constantFrom(...keys), fc.constantFrom("65536", "Host", ":authority", "constructor", ""));
    return fc.dictionary(key, arbitraryValue(pattern[1], "", holder), { maxKeys: 2 });
  }
  const parts = Object.entries(properties ?? {}).map(([name, schema]) => {
    const value = fc.tuple(fc.constant(name), arbitraryValue(schema, name, holder));
    if (required.includes(name)) return value;
    const [absent, present] = LIKELY.has(name) ? [1, 6] : [6, 1];
    return fc.oneof({ weight: absent, arbitrary: fc.constant(undefined) }, { weight: present, arbitrary: value });
  });
  return fc.tuple(mostly(fc.constant(true), fc.constant(false)), fc.nat(9), ...parts).map(([isTidy, pick, ...all]) => {
    const map = Object.fromEntries(all.filter((each) => each !== undefined));
    for (const group of isTidy ? ONE_OF : []) {
      const given = group.filter((name) => name in map);
      for (const name of given) if (name !== given[pick % given.length]) delete map[name];
    }
    return map;
  });
}

/** Objects of one kind, as users write them. */
export function arbitraryObject(kindName: string): fc.Arbitrary<Record<string, unknown>> {
  const kind = KINDS.find((each) => each.kind === kindName);
  if (!kind) throw new Error(`no kind ${kindName}`);
  const head = { apiVersion: `${kind.group}/${kind.versions[0]}`, kind: kind.kind };
  const namespace = kind.clusterScoped
    ? fc.constant({})
    : fc.record({ namespace: fc.constantFrom("default", "istio-system") });
  return fc.record({ namespace, spec: arbitraryMap(kind.schema as Schema, "") }).map(({ namespace, spec }) => ({
    ...head,
    metadata: { name: "random", ...namespace, ...placeOf(kindName) },
    spec,
  }));
}

/** Kinds of which one object counts, which has one place; every other kind may be anywhere. */
function placeOf(kindName: string): object {
  if (kindName === "MeshConfig") return { name: "mesh", namespace: "istio-system" };
  return ["ClusterRbacConfig", "RbacConfig", "MeshPolicy"].includes(kindName) ? { name: "default" } : {};
}
