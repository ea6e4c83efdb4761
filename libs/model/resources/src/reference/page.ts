import { nodeOf, type SchemaNode } from "@xebec/model-schema";
import type { Kind } from "../kind.ts";
import { ADAPTER_KINDS, TEMPLATE_KINDS } from "../kinds/mixer/index.ts";
import { KINDS, UNSUPPORTED_KINDS } from "../kinds.ts";

// Reference pages, docs/reference/config: what the schemas say, as Markdown. A test keeps the committed pages equal.

/** A page by the name of its file. */
export interface Page {
  readonly file: string;
  readonly text: string;
}

const MADE = "<!-- Made from the schemas by libs/model/resources/scripts/write-reference.ts; edit those instead. -->";

/** Kinds whose fields the schema knows; those named after a template or adapter have its parameters. */
const documented = KINDS.filter(({ kind }) => !TEMPLATE_KINDS.includes(kind) && !ADAPTER_KINDS.includes(kind));

/** The pages of all kinds, and the list of them. */
export function referencePages(): Page[] {
  return [
    { file: "README.md", text: indexPage() },
    ...documented.map((kind) => ({ file: fileOf(kind), text: kindPage(kind) })),
  ];
}

function fileOf({ kind }: Kind): string {
  return `${kind
    .replace(/^HTTPAPI/, "HttpApi")
    .replace(/(?!^)([A-Z])/g, "-$1")
    .toLowerCase()}.md`;
}

function indexPage(): string {
  const kinds = documented.map(
    (kind) =>
      `| [${kind.kind}](${fileOf(kind)}) | ${kind.group} | ${kind.versions.join(", ")} | ${cell(kind.description)} |`,
  );
  const unsupported = UNSUPPORTED_KINDS.map(
    ({ kind, group, versions, advice }) =>
      `| ${kind} | ${group} | ${versions.join(", ")} | ${cell(sentence(advice))} |`,
  );
  return lines([
    "# Configuration kinds",
    "",
    MADE,
    "",
    "Objects are written as Kubernetes manifests. Fields may have protobuf's other spellings: names in snake_case, enums by number, numbers in",
    "strings. All versions of a kind have the same fields. [supported fields](../../supported-fields.md) names the test that shows what each field does,",
    "and [differences](../../differences.md) what is different from Istio.",
    "",
    "| Kind | Group | Versions | What it is for |",
    "|---|---|---|---|",
    ...kinds,
    "",
    "Further kinds of config.istio.io are named after a template or an adapter of Mixer, and their spec is its parameters:",
    `${[...TEMPLATE_KINDS, ...ADAPTER_KINDS].map((each) => `\`${each}\``).join(", ")}.`,
    "",
    "## Not supported",
    "",
    "Objects of these kinds of Istio are refused by name.",
    "",
    "| Kind | Group | Versions | What to do instead |",
    "|---|---|---|---|",
    ...unsupported,
  ]);
}

function kindPage(kind: Kind): string {
  const shown = kind.shortNames.length > 0 ? `, short ${kind.shortNames.map((each) => `\`${each}\``).join(", ")}` : "";
  const versions = kind.versions.map((each) => `\`${kind.group}/${each}\``).join(", ");
  return lines([
    `# ${kind.kind}`,
    "",
    MADE,
    "",
    kind.description,
    "",
    `\`apiVersion\` is ${versions}; all have the same fields. Its plural is \`${kind.plural}\`${shown}.`,
    ...messagesOf(nodeOf(kind.schema)).flatMap((node, i) => section(node, i === 0)),
  ]);
}

/** The messages of a schema, each type once, in the order in which a reader meets them. */
function messagesOf(root: SchemaNode): SchemaNode[] {
  const found = new Map<string, SchemaNode>();
  const open = [root];
  for (let node = open.shift(); node; node = open.shift()) {
    const inner = innerOf(node);
    if (inner) open.unshift(inner);
    else if (node.title !== undefined && !found.has(node.title)) {
      found.set(node.title, node);
      open.push(...Object.values(node.properties ?? {}));
    }
  }
  return [...found.values()];
}

/** What a list or a map has. */
function innerOf(node: SchemaNode): SchemaNode | undefined {
  return node.items ?? Object.values(node.patternProperties ?? {})[0];
}

function section(node: SchemaNode, isSpec: boolean): string[] {
  const rows = Object.entries(node.properties ?? {}).map(([name, each]) => row(name, each, node));
  const unsupported = Object.entries(node.unsupported ?? {}).map(
    ([name, advice]) => `\`${name}\`${advice ? ` (${advice})` : ""}`,
  );
  return [
    "",
    `## ${node.title}`,
    "",
    ...(isSpec ? ["What stands in `spec`.", ""] : []),
    "| Field | Type | Meaning | When absent | Effect |",
    "|---|---|---|---|---|",
    ...rows,
    ...(unsupported.length > 0 ? ["", `Not supported, and refused by name: ${unsupported.join(", ")}.`] : []),
  ];
}

function row(name: string, field: SchemaNode, message: SchemaNode): string {
  const absent = message.required?.includes(name) ? "**required**" : defaultOf(field);
  const effect = field.noEffect === undefined ? "yes" : `none: ${field.noEffect}`;
  return `| \`${name}\` | ${typeOf(field)} | ${cell(field.description ?? "")} | ${cell(absent)} | ${cell(effect)} |`;
}

function defaultOf(field: SchemaNode): string {
  if (field.default !== undefined)
    return `\`${typeof field.default === "string" ? field.default : JSON.stringify(field.default)}\``;
  return field.defaultText ?? "";
}

function typeOf(node: SchemaNode): string {
  if (node.enum) return node.enum.map((each) => `\`${each}\``).join(", ");
  const [values] = Object.values(node.patternProperties ?? {});
  if (values) return `map of ${typeOf(values)}`;
  if (node.items) return `list of ${typeOf(node.items)}`;
  if (node.title !== undefined) return `[${node.title}](#${anchor(node.title)})`;
  if (node.type === "object") return "object";
  if (node.type === "string") return { duration: "duration", byte: "bytes" }[node.format ?? ""] ?? "string";
  return node.type ?? "any";
}

/** The anchor of a heading, as GitHub makes it. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function sentence(text: string): string {
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
