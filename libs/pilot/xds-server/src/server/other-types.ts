import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { XebecError } from "@xebec/core-errors";
import type { Identity } from "@xebec/model-names";
import type { RawStream } from "@xebec/platform-grpc";
import type { DebugSource } from "../debug/debug-source.ts";
import { debugResources } from "../debug/debug-types.ts";
import { otherResponse } from "../wire/other-response.ts";
import type { XdsRequest } from "../wire/request.ts";

/** What agents send to say how the app is; nobody waits for an answer. */
export const HEALTH_TYPE = "type.googleapis.com/istio.v1.HealthInformation";

/** How the nonces of these answers begin. istioctl's first request has a nonce of its own making, which acknowledges nothing. */
const NONCE = "other/";

const nextNonce = (): string => `${NONCE}${randomUUID()}`;
const isAcknowledgement = (nonce: string): boolean => nonce.startsWith(NONCE);

/** A stream, and who is at its other end. */
export interface OtherStream {
  readonly stream: RawStream;
  readonly delta: boolean;
  readonly identity: Identity | undefined;
}

/** Answers a request of a debug type. What is wrong with it ends the stream. */
export async function answerDebug(
  server: DebugSource,
  { stream, delta, identity }: OtherStream,
  { typeUrl, nonce, names, subscribe }: XdsRequest,
  systemNamespace: string,
): Promise<void> {
  if (isAcknowledgement(nonce)) return;
  try {
    const asked = delta ? subscribe() : names();
    const resources = await debugResources(server, { typeUrl, names: asked, identity, systemNamespace });
    stream.write(otherResponse(delta, { typeUrl, nonce: nextNonce(), resources, identifier: controlPlane() }));
  } catch (error) {
    stream.fail(XebecError.from(error));
  }
}

/** Answers the first request of a type that is not served: there is none of it, as Istio says. */
export function answerUnserved({ stream, delta }: Omit<OtherStream, "identity">, { typeUrl, nonce }: XdsRequest): void {
  if (isAcknowledgement(nonce) || typeUrl === HEALTH_TYPE) return;
  stream.write(otherResponse(delta, { typeUrl, nonce: nextNonce(), resources: [] }));
}

/** Who answers, in the form that istioctl reads. */
function controlPlane(): string {
  const version = process.env.XEBEC_VERSION ?? "dev";
  return JSON.stringify({
    Component: "istiod",
    ID: hostname(),
    Info: { version, revision: "", golang_version: "", status: "Clean", tag: version },
  });
}
