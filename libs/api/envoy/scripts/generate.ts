// Generates the Envoy v3 API from the .proto files that the npm package @grpc/grpc-js-xds ships.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..");
const deps = join(dirname(fileURLToPath(import.meta.resolve("@grpc/grpc-js-xds/package.json"))), "deps");
const sources = join(root, "gen/.proto");
const out = join(root, "gen/es");

/** Every .proto file that the package ships, by its import name. */
const shipped = new Map<string, string>();
const own = join(root, "../../../proto");
for (const name of globSync("opentelemetry/proto/common/**/*.proto", { cwd: own })) shipped.set(name, join(own, name));
for (const folder of ["envoy-api", "xds", "googleapis", "protoc-gen-validate"])
  for (const name of globSync("**/*.proto", { cwd: join(deps, folder) })) shipped.set(name, join(deps, folder, name));

function importsOf(name: string): string[] {
  const text = readFileSync(shipped.get(name) as string, "utf8");
  return [...text.matchAll(/^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"/gm)]
    .map((match) => match[1] as string)
    .filter((path) => !path.startsWith("google/protobuf/"));
}

// A file is complete when everything that it imports is shipped too; a few aggregates are not.
const completeness = new Map<string, boolean>();
function isComplete(name: string): boolean {
  const known = completeness.get(name);
  if (known !== undefined) return known;
  completeness.set(name, true); // imports may be circular only through an error in the package; do not loop
  const complete = shipped.has(name) && importsOf(name).every(isComplete);
  completeness.set(name, complete);
  return complete;
}

const WANTED = /^(opentelemetry\/|envoy\/.*\/v3(alpha)?\/|envoy\/annotations\/|xds\/|udpa\/|validate\/|google\/rpc\/)/;
const taken = new Set<string>();
function take(name: string): void {
  if (taken.has(name)) return;
  taken.add(name);
  importsOf(name).forEach(take);
}
const wanted = [...shipped.keys()].filter((name) => WANTED.test(name)).sort();
const incomplete = wanted.filter((name) => !isComplete(name));
wanted.filter(isComplete).forEach(take);

rmSync(join(root, "gen"), { recursive: true, force: true });
for (const name of taken) {
  const to = join(sources, name);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(shipped.get(name) as string, to);
}
// Envoy's files use a validation option that this copy of validate.proto does not know yet.
const validate = join(sources, "validate/validate.proto");
const validateText = readFileSync(validate, "utf8");
if (!/message StringRules \{[^}]*ignore_empty/.test(validateText))
  writeFileSync(validate, validateText.replace("message StringRules {", "$&\n    optional bool ignore_empty = 26;"));

const RATE_LIMIT = "envoy/extensions/common/ratelimit/v3/ratelimit.proto";
const ZIPKIN = "envoy/config/trace/v3/zipkin.proto";
// What today's Envoy has and this copy of its API does not know yet: file, message or oneof, field.
const NEWER_FIELDS = [
  [
    "envoy/extensions/transport_sockets/tls/v3/tls.proto",
    "message UpstreamTlsContext {",
    "bool auto_sni_san_validation = 7;",
  ],
  ["envoy/type/tracing/v3/custom_tag.proto", "oneof type {", "string value = 6;"],
  [
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    "message Tracing {",
    "bool no_context_propagation = 13;",
  ],
  [RATE_LIMIT, "message RateLimitDescriptor {", "google.protobuf.UInt64Value hits_addend = 3;"],
  [RATE_LIMIT, "package envoy.extensions.common.ratelimit.v3;", 'import "google/protobuf/wrappers.proto";'],
  [ZIPKIN, "message ZipkinConfig {", "core.v3.HttpService collector_service = 9;"],
  [ZIPKIN, "message ZipkinConfig {", "TraceContextOption trace_context_option = 8;"],
  [ZIPKIN, "message ZipkinConfig {", "enum TraceContextOption { USE_B3 = 0; USE_B3_WITH_W3C_PROPAGATION = 1; }"],
  [ZIPKIN, "package envoy.config.trace.v3;", 'import "envoy/config/core/v3/http_service.proto";'],
] as const;
for (const [name, place, field] of NEWER_FIELDS) {
  const file = join(sources, name);
  const text = readFileSync(file, "utf8");
  if (!text.includes(field)) writeFileSync(file, text.replace(place, `$&\n  ${field}`));
}

writeFileSync(join(sources, "buf.yaml"), JSON.stringify({ version: "v2", modules: [{ path: "." }] }));
const template = {
  version: "v2",
  plugins: [{ local: "protoc-gen-es", out, strategy: "all", opt: ["target=js+dts", "import_extension=js"] }],
};
// Annotations are stripped: without them the descriptors load in half the time.
const stripped = ["validate.**", "udpa.annotations.**", "envoy.annotations.**", "xds.annotations.**"];
execFileSync(
  "buf",
  [
    "generate",
    sources,
    "--template",
    JSON.stringify(template),
    ...stripped.flatMap((type) => ["--exclude-type", type]),
  ],
  { stdio: "inherit", env: { ...process.env, BUF_CACHE_DIR: join(root, "gen/.cache") } },
);

const modules = globSync("**/*_pb.js", { cwd: out }).sort();
const files = modules.map((path) => /export const (file_\w+)/.exec(readFileSync(join(out, path), "utf8"))?.[1]);
writeFileSync(
  join(out, "registry.js"),
  [
    `import { createRegistry } from "@bufbuild/protobuf";`,
    `import { file_google_protobuf_any, file_google_protobuf_duration, file_google_protobuf_empty, file_google_protobuf_struct, file_google_protobuf_timestamp, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";`,
    ...modules.map((path, i) => `import { ${files[i]} } from "./${path}";`),
    `export const registry = /*@__PURE__*/ createRegistry(file_google_protobuf_any, file_google_protobuf_duration, file_google_protobuf_empty, file_google_protobuf_struct, file_google_protobuf_timestamp, file_google_protobuf_wrappers, ${files.join(", ")});`,
    "",
  ].join("\n"),
);
writeFileSync(
  join(out, "registry.d.ts"),
  `import type { Registry } from "@bufbuild/protobuf";\nexport declare const registry: Registry;\n`,
);
console.log(`${taken.size} files; left out for lack of an import: ${incomplete.join(", ") || "none"}`);
