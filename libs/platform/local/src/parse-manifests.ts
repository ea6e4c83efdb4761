import { Turns } from "@xebec/core-async";
import { type ManifestError, type ManifestStep, manifestSteps } from "@xebec/core-yaml";
import { secretRecordOf } from "@xebec/model-pki";
import { annotationBytes, MAX_ANNOTATION_BYTES } from "@xebec/model-resources";
import { runsHere, versionError } from "./api-versions.ts";
import { checkLifecycle } from "./check-lifecycle.ts";
import type {
  ClusterObject,
  ConfigData,
  Deployment,
  KubeService,
  ObjectMeta,
  PodTemplate,
} from "./manifest-objects.ts";
import { LOCAL_KINDS, unsupported } from "./unsupported.ts";

export interface Manifests {
  readonly objects: readonly ClusterObject[];
  readonly errors: readonly ManifestError[];
  /** Kinds that do not run here, and fields that are unknown or have no effect; the rest of the object is applied. */
  readonly unsupported: readonly ManifestError[];
}

type Fields = Readonly<Record<string, unknown>>;
const MAX_REPLICAS = 50;

/** Reads the objects of a file that the local platform runs; all other kinds belong to somebody else and are ignored. */
export function parseManifests(text: string): Manifests {
  const reading = new Reading();
  for (const step of manifestSteps(text, READING)) reading.take(step);
  return reading;
}

/** The same in slices, between which others have their turn. */
export async function readManifests(content: string | Uint8Array): Promise<Manifests> {
  const reading = new Reading();
  const turns = new Turns(256, 1);
  for (const step of manifestSteps(content, READING)) {
    await turns.next();
    reading.take(step);
  }
  return reading;
}

/** What does not run here is not read when it is very large. */
const READING = { leaves: (_apiVersion: string, kind: string): boolean => !LOCAL_KINDS.includes(kind) };

class Reading implements Manifests {
  readonly objects: ClusterObject[] = [];
  readonly errors: ManifestError[] = [];
  readonly unsupported: ManifestError[] = [];

  take(step: ManifestStep): void {
    if (!step) return;
    // Galley reads the same files and reports the same; here it is a reason to take nothing away that runs.
    if ("error" in step) {
      this.errors.push(step.error);
      return;
    }
    const { value, line } = step.object;
    try {
      this.unsupported.push(...unsupported(value).map((message) => ({ line, message })));
      const object = objectOf(value);
      if (object) this.objects.push(object);
    } catch (error) {
      this.errors.push({ line, message: (error as Error).message });
    }
  }
}

function objectOf(value: Fields): ClusterObject | undefined {
  const kind = String(value.kind);
  const wrong = versionError(String(value.apiVersion), kind);
  if (wrong !== undefined) throw new Error(wrong);
  if (!runsHere(String(value.apiVersion), kind)) return undefined;
  const metadata = metaOf(value, kind);
  if (kind === "Namespace" || kind === "ServiceAccount") return { kind, metadata };
  if (kind === "ConfigMap" || kind === "Secret") return dataOf(value, kind, metadata);
  return kind === "Service" ? serviceOf(value, metadata) : deploymentOf(value, metadata);
}

function metaOf(value: Fields, kind: string): ObjectMeta {
  const meta = isFields(value.metadata) ? value.metadata : {};
  if (typeof meta.name !== "string" || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(meta.name))
    throw new Error(`${kind}: metadata.name ${JSON.stringify(meta.name ?? "")} is not an object name`);
  const size = annotationBytes(meta.annotations);
  if (size > MAX_ANNOTATION_BYTES)
    throw new Error(
      `${kind} ${meta.name}: metadata.annotations have ${size} bytes together, more than ${MAX_ANNOTATION_BYTES} (256 KiB)`,
    );
  return {
    name: meta.name,
    namespace: typeof meta.namespace === "string" ? meta.namespace : "default",
    labels: textMap(meta.labels, `${kind} ${meta.name}: metadata.labels`),
    annotations: textMap(meta.annotations, `${kind} ${meta.name}: metadata.annotations`),
  };
}

function dataOf(value: Fields, kind: "ConfigMap" | "Secret", metadata: ObjectMeta): ConfigData {
  const where = `${kind} ${metadata.name}:`;
  const plain =
    kind === "Secret" ? textMap(value.stringData, `${where} stringData`) : textMap(value.data, `${where} data`);
  const encoded = Object.entries(kind === "Secret" ? textMap(value.data, `${where} data`) : {});
  const decoded = encoded.map(([key, text]) => [key, Buffer.from(text, "base64").toString("utf8")]);
  const credential = secretRecordOf(kind, metadata, value);
  return { kind, metadata, data: { ...Object.fromEntries(decoded), ...plain }, ...(credential ? { credential } : {}) };
}

