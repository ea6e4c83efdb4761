import { writeFile } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import { readYaml, writeYaml, YamlError } from "@xebec/core-yaml";
import {
  auditPod,
  explainInjection,
  type InjectContext,
  injectObject,
  type Pod,
  podWebhooksOf,
} from "@xebec/injector-template";
import type { KubeClient, KubeObject, ResourceType } from "@xebec/platform-kube";
import { readText } from "../config-files.ts";
import { type InjectSettingsOptions, injectSettings } from "../inject-settings.ts";
import { type ClusterFlags, openCluster } from "../kube-client.ts";
import { print, table } from "../output.ts";

export interface InjectOptions extends InjectSettingsOptions, ClusterFlags {
  readonly filename?: string;
  readonly output?: string;
  readonly namespace?: string;
  readonly explain?: string;
  readonly audit?: boolean;
}

/**
 * `xebec inject`: gives the pods of manifests their sidecar, or says why a pod of a cluster has one or none.
 * @returns 0, or 1 when an audit finds something
 */
export async function inject(options: InjectOptions): Promise<number> {
  const inCluster = options.explain !== undefined || options.audit === true;
  const client = await clientOf(options, inCluster);
  try {
    if (options.filename === undefined && !inCluster)
      throw new XebecError(
        "invalid_argument",
        "there is nothing to inject: name a file with -f, or a pod with --explain",
      );
    const settings = await injectSettings(options, client);
    if (options.explain !== undefined) return await explain(client as KubeClient, options.explain, settings);
    if (options.audit) return await audit(client as KubeClient, options.namespace, settings);
    const name = options.filename as string;
    const { text, notices } = injectedText(readText(name === "-" ? 0 : name), settings, options.namespace, name);
    for (const notice of notices) process.stderr.write(`${notice}\n`);
    if (options.output) await writeFile(options.output, text);
    else print(text);
    return 0;
  } finally {
    client?.close();
  }
}

/**
 * Injects each document of a text. A document that has no pods stays as it is, to the letter.
 * @param source for messages
 */
export function injectedText(
  text: string,
  settings: InjectContext,
  namespace?: string,
  source = "-",
): { readonly text: string; readonly notices: readonly string[] } {
  const notices: string[] = [];
  let line = 1;
  const documents = text.split(/^---[ \t]*\r?\n/m).map((document) => {
    const first = line;
    line += document.split("\n").length;
    try {
      const value = readYaml(document);
      if (value === null) return undefined;
      if (typeof value !== "object" || Array.isArray(value))
        throw new XebecError("invalid_argument", "is not an object");
      const { object, notice } = injectObject(value as Record<string, unknown>, settings, namespace);
      if (notice) notices.push(notice);
      return object === value ? document.replace(/\n*$/, "\n") : writeYaml(object);
    } catch (error) {
      const at = error instanceof YamlError ? first + error.line - 1 : first;
      const message = error instanceof YamlError ? error.text : (error as Error).message;
      throw new XebecError("invalid_argument", `${source === "-" ? "standard input" : source}:${at}: ${message}`);
    }
  });
  return { text: documents.flatMap((each) => (each === undefined ? [] : [`${each}---\n`])).join(""), notices };
}

async function clientOf(options: InjectOptions, needed: boolean): Promise<KubeClient | undefined> {
  return needed || (options.kubeconfig ?? process.env.KUBECONFIG) ? openCluster(options) : undefined;
}

async function explain(client: KubeClient, name: string, settings: InjectContext): Promise<number> {
  const [namespace, pod] = name.includes("/") ? (name.split("/", 2) as [string, string]) : ["default", name];
  const { RESOURCES } = await import("@xebec/platform-kube");
  const found = await client.get<KubeObject & Pod>(RESOURCES.pods, { namespace, name: pod });
  const { metadata } = await client.get(RESOURCES.namespaces, { name: namespace });
  const webhooks = (await all(client, RESOURCES.mutatingWebhooks)).flatMap(podWebhooksOf);
  const lines = explainInjection({ pod: found, namespace, namespaceLabels: metadata.labels ?? {}, webhooks }, settings);
  print(lines.map((line, index) => `${index + 1}. ${line}\n`).join(""));
  return 0;
}

async function audit(client: KubeClient, namespace: string | undefined, settings: InjectContext): Promise<number> {
  const { RESOURCES } = await import("@xebec/platform-kube");
  const webhooks = (await all(client, RESOURCES.mutatingWebhooks)).flatMap(podWebhooksOf);
  const labels = new Map(
    (await all(client, RESOURCES.namespaces)).map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
  );
  const rows = (await all(client, RESOURCES.pods, namespace)).flatMap((pod) => {
    const { namespace: own = "default", name } = pod.metadata;
    const finding = auditPod(
      { pod: pod as Pod, namespace: own, namespaceLabels: labels.get(own) ?? {}, webhooks },
      settings,
    );
    return finding ? [[own, name, finding.problem, finding.text]] : [];
  });
  print(
    rows.length > 0
      ? table(["NAMESPACE", "POD", "PROXY", "WHAT"], rows)
      : "every pod has the proxy that it should have\n",
  );
  return rows.length > 0 ? 1 : 0;
}

async function all(client: KubeClient, type: ResourceType, namespace?: string): Promise<KubeObject[]> {
  const { listObjects } = await import("@xebec/platform-kube");
  const found: KubeObject[] = [];
  await listObjects(client, type, namespace ? { namespace } : {}, (object) => void found.push(object));
  return found;
}
