import { existsSync, readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import {
  type MixerContext,
  prepareValidation,
  type Violation,
  validateObject,
  violationText,
} from "@xebec/galley-validate";
import { httpCall } from "@xebec/platform-http/call";
import { addressPlan, type MeshStatus, parseManifests, rootFile } from "@xebec/platform-local";
import { declaresAttributes, isMixerObject } from "./mixer-objects.ts";
import type { InputObject } from "./read-input.ts";

const WEBHOOK_PORT = 9443;
const WEBHOOK_NAME = "istio-galley.istio-system.svc";
const TIMEOUT_MS = 5_000;
const MAX_ANSWER = 4 << 20;

/**
 * Checks objects before any of them is written: by galley's webhook when a mesh runs, and in this process, which knows lines, and all
 * objects at once: the webhook sees one after the other, and no attribute that another one declares.
 * @param mixer what objects of Mixer's are checked against
 * @returns what is wrong, a line each, nothing is wrong when it is empty; and what is most likely not meant
 */
export async function validateInput(
  objects: readonly InputObject[],
  mixer: MixerContext,
  mesh: MeshStatus | undefined,
  addressBlock: number,
): Promise<{ readonly errors: string[]; readonly warnings: string[] }> {
  const errors: string[] = [];
  const warnings: string[] = [];
  const isAlone = !declaresAttributes(objects);
  for (const object of objects) {
    await prepareValidation(object.value);
    const own = localErrors(object, mixer, warnings);
    if (own.length > 0) errors.push(...own);
    else if (mesh && (isAlone || !isMixerObject(object))) {
      const refusal = await callWebhook(object, mesh.runDir, addressBlock);
      if (refusal) errors.push(`${object.file}:${object.line}: ${refusal}`);
    }
  }
  return { errors, warnings };
}

/** What of the objects is not supported here, a line each: they are written nevertheless. */
export function unsupportedIn(objects: readonly InputObject[]): string[] {
  return objects.flatMap((object) =>
    parseManifests(JSON.stringify(object.value)).unsupported.map(
      (each) => `${object.file}:${object.line}: ${each.message}`,
    ),
  );
}

function localErrors(object: InputObject, mixer: MixerContext, warnings: string[]): string[] {
  const result = validateObject(object, { mixer });
  const line = (each: Violation): string => `${object.file}:${object.lineOf(each.path)}: ${violationText(each)}`;
  if (result.outcome === "accepted") warnings.push(...result.warnings.map(line));
  if (result.outcome === "rejected") return result.violations.map(line);
  if (result.outcome === "foreign")
    return parseManifests(JSON.stringify(object.value)).errors.map(
      (error) => `${object.file}:${object.line}: ${error.message}`,
    );
  return [];
}

/** @returns why galley rejects it; undefined when it does not */
async function callWebhook(object: InputObject, runDir: string, addressBlock: number): Promise<string | undefined> {
  const root = rootFile(runDir);
  const host = addressPlan(addressBlock).service("galley");
  if (!existsSync(root))
    throw new XebecError("unavailable", `${root} does not exist yet; wait until "xebec status" is ready`);
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: object.id.name,
      operation: "CREATE",
      name: object.id.name,
      namespace: object.id.namespace,
      object: object.value,
    },
  };
  const failed = (why: string, cause?: unknown): XebecError =>
    new XebecError("unavailable", `galley's webhook at ${host}:${WEBHOOK_PORT} ${why}; nothing was written`, { cause });
  const { status, body } = await httpCall({ host, port: WEBHOOK_PORT }, "/validate", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(review),
    tls: { ca: readFileSync(root), servername: WEBHOOK_NAME },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER,
  }).catch((error: Error) => {
    throw failed(`cannot be reached: ${(error.cause as Error).message}`, error.cause);
  });
  let answer: { response?: { allowed?: boolean; status?: { message?: string } } } | null;
  try {
    answer = JSON.parse(body);
  } catch (error) {
    throw failed("answers something that is not JSON", error);
  }
  if (status !== 200 || !answer?.response) throw failed(`answers ${status}`);
  return answer.response.allowed ? undefined : (answer.response.status?.message ?? "refused");
}
