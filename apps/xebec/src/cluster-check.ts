import {
  type AnalyzedObject,
  analyze,
  type Fields,
  fields,
  isAtLeast,
  items,
  type Message,
  type MessageName,
  resourceName,
  text,
} from "@xebec/galley-analyze";
import { type MeshFlags, readAnalyzeInput } from "./analyze-input.ts";

/** Notes one thing that was looked at. @param hint what is wrong; empty when all is well */
export type AddCheck = (id: string, description: string, hint: string, severity?: "error" | "warning") => void;

const PART_OF = "app.kubernetes.io/part-of";
/** Findings that have a row of their own. */
const [MISSING, OUTDATED] = ["PodMissingProxy", "PodsIstioProxyImageMismatchInNamespace"] as const;
/** What the names of the injector's webhooks, and of galley's, end with. */
const WEBHOOK = /(sidecar-injector|validation)\.istio\.io$/;

/** Looks at the mesh of a cluster: its control plane, its webhooks, the proxies of pods, and objects. */
export async function clusterChecks(flags: MeshFlags, add: AddCheck): Promise<void> {
  const { objects, messages } = await readAnalyzeInput([], flags);
  const installed = objects.filter(
    ({ kind, namespace, labels }) =>
      (kind === "Deployment" || kind === "StatefulSet") &&
      namespace === flags.istioNamespace &&
      labels[PART_OF] === "xebec",
  );
  const where = `nothing is installed in ${flags.istioNamespace}; "xebec install" does it, -i names another namespace`;
  add("control-plane", "installation", installed.length > 0 ? "" : where);
  for (const each of installed) add(`${each.kind.toLowerCase()}/${each.name}`, "readiness", unready(each));
  for (const each of objects.filter((each) => webhooksOf(each).length > 0))
    add(`webhook/${each.name}`, "trust of the API server", untrusted(each));
  const found = [...messages, ...analyze(objects, {})];
  const of = (name: MessageName): Message[] => found.filter((each) => each.name === name);
  add("pods/proxy", "proxies of pods that should have one", first(of(MISSING)), "warning");
  add("pods/version", "versions of proxies", first(of(OUTDATED)), "warning");
  const others = found.filter(({ name }) => name !== MISSING && name !== OUTDATED);
  const errors = others.filter(({ level }) => level === "Error");
  add("objects/valid", "validity of configuration objects", first(errors));
  const warnings = others.filter(({ level }) => level !== "Error" && isAtLeast(level, "Warning"));
  add("objects/effect", "effect of valid objects", first(warnings), "warning");
}

function unready({ kind, name, namespace, value, spec }: AnalyzedObject): string {
  const wanted = Number(spec.replicas ?? 1);
  const ready = Number(fields(value.status).readyReplicas ?? 0);
  if (ready >= wanted) return "";
  return `${ready} of ${wanted} pods are ready; see "kubectl describe ${kind.toLowerCase()} ${name} -n ${namespace}"`;
}

function webhooksOf({ kind, value }: AnalyzedObject): Fields[] {
  return kind.endsWith("WebhookConfiguration")
    ? items(value.webhooks).filter(({ name }) => WEBHOOK.test(text(name)))
    : [];
}

function untrusted(object: AnalyzedObject): string {
  const without = webhooksOf(object).filter((each) => text(fields(each.clientConfig).caBundle) === "");
  return without.length === 0
    ? ""
    : `${text(without[0]?.name)} has no caBundle, so the API server refuses what it should ask it about; is its service ready?`;
}

/** The first of some findings, and how many there are besides. */
function first([one, ...more]: readonly Message[]): string {
  if (!one) return "";
  return `${resourceName(one.object)}: ${one.text}${more.length > 0 ? `; and ${more.length} more` : ""}; see "xebec analyze -A"`;
}
