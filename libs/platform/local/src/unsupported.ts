import { didYouMean } from "@xebec/core-errors";
import { kindOf } from "@xebec/model-resources";
import { instead, isOldDeployment, runsHere, versionError } from "./api-versions.ts";
import { KNOWN_FIELDS, unknownFields } from "./kube-fields.ts";
import { withoutEffect } from "./without-effect.ts";

type Fields = Readonly<Record<string, unknown>>;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Kinds that run here. */
export const LOCAL_KINDS = words("Namespace Service ServiceAccount ConfigMap Secret Deployment");

/** Kubernetes' own fields (apps/v1, v1), also those that mean nothing here: only what it would not know is reported. */
const DEPLOYMENT = words(`replicas selector template strategy minReadySeconds revisionHistoryLimit paused
  progressDeadlineSeconds`);
const POD = words(`volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds
  activeDeadlineSeconds dnsPolicy dnsConfig nodeSelector nodeName serviceAccountName serviceAccount
  automountServiceAccountToken hostNetwork hostPID hostIPC hostUsers shareProcessNamespace securityContext imagePullSecrets
  hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority readinessGates
  runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os
  schedulingGates resourceClaims resources`);
const CONTAINER = words(`name image command args workingDir ports envFrom env resources resizePolicy restartPolicy
  volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath
  terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty`);

/**
 * What of an object is not supported: a kind that nobody reads, a field that Kubernetes does not have, or one without effect
 * here.
 * @returns a sentence each
 */
export function unsupported(object: Fields): string[] {
  const { kind, apiVersion } = object;
  if (typeof kind !== "string" || typeof apiVersion !== "string") return [];
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";
  // Galley speaks of its own groups.
  if (kindOf(group, kind) || /(^|\.)(istio|xebec)\.io$/.test(group)) return [];
  if (versionError(apiVersion, kind) !== undefined) return [];
  if (!runsHere(apiVersion, kind)) {
    const advice = instead(kind) || didYouMean(kind, LOCAL_KINDS);
    return [`kind ${kind} (${apiVersion}) is ignored: it does not run here${advice}`];
  }
  if (kind !== "Deployment") return unknownFields(object);
  const known = { ...KNOWN_FIELDS, deployment: DEPLOYMENT, pod: POD, container: CONTAINER };
  return [...ofDeployment(object), ...unknownFields(object), ...withoutEffect(object, known)];
}

function ofDeployment({ spec, apiVersion }: Fields): string[] {
  if (!isFields(spec)) return [];
  const template = isFields(spec.template) ? spec.template : {};
  const pod = isFields(template.spec) ? template.spec : {};
  const containers = Array.isArray(pod.containers) ? pod.containers : [];
  return [
    ...unknown(spec, "spec", isOldDeployment(String(apiVersion)) ? [...DEPLOYMENT, "rollbackTo"] : DEPLOYMENT),
    ...unknown(template, "spec.template", ["metadata", "spec"]),
    ...unknown(pod, "spec.template.spec", POD),
    ...containers.flatMap((each: unknown, i) =>
      isFields(each) ? unknown(each, `spec.template.spec.containers[${i}]`, CONTAINER) : [],
    ),
  ];
}

function unknown(fields: Fields, path: string, known: readonly string[]): string[] {
  return Object.keys(fields)
    .filter((name) => !known.includes(name))
    .map((name) => `${path}.${name} is ignored: Kubernetes has no such field${didYouMean(name, known)}`);
}
