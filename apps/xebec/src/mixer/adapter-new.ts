import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { didYouMean, XebecError } from "@xebec/core-errors";
import { TEMPLATES, type Variety } from "@xebec/mixer-sdk";

/** What the handler of a new adapter does, by the variety of its template. */
const BODIES: Readonly<Record<Variety, (template: string) => string>> = {
  check: () =>
    `    check: () => ({ code: limit > 0 ? RPC.OK : RPC.PERMISSION_DENIED, message: "the limit is 0", validMs: 1000, validUses: 100 }),`,
  report: () => `    report(instances) {
      metrics.add("seen", instances.length);
      for (const each of instances.slice(0, limit)) log.info({ instance: each.name }, "an instance came");
    },`,
  quota: () => `    quota: (_instance, { amount }) => ({ amount: Math.min(amount, limit), validMs: 1000 }),`,
  attributes: () => `    attributes: () => ({}),`,
};

const STEPS: Readonly<Record<Variety, (template: string) => string>> = {
  check: (template) => `- check: {template: ${template}}\n  expect: {code: 0}`,
  report: (template) => `- report: {template: ${template}, instances: [{}, {}]}`,
  quota: (template) => `- quota: {template: ${template}, amount: 20}\n  expect: {amount: 10}`,
  attributes: (template) => `- attributes: {template: ${template}}`,
};

/** `xebec adapter new`: a package that passes its cases at once. */
export async function adapterNew(
  name: string,
  { template, dir }: { readonly template: string; readonly dir?: string },
): Promise<number> {
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw new XebecError("invalid_argument", `the name "${name}" must be lower-case letters, digits and "-"`);
  const found = TEMPLATES.get(template);
  if (!found) {
    const known = [...TEMPLATES.keys()].sort();
    throw new XebecError(
      "invalid_argument",
      `there is no template "${template}"${didYouMean(template, known) || `; the templates are ${known.join(", ")}`}`,
    );
  }
  const folder = resolve(dir ?? name);
  if (existsSync(folder)) throw new XebecError("failed_precondition", `${folder} is there already`);
  for (const [file, text] of Object.entries(filesOf(name, template, found.variety))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  process.stdout.write(`${folder} is made. Try it:\n  xebec adapter test ${folder}\n  xebec up --adapter ${folder}\n`);
  return 0;
}

function filesOf(name: string, template: string, variety: Variety): Record<string, string> {
  const context = variety === "report" ? ", { log, metrics }" : "";
  const imports = ["defineAdapter", "field", "int32", "message", ...(variety === "check" ? ["RPC"] : [])].join(", ");
  const metrics =
    variety === "report" ? '\n  metrics: { seen: { type: "counter", help: "Instances that came." } },' : "";
  const unused = variety === "attributes" ? "" : "{ limit = 10 }";
  const code = `import { ${imports} } from "@xebec/mixer-sdk";

const Params = message("${name}.Params", {
  limit: field(int32({ minimum: 0 }), "The most that is done at once."),
});

export default defineAdapter({
  name: "${name}",
  description: "says in a few words what it does",
  templates: ["${template}"],
  config: Params,
  defaults: { limit: 10 },${metrics}
  create: (${unused}${context}) => ({
${BODIES[variety](template)}
  }),
});
`;
  const manifest = {
    ...{ name, version: "0.1.0", type: "module", exports: "./src/index.ts", scripts: { test: "xebec adapter test ." } },
    ...{ peerDependencies: { "@xebec/mixer-sdk": "^0.1.0" }, files: ["src", "cases.yaml", "README.md"] },
  };
  const cases = `name: does its work
params: {limit: 10}
steps:
${STEPS[variety](template)}
---
name: a limit below 0 is refused
params: {limit: -1}
errors: [limit]
`;
  return {
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "src/index.ts": code,
    "cases.yaml": cases,
    "README.md": readme(name, template),
  };
}

const readme = (name: string, template: string): string => `# ${name}

An adapter of Mixer's for the template \`${template}\`.

\`\`\`yaml
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: ${name}, namespace: istio-system}
spec: {compiledAdapter: ${name}, params: {limit: 10}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: ${name}, namespace: istio-system}
spec: {compiledTemplate: ${template}, params: {}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: ${name}, namespace: istio-system}
spec: {actions: [{handler: ${name}, instances: [${name}]}]}
\`\`\`

| Do | How |
|---|---|
| run the cases | \`xebec adapter test .\` |
| run a mesh with it, loaded again at each change | \`xebec up --adapter .\` |
| see its page | \`xebec adapter describe .\` |
`;
