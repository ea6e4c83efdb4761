import { XebecError } from "@xebec/core-errors";
import { writeYaml } from "@xebec/core-yaml";
import { ADAPTERS } from "@xebec/mixer-catalogue";
import { installAdapters } from "@xebec/mixer-loader";
import type { AdapterInfo } from "@xebec/mixer-sdk";
import { crdOf } from "@xebec/model-resources";
import { nodeOf, type SchemaNode } from "@xebec/model-schema";

/** `xebec adapter list`. */
export async function adapterList({
  adapter = [],
  output,
}: {
  readonly adapter?: readonly string[];
  readonly output: "table" | "json";
}): Promise<number> {
  await installAdapters(adapter);
  const all = [...ADAPTERS.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (output === "json") {
    const shown = all.map(({ name, description, templates }) => ({ name, description, templates }));
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return 0;
  }
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const { name, templates, description } of all)
    process.stdout.write(`${name.padEnd(width)}  ${templates.join(",")}  ${description}\n`);
  return 0;
}

/** `xebec adapter describe`: a page of an adapter, its schema, or a CRD for its handlers. */
export async function adapterDescribe(
  name: string,
  { output }: { readonly output: "markdown" | "json" | "crd" },
): Promise<number> {
  const info = ADAPTERS.get(name) ?? (await installAdapters([name]))[0]?.info;
  if (!info) throw new XebecError("not_found", `there is no adapter ${name}`);
  if (output === "json") {
    const { name: own, description, templates, config, defaults, ports, metrics } = info;
    process.stdout.write(
      `${JSON.stringify({ name: own, description, templates, config, defaults, ports, metrics }, null, 2)}\n`,
    );
  } else if (output === "crd") process.stdout.write(writeYaml(crdOfAdapter(info)));
  else process.stdout.write(pageOf(info));
  return 0;
}

function crdOfAdapter({ name, description, config }: AdapterInfo): Parameters<typeof writeYaml>[0] {
  const plural = name.endsWith("s") ? `${name}es` : `${name}s`;
  const kind = { group: "config.istio.io", kind: name, plural, versions: ["v1alpha2"], shortNames: [], columns: [] };
  const made = crdOf({ ...kind, description: `A handler of the adapter ${name}: ${description}.`, schema: config });
  return JSON.parse(JSON.stringify(made));
}

/** A page in Markdown. */
export function pageOf({
  name,
  description,
  templates,
  config,
  defaults = {},
  ports = {},
  metrics = {},
}: AdapterInfo): string {
  const lines = [
    `# ${name}`,
    "",
    `${description}.`,
    "",
    `Templates: ${templates.map((each) => `\`${each}\``).join(", ")}.`,
    "",
  ];
  const fields = Object.entries(nodeOf(config).properties ?? {});
  if (fields.length > 0) {
    lines.push("| Parameter | Type | Default | Meaning |", "|---|---|---|---|");
    rows(fields, defaults as Record<string, unknown>, "", lines);
    lines.push("");
  }
  for (const [port, spec] of Object.entries(ports))
    lines.push(`Port \`${port}\`: ${spec.port}, ${spec.description}.`, "");
  for (const [metric, spec] of Object.entries(metrics))
    lines.push(`Metric \`mixer_adapter_${metric}\` (${spec.type}): ${spec.help}`, "");
  return `${lines.join("\n").trimEnd()}\n`;
}

function rows(
  fields: [string, SchemaNode][],
  defaults: Readonly<Record<string, unknown>>,
  path: string,
  out: string[],
): void {
  for (const [key, node] of fields) {
    const preset = defaults[key] === undefined ? "" : `\`${JSON.stringify(defaults[key])}\``;
    const type = node.enum ? node.enum.join(", ") : (node.format ?? node.type ?? "");
    out.push(`| \`${path}${key}\` | ${type} | ${preset.length > 80 ? "" : preset} | ${node.description ?? ""} |`);
    const inner = node.properties ?? node.items?.properties;
    if (inner) rows(Object.entries(inner), {}, `${path}${key}${node.items ? "[]" : ""}.`, out);
  }
}