function serviceOf(value: Fields, metadata: ObjectMeta): KubeService {
  const spec = isFields(value.spec) ? value.spec : {};
  const where = `Service ${metadata.namespace}/${metadata.name}`;
  const ports = (Array.isArray(spec.ports) ? spec.ports : []).map((each: unknown, i: number) => {
    const port = isFields(each) ? each : {};
    const number = Number(port.port);
    if (!isPort(number)) throw new Error(`${where}: spec.ports[${i}].port must be a number from 1 to 65535`);
    return {
      name: typeof port.name === "string" ? port.name : "",
      port: number,
      targetPort: typeof port.targetPort === "number" || typeof port.targetPort === "string" ? port.targetPort : number,
      protocol: transportOf(port.protocol),
      ...(typeof port.appProtocol === "string" ? { appProtocol: port.appProtocol } : {}),
    };
  });
  return {
    kind: "Service",
    metadata,
    selector: textMap(spec.selector, `${where}: spec.selector`),
    headless: spec.clusterIP === "None",
    ...(Array.isArray(spec.externalIPs) && spec.externalIPs.length > 0
      ? { externalIps: spec.externalIPs.map(String) }
      : {}),
    ...(spec.type === "ExternalName" && typeof spec.externalName === "string"
      ? { externalName: spec.externalName }
      : {}),
    ports,
  };
}

function transportOf(value: unknown): "TCP" | "UDP" | "SCTP" {
  return value === "UDP" || value === "SCTP" ? value : "TCP";
}

function deploymentOf(value: Fields, metadata: ObjectMeta): Deployment {
  const spec = isFields(value.spec) ? value.spec : {};
  const where = `Deployment ${metadata.namespace}/${metadata.name}`;
  const replicas = spec.replicas === undefined || spec.replicas === null ? 1 : Number(spec.replicas);
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS)
    throw new Error(`${where}: spec.replicas must be a whole number from 0 to ${MAX_REPLICAS}`);
  const template = spec.template as PodTemplate | undefined;
  const containers = template?.spec?.containers;
  if (!Array.isArray(containers) || containers.length === 0)
    throw new Error(`${where}: spec.template.spec.containers must have a container`);
  for (const [i, container] of containers.entries())
    if (!isFields(container) || typeof container.name !== "string")
      throw new Error(`${where}: spec.template.spec.containers[${i}].name is required`);
  checkSelector(spec, template, where);
  checkEnv(containers, where);
  try {
    checkLifecycle(spec);
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
  return {
    ...{ kind: "Deployment", metadata, replicas, template: template as PodTemplate },
    ...(typeof spec.minReadySeconds === "number" ? { minReadySeconds: spec.minReadySeconds } : {}),
    ...(isFields(spec.strategy) ? { strategy: spec.strategy as NonNullable<Deployment["strategy"]> } : {}),
  };
}

function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @throws Error when one of the values is not a string, which an API server rejects */
function textMap(value: unknown, where: string): Record<string, string> {
  if (!isFields(value)) return {};
  for (const [key, each] of Object.entries(value))
    if (typeof each !== "string")
      throw new Error(`${where}: ${key} must be a string, not ${JSON.stringify(each)}; quote it`);
  return value as Record<string, string>;
}

/** What a Deployment chooses must be what it makes, or it would make pods without end. */
function checkSelector(spec: Fields, template: unknown, where: string): void {
  const selected = isFields(spec.selector) && isFields(spec.selector.matchLabels) ? spec.selector.matchLabels : {};
  const meta = isFields(template) && isFields(template.metadata) ? template.metadata : {};
  const labels = textMap(meta.labels, `${where}: spec.template.metadata.labels`);
  textMap(meta.annotations, `${where}: spec.template.metadata.annotations`);
  for (const [key, value] of Object.entries(selected))
    if (labels[key] !== value)
      throw new Error(`${where}: spec.selector.matchLabels.${key} does not match the labels of spec.template`);
}

function checkEnv(containers: readonly unknown[], where: string): void {
  for (const [i, container] of containers.entries()) {
    const env = isFields(container) && Array.isArray(container.env) ? container.env : [];
    for (const [j, each] of env.entries())
      if (isFields(each) && each.value !== undefined && each.value !== null && typeof each.value !== "string")
        throw new Error(
          `${where}: spec.template.spec.containers[${i}].env[${j}].value must be a string, not ${JSON.stringify(each.value)}; quote it`,
        );
  }
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}
