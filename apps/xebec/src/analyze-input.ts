import { existsSync } from "node:fs";
import { type AnalyzedObject, type Fields, fields, type Message, messageOf, textMap } from "@xebec/galley-analyze";
import { readMixerContext, type Violation, validateObject } from "@xebec/galley-validate";
import type { Condition } from "@xebec/model-resources";
import { clusterObjects } from "./cluster-input.ts";
import { sameId } from "./config-files.ts";
import { callSupervisor } from "./control.ts";
import { type ClusterFlags, openCluster } from "./kube-client.ts";
import { meshContext } from "./mesh-context.ts";
import { objectKeyOf, objectState } from "./object-state.ts";
import { type InputObject, readInput } from "./read-input.ts";

/** What there is to analyze, and what validation has found in it. */
export interface AnalyzeInput {
  readonly objects: readonly AnalyzedObject[];
  readonly messages: readonly Message[];
}

/**
 * Reads what is to be analyzed: objects of files take the place of those of the mesh with the same identity.
 * @param files files and directories, `-` for standard input
 * @param mesh the objects of the mesh, too, with what its services say of them: of a cluster that is named, else of what runs here, else of
 * the cluster of KUBECONFIG; undefined: files alone
 * @throws XebecError invalid_argument for a file that cannot be read
 */
export async function readAnalyzeInput(files: readonly string[], mesh?: MeshFlags): Promise<AnalyzeInput> {
  const given = files.length > 0 ? lastOfEach(readInput(files)) : [];
  const { objects: ofMesh, conditions } = mesh ? await meshObjects(mesh) : { objects: [], conditions: [] };
  const rest = ofMesh.filter(({ id }) => !given.some((each) => sameId(each.id, id)));
  const mixer = readMixerContext([...given, ...rest]);
  const messages: Message[] = [];
  const objects = [...given, ...rest].flatMap((each) => {
    const result = validateObject(each, { mixer });
    const object = analyzedObject(each, conditions);
    if (result.outcome === "rejected") {
      // What is wrong in itself is not looked at any further.
      for (const violation of result.violations)
        messages.push(messageOf("SchemaValidationError", object, textOf(violation), violation.path));
      return [];
    }
    if (result.outcome === "foreign") return [object];
    const { resource, warnings } = result;
    // The config map of the mesh configuration is read as what it holds.
    const { group, kind, spec } = resource;
    const accepted = { ...object, group, kind, spec: fields(spec) };
    for (const each of warnings) messages.push(messageOf(warningName(each, kind), accepted, textOf(each), each.path));
    return [accepted];
  });
  return { objects, messages };
}

/** Where the mesh is. */
export interface MeshFlags extends ClusterFlags {
  /** Of the control plane. */
  readonly istioNamespace: string;
}

const NOTHING_HERE = { configDir: "", runDir: "", mesh: undefined };

/** Of several objects with one identity the last one, as after `kubectl apply`. */
function lastOfEach(objects: readonly InputObject[]): InputObject[] {
  const last = new Map(objects.map((each) => [objectKeyOf(each.id), each]));
  return objects.filter((each) => last.get(objectKeyOf(each.id)) === each);
}

/** Whether flags are about a cluster: it is named, or no mesh runs here and KUBECONFIG names it. */
export async function isOfCluster(flags: ClusterFlags): Promise<boolean> {
  return flags.kubeconfig !== undefined || (process.env.KUBECONFIG !== undefined && !(await meshContext()).mesh);
}

async function meshObjects(flags: MeshFlags): Promise<{ objects: InputObject[]; conditions: readonly Condition[] }> {
  const { configDir, runDir, mesh } = flags.kubeconfig ? NOTHING_HERE : await meshContext();
  if (await isOfCluster(flags)) {
    const client = await openCluster(flags);
    try {
      const { objects, unread } = await clusterObjects(client, flags.istioNamespace);
      for (const each of unread) process.stderr.write(`xebec: ${each}\n`);
      return { objects, conditions: [] };
    } finally {
      client.close();
    }
  }
  return {
    objects: existsSync(configDir) ? readInput([configDir]) : [],
    conditions: mesh ? await callSupervisor<Condition[]>(runDir, "GET", "/conditions") : [],
  };
}

function analyzedObject(input: InputObject, conditions: readonly Condition[]): AnalyzedObject {
  const { id, value, file, line, lineOf } = input;
  const metadata = fields(value.metadata);
  const own = conditions.length > 0 ? objectState({ id, value, place: `${file}:${line}` }, conditions) : undefined;
  return {
    ...id,
    labels: textMap(metadata.labels),
    annotations: textMap(metadata.annotations),
    spec: fields(value.spec),
    value: own ? ({ ...value, status: { conditions: own.conditions } } as Fields) : value,
    // What comes from a cluster stands in no file.
    ...(file === "" ? {} : { file, lineOf }),
  };
}

function textOf({ path, message }: Violation): string {
  return `${path.join(".")} ${message}`.trim();
}

/** Rules that nothing reaches have messages of their own. */
function warningName({ path, message }: Violation, kind: string) {
  if (kind !== "VirtualService" || !message.startsWith("is never used")) return "SchemaWarning";
  return path.includes("match") ? "VirtualServiceIneffectiveMatch" : "VirtualServiceUnreachableRule";
}
