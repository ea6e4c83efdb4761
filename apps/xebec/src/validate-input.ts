import { existsSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { XebecError } from "@xebec/core-errors";
import { validateObject } from "@xebec/galley-validate";
import { pathText } from "@xebec/model-resources";
import { addressPlan, type MeshStatus, parseManifests, rootFile } from "@xebec/platform-local";
import type { InputObject } from "./read-input.ts";

const WEBHOOK_PORT = 9443;
const WEBHOOK_NAME = "istio-galley.istio-system.svc";
const TIMEOUT_MS = 5_000;

/**
 * Checks objects before any of them is written: by galley's webhook when a mesh runs, and in this process, which knows lines.
 * @returns what is wrong, a line each; nothing is wrong when it is empty
 */
export async function validateInput(
  objects: readonly InputObject[],
  mesh: MeshStatus | undefined,
  block: number,
): Promise<string[]> {
  const faults: string[] = [];
  for (const object of objects) {
    const own = localFaults(object);
    if (own.length > 0) faults.push(...own);
    else if (mesh) {
      const refusal = await askWebhook(object, mesh.runDir, block);
      if (refusal) faults.push(`${object.file}:${object.line}: ${refusal}`);
    }
  }
  return faults;
}

function localFaults(object: InputObject): string[] {
  const result = validateObject(object);
  if (result.outcome === "rejected")
    return result.violations.map(
      (each) => `${object.file}:${object.lineOf(each.path)}: ${pathText(each.path)}: ${each.message}`,
    );
  if (result.outcome === "foreign")
    return parseManifests(JSON.stringify(object.value)).faults.map(
      (fault) => `${object.file}:${object.line}: ${fault.message}`,
    );
  return [];
}

/** @returns why galley refuses it; undefined when it does not */
function askWebhook(object: InputObject, runDir: string, block: number): Promise<string | undefined> {
  const root = rootFile(runDir);
  const host = addressPlan(block).service("galley");
  if (!existsSync(root))
    return Promise.reject(
      new XebecError("unavailable", `${root} does not exist yet; wait until "xebec status" is ready`),
    );
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
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new XebecError("unavailable", `galley's webhook at ${host}:${WEBHOOK_PORT} ${why}; nothing was written`));
    const call = request(
      {
        host,
        port: WEBHOOK_PORT,
        path: "/validate",
        method: "POST",
        ca: readFileSync(root),
        servername: WEBHOOK_NAME,
        timeout: TIMEOUT_MS,
        agent: false,
        headers: { "content-type": "application/json" },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", (error) => fail(`broke off: ${error.message}`));
        response.on("end", () => {
          try {
            const answer = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
              response?: { allowed?: boolean; status?: { message?: string } };
            };
            if (response.statusCode !== 200 || !answer.response) fail(`answers ${response.statusCode}`);
            else resolve(answer.response.allowed ? undefined : (answer.response.status?.message ?? "refused"));
          } catch {
            fail("answers something that is not JSON");
          }
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer in time")));
    call.on("error", (error) => fail(`cannot be reached: ${error.message}`));
    call.end(JSON.stringify(review));
  });
}
