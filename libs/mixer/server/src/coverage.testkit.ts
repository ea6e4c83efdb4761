import { readdirSync, readFileSync } from "node:fs";
import { ADAPTERS } from "@xebec/mixer-catalogue";
import { ISTIO_TEMPLATES, type TemplateField } from "@xebec/model-mixer";

/** What is read of a schema. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly noEffect?: string;
}

const ROOT = new URL("../../../../", import.meta.url).pathname;

/** A row: what there is, how it is served, and the test that has it. */
export interface Row {
  readonly name: string;
  readonly served: string;
  readonly test: string;
}

/** Tests of one thing, by their paths in the repository. */
interface Tests {
  readonly path: string;
  readonly text: string;
}

function testsIn(folder: string): Tests[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((each) => /\.(test|testkit)\.ts$|testdata\/.*\.ya?ml$/.test(each) && !each.includes("node_modules"))
    .sort()
    .map((each) => ({ path: `${folder}/${each}`, text: readFileSync(`${ROOT}${folder}/${each}`, "utf8") }));
}

/** Where a remote sink's part begins in the tests of all of them. */
const SINK_TESTS: readonly (readonly [path: string, part: RegExp, begin: (adapter: string) => string])[] = [
  ...["log-sinks.wire", "metric-sinks.wire", "socket-sinks.wire", "cloud-sinks.wire", "sink-fields"].map(
    (file) =>
      [`libs/mixer/catalogue/src/${file}.test.ts`, /^(?=test\(")/m, (adapter: string) => `test("${adapter}:`] as const,
  ),
  ["libs/mixer/catalogue/src/remote-sinks.test.ts", /^(?= {2}\w+: \{|\};)/m, (adapter) => `  ${adapter}: {`],
];

function sinkTestsOf(adapter: string): Tests[] {
  return SINK_TESTS.flatMap(([path, part, begin]) => {
    const blocks = readFileSync(`${ROOT}${path}`, "utf8").split(part);
    return blocks.filter((text) => text.startsWith(begin(adapter))).map((text) => ({ path, text }));
  });
}

/** The first test that has a word, in either spelling of a field; empty when none has. */
function testOf(tests: readonly Tests[], key: string): string {
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const word = new RegExp(`(?<![\\w@])(?:${key}|${snake})(?!\\w)`);
  return tests.find((each) => word.test(each.text))?.path ?? "";
}

/** The fields of a schema with those of its messages, lists and maps, as paths. */
function fieldsOf(
  node: Node,
  path = "",
): { readonly path: string; readonly key: string; readonly noEffect?: string }[] {
  const inner = node.items ?? Object.values(node.patternProperties ?? {})[0];
  if (!node.properties) return inner ? fieldsOf(inner, `${path}[]`) : [];
  return Object.entries(node.properties).flatMap(([key, each]) => {
    const here = path === "" ? key : `${path}.${key}`;
    const { noEffect } = each;
    return [{ path: here, key, ...(noEffect ? { noEffect } : {}) }, ...fieldsOf(each, here)];
  });
}

/** A row for each adapter and each of its fields. */
export function adapterRows(): Row[] {
  return [...ADAPTERS.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, description, templates, config }) => {
      const tests = [...testsIn(`libs/mixer/adapters/${name}/src`), ...sinkTestsOf(name)];
      const fields = fieldsOf(config as Node).map(({ path, key, noEffect }) => ({
        name: `${name}: ${path}`,
        served: noEffect ? `accepted: ${noEffect}` : "yes",
        test: testOf(tests, key),
      }));
      return [{ name, served: `${description} (${templates.join(", ")})`, test: tests[0]?.path ?? "" }, ...fields];
    });
}

const TEMPLATES = "libs/mixer/runtime/src/templates.test.ts";

/** A row for each template, each of its fields and each field of its output. One test goes through the fields of all templates. */
export function templateRows(): Row[] {
  const finder = testsIn("libs/mixer/adapters/kubernetesenv/src");
  const visit = (fields: readonly TemplateField[], prefix: string): Row[] =>
    fields.flatMap(({ name, type, fields: inner }) => [
      { name: `${prefix}${name}`, served: inner.length > 0 ? "message" : type, test: TEMPLATES },
      ...visit(inner, `${prefix}${name}.`),
    ]);
  return [...ISTIO_TEMPLATES.values()].flatMap((template) => [
    { name: template.name, served: template.variety, test: TEMPLATES },
    ...visit(template.fields, `${template.name}: `),
    // Both sides are filled in by the same code.
    ...template.output.map(({ name, key, type }) => ({
      name: `${template.name}: output ${name}`,
      served: type,
      test: testOf(finder, key) || testOf(finder, key.replace(/^source/, "destination")),
    })),
  ]);
}

/** The flags of `mixs server` (docs/reference/mixer.md §8.2). */
const FLAGS =
  "port address monitoringPort maxMessageSize maxConcurrentStreams apiWorkerPoolSize adapterWorkerPoolSize singleThreaded numCheckCacheEntries configStoreURL configDefaultNamespace useAdapterCRDs livenessProbePath readinessProbePath livenessProbeInterval readinessProbeInterval profile certFile keyFile caCertFile log_target log_rotate log_rotate_max_age log_rotate_max_size log_rotate_max_backups log_as_json log_output_level log_stacktrace_level log_caller trace_zipkin_url trace_jaeger_url trace_log_spans trace_sampling_rate ctrlz_port ctrlz_address loadsheddingMode averageLatencyThreshold latencySamplesPerSecond latencySampleHalflife maxRequestsPerSecond burstSize";

/** A row for each flag of `mixs server`. */
export function flagRows(): Row[] {
  const tests = testsIn("libs/mixer/server/src");
  const source = readFileSync(`${ROOT}libs/mixer/server/src/config.ts`, "utf8");
  const [options = "", ignored = ""] = source.split("const ignored");
  return FLAGS.split(" ").map((name) => {
    const has = (text: string): boolean => new RegExp(`\\b${name}:`).test(text);
    const served = has(options)
      ? "yes"
      : has(ignored)
        ? "accepted, without effect"
        : "no: every service has the same flags for logs and probes";
    return { name: `--${name}`, served, test: served === "yes" ? testOf(tests, name) : "" };
  });
}

/** Mixer's metrics about itself (docs/reference/mixer.md §8.4). */
const METRICS: readonly (readonly [name: string, instead: string])[] = [
  ["mixer_runtime_dispatches_total", ""],
  ["mixer_runtime_dispatch_duration_seconds", ""],
  ["mixer_handler_new_handlers_total", ""],
  ["mixer_handler_reused_handlers_total", ""],
  ["mixer_handler_closed_handlers_total", ""],
  ["mixer_handler_handler_build_failures_total", ""],
  ["mixer_handler_handler_close_failures_total", ""],
  ["mixer_loadshedding_requests_throttled", ""],
  ["mixer_config_*", "no: xebec_mixer_config_objects has the objects by state, and each object its condition"],
  ["mixer_handler_workers_total, mixer_handler_daemons_total", "no: there are no worker threads"],
  ["mixer_dispatcher_destinations_per_request, mixer_dispatcher_instances_per_request", "no"],
  ["mixer_checkcache_*", "no: 1.1.17 never registered them"],
];

/** A row for each metric that Mixer has about itself. */
export function metricRows(): Row[] {
  const tests = testsIn("libs/mixer/server/src");
  return METRICS.map(([name, instead]) => ({
    name,
    served: instead || "yes",
    test: instead ? "" : (tests.find(({ path, text }) => path.endsWith(".test.ts") && text.includes(name))?.path ?? ""),
  }));
}

export function table(head: string, rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, served, test }) =>
      `| \`${name}\` | ${served} | ${test === "" ? "" : `[${test.split("/").at(-1)}](../${test})`} |`,
  );
  return [`| ${head} | Served | Test |`, "|---|---|---|", ...lines].join("\n");
}
